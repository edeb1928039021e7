"""Waiting for what becomes true, without sleeping longer than that takes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable


async def until(right: Callable[[], object], timeout: float = 20.0) -> None:
    """Wait until something is true, asked fifty times a second; it may be a coroutine function.

    Raises AssertionError after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while True:
        found = right()
        if await found if isinstance(found, Awaitable) else found:
            return
        assert time.monotonic() < deadline, f"not true within {timeout} s"
        await asyncio.sleep(0.02)
