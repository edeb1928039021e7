"""Long work on the page: how far, how fast, how long still; and a clear end, whichever."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.conftest import OpenGlass
from tests.browser.glass import Glass
from tests.serving import Server, running_server

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser-tasks")]

BOARD = """
[[board]]
name = "work"
[[board.panel]]
id = "tasks"
title = "Tasks"
kind = "tasks"
width = 12
height = 90
"""


VEILED = """(() => {
    window.veiled = [];
    new MutationObserver(() => {
        const stale = [...document.querySelectorAll(".task.stale:not([hidden])")];
        const panel = document.querySelector("[data-panel=tasks]");
        const badge = panel.querySelector(".badge").textContent.replaceAll("\u00a0", " ").slice(0, 12);
        const rows = stale.map((one) => one.textContent).join(" | ");
        if (stale.length) veiled.push([String(stale.length), panel.dataset.state, badge, rows]);
    }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
})()"""
"""Writes down what the panel says while a task is not heard of: how many, the panel's state and badge, the rows."""


@pytest_asyncio.fixture(loop_scope="module")
async def server() -> AsyncIterator[Server]:
    """A server with a board of one tasks panel."""
    async with running_server(config=BOARD) as running:
        yield running


async def put(server: Server, name: str, **told: object) -> None:
    """Tell how far a task is."""
    async with httpx.AsyncClient(base_url=server.url) as client:
        answer = (await client.put(f"/api/v1/tasks/{name}", json=told)).json()
    assert answer == {"accepted": 1, "rejected": []}


async def open_work(open_glass: OpenGlass, server: Server) -> Glass:
    """Open the board in a window that has room for it."""
    glass = await open_glass(viewport={"width": 1440, "height": 1200})
    await glass.open(f"{server.url}/boards/work")
    await glass.panels_when(lambda panels: panels["tasks"].state != "loading")
    return glass


async def row(glass: Glass, title: str, contains: str, timeout: float = 20.0) -> str:
    """Wait until the row of a task says something; return all that it says, with plain spaces."""
    expression = f"""[...document.querySelectorAll(".task")].filter((one) => one.checkVisibility())
        .find((one) => one.querySelector(".title").textContent === {title!r})
        ?.innerText.replaceAll("\\u00a0", " ").replaceAll("\\n", " | ") ?? \"\""""
    return str(await glass.until(f"((text) => text.includes({contains!r}) && text)({expression})", timeout))


async def test_nothing_runs(server: Server, open_glass: OpenGlass) -> None:
    """Without tasks the panel is live and says so: that nothing runs is known."""
    glass = await open_work(open_glass, server)
    panels = await glass.panels_when(lambda panels: panels["tasks"].state == "live")
    assert "Nothing runs." in panels["tasks"].text


async def test_how_far_how_fast_how_long(server: Server, open_glass: OpenGlass) -> None:
    """A running task has a bar, per cent, amounts and rate with their unit, elapsed time and time left."""
    start = time.time() - 60
    await put(server, "files", title="Files", done=100, total=1000, unit="files", interval=60, started_at=start)
    glass = await open_work(open_glass, server)
    await row(glass, "Files", "100 of 1000 files")
    await put(server, "files", done=140)
    text = await row(glass, "Files", "files/s")
    assert text.startswith("▶ running | Files | 14.0 % | ")
    assert "140 of 1000 files · " in text and "about " in text and " left" in text and "1 min" in text
    bar = glass.page.locator(".task [role=progressbar]")
    await expect(bar).to_have_attribute("aria-valuenow", "14")
    width = "((one) => one.firstChild.getBoundingClientRect().width / one.offsetWidth)"
    await glass.until(f"Math.abs({width}(document.querySelector('.task [role=progressbar]')) - 0.14) < 0.01")


async def test_what_is_unknown_is_said(server: Server, open_glass: OpenGlass) -> None:
    """Without progress there is no per cent, no value of a bar, and no time left."""
    await put(server, "open", title="Open end", interval=60, message="reading")
    glass = await open_work(open_glass, server)
    text = await row(glass, "Open end", "time left unknown")
    assert "%" not in text and "reading" in text
    assert await glass.page.locator(".task [role=progressbar]").get_attribute("aria-valuenow") is None


async def test_each_end_is_clear(server: Server, open_glass: OpenGlass) -> None:
    """Completed with its duration; failed with message, exit code and last lines; both below what runs."""
    start = time.time() - 90
    await put(server, "good", title="Good", state="completed", started_at=start, message="42 pages")
    output = [f"line {number}" for number in range(1, 30)]
    await put(server, "bad", title="Bad", state="failed", exit_code=3, message="no room", output=output, progress=0.5)
    await put(server, "runs", title="Runs", progress=0.1, interval=60)
    glass = await open_work(open_glass, server)
    assert "took 1 min 3" in await row(glass, "Good", "✓ completed")
    failed = await row(glass, "Bad", "✕ failed")
    assert "exit code 3 · no room" in failed and "line 22 | " in failed and "line 29" in failed
    assert "line 21" not in failed
    titles = "[...document.querySelectorAll('.task:not([hidden]) .title')].map((one) => one.textContent)"
    assert (await glass.page.evaluate(titles))[0] == "Runs"


async def test_silence_is_veiled_and_then_lost(server: Server, open_glass: OpenGlass) -> None:
    """Not heard of for two intervals and a second a task is no longer shown as true; after three it is lost."""
    await put(server, "loud", title="Loud", progress=0.5, interval=60)
    glass = await open_work(open_glass, server)
    await glass.page.evaluate(VEILED)
    # Long enough for a page that stands still for seconds to tell of both.
    await put(server, "quiet", title="Quiet", progress=0.25, interval=5, message="page 7")
    await row(glass, "Quiet", "25.0 %")
    text = await row(glass, "Quiet", "? lost")
    assert "nothing was heard for 3 intervals of 5 s · last: page 7" in text
    await glass.until("document.querySelectorAll('.task.stale').length === 0")
    veiled = await glass.page.evaluate("veiled")
    assert ["1", "some", "1 of 2 stale"] in [told[:3] for told in veiled]
    assert all("not heard of for" in told[3] for told in veiled), veiled


async def test_progress_comes_by_itself(server: Server, open_glass: OpenGlass) -> None:
    """What is told while the page is open is shown within a second or two, each task once."""
    glass = await open_work(open_glass, server)
    soon = 6  # of which four seconds are for a machine that stands still
    for part in (0.2, 0.4, 0.6):
        await put(server, "steps", title="Steps", progress=part, interval=60)
        await row(glass, "Steps", f"{part * 100:.1f} %", timeout=soon)
    assert await glass.page.locator(".task:not([hidden])").count() == 1
    await put(server, "steps", state="completed")
    await row(glass, "Steps", "✓ completed", timeout=soon)


async def test_what_ended_long_ago_is_folded_away(server: Server, open_glass: OpenGlass) -> None:
    """After ten minutes an ended task is a line to open, not a row."""
    await put(server, "old", title="Old", state="completed")
    await put(server, "runs", title="Runs", progress=0.1, interval=3600)
    glass = await open_work(open_glass, server)
    await row(glass, "Old", "✓ completed")
    await glass.page.evaluate("document.querySelector('live-tasks').book.age(601000)")
    fold = glass.page.locator("[data-fold]")
    await fold.wait_for()
    assert await fold.inner_text() == "Show 1 that ended earlier"
    assert await glass.page.locator(".task:not([hidden])").count() == 1
    await fold.click()
    await row(glass, "Old", "✓ completed")


async def test_a_page_of_the_past_counts_from_now(server: Server, open_glass: OpenGlass) -> None:
    """What is "as of now" there has the age that it has now."""
    now = time.time()
    await put(server, "earlier", title="Earlier", state="completed", started_at=now - 400, ended_at=now - 330)
    glass = await open_glass()
    await glass.open(f"{server.url}/boards/work?from={now - 7200:.0f}&to={now - 3600:.0f}")
    assert "5 min" in (await row(glass, "Earlier", " ago")).rpartition(" · ")[2]


async def test_many_tasks_are_bounded(server: Server, open_glass: OpenGlass) -> None:
    """Of sixty the document has forty rows, and says how many more there are."""
    for number in range(60):
        await put(server, f"one-{number}", title=f"One of many {number}", progress=0.5, interval=600)
    glass = await open_work(open_glass, server)
    await glass.until("document.querySelector('live-tasks .more').textContent === 'and 20 more'")
    assert await glass.page.locator(".task").count() == 40
