"""Filters: types × selectors; selectors trim metrics and touch nothing else."""

from __future__ import annotations

import json

import msgspec
import pytest

from dashboard.errors import InvalidParameter, SelectorSyntaxError
from dashboard.eventlog import Entry, EventId
from dashboard.events import Event, Processes
from dashboard.filters import Filter
from dashboard.selector import MAX_SELECTORS
from tests.occurrences import HOST, metrics, system

PROCESSES = Processes(timestamp=0.0, source="web-1/processes", interval=2.0, resource=HOST, rows=())


def entry(event: Event) -> Entry:
    """Return an event as the log holds it."""
    return Entry(EventId(7, 0), event, 0.0)


def samples(frame: bytes) -> dict[str, float]:
    """Return the samples of a `metrics` frame."""
    found: dict[str, float] = json.loads(frame.split(b"data: ")[1])["samples"]
    return found


def test_without_parameters_everything_is_shown_as_it_is() -> None:
    everything = Filter.parse(None, [])
    for event in (metrics(), PROCESSES, system()):
        held = entry(event)
        assert everything.frame(held) is held.frame


def test_types_choose_whole_events() -> None:
    chosen = Filter.parse("processes,system", [])
    assert chosen.frame(entry(metrics())) == b""
    assert chosen.frame(entry(PROCESSES)) and chosen.frame(entry(system()))


def test_selectors_trim_metrics_and_touch_no_other_type() -> None:
    chosen = Filter.parse(None, ["a*", "c"])
    held = entry(metrics(aa=1.0, b=2.0, c=3.0))
    frame = chosen.frame(held)
    assert samples(frame) == {"aa": 1.0, "c": 3.0}
    assert frame.startswith(b"id: 7-0\nevent: metrics\n")
    for event in (PROCESSES, system()):
        held = entry(event)
        assert chosen.frame(held) is held.frame


def test_metrics_with_nothing_chosen_are_not_sent() -> None:
    assert Filter.parse(None, ["nothing"]).frame(entry(metrics())) == b""


def test_metrics_chosen_whole_share_the_bytes_of_all_viewers() -> None:
    held = entry(metrics(a=1.0, b=2.0))
    assert Filter.parse(None, ["a", "b"]).frame(held) is held.frame


def test_selectors_see_the_labels_of_the_resource() -> None:
    held = entry(metrics(a=1.0))
    assert Filter.parse(None, ['{instance="web-1"}']).frame(held)
    assert not Filter.parse(None, ['{instance="web-2"}']).frame(held)


def test_one_series_of_two_sources_is_judged_by_each_ones_labels() -> None:
    """The verdicts are remembered by source and resource, so that one machine's do not count for another's."""
    chosen = Filter.parse(None, ['{instance="web-1"}'])
    own = metrics(a=1.0)
    other = type(own)(timestamp=0.0, source="x/load", interval=1.0, resource={"instance": "x"}, samples={"a": 1.0})
    assert [bool(chosen.frame(entry(event))) for event in (own, other, own)] == [True, False, True]


def test_equal_filters_have_equal_keys() -> None:
    assert Filter.parse("metrics,system", ["a", "b"]).key == Filter.parse("system,metrics", ["b", "a", "a"]).key
    assert Filter.parse("metrics", []).key != Filter.parse(None, []).key


@pytest.mark.parametrize(
    ("types", "losable"),
    [
        (None, {"metrics", "processes"}),
        ("metrics", {"metrics"}),
        ("metrics,processes,system", {"metrics", "processes"}),
        ("processes", set()),
        ("system", set()),
        ("alert,log", set()),
    ],
)
def test_a_filter_without_metrics_can_lose_nothing_that_a_gap_would_name(types: str | None, losable: set[str]) -> None:
    assert set(Filter.parse(types, []).losable) == losable


@pytest.mark.parametrize("types", ["nonsense", "metrics,", ",", "Metrics", "metrics, system", "hello", "<b>"])
def test_an_unknown_type_is_refused_with_those_that_there_are(types: str) -> None:
    names = "alert, log, metrics, notification, processes, system, task"
    with pytest.raises(InvalidParameter, match=rf"types: no such type: .*; there are {names}"):
        Filter.parse(types, [])


def test_too_many_and_broken_selectors_are_refused() -> None:
    with pytest.raises(InvalidParameter, match=f"at most {MAX_SELECTORS}"):
        Filter.parse(None, ["a"] * (MAX_SELECTORS + 1))
    with pytest.raises(SelectorSyntaxError):
        Filter.parse(None, ["a", "{"])


@pytest.mark.parametrize(("origins", "series"), [(1, 1_000), (500, 2)])
def test_what_is_remembered_of_series_that_come_and_go_has_one_bound_over_all_sources(
    origins: int, series: int
) -> None:
    chosen = Filter.parse(None, ["a*"], max_series=2_000)
    for round in range(12):
        for number in range(origins):
            event = metrics(**{f"a{round}_{one}": 1.0 for one in range(series)})
            event = msgspec.structs.replace(event, resource={"instance": f"web-{round}-{number}"})
            assert chosen.trim(event) == event.samples
            assert sum(map(len, chosen._verdicts.values())) <= 4_000 + series
    assert len(chosen._verdicts) <= 4_000
