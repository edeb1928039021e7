"""One panel over the whole page: by a click or a tap wherever nothing else is pressed, and back by as many ways."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Route, expect

from tests.browser.conftest import OpenGlass
from tests.browser.glass import BEACON, Glass, board, collectors
from tests.browsing import open_browser
from tests.serving import Server, running_server

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser-controls")]

BUILT = Path(__file__).parents[2] / "static/built"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
MORE = """
[[board.panel]]
title = "Processes"
kind = "processes"
[[board.panel]]
title = "Log"
kind = "log"
width = 12
"""
INSIDE = [
    ("beacon-line", "h2"),
    ("beacon-line", ".legend"),
    ("beacon-line", ".plot"),
    ("beacon-stat", ".number"),
    ("beacon-bar", "li"),
    ("beacon-heat", ".now"),
    ("beacon-table", "tbody tr"),
    ("processes", "tbody td.name"),
    ("processes", "th"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """One server with a board of each kind of panel, and a line in its log."""
    home = tmp_path_factory.mktemp("full")
    config = collectors(home, beacon=BEACON) + board("beacon", "beacon") + MORE
    async with running_server(config=config) as running, httpx.AsyncClient(base_url=running.url, timeout=20) as client:
        line = {"level": "info", "message": "A line to read", "source": "shop"}
        assert (await client.post("/api/v1/logs", json=[line])).is_success
        yield running


async def shown(glass: Glass, server: Server, fragment: str = "") -> None:
    """Open the board and wait until its panels are live, the processes have rows, and the log can be used."""
    await glass.open(f"{server.url}/boards/beacon{fragment}")
    if fragment:
        await glass.panels_when(lambda panels: panels[fragment[1:]].state == "live")
        return
    await glass.panels_when(
        lambda panels: all(panel.state == "live" for name, panel in panels.items() if name != "log")
    )
    await glass.until("document.querySelector('[data-panel=processes] tbody tr') !== null")
    # What is not part of the first picture is brought later, and drawn where it is seen.
    await glass.until("document.querySelector('live-log:defined') !== null")


async def logged(glass: Glass) -> None:
    """Wait until the log has its lines: those that come later come below them."""
    for text in ("Running on", "A line to read"):
        await expect(glass.page.locator("live-log .line[data-kind=line]", has_text=text)).to_be_visible()


async def full(glass: Glass, panel: str | None) -> None:
    """Wait until this panel, or none, is over the whole page."""
    found = "document.querySelector('.panel.full')?.dataset.panel ?? null"
    await glass.until(f"{found} === {'null' if panel is None else repr(panel)}")


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)], ids=["desk", "phone"])
async def test_a_press_anywhere(size: tuple[int, int], server: Server, open_glass: OpenGlass) -> None:
    """The title, the legend, a value, a row: each opens its panel, and again closes it."""
    touch = size[0] < 720
    glass = await open_glass(viewport={"width": size[0], "height": size[1]}, has_touch=touch)
    await shown(glass, server)
    for panel, part in INSIDE:
        if touch and part == ".plot":
            continue
        place = glass.page.locator(f'[data-panel="{panel}"] {part}').first
        press = place.tap if touch else place.click
        await press()
        await full(glass, panel)
        await press()
        await full(glass, None)


async def test_controls_are_their_own(server: Server, open_glass: OpenGlass) -> None:
    """What can be pressed in a panel does what it is for, and no more; so does what opens by itself, such as a line."""
    glass = await open_glass()
    await shown(glass, server)
    await logged(glass)
    page = glass.page
    await page.locator("[data-order=resident_bytes]").click()
    await page.locator("live-log input").click()
    await page.locator("live-log [data-wrap]").click()
    await page.locator("live-log .line", has_text="A line to read").click()
    await expect(page.locator("live-log .line.open")).to_have_count(1)
    assert await page.locator(".panel.full").count() == 0


@pytest.mark.parametrize("part", ['[data-panel="processes"] tbody tr', "live-log .line[data-kind=line]"])
async def test_text_can_be_selected(part: str, server: Server, open_glass: OpenGlass) -> None:
    """A press that ends a selection of text, or a drag, opens nothing."""
    glass = await open_glass(viewport={"width": 1440, "height": 2000})
    await shown(glass, server)
    await logged(glass)
    box = await glass.page.locator(part).first.bounding_box()
    assert box is not None
    mouse, middle = glass.page.mouse, box["y"] + box["height"] / 2
    await mouse.move(box["x"] + 2, middle)
    await mouse.down()
    await mouse.move(box["x"] + 300, middle, steps=5)
    await mouse.up()
    # Of the log it is the line that stood there when it was pressed; from then on none moves. The names of processes
    # change, so both are asked for at once.
    selected, text = await glass.page.evaluate(
        "(part) => [getSelection().toString().trim(), document.querySelector(part).innerText]", part.split()[0]
    )
    assert selected and selected.split()[0] in text, (selected, text)
    assert await glass.page.locator(".panel.full, .line.open").count() == 0
    await glass.page.locator('[data-panel="beacon-line"] .plot').hover(position={"x": 100, "y": 40})
    await mouse.down()
    await mouse.move(box["x"], box["y"])
    await mouse.move(500, 300)
    await mouse.up()
    assert await glass.page.locator(".panel.full").count() == 0


async def test_a_tap_on_a_chart(server: Server, open_glass: OpenGlass) -> None:
    """A finger has nothing to hover with: its tap shows that moment in all charts, until it taps elsewhere."""
    glass = await open_glass(**PHONE)
    await shown(glass, server)
    page = glass.page
    plot = page.locator('[data-panel="beacon-line"] .plot')
    await plot.tap(position={"x": 200, "y": 40})
    await expect(page.locator("#moment")).to_be_visible()
    await glass.until("[...document.querySelectorAll('.cross')].every(({ hidden }) => !hidden)")
    newest = await page.evaluate("document.querySelector('[data-panel=beacon-line] live-chart').traces[0].line.time")
    await glass.until(
        f"document.querySelector('[data-panel=beacon-line] live-chart').traces[0].line.time >= {newest + 2}"
    )
    await expect(page.locator("#moment")).to_be_visible()
    assert await page.locator(".panel.full").count() == 0
    await page.locator("health-line h1").tap()
    await expect(page.locator("#moment")).to_be_hidden()
    await expect(page.locator(".cross:visible")).to_have_count(0)


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desk", "phone"])
async def test_what_stays_in_sight(options: dict[str, object], server: Server, open_glass: OpenGlass) -> None:
    """In full screen, how live the page is and what time it is stand above the panel, and a way out that has a name."""
    glass = await open_glass(**options)
    await shown(glass, server)
    await glass.page.locator('[data-panel="beacon-table"] h2').click()
    await full(glass, "beacon-table")
    close = glass.page.get_by_role("button", name="Close")
    for part in (close, glass.page.locator("connection-status"), glass.page.locator("#clock")):
        await expect(part).to_be_in_viewport(ratio=1)
        at_top = """(one) => {
            const { left, top, width, height } = one.getBoundingClientRect();
            return one.contains(document.elementFromPoint(left + width / 2, top + height / 2));
        }"""
        assert await part.evaluate(at_top)
    assert "Close" in await close.evaluate("(one) => getComputedStyle(one, '::before').content")
    # A line that has become higher has moved the panel with the next frame.
    await glass.until("""(([head, body]) => head.bottom <= body.top + 1)(
        ["health-line", ".full"].map((one) => document.querySelector(one).getBoundingClientRect()))""")
    await close.click()
    await full(glass, None)
    await expect(glass.page.locator('[data-panel="beacon-table"]')).to_be_in_viewport()


async def test_back_closes(server: Server, open_glass: OpenGlass) -> None:
    """Back and forward of the browser close and open; what was closed otherwise leaves nothing behind to go back to."""
    glass = await open_glass()
    await shown(glass, server)
    page = glass.page
    steps = "history.length"
    await page.locator('[data-panel="beacon-stat"] h2').click()
    await full(glass, "beacon-stat")
    assert (await page.evaluate("location.href")).endswith("#beacon-stat")
    length = await page.evaluate(steps)
    await page.go_back()
    await full(glass, None)
    assert await page.evaluate("location.href") == f"{server.url}/boards/beacon"
    await page.go_forward()
    await full(glass, "beacon-stat")
    await page.reload()
    await full(glass, "beacon-stat")
    await page.keyboard.press("Escape")
    await full(glass, None)
    await page.locator('[data-panel="beacon-line"] h2').click()
    await full(glass, "beacon-line")
    assert await page.evaluate(steps) == length
    await page.keyboard.press("Escape")
    await full(glass, None)


async def test_an_address_of_a_panel(server: Server, open_glass: OpenGlass) -> None:
    """Who came by the address of a panel gets the board by closing it, not the page from which they came."""
    glass = await open_glass()
    await shown(glass, server, "#beacon-stat")
    await full(glass, "beacon-stat")
    await glass.page.get_by_role("button", name="Close").click()
    await full(glass, None)
    assert await glass.page.evaluate("location.href") == f"{server.url}/boards/beacon"


async def test_the_board_is_where_it_was(server: Server, open_glass: OpenGlass) -> None:
    """Opening and closing leaves the board scrolled as it was."""
    glass = await open_glass(**PHONE)
    await shown(glass, server)
    title = glass.page.locator('[data-panel="beacon-bar"] h2')
    await title.scroll_into_view_if_needed()
    before = await glass.page.evaluate("scrollY")
    await title.tap()
    await full(glass, "beacon-bar")
    await glass.page.go_back()
    await full(glass, None)
    await glass.until(f"scrollY === {before}")


@pytest.mark.parametrize("scrollbar", [True, False])
async def test_no_strip_is_left_at_the_edge(scrollbar: bool, server: Server) -> None:
    """The head reaches the edge, or the scrollbar; and nothing moves aside when a panel takes the whole page."""
    where = """() => [...document.querySelectorAll(".top, .health, .panel:not([data-panel=log])")].map((one) => {
        const { left, right } = one.getBoundingClientRect();
        return [one.className, left, right];
    })"""
    async with open_browser(without=("--hide-scrollbars",) if scrollbar else ()) as browser:
        glass = Glass(await browser.new_page(viewport={"width": 1440, "height": 900}))
        await shown(glass, server)
        await logged(glass)
        drawn = 15 if scrollbar else 0
        before = await glass.page.evaluate(where)
        assert [right for name, _, right in before if name in ("top", "health")] == [1440 - drawn] * 2
        await glass.page.evaluate("scrollTo(0, 200)")
        await glass.page.locator("[data-panel=log] button.expand").click()
        await full(glass, "log")
        assert await glass.page.evaluate(where) == before
        assert (
            await glass.page.evaluate("document.querySelector('.full').getBoundingClientRect().right") == 1440 - drawn
        )
        await glass.page.keyboard.press("Escape")
        await full(glass, None)
        await glass.until("scrollY === 200")
        assert await glass.page.evaluate(where) == before


async def test_what_is_pressed_before_it_is_there_opens_when_it_is(server: Server, open_glass: OpenGlass) -> None:
    """A panel that is no part of the first picture has its button, too; a press of it is not lost."""
    glass = await open_glass()
    asked, go = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        asked.set()
        await go.wait()
        await route.continue_()

    (rooms,) = (path.name for path in BUILT.glob("shared-*.js") if "openNews" in path.read_text("utf-8"))
    await glass.page.route(f"**/built/{rooms}", late)
    await glass.open(f"{server.url}/boards/beacon")
    await asyncio.wait_for(asked.wait(), 20)
    await glass.page.locator("[data-panel=log] button.expand").click()
    assert await glass.page.locator(".panel.full").count() == 0
    go.set()
    await full(glass, "log")
    await glass.page.keyboard.press("Escape")
    await full(glass, None)
    await glass.page.locator("[data-panel=log] button.expand").click()
    await full(glass, "log")
    await glass.page.go_back()
    await full(glass, None)
