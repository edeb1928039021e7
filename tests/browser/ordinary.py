"""A Chromium as people have it: tabs that are not in front are hidden, and may be frozen.

Playwright makes every page of its own believe that it is in front, so it is let into a browser that was started
without it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.async_api import BrowserContext, Page, async_playwright

from tests.browser.glass import until
from tests.needs import need


@asynccontextmanager
async def ordinary_context() -> AsyncIterator[BrowserContext]:
    """Start a browser and give its one context; both are gone afterwards."""
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with TemporaryDirectory(prefix="dashboard-browser-", ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            need("chromium"),
            *("--headless", "--remote-debugging-port=0", f"--user-data-dir={profile}", "--no-first-run", *sandbox),
            *("--disable-background-networking", "--disable-component-update", "--window-size=1440,900", "about:blank"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            port = await _port(Path(profile) / "DevToolsActivePort")
            async with async_playwright() as playwright:
                browser = await playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}", no_defaults=True)
                yield browser.contexts[0]
                await browser.close()
        finally:
            process.kill()
            await process.wait()


async def _port(file: Path) -> int:
    """Wait for the file in which the browser writes its debugging port."""
    await until(lambda: file.is_file() and "\n" in file.read_text(), timeout=20)
    return int(file.read_text().split("\n")[0])


@asynccontextmanager
async def frozen(page: Page) -> AsyncIterator[None]:
    """Put another tab before a page and freeze it, as browsers do to save power; thaw and show it afterwards."""
    session = await page.context.new_cdp_session(page)
    other = await page.context.new_page()
    await other.bring_to_front()
    await session.send("Page.setWebLifecycleState", {"state": "frozen"})
    try:
        yield
    finally:
        await session.send("Page.setWebLifecycleState", {"state": "active"})
        await page.bring_to_front()
        await other.close()
        await session.detach()
