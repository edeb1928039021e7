"""The newest minute of an answer is as it was when the question came, whatever history knows by then."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from dashboard.model import Batch
from dashboard.points import Point, bucketed, collected, rates
from dashboard.web.snapshot import Snapshot
from dashboard.window import Window

NOW = 1_700_000_000.0
LAST = 600


def filled(name: str) -> Window:
    """Return a window with ten minutes of a series, one sample in 5 s but for half a minute, up to now."""
    window = Window(keep=900, max_series=10)
    for at in range(0, LAST + 1, 5):
        if not 500 <= at < 530:
            window.append(Batch("h/x", NOW - LAST + at, 5.0, {}, {name: float(at * at)}))
    return window


def all_points(window: Window, step: float, end: float) -> Sequence[Point]:
    """Return what history would give of all that a window holds."""
    (line,) = window.select([])
    times, values = line.times, line.values
    if window.is_counter(line.series.name):
        times, values = rates(times, values, line.interval)
    if step:
        return bucketed(times, values, 5.0, start=NOW - LAST, end=end, step=step)
    return collected(times, values, 5.0)


@pytest.mark.parametrize("name", ["gauge", "counter_total"])
@pytest.mark.parametrize("step", [0, 1, 5, 10, 60, 100])
@pytest.mark.parametrize("reached", [-math.inf, NOW - 300, NOW - 10])
def test_what_came_after_the_question_is_not_in_the_answer(name: str, step: float, reached: float) -> None:
    window = filled(name)
    end = math.ceil((NOW + 1) / step) * step if step else NOW + 1
    before = all_points(window, step, end)
    (line,) = window.select([])
    snapshot = Snapshot(window, [line], now=NOW, end=end, step=step, reached=reached)
    window.append(Batch("h/x", NOW + 0.5, 5.0, {}, {name: 1e9}))
    later = all_points(window, step, end)
    since = snapshot.since(step)
    joined = snapshot.joined(name, later, since, step, raw=False)
    if since == math.inf:
        assert reached == NOW - 10 and step in (60, 100) and list(joined) == list(later)
    else:
        assert list(joined) == list(before) and before != later
    newest = snapshot.newest(name, raw=False)
    assert newest is not None and newest[0] == NOW and newest[1] < 1e6


def test_a_hole_at_the_seam_is_a_hole_and_what_the_window_does_not_know_stays() -> None:
    window = filled("gauge")
    (line,) = window.select([])
    snapshot = Snapshot(window, [line], now=NOW, end=NOW + 1, step=0, reached=NOW - 20)
    older = [(NOW - 100.0, 1.0, 1.0, 1.0)]
    joined = snapshot.joined("gauge", [*older, (NOW - 10.0, 5.0, 5.0, 5.0)], snapshot.since(0), 0, raw=False)
    assert joined[:3] == [older[0], (NOW - 95, None, None, None), (NOW - 20, 336_400.0, 336_400.0, 336_400.0)]
    assert snapshot.joined("other", older, snapshot.since(0), 0, raw=False) == older
    past = Snapshot(window, [], now=NOW, end=NOW - 500, step=0, reached=-math.inf)
    assert past.joined("gauge", older, past.since(0), 0, raw=False) == older and past.newest("gauge", raw=False) is None
