"""What the program says of itself: a quiet strip, and marks on the charts at the same moments."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import httpx
import pytest
from playwright.async_api import expect

from tests.browser.conftest import OpenGlass
from tests.browser.glass import Glass, collectors, until
from tests.serving import Server, running_server
from tests.web.test_inside import HOLDS_UP

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser-strip")]

MOODY = """
from pathlib import Path
from dashboard.collectors import Family, Sample

families = [Family("{name}", "gauge", "", "Fails while a file is there.")]
interval = 0.5


def collect():
    if Path({path!r}).exists():
        raise OSError("no answer from the printer that stands down in the hall")
    yield Sample("{name}", 1)
"""

BOARD = """
[[board]]
name = "moody"
range = "60s"
[[board.panel]]
title = "Line"
kind = "line"
series = ["moody", "system_memory_utilization_ratio"]
[[board.panel]]
title = "Heat"
kind = "heat"
series = ["system_cpu_utilization_ratio"]
"""

TOLD = """[...document.querySelectorAll("system-strip li:not([hidden])")].filter((one) =>
    !/load|^blind|^collector (?!moody|printer)/.test(one.querySelector(".text").textContent))"""
"""What the strip tells, but for what is told of the machine that runs the tests: load, standstills, late collectors."""

UNKNOWN = "What came before is not known here: it could not be asked for."

TEXTS = f"{TOLD}.map((one) => one.querySelector('.text').textContent)"

LOADED = """[...document.querySelectorAll("system-strip li:not([hidden])[data-tone={tone}] .text")]
    .some((text) => text.textContent.startsWith("{text}"))"""


async def opened(open_glass: OpenGlass, server: Server, **options: object) -> Glass:
    """Open the board and wait until the start of the program is told."""
    glass = await open_glass(**options)
    await glass.open(f"{server.url}/boards/moody")
    await glass.until(f"{TEXTS}.some((text) => text.endsWith(' started'))")
    return glass


async def test_what_fails_and_recovers(open_glass: OpenGlass, tmp_path: Path) -> None:
    """Start, failure and recovery are in the strip, the newest first; again after a reload; marked on the charts."""
    switch = tmp_path / "broken"
    config = collectors(tmp_path, moody=MOODY.format(name="moody", path=str(switch))) + BOARD
    async with running_server(config=config, tracebacks=True) as server:
        glass = await opened(open_glass, server)
        switch.touch()
        await glass.until(f"/^collector moody has trouble: .*no answer from the printer/.test({TEXTS}[0])")
        switch.unlink()
        told = await glass.until(
            f"""{TEXTS}[0] === 'collector moody delivers again'
                && {TOLD}.map((one) => [one.dataset.tone, one.querySelector(".text").textContent])""",
            timeout=30,
        )
        texts = [text for _, text in told]
        assert "no answer from the printer" in texts[1]
        # On a busy machine it may have been late and well again before it failed.
        tones = [tone for tone, _ in told]
        assert (tones[:2], tones[-1]) == (["good", "bad"], "calm")
        await glass.page.reload()
        await glass.until(f"JSON.stringify({TEXTS}) === JSON.stringify({json.dumps(texts)})")
        await marks_are_told(glass, "collector moody has trouble: ")


async def test_that_nothing_is_stored_comes_first_until_it_is_over(open_glass: OpenGlass, tmp_path: Path) -> None:
    """Also on a page that is opened while it goes on, which tells what it could not read; what is live stays live."""
    place = tmp_path / "data" / "history.db"
    place.mkdir(parents=True)
    async with running_server(config=BOARD, data_dir=place.parent, tracebacks=True) as server:
        glass = await open_glass()
        await glass.open(f"{server.url}/boards/moody")
        for _ in range(2):
            await glass.until(f"{TEXTS}[0]?.startsWith('points and logs are not stored: ')")
            await glass.status("live")
            await glass.page.goto(f"{server.url}/boards/moody?range=1h")
        await expect(glass.page.locator("#time-fault")).to_contain_text("could not be read from the disk")
        place.rmdir()
        await glass.until(f"{TEXTS}.some((text) => text.startsWith('points and logs are stored again: For '))")
        assert not (await glass.page.evaluate(TEXTS))[0].startswith("points and logs are not stored")


@pytest.mark.long
async def test_high_load_is_told_and_marked_and_so_is_its_end(open_glass: OpenGlass, tmp_path: Path) -> None:
    switch = tmp_path / "on"
    config = collectors(tmp_path, holds_up=HOLDS_UP.format(path=str(switch))) + BOARD
    async with running_server(config=config) as server:
        glass = await opened(open_glass, server)
        switch.touch()
        await glass.until(LOADED.format(tone="bad", text="high load: The program "), timeout=20)
        switch.unlink()
        await glass.until(LOADED.format(tone="good", text="load is normal again: "), timeout=20)
        await marks_are_told(glass, "high load: ")


async def marks_are_told(glass: Glass, text: str) -> None:
    """A chart pointed at where something bad happened says what; so does the strip of a chart's moment."""
    await glass.panels_when(lambda panels: panels["line"].state in ("live", "some"))
    marked = f"document.querySelector('live-chart').moment.marks.find(({{ text }}) => text.startsWith('{text}'))"
    await glass.until(f"Boolean({marked})")
    place = """((said) => {
        const { chart, moment } = document.querySelector("live-chart");
        const marked = moment.marks.find(({ text }) => text.startsWith(said));
        const { left, right, top, bottom } = chart.chartArea;
        const box = chart.canvas.getBoundingClientRect();
        const part = 1 - (moment.end - marked.time) / moment.range;
        return { x: box.left + left + part * (right - left), y: box.top + (top + bottom) / 2 };
    })"""

    async def told() -> bool:
        """Point at where the mark is now, for it moves on with time; tell whether the chart says what it is."""
        at = await glass.page.evaluate(place, text)
        await glass.page.mouse.move(at["x"], at["y"])
        return f"△ {text}" in await glass.page.locator("#moment").inner_text()

    await until(told)
    await glass.page.locator("system-strip li button", has_text=text.strip()).first.focus()
    await glass.until("[...document.querySelectorAll('.cross')].every((one) => !one.hidden)")


async def test_it_takes_no_room_when_it_fills(open_glass: OpenGlass, tmp_path: Path) -> None:
    """The strip has its place from the first picture on; what has no room is counted, and shown when asked for."""
    switch = tmp_path / "broken"
    moody = {name: MOODY.format(name=name, path=str(switch)) for name in (f"printer{number}" for number in range(9))}
    async with running_server(config=collectors(tmp_path, **moody) + BOARD) as server:
        glass = await opened(open_glass, server, viewport={"width": 390, "height": 844})
        strip = glass.page.locator("system-strip")
        height = await strip.evaluate("(one) => one.offsetHeight")
        switch.touch()
        failing = f"{TEXTS}.map((text) => /^collector (printer.) .*no answer/.exec(text)?.[1]).filter(Boolean)"
        await glass.until(f"new Set({failing}).size === 9")
        assert await strip.evaluate("(one) => one.offsetHeight") == height
        more = strip.locator(".more")
        count = "document.querySelectorAll('system-strip li:not([hidden])').length"
        folded = f"document.querySelector('system-strip .more').innerText === `${{{count} - 1}} more`"
        await glass.until(folded)
        await more.click()
        await glass.until(f"document.querySelectorAll('system-strip li:not([hidden]):not(.out)').length === {count}")
        assert await strip.evaluate("(one) => one.offsetHeight") == height
        await glass.page.keyboard.press("Escape")
        await glass.until(folded)


async def test_marks_are_drawn_and_cost_no_drawing(open_glass: OpenGlass) -> None:
    """A mark shows in the pixels of a chart with its next drawing; none is drawn because of it."""
    async with running_server(config=BOARD) as server:
        glass = await opened(open_glass, server)
        await glass.page.locator(".panel[data-state=live] live-chart canvas").first.wait_for()
        drawn = await glass.page.evaluate(
            """(() => {
                const view = document.querySelector("live-chart");
                const { chart, moment } = view;
                const { update } = Object.getPrototypeOf(chart);
                let updates = 0;
                chart.update = (...parts) => { updates++; return update.apply(chart, parts); };
                const { left, right, top, bottom } = chart.chartArea;
                const ratio = chart.currentDevicePixelRatio;
                const x = Math.round(left + (right - left) / 3);
                const { width, height } = chart.canvas;
                const alpha = () => {
                    const pen = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
                    pen.drawImage(chart.canvas, 0, 0);
                    const column = pen.getImageData(x * ratio, top * ratio, 1, (bottom - top) * ratio).data;
                    return column.filter((_, at) => at % 4 === 3 && column[at] > 0).length;
                };
                const before = alpha();
                moment.marks.splice(0, 0, {
                    id: "1-0", time: moment.end - moment.range * (2 / 3), shape: "△", tone: "bad", text: "a mark",
                });
                const asked = updates;
                chart.draw();
                return { before, after: alpha(), asked, height: bottom - top };
            })()"""
        )
        assert drawn["asked"] == 0
        assert drawn["after"] > 0.9 * drawn["height"] > drawn["before"]


COLOURS = """(({ chart, traces, palette, unknown: [{ from, to }] }) => {
    const { left, top, bottom } = chart.chartArea;
    const ratio = chart.currentDevicePixelRatio;
    const { width, height } = chart.canvas;
    const pen = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    pen.drawImage(chart.canvas, 0, 0);
    const x = (time) => Math.max(left, chart.scales.x.getPixelForValue(time * 1000));
    const channels = (hex) => [1, 3, 5].map((digit) => parseInt(hex.slice(digit, digit + 2), 16));
    const hatch = channels(getComputedStyle(document.documentElement).getPropertyValue("--hatch").trim());
    const colour = channels(traces.find(({ line }) => line.key.startsWith("moody")).colour);
    const count = (begin, end) => {
        const { data } = pen.getImageData(begin * ratio, top * ratio, (end - begin) * ratio, (bottom - top) * ratio);
        const like = (sought, at) =>
            data[at + 3] > 127 && sought.every((one, channel) => Math.abs(one - data[at + channel]) < 24);
        const found = { line: 0, hatch: 0, pixels: data.length / 4 };
        for (let at = 0; at < data.length; at += 4) {
            found.line += like(colour, at);
            found.hatch += like(hatch, at);
        }
        return found;
    };
    return { before: count(x(from - 4), x(from) - 2), band: count(x(from) + 2, x(to) - 2) };
})(document.querySelector("live-chart"))"""
"""How much of a line and of the hatch a blind time and the seconds before it show."""


async def test_a_time_without_a_watch_is_a_band(open_glass: OpenGlass, tmp_path: Path) -> None:
    """A page opened after a restart names and hatches that time in every chart, and no line goes across."""
    since = time.time() - 20
    (tmp_path / "alive").touch()
    os.utime(tmp_path / "alive", (since, since))
    begun = time.time()
    async with running_server(config=BOARD, data_dir=tmp_path) as server:
        back = time.time()
        moody = [{"series": "moody", "value": 0.4, "timestamp": at, "interval": 60} for at in (since - 5, back)]
        async with httpx.AsyncClient(base_url=server.url) as client:
            assert (await client.post("/api/v1/samples", json=moody)).json()["accepted"] == 2
        glass = await opened(open_glass, server)
        spans = "[...document.querySelectorAll('live-chart, live-heat')].map(({ unknown }) => unknown)"
        await glass.until(f"{spans}.every((one) => one.length === 1)")
        for (span,) in await glass.page.evaluate(spans):
            assert abs(span["from"] - since) < 1e-3 and begun < span["to"] <= back
        await glass.until("document.querySelectorAll('live-chart')[0].traces.length === 2")
        seen = await glass.until(f"(({{ before, band }}) => before.line && {{ before, band }})({COLOURS})")
        assert seen["band"]["line"] == 0 and seen["band"]["hatch"] > seen["band"]["pixels"] / 20, seen
        told = glass.page.locator("system-strip li", has_text="blind: the dashboard was not running")
        assert re.search(r"\d\d:\d\d:\d\d–(.* )?\d\d:\d\d:\d\d$", await told.locator(".time").inner_text())
        box = await glass.page.evaluate(
            """(({ chart: { canvas, chartArea, scales }, unknown: [{ from, to }] }) => {
                const { left, top } = canvas.getBoundingClientRect();
                return { x: left + scales.x.getPixelForValue((from + to) * 500), y: top + chartArea.top + 20 };
            })(document.querySelector("live-chart"))"""
        )
        await glass.page.mouse.move(box["x"], box["y"])
        await glass.until("/ · ▨ .*–.* blind: the dashboard/.test(document.getElementById('moment').textContent)")
        values = "[...document.querySelectorAll('live-chart .legend .value')].map((one) => one.textContent)"
        await glass.until(f"{values}.length === 2 && {values}.every((text) => text === '–')")


async def test_a_past_that_could_not_be_asked_for_is_not_called_empty(open_glass: OpenGlass) -> None:
    """Nothing happened is said only by who knows; strip, tasks and log alike."""
    async with running_server() as server:
        glass = await open_glass()
        await glass.page.route(
            re.compile(r"/api/v1/(system|tasks|notifications|logs)\b"), lambda route: route.fulfill(status=403, json={})
        )
        await glass.open(server.url)
        await glass.page.locator("live-log").scroll_into_view_if_needed()
        # Where the machine is busy, that is told meanwhile: then strip and log are not empty.
        await glass.until(
            f"""(({{ hidden, textContent }}) => hidden || textContent === {json.dumps(UNKNOWN)})(
                document.querySelector("live-log .none"))"""
        )
        for place in ("system-strip", "live-tasks"):
            await glass.until(
                f"""((some) => [...document.querySelectorAll("{place} .none")].every((none) =>
                    none.hidden === (some || !none.matches(".unknown"))))(
                        document.querySelector("{place} li:not([hidden])") !== null)"""
            )
        await glass.page.unroute_all()
        await glass.page.reload()
        await glass.page.locator("live-log").scroll_into_view_if_needed()
        await glass.until("document.querySelectorAll('.none.unknown:not([hidden])').length === 0")
        await glass.until(f"{TEXTS}.some((text) => text.endsWith(' started'))")
