"""Points that are written while they are read are those that are made: the same, in the same order, none twice."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from dashboard.history import Known, Points, Stretch
from tests.history.keeping import T0, Keeping, keeping

Listed = list[list[float | None]]
"""Points as JSON has them."""

SERIES = ("even", "holed", "n_total", "ended", "rare", "odd")


def fill(kept: Keeping) -> None:
    """Half an hour in chunks and some minutes in the journal, of series of all kinds."""
    for at in range(0, 2_200, 2):
        values = {"even": 0.1 * at / 3, "n_total": float(at * at)}
        values |= {"holed": at % 7 + 0.25} if at % 200 < 150 and not 700 < at < 1_300 else {}
        values |= {"ended": 1e6 * at} if at < 1_000 else {}
        kept.take(T0 + at, values, interval=2.0)
        if at % 60 == 18:
            kept.take(T0 + at + 0.5, {"rare": at / 7, "odd": -1.0}, interval=None)


def split(kept: Keeping, start: float, end: float, step: float, since: float) -> dict[str, tuple[Listed, int]]:
    """Return of each series what is written and what is left as one, and how many points were left."""
    found = {}

    def take(known: Known, points: Points, step: float) -> Stretch:
        text, rest = points.split(since)
        written = json.loads(b"[%b]" % text)
        assert any(value is not None for _, value, *_ in rest)
        assert all(point[0] < since for point in written)
        found[known.text] = ([*written, *map(list, rest)], len(rest))
        return Stretch(known, rest)

    kept.history.read(SERIES, start, end, step, take=take)
    return found


def same(some: Listed, others: Listed) -> bool:
    """Tell whether points are the same, but for digits that no chart shows."""
    return len(some) == len(others) and all(
        one[0] == other[0]
        and all(
            value is expected if value is None or expected is None else math.isclose(value, expected, abs_tol=1e-4)
            for value, expected in zip(one, other, strict=True)
        )
        for one, other in zip(some, others, strict=True)
    )


@pytest.mark.parametrize("step", [0, 2.5, 2, 10, 7, 60])
def test_what_is_written_early_and_what_is_left_are_all_points_once(tmp_path: Path, step: float) -> None:
    """From any time on, asked for once or again, of a span that begins and ends within chunks."""
    with keeping(tmp_path / "history.db") as kept:
        fill(kept)
        for _ in range(2):
            for begin, end in ((0, 2_400), (310, 1_777)):
                expected = {
                    one.known.text: json.loads(json.dumps(one.points))
                    for one in kept.read(*SERIES, start=T0 + begin, end=T0 + end, step=step).stretches
                }
                for since in (math.inf, T0 + 1_000, T0 + 900, T0 - 1):
                    found = split(kept, T0 + begin, T0 + end, step, since)
                    assert found.keys() == expected.keys()
                    assert all(same(points, expected[text]) for text, (points, _) in found.items())
                if step:
                    assert split(kept, T0 + begin, T0 + end, step, math.inf)["even"][1] < 700 / step + 2, "mostly early"
            kept.tidy(T0 + 2_400)
