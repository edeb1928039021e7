"""Prometheus's text format: what is written, its own tools read without a complaint."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from dashboard import exposition
from dashboard.model import Batch, Family
from dashboard.window import Window

Need = Callable[[str], Path]
NOW = 1_700_000_000.0


def written(samples: dict[str, float], *families: Family) -> str:
    """Write what a window holds of these samples."""
    window = Window(keep=900, max_series=1000)
    window.declare(families)
    window.append(Batch("h/x", NOW, 1.0, {"instance": "h"}, samples))
    lines = [(line.series, line.last[1]) for line in window.select([])]
    return exposition.write(lines, window.family).decode()


def complaints(promtool: Path, text: str) -> str:
    """Return what `promtool check metrics` says."""
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True)
    return done.stdout + done.stderr


FAMILIES = (
    Family("cpu_ratio", "gauge", "ratio", "Share of the processor."),
    Family("sent_bytes_total", "counter", "bytes", "Bytes sent."),
    Family("wait_seconds", "histogram", "seconds", "Time waited."),
)
SAMPLES = {
    'cpu_ratio{cpu="0"}': 0.5,
    'cpu_ratio{cpu="1"}': 1e-9,
    "sent_bytes_total": 12345678901234.0,
    'wait_seconds_bucket{le="0.1"}': 1.0,
    'wait_seconds_bucket{le="10.0"}': 2.0,
    'wait_seconds_bucket{le="2.5"}': 2.0,
    'wait_seconds_bucket{le="+Inf"}': 3.0,
    "wait_seconds_count": 3.0,
    "wait_seconds_sum": 4.5,
    "pushed_celsius": -3.25,
    "jobs_done_total": 3.0,
}


def test_promtool_finds_nothing(need: Need) -> None:
    assert complaints(need("promtool"), written(SAMPLES, *FAMILIES)) == ""


def test_each_family_has_its_type_and_help_once_in_front_of_its_samples() -> None:
    lines = written(SAMPLES, *FAMILIES).splitlines()
    for name, kind in (("cpu_ratio", "gauge"), ("sent_bytes_total", "counter"), ("wait_seconds", "histogram")):
        at = lines.index(f"# TYPE {name} {kind}")
        assert lines[at - 1].startswith(f"# HELP {name} ") and lines[at + 1].startswith(name)
        assert lines.count(lines[at]) == 1
    assert 'cpu_ratio{cpu="0",instance="h"} 0.5' in lines


def test_what_is_written_reads_back() -> None:
    families = list(text_string_to_metric_families(written(SAMPLES, *FAMILIES)))
    found = {sample.name: sample.value for family in families for sample in family.samples}
    assert found["pushed_celsius"] == -3.25 and found["sent_bytes_total"] == 12345678901234.0
    assert {family.name: family.type for family in families}["wait_seconds"] == "histogram"


@pytest.mark.parametrize(
    "label", ['a"b', "a\\b", "a\nb", "a\rb", "ä€😀", "", " ", "a\0b", "}", "x" * 4000], ids=lambda text: repr(text[:9])
)
def test_labels_of_any_text_come_through(need: Need, label: str) -> None:
    series = 'room_celsius{room="' + label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"}'
    text = written({series: 1.0})
    assert complaints(need("promtool"), text) == ""
    (family,) = text_string_to_metric_families(text)
    assert family.samples[0].labels["room"] == label


def test_a_gauge_and_a_counter_that_differ_by_the_ending_alone_are_two_families(need: Need) -> None:
    """Someone will push both; one must not be written under the other's type, nor a type stand twice."""
    text = written({"jobs_done": 1.0, "jobs_done_total": 2.0})
    assert complaints(need("promtool"), text) == ""
    assert "# TYPE jobs_done gauge" in text and "# TYPE jobs_done_total counter" in text


def test_nothing_is_written_of_nothing() -> None:
    assert written({}) == ""
