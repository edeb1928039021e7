"""The tiers of the history: as collected, and rolled up to 10 s, 1 min and 15 min."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


class Tier(NamedTuple):
    """One resolution: `step` is the seconds of a point (0: as collected), `span` the seconds of a chunk."""

    name: str
    step: int
    span: int


RAW = Tier("raw", 0, 900)
TEN_SECONDS = Tier("10s", 10, 3_600)
MINUTE = Tier("1m", 60, 43_200)
QUARTER = Tier("15m", 900, 691_200)

TIERS = (RAW, TEN_SECONDS, MINUTE, QUARTER)
"""From the finest to the coarsest; the span of each is a multiple of the next one's step."""


@dataclass(frozen=True)
class Bounds:
    """How much is kept: `ages` in seconds by the tier's name, `bytes` of all tiers together, `top_age` in seconds."""

    ages: Mapping[str, float]
    bytes: int
    top_age: float = 30 * 86_400.0
