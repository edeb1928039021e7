"""A real Chromium for tests and pictures."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

from tests.needs import need


@asynccontextmanager
async def open_browser(*flags: str, without: tuple[str, ...] = ()) -> AsyncIterator[Browser]:
    """Start Chromium without a window, with these flags and `without` those of its own; it is gone afterwards."""
    path = need("headless")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path, args=[*sandbox, *flags], ignore_default_args=without
        )
        try:
            yield browser
        finally:
            await browser.close()
