"""The single gate that every batch enters by, whoever made it: validate → window → history → publish."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping
from typing import Protocol

import msgspec

from dashboard.broadcaster import Broadcaster
from dashboard.events import Metrics, Processes
from dashboard.model import Batch, Clock, Family
from dashboard.window import Refusal, Standing, Window

LATE = 60.0
"""Seconds after which a sample is stored, but no longer news: neither published nor evaluated."""


class Store(Protocol):
    """Where what is taken is kept for longer than in the window."""

    def append(self, batch: Batch, refused: Container[str]) -> None:
        """Take a batch but for the samples whose keys are refused; without waiting, and without raising."""
        ...


class Pipeline:
    """Take batches, one after another, from the event loop's thread."""

    def __init__(self, window: Window, broadcaster: Broadcaster, clock: Clock, store: Store | None = None) -> None:
        self._window, self._broadcaster, self._clock, self._store = window, broadcaster, clock, store

    def declare(self, families: Iterable[Family], *, owner: str = "", instance: str = "") -> None:
        """Take note of what the series of a source are, before its first batch; `owner` is as for the window."""
        self._window.declare(families, owner=owner, instance=instance)

    def accept(self, batch: Batch, *, standing: Standing = "own") -> dict[str, Refusal]:
        """Store and publish a batch; return why samples were not taken, by their key. `standing` is as for the window.

        Values that are not finite are nothing that JSON could carry or a chart draw: they are left out.
        """
        if not all(map(math.isfinite, batch.samples.values())):
            batch = msgspec.structs.replace(
                batch, samples={key: value for key, value in batch.samples.items() if math.isfinite(value)}
            )
        refused = self._window.append(batch, standing=standing)
        if self._store is not None:
            self._store.append(batch, refused)
        if batch.timestamp >= self._clock.wall() - LATE:
            self._publish(batch, refused)
        return refused

    def _publish(self, batch: Batch, refused: Mapping[str, Refusal]) -> None:
        samples = batch.samples
        if refused:
            samples = {key: value for key, value in samples.items() if key not in refused}
        if samples:
            self._broadcaster.publish(
                Metrics(
                    timestamp=batch.timestamp,
                    source=batch.source,
                    interval=batch.interval,
                    resource=batch.resource,
                    samples=samples,
                )
            )
        if batch.rows:
            self._broadcaster.publish(
                Processes(
                    timestamp=batch.timestamp,
                    source=batch.source,
                    interval=batch.interval,
                    resource=batch.resource,
                    rows=batch.rows,
                )
            )
