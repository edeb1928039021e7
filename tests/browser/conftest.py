"""A browser for each module, and pages that tell what they show."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.glass import RECORDER, Glass
from tests.browsing import open_browser

expect.set_options(timeout=20_000)
"""Of a condition, as with `until`: Playwright's own five seconds pass on a busy machine."""

OpenGlass = Callable[..., Awaitable[Glass]]
"""`await open_glass(recorded=True, viewport=…)` is a new page in a context of its own."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    """One browser for the tests of a module."""
    async with open_browser() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def open_glass(chromium: Browser) -> AsyncIterator[OpenGlass]:
    """Pages that are gone after the test, which fails if any had an error."""
    opened: list[Glass] = []
    async with AsyncExitStack() as stack:

        async def open_one(*, recorded: bool = False, scripts: tuple[str, ...] = (), **options: object) -> Glass:
            options.setdefault("viewport", {"width": 1440, "height": 900})
            context = await chromium.new_context(**options)  # type: ignore[arg-type]
            stack.push_async_callback(context.close)
            page = await context.new_page()
            for script in scripts:
                await page.add_init_script(script)
            if recorded:
                await page.add_init_script(path=RECORDER)
            glass = Glass(page)
            opened.append(glass)
            return glass

        yield open_one
    assert [fault for glass in opened for fault in glass.faults] == []
