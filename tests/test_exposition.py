"""Prometheus's text format: what is written, its own tools read without a complaint."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from dashboard import exposition
from dashboard.ingest.samples import read
from dashboard.model import Batch, Family, Sample, Series, escape_label
from dashboard.window import Window
from tests.needs import need

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


def test_promtool_finds_nothing() -> None:
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
    "label", ['a"b', "a\\b", "a\nb", "a\rb", "ä€😀", " ", "a\0b", "}", "x" * 4000], ids=lambda text: repr(text[:9])
)
def test_labels_of_any_text_come_through(label: str) -> None:
    series = 'room_celsius{room="' + label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"}'
    text = written({series: 1.0})
    assert complaints(need("promtool"), text) == ""
    (family,) = text_string_to_metric_families(text)
    assert family.samples[0].labels["room"] == label


def test_a_gauge_and_a_counter_that_differ_by_the_ending_alone_are_two_families() -> None:
    """Someone will push both; one must not be written under the other's type, nor a type stand twice."""
    text = written({"jobs_done": 1.0, "jobs_done_total": 2.0})
    assert complaints(need("promtool"), text) == ""
    assert "# TYPE jobs_done gauge" in text and "# TYPE jobs_done_total counter" in text


def test_nothing_is_written_of_nothing() -> None:
    assert written({}) == ""


NAMES = ("a", "a_total", "a_bucket", "a_count", "a_sum", "a_created", "a_info", "a_bucket_count", "a_total_total")
LABELS = st.dictionaries(
    st.sampled_from(["le", "quantile", "b"]), st.sampled_from(["", "1", "+Inf", "0.5", "1e999", "\\", '"}', "ä\n"])
)
PUSHED = st.lists(st.tuples(st.sampled_from(NAMES), LABELS), min_size=1, max_size=8)
DECLARED = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["gauge", "counter", "histogram"]), max_size=3)


@settings(max_examples=10)
@given(st.lists(st.tuples(PUSHED, DECLARED), min_size=1, max_size=40))
def test_whatever_is_pushed_promtool_finds_nothing_and_reads_back(cases: list[tuple[Any, dict[str, Any]]]) -> None:
    """Each case has names of its own, so that many are one run of promtool."""
    families = [
        Family(f"t{case}_{name}", kind, "", "Of any type.")
        for case, (_, declared) in enumerate(cases)
        for name, kind in declared.items()
    ]
    raw = [
        {"series": f"t{case}_{name}{{{inner}}}", "value": 1}
        for case, (pushed, _) in enumerate(cases)
        for name, labels in pushed
        for inner in [",".join(f'{key}="{escape_label(value)}"' for key, value in labels.items())]
    ]
    reading = read(json.dumps(raw).encode(), instance="h", now=NOW, keep=900.0)
    assert not reading.rejected
    text = written(reading.batches[0].samples, *families)
    assert complaints(need("promtool"), text) == ""
    found = [
        (sample.name, tuple(sorted(sample.labels.items())))
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]
    sent = {Series.parse(one["series"]).merged({"instance": "h"}) for one in raw}
    assert sorted(found) == sorted((one.name, one.labels) for one in sent)


def test_a_label_with_the_empty_value_is_none() -> None:
    """To Prometheus these would be two samples of one series."""
    body = b'[{"series": "a", "value": 1}, {"series": "a{b=\\"\\"}", "value": 2}]'
    (batch,) = read(body, instance="h", now=NOW, keep=900.0).batches
    assert batch.samples == {"a": 2.0} == {Sample("a", 2.0, {"b": ""}).key: 2.0}
    assert written(batch.samples).splitlines()[2:] == ['a{instance="h"} 2.0']


def test_a_type_is_only_claimed_where_names_and_labels_are_such_as_it_has() -> None:
    samples = {"a_bucket": 1.0, "a_count": 1.0, 'a{le="1"}': 1.0, "b_seconds": 1.0}
    assert [line for line in written(samples).splitlines() if line.startswith("# TYPE")] == [
        "# TYPE a_bucket untyped",
        "# TYPE a_count untyped",
        "# TYPE a untyped",
        "# TYPE b_seconds gauge",
    ]
