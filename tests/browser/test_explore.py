"""Exploring: any series is found by a few letters, drawn, and shared; charts are annotated, and their points taken."""

from __future__ import annotations

import csv
import io
import re
import time
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import expect

from dashboard.model import Batch, Program
from tests.browser.conftest import OpenGlass
from tests.browser.copying import copied
from tests.browser.daytime import noon_zone
from tests.browser.glass import Glass, until
from tests.history.keeping import keeping
from tests.serving import Server, running_server

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser-explore")]

MANY = 200
SHELVES = [f'shop_orders_waiting{{instance="shop",shelf="{number}"}}' for number in range(MANY)]
CHART = '[data-panel="chart-1"]'


BACKUP = (Program("backup-run", 1.0, 3_000_000_000, 3), Program("backup-run", 2.0, 1_000_000_000, 1))
"""What took most in each minute before the server was started: as it was seen first, and then."""


def look_back(data: Path) -> None:
    """Write into a data folder what an earlier run saw of the processes in the twenty minutes before now."""
    data.mkdir()
    begin = time.time() // 60 * 60 - 1200
    with keeping(data / "history.db", begin) as kept:
        for minute in range(20):
            for at, seen in enumerate(BACKUP):
                when = begin + 60 * minute + 20 * at
                kept.history.append(Batch("h/processes", when, 2.0, {"instance": "h"}, {}, (), (seen,)))
        kept.write()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server with two hundred series of one name, and a few minutes of each, besides its own, and an earlier run."""
    data = tmp_path_factory.mktemp("explore") / "data"
    look_back(data)
    async with running_server(data_dir=data) as running:
        async with httpx.AsyncClient(base_url=running.url, timeout=60) as client:
            now = int(time.time())
            times = range(now - 58, now, 2)
            samples: list[dict[str, Any]] = [
                {"series": series, "value": at % 7 + number, "timestamp": at, "interval": 600}
                for number, series in enumerate(SHELVES)
                for at in times
            ]
            answer = await client.post("/api/v1/samples", json=samples)
            assert answer.json()["rejected"] == []

            async def known() -> bool:
                found = (await client.get("/api/v1/series")).json()["result"]
                return {entry["name"] for entry in found} >= {"system_load_1m", "system_memory_usage_bytes"}

            await until(known)  # a page does not ask again for the list of them as soon as one has come
        yield running


async def equipped(glass: Glass) -> None:
    """Wait until a page has the tools that come after its first picture."""
    await glass.until("document.querySelector('.menu-sheet')")


async def drawn(glass: Glass, panel: str = CHART) -> list[str]:
    """Return the keys of the lines that a chart draws."""
    found: list[str] = await glass.page.evaluate(
        f"document.querySelector('{panel} live-chart').traces.map(({{ line }}) => line.key)"
    )
    return found


async def test_series_are_found_and_drawn_by_keyboard_and_the_address_holds_them(
    server: Server, open_glass: OpenGlass
) -> None:
    """Slash, letters, arrows and Enter choose; each unit has a chart; the address alone brings the same again."""
    glass = await open_glass()
    await glass.open(f"{server.url}/explore")
    page = glass.page
    await expect(page.locator("#welcome")).to_be_visible()
    rows = page.locator("#found li:visible")
    await expect(rows.first).to_be_visible()
    await page.locator("h1").click()
    await page.keyboard.press("/")
    await page.keyboard.type("no such thing")
    await expect(page.locator(".nothing:not(.unknown)")).to_be_visible()
    await page.keyboard.press("Control+a")
    await page.keyboard.type("shelf=19")
    await expect(rows).to_have_count(1 + 11)
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await glass.until(f"document.querySelector('{CHART}').dataset.state === 'live'")
    assert await drawn(glass) == [SHELVES[19]]
    await expect(page.locator(".chip")).to_have_text(['shop_orders_waiting{shelf="19"}✕'])
    await page.keyboard.press("/")
    await page.keyboard.type("load_1m")
    await page.keyboard.press("Enter")
    await page.locator("#find").fill("memory_usage_bytes")
    await page.keyboard.press("Enter")
    await expect(page.locator(".panel[data-kind=line]:visible")).to_have_count(2)
    await expect(page.locator("#welcome")).to_be_hidden()
    await glass.until("document.querySelector('[data-panel=chart-2]').dataset.state === 'live'")
    await glass.until(f"document.querySelector('{CHART} live-chart').traces.length === 2")
    address = await page.evaluate("location.href")
    other = await open_glass()
    await other.open(address)
    await other.until("[...document.querySelectorAll('live-chart')].flatMap(({ traces }) => traces).length > 3")
    await other.until(f"document.querySelector('{CHART} live-chart').traces.length === 2")
    assert await drawn(other) == await drawn(glass)
    await expect(other.page.locator("#found li:visible").first).to_be_visible()  # with it the chips are made anew
    await other.page.locator(".chip button").first.click()
    await expect(other.page.locator(".chip")).to_have_count(2)
    assert "shelf" not in await other.page.evaluate("location.href")


async def test_two_hundred_series_are_told_apart_counted_and_taken_as_toml(
    server: Server, open_glass: OpenGlass
) -> None:
    """Of very many the largest are drawn, the others counted and listed; the panel is copied as a board takes it."""
    glass = await open_glass(permissions=["clipboard-read", "clipboard-write"])
    page = glass.page
    await glass.open(f"{server.url}/explore?match=shop_orders_waiting&kind=area")

    async def largest() -> bool:
        return set(await drawn(glass)) == set(SHELVES[-24:])

    await until(largest)
    await expect(page.locator(f"{CHART} .legend .more")).to_contain_text("more")
    await expect(page.locator("live-summary tbody tr:visible")).to_have_count(MANY)
    await page.locator("live-summary th button", has_text="Highest").click()
    first = page.locator("live-summary tbody tr").first.locator("td")
    await expect(first.nth(0)).to_contain_text("199")
    await expect(first.nth(4)).to_have_text("205")
    (panel,) = tomllib.loads(await copied(page.locator("[data-copy-panels]")))["board"]["panel"]
    assert panel["series"] == ["shop_orders_waiting"] and panel["kind"] == "area"


async def test_an_annotation_is_put_on_all_charts_told_and_deleted(server: Server, open_glass: OpenGlass) -> None:
    """A time chosen on a chart gets a text, which every page shows at once, and which goes when it is deleted."""
    glass, other = await open_glass(), await open_glass()
    for one in (glass, other):
        await one.open(f"{server.url}/explore?match=shop_orders_waiting&match=system_memory_usage_bytes")
        await expect(one.page.locator("#found li:visible").first).to_be_visible()
        await one.until(f"document.querySelector('{CHART} live-chart').area")
        await equipped(one)
    page = glass.page
    box = await page.locator(f"{CHART} .plot").bounding_box()
    assert box is not None
    await page.keyboard.down("Shift")
    await page.mouse.move(box["x"] + 200, box["y"] + 60)
    await page.mouse.down()
    await page.mouse.move(box["x"] + 300, box["y"] + 60, steps=3)
    await page.mouse.up()
    await page.keyboard.up("Shift")
    dialog = page.locator("#annotate")
    await expect(dialog).to_be_visible()
    assert await dialog.locator("[name=start]").input_value() < await dialog.locator("[name=end]").input_value()
    await dialog.locator("textarea").fill("deployed\nby hand <b>")
    await page.keyboard.press("Control+Enter")
    await expect(dialog).to_be_hidden()
    for one in (glass, other):
        await expect(one.page.locator(f"{CHART} .flag:visible")).to_have_count(1)
    assert await page.evaluate(f"!document.querySelector('{CHART}').matches('.full')")
    await other.page.set_viewport_size({"width": 1280, "height": 480})
    await other.page.locator('[data-panel="chart-2"] .plot').scroll_into_view_if_needed()
    stops = "[...document.querySelectorAll('.flag:not([hidden])')].map(({ tabIndex }) => tabIndex).join()"
    await other.until(f"{stops} === '0,-1'")  # both charts have it, and the keyboard comes to it once
    flag = other.page.locator(f"{CHART} .flag")
    await flag.focus()
    await expect(other.page.locator(".tip .text")).to_have_text("deployed\nby hand <b>")
    await other.page.keyboard.press("Enter")
    await expect(other.page.locator("#annotate li[aria-current] .text")).to_have_text("deployed\nby hand <b>")
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:
        # One that comes meanwhile takes nobody from the button that the keyboard is at.
        body = {"text": "meanwhile", "start": time.time() - 5}
        added = (await client.post("/api/v1/annotations", json=body)).json()
        await expect(other.page.locator("#annotate li .text")).to_have_count(2)
        assert (await client.delete(f"/api/v1/annotations/{added['id']}")).status_code == 200
        await expect(other.page.locator("#annotate li .text")).to_have_count(1)
    await other.page.keyboard.press("Enter")
    await other.page.locator("#annotate button.sure").click()
    await expect(other.page.locator("#annotate h3")).to_contain_text("None")
    await expect(page.locator(f"{CHART} .flag:visible")).to_have_count(0)


async def test_the_processes_of_the_minute_that_is_pointed_at_are_shown(server: Server, open_glass: OpenGlass) -> None:
    """Pointing at a minute that is over brings what took most in it, with its time; pointing away what does now."""
    glass = await open_glass(timezone_id=noon_zone()[0])
    page = glass.page
    await glass.open(f"{server.url}/?range=30m")  # whose middle is before this run
    await equipped(glass)
    panel = page.locator("[data-kind=processes]")
    await expect(panel.locator("tbody tr:visible").nth(3)).to_be_visible()
    plot = page.locator("live-chart .plot").first
    box = await plot.bounding_box()
    assert box is not None
    await plot.hover(position={"x": box["width"] / 2, "y": 40})
    row = panel.locator("tbody tr:visible")
    await expect(row.first.locator(".name")).to_have_text("backup-run ×\u20093")
    await expect(row).to_have_count(1)

    async def as_it_was() -> bool:
        # With each minute that passes another is pointed at, whose answer is waited for.
        cells = await row.locator(".value:visible").evaluate_all("(all) => all.map((one) => one.innerText.trim())")
        return bool(cells == ["150\u00a0%", "1.86\u00a0GiB"])

    await until(as_it_was)
    await expect(panel.locator("header .past")).to_have_text(re.compile(r"^minute from \d\d:\d\d:00$"))
    await page.mouse.move(5, 5)
    await expect(panel.locator("header .past")).to_be_hidden()
    await expect(panel.locator("tbody tr:visible").nth(3)).to_be_visible()
    assert "backup-run" not in await panel.inner_text()


async def test_a_panel_gives_what_its_chart_shows(server: Server, open_glass: OpenGlass) -> None:
    """Its menu, by keyboard, downloads the points of the time that is shown, and leads to the page of exploring."""
    glass = await open_glass(accept_downloads=True)
    page = glass.page
    await glass.open(f"{server.url}/")
    await equipped(glass)
    panel = page.locator(".panel[data-kind=line], .panel[data-kind=area]").first
    await panel.locator(".menu").focus()
    await page.keyboard.press("Enter")
    entries = page.locator("[role=menu] [role=menuitem]")
    await expect(entries.first).to_be_focused()
    words = await entries.all_inner_texts()
    await page.keyboard.press("ArrowDown")
    async with page.expect_download() as downloading:
        await page.keyboard.press("Enter")
    path = await (await downloading.value).path()
    rows = list(csv.reader(io.StringIO(path.read_text("utf-8"))))
    assert rows[0][0] == "time" and len(rows[0]) > 1 and len(rows) > 1
    assert words[:4] == ["Open in Explore", "Download as CSV", "Download as JSON", "Copy as TOML"]
    await panel.locator(".menu").click()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/explore?match=*")
    await glass.until("document.querySelector('[data-panel=chart-1] live-chart')?.traces?.length > 0")
