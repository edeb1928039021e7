"""The log on the page: what came before and what comes now, once each; filters; a reader who pauses."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.conftest import OpenGlass
from tests.browser.glass import Glass
from tests.serving import Server, running_server

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser-log")]

BOARD = """
[[board]]
name = "log"
[[board.panel]]
id = "log"
title = "Log"
kind = "log"
logger = "test"
width = 12
[[board.panel]]
id = "grave"
title = "Grave"
kind = "log"
logger = "test"
level = "error"
contains = "PUMP"
width = 12
"""

LINES = "[...document.querySelectorAll('[data-panel=%s] .line[data-kind=line] .text')].map((one) => one.textContent)"
RESTING = """async (one) => {
    const frame = () => new Promise(requestAnimationFrame);
    let top = NaN;
    while (top !== one.scrollTop) {
        top = one.scrollTop;
        for (let at = 0; at < 5; at++) await frame();
    }
    return top;
}"""
"""Where a list stands when the wheel's way has ended, which may take several frames."""
HOSTILE = '<img src=x onerror="document.title=1"><b>bold</b>&amp;\r\nsecond line\u202e'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[Server]:
    """A server with a board of two log panels."""
    async with running_server(config=BOARD) as running:
        yield running


async def write(server: Server, name: str, count: int = 1, *, level: str = "info", message: str = "") -> None:
    """Write lines `<name> 1`, `<name> 2` … or one of another text."""
    lines = [
        {"level": level, "logger": f"test.{name}", "message": message or f"{name} {number}"}
        for number in range(1, count + 1)
    ]
    async with httpx.AsyncClient(base_url=server.url) as client:
        answer = (await client.post("/api/v1/logs", json=lines)).json()
    assert answer == {"accepted": count, "rejected": []}


async def shown(glass: Glass, panel: str = "log") -> list[str]:
    """Return the messages that a panel shows, from top to bottom."""
    found: list[str] = await glass.page.evaluate(LINES % panel)
    return found


async def open_log(glass: Glass, server: Server) -> None:
    """Open the board and wait until both panels are live."""
    await glass.open(f"{server.url}/boards/log")
    await glass.panels_when(lambda panels: all(panel.state == "live" for panel in panels.values()))


async def test_past_and_present_without_hole_or_double(server: Server, open_glass: OpenGlass) -> None:
    """Lines from before the page and from its time stand in their order, the newest last and in sight."""
    await write(server, "before", 30)
    glass = await open_glass()
    await open_log(glass, server)
    await write(server, "after", 30)
    await glass.until(f"{LINES % 'log'}.at(-1) === 'after 30'")
    lines = [line for line in await shown(glass) if line.startswith(("before", "after"))]
    assert lines == [f"{name} {number}" for name in ("before", "after") for number in range(1, 31)]
    list_end = "(({ scrollTop, scrollHeight, clientHeight }) => scrollHeight - scrollTop - clientHeight < 2)"
    assert await glass.page.evaluate(f"{list_end}(document.querySelector('[data-panel=log] .lines'))")


async def test_only_a_board_with_a_log_asks_for_lines(server: Server, open_glass: OpenGlass) -> None:
    """The stream of a page carries what its board shows; the overview has a log panel, too."""
    glass = await open_glass()
    await open_log(glass, server)
    asked = await glass.page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)")
    assert any("/api/v1/logs?" in url for url in asked)
    assert not any("/api/v1/tasks" in url for url in asked)


async def test_the_settings_of_a_panel_choose(server: Server, open_glass: OpenGlass) -> None:
    """A panel shows lines of its level, logger and text only; its reader cannot choose below its level."""
    await write(server, "pump", level="critical", message="the Pump stands still")
    await write(server, "pump", level="info", message="the pump runs")
    await write(server, "fan", level="error", message="the fan stands still")
    glass = await open_glass()
    await open_log(glass, server)
    await write(server, "pump", level="error", message="the pump leaks")
    await glass.until(f"{LINES % 'grave'}.length === 2")
    assert await shown(glass, "grave") == ["the Pump stands still", "the pump leaks"]
    options = "[...document.querySelectorAll('[data-panel=%s] option')].map((one) => one.value)"
    assert await glass.page.evaluate(options % "grave") == ["error", "critical"]
    assert len(await glass.page.evaluate(options % "log")) == 5


async def test_filters_of_the_reader(server: Server, open_glass: OpenGlass) -> None:
    """Level and text narrow what is shown, also of what comes later; great and small letters are the same."""
    glass = await open_glass()
    await open_log(glass, server)
    await write(server, "filtered", level="warning", message="Needle in hay")
    panel = glass.page.locator("[data-panel=log]")
    await panel.locator("input").fill("nEEdle")
    await glass.until(f"{LINES % 'log'}.join() === 'Needle in hay'")
    await write(server, "filtered", level="error", message="another needle")
    await write(server, "filtered", level="error", message="only hay")
    await glass.until(f"{LINES % 'log'}.join() === 'Needle in hay,another needle'")
    await panel.locator("select").select_option("error")
    assert await shown(glass) == ["another needle"]
    await panel.locator("input").fill("nothing of the kind")
    assert await shown(glass) == []
    assert await panel.locator(".none").inner_text() == "No line passes the filter."
    await panel.locator("input").fill("")
    await glass.until(f"{LINES % 'log'}.includes('only hay')")  # it was written after what was waited for


async def test_a_reader_who_pauses(server: Server, open_glass: OpenGlass) -> None:
    """While paused nothing moves and what comes is counted; going on jumps to the newest."""
    await write(server, "rest", 40)
    glass = await open_glass()
    await open_log(glass, server)
    await glass.until(f"{LINES % 'log'}.at(-1) === 'rest 40'")
    button = glass.page.locator("[data-panel=log] [data-pause]")
    await button.click()
    before = await shown(glass)
    await write(server, "later", 7)
    await glass.until("document.querySelector('[data-panel=log] [data-pause]').textContent === 'Resume · 7 waiting'")
    assert await shown(glass) == before
    await button.click()
    assert (await shown(glass))[-7:] == [f"later {number}" for number in range(1, 8)]
    assert await button.inner_text() == "Pause"


async def test_what_is_selected_stays_until_it_is_let_go(server: Server, open_glass: OpenGlass) -> None:
    """Lines that come meanwhile wait, from the press on: they would change the text under it."""
    await write(server, "quoted", 5)
    glass = await open_glass()
    await open_log(glass, server)
    line = glass.page.locator("[data-panel=log] .line .text", has_text="quoted 3").last
    box = await line.bounding_box()
    assert box is not None
    mouse, middle = glass.page.mouse, box["y"] + box["height"] / 2
    await mouse.move(box["x"] + 1, middle)
    await mouse.down()
    await write(server, "meanwhile", 20)
    button = glass.page.locator("[data-panel=log] [data-pause]")
    await expect(button).to_have_text("Resume · 20 waiting")
    await mouse.move(box["x"] + 200, middle, steps=5)
    await mouse.up()
    await write(server, "later", 1)
    await expect(button).to_have_text("Resume · 21 waiting")
    assert await glass.page.evaluate("getSelection().toString().trim()") == "quoted 3"
    await glass.page.locator("[data-panel=log] .panel-title, [data-panel=log] h2").first.click()
    await expect(button).to_have_text("Pause")
    await glass.until(f"{LINES % 'log'}.at(-1) === 'later 1'")


async def test_scrolling_up_pauses_and_down_goes_on(server: Server, open_glass: OpenGlass) -> None:
    """Whoever scrolls up reads in peace; back at the end the newest lines follow."""
    await write(server, "scroll", 60)
    glass = await open_glass()
    await open_log(glass, server)
    await glass.until(f"{LINES % 'log'}.at(-1) === 'scroll 60'")
    lines = glass.page.locator("[data-panel=log] .lines")
    await lines.hover()
    await glass.page.mouse.wheel(0, -300)
    await glass.until("document.querySelector('[data-panel=log] [data-pause]').textContent === 'Resume'")
    top = await lines.evaluate(RESTING)
    await write(server, "unseen", 3)
    await glass.until("document.querySelector('[data-panel=log] [data-pause]').textContent === 'Resume · 3 waiting'")
    assert await lines.evaluate("(one) => one.scrollTop") == top
    await glass.page.mouse.wheel(0, 3000)
    await glass.until(f"{LINES % 'log'}.at(-1) === 'unseen 3'")
    assert await glass.page.locator("[data-panel=log] [data-pause]").inner_text() == "Pause"


async def test_bounded_and_earlier_lines_within_reach(server: Server, open_glass: OpenGlass) -> None:
    """Of 1,500 lines the document has 200 and the page 1,000; the earlier of them are a step away."""
    glass = await open_glass()
    await open_log(glass, server)
    await write(server, "many", 1000)
    await write(server, "more", 500)
    await glass.until(f"{LINES % 'log'}.at(-1) === 'more 500'")
    lines = await shown(glass)
    assert (len(lines), lines[0]) == (200, "more 301")
    assert await glass.page.evaluate("document.querySelector('[data-panel=log] live-log').book.entries.length") == 1000
    assert await glass.page.evaluate("document.querySelectorAll('[data-panel=log] .lines > *').length") < 210
    earlier = glass.page.locator("[data-panel=log] .earlier")
    assert await earlier.inner_text() == "800 earlier"
    await earlier.click()
    lines = await shown(glass)
    assert (len(lines), lines[0], lines[-1]) == (200, "more 201", "more 400")
    for _ in range(8):
        if await earlier.is_visible():
            await earlier.click()
    assert (await shown(glass))[0] == "many 501"
    await glass.page.locator("[data-panel=log] [data-pause]").click()
    assert (await shown(glass))[-1] == "more 500"


async def test_a_line_is_text_and_opens(server: Server, open_glass: OpenGlass) -> None:
    """What looks like HTML is shown as it is written; a long line opens on a click, and all of them by a button."""
    await write(server, "hostile", message=HOSTILE)
    await write(server, "long", message="long " + "word " * 400 + "end")
    glass = await open_glass()
    await open_log(glass, server)
    await glass.until(f"{LINES % 'log'}.at(-1)?.startsWith('long')")
    shown_text = " ".join(await shown(glass))
    assert "<img src=x onerror=" in shown_text and "<b>bold</b>&amp;" in shown_text
    assert await glass.page.evaluate("document.querySelectorAll('live-log img, live-log b').length") == 0
    last = glass.page.locator("[data-panel=log] .line").last
    height = "(one) => one.getBoundingClientRect().height"
    closed = await last.evaluate(height)
    await last.click()
    assert await last.evaluate(height) > 2 * closed
    await last.click()
    assert await last.evaluate(height) == closed
    await glass.page.locator("[data-panel=log] [data-wrap]").click()
    assert await last.evaluate(height) > 2 * closed


async def test_a_gap_is_told_in_its_place(server: Server, open_glass: OpenGlass) -> None:
    """Lines that could not be given are a line of their own, with how many, how long, and why."""
    await write(server, "whole", 3)
    glass = await open_glass()
    await open_log(glass, server)
    await glass.until(f"{LINES % 'log'}.at(-1) === 'whole 3'")
    await glass.page.evaluate(
        """(() => {
            const { book } = document.querySelector("[data-panel=log] live-log");
            const last = book.entries.at(-1).id;
            const before = `${Number(last.split("-")[0]) + 1}-0`;
            const gap = { type: "gap", after: last, before, from: 100, to: 190, types: ["log"], skipped: 12 };
            book.gap({ ...gap, reason: "retention" });
        })()"""
    )
    await write(server, "rest")
    gap = glass.page.locator("[data-panel=log] .line[data-kind=gap]")
    await gap.wait_for()
    assert (await gap.inner_text()).replace("\u00a0", " ") == (
        "12 lines are missing of 1 min 30 s: they are kept no longer"
    )
    # The program's own lines may come in between, too.
    after = "[...document.querySelectorAll('[data-panel=log] .line[data-kind=gap] ~ .line[data-kind=line]')]"
    await glass.until(f"{after}.some((one) => one.textContent.includes('rest'))")


@pytest.mark.long
async def test_a_silent_stream_is_told_and_lines_stay_readable(open_glass: OpenGlass) -> None:
    """When nothing comes any more the log says so at its end; what is written there can still be read."""
    async with running_server(config=BOARD) as own:
        await write(own, "last", 3)
        glass = await open_glass()
        await open_log(glass, own)
        await glass.until(f"{LINES % 'log'}.at(-1) === 'last 3'")
        own.stop()
        panels = await glass.panels_when(lambda panels: panels["log"].state == "stale")
        assert panels["log"].veil.startswith("stale ")
        assert await shown(glass) == ["last 1", "last 2", "last 3"]
        covered = """(() => {
            const [text] = [...document.querySelectorAll("[data-panel=log] .text")].slice(-1);
            const { left, top, height } = text.getBoundingClientRect();
            return document.elementFromPoint(left + 4, top + height / 2) !== text;
        })()"""
        assert await glass.page.evaluate(covered) is False
        own.cont()
        await glass.panels_when(lambda panels: panels["log"].state == "live")
