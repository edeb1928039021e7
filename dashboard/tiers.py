"""The tiers of the history: as collected, and rolled up to 10 s, 1 min and 15 min."""

from __future__ import annotations

import math
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
"""From the finest to the coarsest; the span of each is a multiple of the steps of those that are rolled up from it."""


@dataclass(frozen=True)
class Bounds:
    """How much is kept: `ages` in seconds by the tier's name, `bytes` of all tiers together, `top_age` in seconds.

    `series` are known at most, those that ended long ago among them.
    """

    ages: Mapping[str, float]
    bytes: int
    top_age: float = 30 * 86_400.0
    series: int = 100_000


def choose(start: float, step: float, cuts: Mapping[str, float]) -> Tier:
    """Return the coarsest tier that still gives a step, and that reaches back to `start`; a coarser one if none does.

    `cuts` are the times before which nothing of each tier is left. Where no tier reaches back so far, it is the one
    that reaches back furthest, the finest of several.
    """
    wanted = [tier for tier in TIERS if tier.step <= step][-1]
    able = TIERS[TIERS.index(wanted) :]
    for tier in able:
        if cuts[tier.name] <= start:
            return tier
    return min(able, key=lambda tier: cuts[tier.name])


def fitting(tier: Tier, step: float) -> float:
    """Return a step in seconds as this tier can give it, never a shorter one; 0 is as collected.

    Of samples as collected it is a whole number when it is a second or more.
    """
    if tier.step:
        return float(max(1, math.ceil(step / tier.step)) * tier.step)
    return float(math.ceil(step)) if step > 1 else step
