"""Samples that programs push as JSON: read one by one, so that one bad sample costs only itself."""

from __future__ import annotations

import math
from typing import Annotated

import msgspec
from msgspec import Meta

from dashboard import plain
from dashboard.errors import SeriesSyntaxError
from dashboard.ingest.items import Rejection, moment, read_each, refusal
from dashboard.model import Batch, Series, series_text

MAX_SAMPLES = 10_000
"""Samples of one request at most."""

MAX_LABELS = 64
MAX_SERIES_LENGTH = 4_096


class PushedSample(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One sample as a program sends it. `timestamp` in Unix seconds (none: now), `interval` seconds to the next."""

    series: Annotated[str, Meta(max_length=MAX_SERIES_LENGTH)]
    value: float
    timestamp: float | None = None
    interval: Annotated[float, Meta(gt=0, le=86_400)] | None = None


class Reading(msgspec.Struct, frozen=True):
    """What a request held: batches for the gate, where each of their samples stood, and what was refused.

    `indexes` is by the batch's place and the sample's key; of several for one key the last is in the batch.
    """

    batches: list[Batch]
    indexes: dict[tuple[int, str], list[int]]
    rejected: list[Rejection]
    count: int


def read(body: bytes, *, instance: str, now: float, keep: float) -> Reading:
    """Read a request's body: one object or a list. `instance` is the sender's, `keep` the seconds that are stored.

    Raises InvalidInput when the body is no JSON, neither an object nor a list, or too long.
    """
    found, rejected = read_each(
        body, lambda raw: _read(raw, now, keep), noun="sample", shape='{"series": …, "value": …}', most=MAX_SAMPLES
    )
    places: dict[tuple[str, float, float | None], int] = {}
    batches: list[Batch] = []
    indexes: dict[tuple[int, str], list[int]] = {}
    for index, (sample, series, time) in found.items():
        home = series.label("instance") or instance
        place = places.setdefault((home, time, sample.interval), len(batches))
        if place == len(batches):
            batches.append(Batch(f"{home}/push", time, sample.interval, {"instance": home}, {}))
        own = series_text(series.name, (pair for pair in series.labels if pair[0] != "instance"))
        batches[place].samples[own] = sample.value
        indexes.setdefault((place, own), []).append(index)
    return Reading(batches, indexes, rejected, len(found) + len(rejected))


def _read(raw: msgspec.Raw, now: float, keep: float) -> tuple[PushedSample, Series, float]:
    sample = msgspec.json.decode(raw, type=PushedSample)
    return sample, _series(sample), _time(sample, now, keep)


def _series(sample: PushedSample) -> Series:
    series = Series.parse(sample.series)
    if len(series.labels) > MAX_LABELS:
        raise SeriesSyntaxError(sample.series, 0, f"{len(series.labels)} labels; at most {MAX_LABELS}")
    if series.label("__name__"):
        raise SeriesSyntaxError(sample.series, 0, "the name stands in front of '{', not in a label __name__")
    if not math.isfinite(sample.value):
        raise refusal("not_finite", "value: must be a finite number")
    if sample.series.isprintable():
        return series
    cleaned = Series(series.name, tuple((name, plain.label(value)) for name, value in series.labels))
    if len(str(cleaned)) > MAX_SERIES_LENGTH:
        raise SeriesSyntaxError(
            sample.series, 0, f"over {MAX_SERIES_LENGTH} characters with control characters written out"
        )
    return cleaned


def _time(sample: PushedSample, now: float, keep: float) -> float:
    time = moment(sample.timestamp, now)
    if time < now - keep:
        raise refusal("too_old", f"timestamp: over {keep:.0f} s ago, which is as far back as is kept")
    return time
