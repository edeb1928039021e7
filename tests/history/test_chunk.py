"""Chunks: what is packed comes out the same, sums but for what adding binary fractions leaves behind."""

from __future__ import annotations

import math
import random
from array import array

from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.history.chunk import pack_rolled, pack_samples, unpack_rolled, unpack_samples
from dashboard.rolled import Samples, ordered, roll

VALUES = st.one_of(
    st.floats(-1e12, 1e12),
    st.integers(-(10**15), 10**15).map(float),
    st.builds(lambda whole, places: whole / 10**places, st.integers(-(10**9), 10**9), st.integers(0, 8)),
)
PAIRS = st.lists(st.tuples(st.integers(0, 10**6).map(lambda time: 1.7e9 + time / 4), VALUES), min_size=1, max_size=60)


@settings(max_examples=120)
@given(PAIRS, st.sampled_from([0.0, 1.0, 0.25, 60.0]))
def test_samples_and_their_roll_ups_come_out_as_they_went_in(pairs: list[tuple[float, float]], gap: float) -> None:
    """Times, values and intervals to the bit; sums to twelve digits."""
    times, values = zip(*pairs, strict=True)
    samples = ordered(Samples(array("d", times), array("d", values), array("d", [gap]) * len(pairs)))
    assert unpack_samples(pack_samples(samples)) == samples
    rolled = roll(samples, 10)
    found = unpack_rolled(pack_rolled(rolled))
    assert found._replace(sums=rolled.sums) == rolled
    assert all(map(_close, found.sums, rolled.sums))


def _close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-11)


def test_a_sample_takes_less_than_two_bytes() -> None:
    """A quarter of an hour of a processor's share, of free memory, and of bytes through a network."""
    random.seed(4)
    times, gaps = array("d", [1.7e9 + second for second in range(900)]), array("d", [1.0]) * 900
    ratio = array("d", [round(abs(random.gauss(0.1, 0.03)), 4) for _ in times])
    pages, total, memory, network = 500_000, 0.0, array("d"), array("d")
    for _ in times:
        pages += random.randrange(-40, 41) if random.random() < 0.5 else 0
        total += random.choice([0, 0, random.randrange(4000), random.randrange(60_000)])
        memory.append(4096.0 * pages)
        network.append(total)
    sizes = [len(pack_samples(Samples(times, values, gaps))) / 900 for values in (ratio, memory, network)]
    assert max(sizes) < 2.1 and sum(sizes) / 3 < 1.7, sizes
