"""Labels of what is pushed: no sign in them does anything, on a page or in `/metrics`."""

from __future__ import annotations

import json
import re
import time

import httpx
import pytest

from dashboard.ingest.samples import MAX_SERIES_LENGTH, Reading, read
from tests.serving import running_server

HARMFUL = re.compile(rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]")


def push(series: str) -> Reading:
    body = json.dumps({"series": series, "value": 1}).encode()
    return read(body, instance="sender", now=1_700_000_000.0, keep=900.0)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x00 \x1b[31m", "\\\\x00 \\\\x1b[31m"),
        ("a\tb\rc\x85", "a\\\\x09b\\\\x0dc\\\\x85"),
        ("\u202eevil\u2028\u2029", "\\\\u202eevil\\\\u2028\\\\u2029"),
        ("\u200e\u200f\u061c\u2066x\u2069", "\\\\u200e\\\\u200f\\\\u061c\\\\u2066x\\\\u2069"),
        ("two\\nlines", "two\\nlines"),
        ("naïve – 日本語 👩\u200d💻 \u00a0", "naïve – 日本語 👩\u200d💻 \u00a0"),
    ],
)
def test_control_characters_in_a_label_are_written_out(raw: str, shown: str) -> None:
    (batch,) = push(f'multi{{a="{raw}"}}').batches
    assert list(batch.samples) == [f'multi{{a="{shown}"}}']
    assert push(f'multi{{instance="{raw}"}}').batches[0].source.endswith("/push")


def test_a_series_that_is_too_long_once_they_are_written_out_is_refused() -> None:
    (rejected,) = push(f'multi{{a="{chr(1) * (MAX_SERIES_LENGTH // 2)}"}}').rejected
    assert rejected.code == "invalid_series" and "written out" in rejected.message


def test_metrics_hold_no_control_character_whoever_gave_it(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("collectors")
    (folder / "odd.py").write_text(
        "from dashboard.collectors import Family, Sample\n"
        'families = [Family("odd", "gauge", "", "Odd \\x1b[1m\\u202e.")]\n'
        'def collect():\n    yield Sample("odd", 1, {"a": "\\x1b[2J\\u2028\\x00"})\n'
    )
    with running_server(config=f'instance = "web-1"\ncollectors_dir = "{folder}"\n') as server:
        pushed = {"series": 'pushed{a="\x00\x1b\u202e\u2028"}', "value": 1}
        assert httpx.post(f"{server.url}/api/v1/samples", json=pushed, timeout=20).status_code == 200
        while b"\nodd{" not in (body := httpx.get(f"{server.url}/metrics", timeout=20).content):
            assert server.process.poll() is None
            time.sleep(0.05)
        assert not HARMFUL.search(body), HARMFUL.findall(body)
        assert b'pushed{a="\\\\x00\\\\x1b\\\\u202e\\\\u2028",instance="web-1"} 1.0' in body
        assert b'odd{a="\\\\x1b[2J\\\\u2028\\\\x00",instance="web-1"} 1.0' in body
