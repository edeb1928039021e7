"""Notices: told once as they come, kept in a list with what was read, by the browser where it may."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.conftest import OpenGlass
from tests.browser.glass import Glass
from tests.browser.proxy import proxying
from tests.browsing import open_browser
from tests.serving import Server, running_server

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser-notices")]

TOASTS = "[...document.querySelectorAll('.toast .title')].map((one) => one.textContent)"
LISTED = "[...document.querySelectorAll('.notice:not([hidden]) .title')].map((one) => one.textContent)"
COUNT = "document.querySelector('.bell .count').textContent"

BROWSER = """(() => {
    window.told = [];
    window.Notification = class extends EventTarget {
        static permission = "default";
        static requestPermission() { this.permission = "granted"; return Promise.resolve("granted"); }
        constructor(title, options) {
            super();
            if (title.startsWith("phone")) throw new TypeError("Illegal constructor. Use ServiceWorkerRegistration.");
            told.push([title, options.body, options.tag]);
        }
    };
})()"""
"""The browser's own notifications, which a browser without a window does not show: noted."""

QUICK = """(() => {
    const { setTimeout } = window;
    window.setTimeout = (work, delay, ...rest) => setTimeout(work, delay === 8000 ? 300 : delay, ...rest);
    window.together = [];
    new MutationObserver(() => {
        const titles = [...document.querySelectorAll(".toast .title")].map((one) => one.textContent);
        if (titles.length > together.length) window.together = titles;
    }).observe(document, { subtree: true, childList: true });
})()"""
"""Toasts that go after a third of a second, which is sooner than a test may look: the most at once are noted."""


@pytest_asyncio.fixture(loop_scope="module")
async def server() -> AsyncIterator[Server]:
    """A server with the overview as everyone has it."""
    async with running_server() as running:
        yield running


async def notify(server: Server, *titles: str, level: str = "info", message: str = "") -> None:
    """Give notices to everyone."""
    notices = [{"title": title, "level": level, "message": message} for title in titles]
    async with httpx.AsyncClient(base_url=server.url) as client:
        answer = (await client.post("/api/v1/notifications", json=notices)).json()
    assert answer == {"accepted": len(titles), "rejected": []}


async def opened(open_glass: OpenGlass, server: Server, *scripts: str) -> Glass:
    """Open the overview, with its list filled."""
    glass = await open_glass(scripts=scripts)
    await glass.open(server.url)
    await glass.until("document.querySelector('notice-list').book?.filled")
    return glass


async def test_told_as_they_come_and_once(server: Server, open_glass: OpenGlass) -> None:
    """Only what comes while the page is open is told; a reload tells nothing again, and the list has all."""
    await notify(server, "before the page")
    glass = await opened(open_glass, server)
    assert await glass.page.evaluate(TOASTS) == []
    await notify(server, "now", message="<b>as text</b>")
    await glass.until(f"{TOASTS}.join() === 'now'")
    assert await glass.page.locator(".toast .message").inner_text() == "<b>as text</b>"
    await glass.until(f"{COUNT} === '2'")
    await glass.page.reload()
    await glass.status("live")
    await glass.until(f"{COUNT} === '2'")
    assert await glass.page.evaluate(TOASTS) == []
    await glass.page.locator(".bell").click()
    assert await glass.page.evaluate(LISTED) == ["now", "before the page"]


async def test_missed_during_an_outage(server: Server, open_glass: OpenGlass) -> None:
    """What came while the page was cut off is told when it is back, once."""
    async with proxying(server.port) as proxy:
        glass = await open_glass()
        await glass.open(proxy.url)
        await glass.until("document.querySelector('notice-list').book?.filled")
        await notify(server, "first", level="error")
        await glass.until(f"{TOASTS}.length === 1")
        proxy.answer = 502
        proxy.cut()
        await glass.status("offline")
        await notify(server, "meanwhile", level="error")
        proxy.answer = None
        await glass.status("live", timeout=30)
        await glass.until(f"{TOASTS}.join() === 'first,meanwhile'")
        await glass.until(f"{COUNT} === '2'")


async def test_grave_ones_stay(server: Server, open_glass: OpenGlass) -> None:
    """Toasts go by themselves, but from `error` on: those stay until they are dismissed, which marks them as read."""
    glass = await opened(open_glass, server, QUICK)
    await notify(server, "grave", level="error")
    await notify(server, "passing")
    await glass.until("together.length === 2")
    await glass.until(f"{TOASTS}.join() === 'grave'")
    assert await glass.page.locator("[role=alert] .toast").count() == 1
    await glass.page.locator(".toast .close").click()
    assert await glass.page.evaluate(TOASTS) == []
    assert await glass.page.evaluate(COUNT) == "1"


async def test_three_at_most_and_others_counted(server: Server, open_glass: OpenGlass) -> None:
    """Of five toasts three are shown and two are counted; the count leads to the list."""
    glass = await opened(open_glass, server)
    await notify(server, *(f"number {number}" for number in range(1, 6)), level="critical")
    await glass.until(f"{TOASTS}.length === 3")
    more = glass.page.locator("notice-toasts .more")
    await expect(more).to_have_text("2 more")
    await more.click()
    assert await glass.page.evaluate(TOASTS) == []
    assert len(await glass.page.evaluate(LISTED)) == 5


async def test_read_marks_are_kept(server: Server, open_glass: OpenGlass) -> None:
    """A click marks one as read, a button all; a reload and another tab know it; keys do as well."""
    glass = await opened(open_glass, server)
    await notify(server, "one", "two", "three")
    await glass.until(f"{COUNT} === '3'")
    await glass.page.locator(".bell").focus()
    await glass.page.keyboard.press("Enter")
    await glass.page.locator(".notice button", has_text="two").click()
    await glass.until(f"{COUNT} === '2'")
    other = Glass(await glass.page.context.new_page())
    await other.open(server.url)
    await other.until(f"{COUNT} === '2'")
    await glass.page.locator("[data-read-all]").click()
    await glass.until(f"{COUNT} === ''")
    await other.until(f"{COUNT} === ''")
    await glass.page.keyboard.press("Escape")
    assert await glass.page.locator(".sheet").is_hidden()
    await glass.page.reload()
    await glass.until("document.querySelector('notice-list').book?.filled")
    assert await glass.page.evaluate(COUNT) == ""
    assert other.faults == []


async def test_by_the_browser(server: Server, open_glass: OpenGlass) -> None:
    """Switched on, after the browser was asked, it tells of what comes while nobody looks at the page."""
    glass = await opened(open_glass, server, BROWSER)
    await glass.page.locator(".bell").click()
    switch = glass.page.locator("[data-browser]")
    assert await switch.inner_text() == "Browser notifications: off"
    await switch.click()
    await glass.until("document.querySelector('[data-browser]').ariaChecked === 'true'")
    await glass.page.keyboard.press("Escape")
    await notify(server, "in sight")
    await glass.until(f"{TOASTS}.join() === 'in sight'")
    await glass.page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    await notify(server, "out of sight", message="look here")
    await glass.until("told.length")
    [(title, body, tag)] = await glass.page.evaluate("told")
    assert (title, body) == ("out of sight", "look here") and tag.startswith("notice ")
    assert await glass.page.evaluate(TOASTS) == ["in sight"]
    # On a phone the browser may do it for service workers alone: the page tells it then, as without the switch.
    await notify(server, "phone")
    await glass.until(f"{TOASTS}.includes('phone') && {COUNT} === '3'")


async def test_plain_http_has_a_stand_in_and_says_so() -> None:
    """Without a secure context there is no switch but the reason; notices are told on the page."""
    async with (
        running_server(config='allowed_hosts = ["wall.example"]\n') as server,
        open_browser("--host-resolver-rules=MAP wall.example 127.0.0.1") as browser,
    ):
        glass = Glass(await browser.new_page())
        await glass.open(f"http://wall.example:{server.port}/")
        await glass.until("document.querySelector('notice-list').book?.filled")
        await notify(server, "on the wall")
        await glass.until(f"{TOASTS}.join() === 'on the wall'")
        await glass.page.locator(".bell").click()
        assert await glass.page.locator("[data-browser]").is_hidden()
        assert "Over plain http" in await glass.page.locator(".why").inner_text()
