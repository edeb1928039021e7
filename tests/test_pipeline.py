"""The gate: what enters is stored and published, what is late is stored only, what is no number is left out."""

from __future__ import annotations

import math
from collections.abc import Container

import pytest

from dashboard.archive import MemoryArchive
from dashboard.broadcaster import Broadcaster
from dashboard.eventlog import MemoryLog
from dashboard.events import Metrics, Processes
from dashboard.model import Batch, Family, ProcessRow
from dashboard.pipeline import LATE, Pipeline
from dashboard.window import Refusal, Window
from tests.clocks import START, HandClock

ROW = ProcessRow(pid=1, name="init", user="root", cpu_ratio=0.0, resident_bytes=1, threads=1, state="sleeping")


class Gate:
    """A pipeline and what stands behind it."""

    def __init__(self, max_series: int = 100) -> None:
        self.clock = HandClock()
        self.log = MemoryLog(self.clock, max_events=100, max_age=60)
        self.broadcaster = Broadcaster(
            self.log,
            self.clock,
            MemoryArchive(),
            version="",
            source="web-1/dashboard",
            heartbeat_interval=5,
            flush_interval=1,
        )
        self.window = Window(keep=900, max_series=max_series)
        self.stored: list[tuple[Batch, list[str]]] = []
        self.pipeline = Pipeline(self.window, self.broadcaster, self.clock, self)

    def append(self, batch: Batch, refused: Container[str]) -> None:
        """Be the store behind the gate."""
        self.stored.append((batch, [key for key in batch.samples if key in refused]))

    def accept(
        self, samples: dict[str, float], *, time: float = START, rows: tuple[ProcessRow, ...] = ()
    ) -> dict[str, Refusal]:
        return self.pipeline.accept(Batch("h/x", time, 2.0, {"instance": "h"}, samples, rows))

    def published(self) -> list[object]:
        """Return the events that came out so far."""
        self.broadcaster.flush()
        return [entry.event for entry in self.log.read(0)]


@pytest.fixture
async def gate() -> Gate:
    return Gate()


async def test_a_batch_is_stored_and_published_as_it_is(gate: Gate) -> None:
    assert gate.accept({"a": 1.0, 'b{c="d"}': 2.0}) == {}
    (event,) = gate.published()
    assert event == Metrics(
        timestamp=START, source="h/x", interval=2.0, resource={"instance": "h"}, samples={"a": 1.0, 'b{c="d"}': 2.0}
    )
    assert len(gate.window) == 2
    ((batch, refused),) = gate.stored
    assert batch.timestamp == START and len(batch.samples) == 2 and not refused


async def test_rows_are_an_event_of_their_own_and_never_a_series(gate: Gate) -> None:
    gate.accept({}, rows=(ROW,))
    (event,) = gate.published()
    assert isinstance(event, Processes) and event.rows == (ROW,) and len(gate.window) == 0
    ((batch, _),) = gate.stored
    assert batch.rows == (ROW,)


async def test_an_empty_batch_is_no_event(gate: Gate) -> None:
    gate.accept({})
    assert gate.published() == []


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
async def test_what_is_no_finite_number_is_left_out_and_its_neighbours_stay(gate: Gate, value: float) -> None:
    gate.accept({"a": value, "b": 1.0})
    (event,) = gate.published()
    assert isinstance(event, Metrics) and event.samples == {"b": 1.0}
    gate.accept({"a": value})
    assert len(gate.published()) == 1 and len(gate.window) == 1


async def test_what_is_older_than_a_minute_is_stored_and_not_published(gate: Gate) -> None:
    gate.accept({"a": 1.0}, time=START - LATE - 0.1)
    assert gate.published() == [] and len(gate.window) == 1 == len(gate.stored)
    gate.accept({"a": 2.0}, time=START - LATE)
    assert len(gate.published()) == 1


async def test_what_finds_no_room_is_told_and_not_published() -> None:
    gate = Gate(max_series=1)
    assert gate.accept({"a": 1.0, "b": 2.0}) == {"b": "too_many_series"}
    (event,) = gate.published()
    assert isinstance(event, Metrics) and event.samples == {"a": 1.0}
    ((_, refused),) = gate.stored
    assert refused == ["b"]


async def test_a_family_that_is_declared_is_known_before_its_first_sample(gate: Gate) -> None:
    family = Family("a", "gauge", "bytes", "Help.")
    gate.pipeline.declare([family])
    assert gate.window.family("a") == family
