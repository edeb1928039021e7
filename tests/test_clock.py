"""The machine's own clock."""

from __future__ import annotations

import time

from dashboard.clock import SystemClock


async def test_it_is_the_machines_time() -> None:
    clock = SystemClock()
    assert abs(clock.wall() - time.time()) < 5
    before = clock.monotonic()
    await clock.sleep(0.01)
    assert 0.01 <= clock.monotonic() - before < 5
