"""Everything on the page that can be pressed does what it says, by pointer and by keyboard."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.conftest import OpenGlass
from tests.browser.copying import copied
from tests.browser.daytime import noon_zone
from tests.browser.glass import BEACON, KINDS, Glass, board, collectors, until
from tests.serving import Server, running_server

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser-controls")]

CHART = '[data-panel="beacon-line"]'

PAST = 'beacon{instance="past"}'
OWN = 'beacon{instance!~"past|zzz"}'
MOMENTS = '[[board]]\nname = "moments"\nrange = "60s"\n' + "".join(
    f'[[board.panel]]\nid = "{name}-{kind}"\ntitle = "{name} {kind}"\nkind = "{kind}"\nwidth = {width}\n'
    f"series = ['{series}']\n"
    for name, series in (("past", PAST), ("own", OWN))
    for kind, width in (("line", 12), ("area", 5), ("heat", 4), ("stat", 3))
)
"""Charts of several widths, of values that tell when they were taken: one has a past, one goes on."""

POINTED = r"""(() => ({
    label: document.getElementById("moment").innerText,
    times: [...document.querySelectorAll(".panel > header > .past")].map((one) => one.innerText).filter(Boolean),
    values: Object.fromEntries([...document.querySelectorAll(".panel")].map((panel) => [panel.dataset.panel,
        panel.querySelector(".legend .value, .number, .now").textContent.replace("highest of 1: ", "").split(" ")[0]])),
    now: Date.now() / 1000,
}))()"""
"""What the page says of the moment that is pointed at, and the value of each panel."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """One server with a beacon and its board."""
    home = tmp_path_factory.mktemp("controls")
    config = collectors(home, beacon=BEACON) + board("beacon", "beacon", range="15m") + MOMENTS
    async with running_server(config=config) as running, httpx.AsyncClient(base_url=running.url, timeout=20) as client:
        # A quarter of an hour of another machine, so that there is a range to choose from.
        now = int(time.time())
        past = {"series": 'beacon{instance="zzz"}', "value": 50, "interval": 3600}
        samples = [{**past, "timestamp": now - second} for second in range(61, 880)]
        assert (await client.post("/api/v1/samples", json=samples)).json()["rejected"] == []
        yield running


async def shown(glass: Glass, server: Server) -> None:
    """Open the beacon's board and wait until it is live."""
    await glass.open(f"{server.url}/boards/beacon")
    await glass.panels_when(lambda panels: all(panel.state == "live" for panel in panels.values()))


async def test_theme(server: Server, open_glass: OpenGlass) -> None:
    """The theme goes from the system's to light to dark and back; the choice stays, from the first paint on."""
    glass = await open_glass(color_scheme="light")
    await shown(glass, server)
    switch = glass.page.locator("[data-switch=theme]")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = await glass.page.evaluate(ground)
    await switch.click()
    assert await glass.page.evaluate(ground) == light
    await switch.click()
    dark = await glass.page.evaluate(ground)
    assert dark != light
    await glass.page.reload()
    assert await glass.page.evaluate(ground) == dark
    await shown(glass, server)
    await switch.click()
    assert await glass.page.evaluate(ground) == light
    await glass.page.emulate_media(color_scheme="dark")
    assert await glass.page.evaluate(ground) == dark


async def test_zone(server: Server, open_glass: OpenGlass) -> None:
    """Times are the browser's or UTC, and always say which."""
    glass = await open_glass(timezone_id="Asia/Kathmandu")
    await shown(glass, server)
    clock = glass.page.locator("#clock")
    await expect(clock).to_contain_text("5:45")
    local = (await clock.inner_text()).split()
    await glass.page.locator("[data-switch=zone]").click()
    await expect(clock).to_contain_text("UTC")
    utc = (await clock.inner_text()).split()

    def minutes(text: str) -> int:
        return int(text[:2]) * 60 + int(text[3:5])

    assert (minutes(local[0]) - minutes(utc[0])) % 1440 in (344, 345, 346)
    await glass.page.reload()
    await expect(clock).to_contain_text("UTC")


async def test_range(server: Server, open_glass: OpenGlass) -> None:
    """The range switch changes the time that the charts show, keeps the points, and is told to screen readers."""
    glass = await open_glass()
    await shown(glass, server)
    scale = f"document.querySelector('{CHART} live-chart').chart?.scales.x"
    span = f"((scale) => scale && (scale.max - scale.min) / 1000)({scale})"
    await glass.until(f"{span} === 900")
    five = glass.page.locator("[data-range='300']")
    await five.click()
    await glass.until(f"{span} === 300")
    await expect(five).to_have_attribute("aria-pressed", "true")
    await expect(glass.page.locator("[data-range='900']")).to_have_attribute("aria-pressed", "false")
    await glass.until(f"document.querySelector('{CHART} live-chart').traces[0]?.line.length > 0")
    assert "live" in await glass.status("live")


@pytest.mark.parametrize("way", ["click", "enter", "button"])
async def test_full_screen(way: str, server: Server, open_glass: OpenGlass) -> None:
    """A click or Enter shows one panel over the whole page, live; Escape brings the board back, focus and all."""
    glass = await open_glass()
    await shown(glass, server)
    panel = glass.page.locator(CHART)
    if way == "click":
        await panel.locator(".plot").click()
    elif way == "enter":
        await panel.focus()
        await glass.page.keyboard.press("Enter")
    else:
        await panel.hover()
        await panel.locator(".expand").click()
    await glass.until(f"document.querySelector('{CHART}').getBoundingClientRect().height > 800")
    box = await panel.bounding_box()
    assert box is not None and box["width"] > 1350
    newest = await glass.page.evaluate(f"document.querySelector('{CHART} live-chart').traces[0].line.time")
    await glass.until(f"document.querySelector('{CHART} live-chart').traces[0].line.time > {newest}")
    await glass.page.keyboard.press("Escape")
    await glass.until(f"document.querySelector('{CHART}').getBoundingClientRect().height < 500")
    assert await glass.page.evaluate(f"document.activeElement === document.querySelector('{CHART}')")
    await glass.panels_when(lambda panels: all(one.state == "live" for one in panels.values()))


async def test_hover(server: Server, open_glass: OpenGlass) -> None:
    """Pointing at a moment shows it in all charts, with its time, while the feed goes on; each says that it is past."""
    glass = await open_glass(timezone_id=noon_zone()[0])
    await shown(glass, server)
    plot = glass.page.locator(f"{CHART} .plot")
    await plot.hover(position={"x": 200, "y": 40})
    await expect(glass.page.locator("#moment")).to_be_visible()
    await expect(glass.page.locator(".cross:visible")).to_have_count(2)
    # The one pointed at has the time at the pointer, all others in their heads; tiles go on with what is now.
    times = glass.page.locator(".panel > header > .past:visible")
    await expect(times).to_have_count(1)
    await expect(times).to_have_text(re.compile(r"^at \d\d:\d\d:\d\d$"))
    await expect(glass.page.locator(f"{CHART} .legend")).to_have_class(re.compile("past"))
    within = f"""(([label, panel]) => label.left >= panel.left && label.right <= panel.right)(
        ["#moment", `{CHART}`].map((one) => document.querySelector(one).getBoundingClientRect()))"""
    box = await plot.bounding_box()
    assert box is not None
    for x in (200, box["width"] - 9):
        await plot.hover(position={"x": x, "y": 40})
        await glass.until(within)
    newest = await glass.page.evaluate(f"document.querySelector('{CHART} live-chart').traces[0].line.time")
    await glass.until(f"document.querySelector('{CHART} live-chart').traces[0].line.time >= {newest + 2}")
    await expect(glass.page.locator("#moment")).to_be_visible()
    await glass.page.mouse.move(5, 5)
    await expect(glass.page.locator("#moment")).to_be_hidden()
    await expect(times).to_have_count(0)
    await expect(glass.page.locator(f"{CHART} .legend")).not_to_have_class(re.compile("past"))
    await glass.page.locator(f"{CHART} .plot").click()
    await expect(glass.page.locator(f"{CHART}.full")).to_be_visible()
    # A browser may say at once that the pointer is over the chart at its new place: then the label is there, too.
    await glass.until(f"""(() => {{
        const [label, chart] = ["#moment", `{CHART} live-chart`].map((one) => document.querySelector(one));
        return label.hidden || Math.abs(label.getBoundingClientRect().bottom - chart.getBoundingClientRect().top) < 40;
    }})()""")


def off(text: str, at: float) -> float:
    """Return by how many seconds the value of a beacon is not that of a moment."""
    return abs((float(text) - 10 - at + 44) % 89 - 44) if re.match(r"\d", text) else math.inf


async def pointed(glass: Glass, ahead: int, *panels: str, ago: tuple[float, float], after: float = 0) -> float:
    """Wait until the label tells a moment later than `after`, and these panels the values of then; return it.

    The page's clocks are `ahead` of UTC by these seconds; the moment is `ago` by one of these, as the page tells it.
    """
    deadline = time.monotonic() + 20
    while True:
        seen = await glass.page.evaluate(POINTED)
        parts = [int(part) for part in re.findall(r"\d\d", seen["label"][:8])]
        now = float(seen["now"]) + ahead
        moment = now // 86400 * 86400 + sum(60**at * part for at, part in enumerate(reversed(parts))) - ahead
        wrong = {panel: seen["values"][panel] for panel in panels if off(seen["values"][panel], moment) > 1.5}
        told = set(seen["times"]) == {f"at {seen['label'][:8]}"} and len(seen["times"]) == 5
        if moment > after and ago[0] < seen["now"] - moment < ago[1] and told and not wrong:
            return float(moment)
        assert time.monotonic() < deadline, (seen, moment % 89 + 10, wrong)
        await asyncio.sleep(0.05)


async def seconds_of(server: Server, series: str) -> bool:
    """Tell whether the server has enough of a series for a chart to point at, so that no page has to wait for that."""
    now = time.time()
    query: dict[str, str | float] = {"match": series, "start": now - 60, "end": now, "step": 1, "unknown": "empty"}
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:
        found = (await client.get("/api/v1/query_range", params=query)).json()["result"]
    return any(sum(point[1] is not None for point in line["points"]) > 12 for line in found)


async def test_hover_shows_all_values_of_that_moment(server: Server, open_glass: OpenGlass) -> None:
    """All charts show what was true at the moment pointed at, and of the next when time goes on; tiles what is now."""
    zone, ahead = noon_zone()
    glass = await open_glass(timezone_id=zone, viewport={"width": 1440, "height": 1400})
    await until(lambda: seconds_of(server, OWN))
    now = int(time.time())
    samples = [{"series": PAST, "value": 10 + at % 89, "timestamp": at, "interval": 60} for at in range(now - 75, now)]
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:
        assert (await client.post("/api/v1/samples", json=samples)).json()["rejected"] == []
    await glass.open(f"{server.url}/boards/moments")
    await glass.panels_when(lambda panels: all(panel.state == "live" for panel in panels.values()))
    chart = "document.querySelector('[data-panel=own-line] live-chart')"
    await glass.until(f"{chart}.traces[0]?.line.length > 12")
    area = await glass.page.evaluate(f"{chart}.chart.chartArea")

    async def point(ago: float) -> None:
        x = area["right"] - (area["right"] - area["left"]) * ago / 60
        await glass.page.locator("[data-panel=own-line] .plot").hover(position={"x": x, "y": area["top"] + 20})

    await point(45)
    await pointed(glass, ahead, "past-line", "past-area", "past-heat", ago=(42, 49))
    await point(8)
    own = ("own-line", "own-area", "own-heat")
    moment = await pointed(glass, ahead, *own, ago=(5, 12))
    await pointed(glass, ahead, *own, ago=(5, 12), after=moment + 1)

    async def tile_is_of_now() -> bool:
        seen = await glass.page.evaluate(POINTED)
        return bool(seen["label"]) and off(seen["values"]["own-stat"], seen["now"]) < 3

    await until(tile_is_of_now)


async def test_keyboard_reaches_everything(server: Server, open_glass: OpenGlass) -> None:
    """Tab alone comes to every control and panel, each with a name and a visible focus."""
    glass = await open_glass()
    await shown(glass, server)
    # What comes after the first picture brings controls, too.
    await glass.until("document.querySelector('.menu-sheet')")
    wanted = await glass.page.evaluate(
        """[...document.querySelectorAll("a[href], button, .panel")].filter((one) =>
            one.checkVisibility({ visibilityProperty: true }) && !one.matches(".expand, .skip"))
            .map((one) => (one.dataset.wanted = "")).length"""
    )
    missed = "[...document.querySelectorAll('[data-wanted]:not([data-stop])')].map((one) => one.outerHTML.slice(0, 80))"
    # Each of those, for what happens meanwhile may bring others, of which Tab comes to some first.
    for _ in range(2 * wanted + 5):
        if not await glass.page.evaluate(missed):
            break
        await glass.page.keyboard.press("Tab")
        stop = await glass.page.evaluate(
            """(() => {
                const one = document.activeElement;
                if (!one.matches("a, button, .panel")) return null;
                one.dataset.stop ??= String(document.querySelectorAll("[data-stop]").length);
                const name = one.getAttribute("aria-label") || one.title || one.textContent.trim();
                const { outlineStyle, outlineWidth } = getComputedStyle(one);
                return { name, ring: outlineStyle !== "none" && outlineWidth !== "0px" };
            })()"""
        )
        if stop is None:
            continue
        assert stop["name"] and stop["ring"], stop
    assert wanted > 10 and await glass.page.evaluate(missed) == []


async def test_copy_board(server: Server, open_glass: OpenGlass) -> None:
    """What is copied makes the very same board on another server."""
    glass = await open_glass(permissions=["clipboard-read", "clipboard-write"])
    await shown(glass, server)
    text = await copied(glass.page.locator("[data-copy-board]"))
    async with running_server(config=text) as other:
        await glass.page.goto(f"{other.url}/boards/beacon")
        assert (await glass.panels()).keys() == {f"beacon-{kind}" for kind in KINDS}
        await glass.page.goto("about:blank")
