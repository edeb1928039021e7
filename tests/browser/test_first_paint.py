"""What is painted first is what the page looks like: never without its styles, never in the other theme."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Route

from tests.browser.conftest import OpenGlass
from tests.browser.glass import Glass, until
from tests.serving import Server, running_server

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser-first-load")]

FRAMES = """(() => {
    window.first = { frames: [], painted: null };
    const look = () => {
        const ground = document.body && getComputedStyle(document.body).backgroundColor;
        first.frames.push([performance.now(), ground]);
        if (first.painted === null) requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
    new PerformanceObserver((list) => { for (const { name, startTime } of list.getEntries())
        if (name === "first-paint") first.painted = startTime; }).observe({ type: "paint", buffered: true });
})()"""
"""Notes the time and the ground of each frame up to the first that the browser says it has painted."""

BLOCKING = """performance.getEntriesByType("resource")
    .filter(({ renderBlockingStatus }) => renderBlockingStatus === "blocking").map(({ name }) => name)"""

HELD_FOR = 400
"""Milliseconds for which a page that is all there waits for its style; without it, it would be painted in a tenth."""

LATE = """[...document.querySelectorAll("live-log *, live-tasks *, .toasts *, .sheet *")]
    .filter((one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
    .filter((one) => one.matches("select, input, button") || one.textContent.trim())
    .map((one) => one.outerHTML.slice(0, 60))"""
"""What is seen of that part of a board whose style comes after the first picture."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[Server]:
    """A server with the overview as everyone has it."""
    async with running_server() as running:
        yield running


async def holding(glass: Glass, pattern: str) -> tuple[asyncio.Event, asyncio.Event]:
    """Hold what a page asks for by such an address back; return what tells that it was asked for, and what lets go."""
    asked, let_go = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        asked.set()
        await let_go.wait()
        await route.continue_()

    await glass.page.route(pattern, hold)
    return asked, let_go


@pytest.mark.parametrize(
    ("path", "held"),
    [
        ("/", "**/css/view.css"),
        ("/", "**/js/theme.js"),
        pytest.param("/status", "**/css/status.css", marks=pytest.mark.long),
        pytest.param("/add", "**/css/base.css", marks=pytest.mark.long),
    ],
)
async def test_nothing_is_painted_before_it_has_its_style(
    path: str, held: str, server: Server, open_glass: OpenGlass
) -> None:
    """While a style sheet or the theme is on its way nothing is seen; the first frame then has the chosen theme."""
    glass = await open_glass(scripts=(FRAMES,), color_scheme="light")
    await glass.page.goto(server.url + "/healthz")
    await glass.page.evaluate("localStorage.setItem('theme', 'dark')")
    asked, let_go = await holding(glass, held)
    await glass.page.goto(server.url + path, wait_until="commit")
    await asyncio.wait_for(asked.wait(), 20)
    if held.endswith(".css"):
        await glass.until("document.querySelector('#copy-dialog')")
    there = await glass.page.evaluate("performance.now()")
    await glass.until(f"performance.now() > {there + HELD_FOR}")
    assert await glass.page.evaluate("performance.getEntriesByType('paint').length + first.frames.length") == 0
    released = await glass.page.evaluate("performance.now()")
    let_go.set()
    await glass.until("first.painted !== null")
    assert await glass.page.evaluate("first.painted") >= released
    grounds = {ground for _, ground in await glass.page.evaluate("first.frames")}
    await until(lambda: glass.page.evaluate("document.readyState === 'complete'"))
    assert grounds == {await glass.page.evaluate("getComputedStyle(document.body).backgroundColor")}
    await glass.page.emulate_media(color_scheme="dark")
    await glass.page.evaluate("document.documentElement.removeAttribute('data-theme')")
    assert grounds == {await glass.page.evaluate("getComputedStyle(document.body).backgroundColor")}, "not the dark one"
    blocking = set(await glass.page.evaluate(BLOCKING))
    links = "[...document.head.querySelectorAll('link[rel=stylesheet]')].map(({ href }) => href)"
    late = set(await glass.page.evaluate(links)) - blocking
    # Those two come after the first picture, with what they are for.
    assert [url for url in late if not url.endswith(("/css/news.css", "/css/tools.css"))] == []


async def test_what_comes_after_the_first_picture_is_not_seen_before_its_style(
    server: Server, open_glass: OpenGlass
) -> None:
    """On a page so high that the log and the tasks are in sight, these are blank until they are as they should be."""
    glass = await open_glass(viewport={"width": 1440, "height": 1600})
    asked, let_go = await holding(glass, "**/css/news.css")
    await glass.page.goto(server.url)
    await asyncio.wait_for(asked.wait(), 20)
    await glass.panels_when(lambda panels: panels["cpu-modes"].state == "live")
    assert await glass.page.evaluate(LATE) == []
    let_go.set()
    await glass.panels_when(lambda panels: panels["log"].state == panels["tasks"].state == "live")
    await glass.until(f"{LATE}.length > 5")
