"""Against a plain model: whatever is taken in whatever order, every tier answers what was taken."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.tiers import Bounds
from tests.clocks import HandClock
from tests.history.keeping import FOR_EVER, T0, Keeping, buckets_of, keeping, rates_of, same

SERIES = ("a", "b", "c_total")
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("run"), st.integers(1, 400), st.sampled_from([1.0, 2.0, 5.0, 60.0])),
        st.tuples(st.just("pause"), st.integers(1, 3000), st.none()),
        st.tuples(st.just("late"), st.integers(1, 9000), st.integers(1, 3)),
        st.tuples(st.just("again"), st.integers(1, 50), st.none()),
        st.tuples(st.just("write"), st.none(), st.none()),
        st.tuples(st.just("tidy"), st.integers(0, 4000), st.none()),
        st.tuples(st.just("reopen"), st.none(), st.none()),
    ),
    min_size=1,
    max_size=9,
)


class Model:
    """What was taken: by series and time the value and its interval."""

    def __init__(self) -> None:
        self.samples: dict[str, dict[float, tuple[float, float]]] = {key: {} for key in SERIES}

    def take(self, kept: Keeping, time: float, values: dict[str, float], interval: float) -> None:
        kept.take(time, values, interval=interval)
        for key, value in values.items():
            self.samples[key][time] = (value, interval)

    def values(self, key: str) -> dict[float, float]:
        if key.endswith("_total"):
            return rates_of(self.samples[key])
        return {time: value for time, (value, _) in self.samples[key].items()}


def played(path: Path, actions: list[tuple[str, int, int]]) -> None:
    """Do all this, and compare what is answered at each of the tiers with the model."""
    model, now, total = Model(), float(T0), 0.0
    kept = Keeping(path, HandClock(now), FOR_EVER)
    try:
        for what, many, other in actions:
            if what == "run":
                for _ in range(many):
                    now += other
                    total += many % 11
                    model.take(kept, now, {"a": now % 13, "b": round(now % 1.7, 2), "c_total": total}, other)
            elif what == "pause":
                now += many
            elif what == "late":
                for at in range(other):
                    model.take(kept, max(T0, now - many) + at, {"a": 50.0 + at, "b": -1.0}, 1.0)
            elif what == "again":
                for time in sorted(model.samples["a"])[-many:]:
                    value, interval = model.samples["a"][time]
                    kept.take(time, {"a": value}, interval=interval)
            elif what == "write":
                kept.write()
            elif what == "tidy":
                now += many
                kept.tidy(now)
            else:
                kept.history.close()
                kept.database.close()
                kept = Keeping(path, HandClock(now), FOR_EVER)
        end = (now // 900 + 1) * 900
        for step in (1, 4, 10, 30, 30, 60, 120, 120, 900, 4):  # some twice: what was asked before is remembered
            reading = kept.read(*SERIES, start=T0, end=end, step=step)
            found = {stretch.known.text: stretch.points for stretch in reading.stretches}
            for key in SERIES:
                expected = buckets_of(model.values(key), step, T0, end)
                assert same(found.get(key, []), expected), (step, key)
    finally:
        kept.history.close()
        kept.database.close()


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=ACTIONS)
def test_every_tier_answers_what_a_plain_model_does(
    tmp_path_factory: pytest.TempPathFactory, actions: list[tuple[str, int, int]]
) -> None:
    """Whatever is taken in whatever order, and however much of it is in chunks."""
    played(tmp_path_factory.mktemp("history") / "history.db", actions)


FORGETFUL = Bounds({"raw": 1_800.0, "10s": 7_200.0, "1m": 50_000.0, "15m": 1e9}, 1 << 30)


def forgotten(path: Path, moves: list[tuple[int, int, bool]]) -> None:
    """Take samples of all ages, let finer tiers forget, and hold the coarsest against all that was ever taken."""
    taken: dict[float, float] = {}
    now = float(T0)
    with keeping(path, now, FORGETFUL) as kept:
        for passed, back, tidy in moves:
            now += passed
            for at in range(5):
                time = max(T0, now - back) + at
                if time not in taken:  # what is sent again after its samples are gone would count again
                    taken[time] = float((passed + back + at) % 97)
                    kept.take(time, {"a": taken[time]}, interval=1.0)
            if tidy:
                kept.tidy(now)
        end = (now // 900 + 2) * 900
        for _ in range(2):
            assert same(kept.points("a", T0, end, 900), buckets_of(taken, 900, T0, end))
            kept.tidy(now + 5000)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    moves=st.lists(st.tuples(st.integers(1, 20_000), st.integers(0, 60_000), st.booleans()), min_size=1, max_size=12)
)
def test_nothing_is_lost_or_doubled_by_what_finer_tiers_forget(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[int, int, bool]]
) -> None:
    """However late samples come, the coarsest tier counts each of them once."""
    forgotten(tmp_path_factory.mktemp("history") / "history.db", moves)
