"""From a phone to a wall of 4K: nothing is cut, nothing is faint, and text stays text."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.conftest import OpenGlass
from tests.browser.glass import KINDS, Glass, board
from tests.serving import Server, running_server

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser-layout")]

LAYOUT = Path(__file__).with_name("layout.js").read_text(encoding="utf-8")
WALL = (3840, 2160)
SIZES = [
    pytest.param(size, id=f"{size[0]}x{size[1]}", marks=[pytest.mark.long] if size == WALL else [])
    for size in ((390, 844), (1440, 900), WALL)
]
FOLD = {
    "health": ("health-line h1", ".uptime", ".load", ".worst", "connection-status"),
    "tiles": tuple(
        f"#panel-{tile} {part}" for tile in ("cpu", "memory", "disk", "network") for part in ("h2", "canvas")
    ),
    "charts": tuple(f"#panel-{chart}" for chart in ("cpu-modes", "memory-states", "network-io", "disk-io")),
    "processes": ("#panel-processes", *(f"#panel-processes tbody tr:nth-child({row})" for row in range(1, 6))),
}
"""What the overview shows without scrolling, as selectors."""

LONG = "the-name-of-a-queue-that-someone-thought-about-for-a-very-long-time-" + "x" * 12
HOSTILE = '<img src=x onerror="document.title=1"><b>bold</b>&amp;'

STATES = """
[[board.panel]]
id = "bad"
title = "Bad"
kind = "stat"
series = ["bad_ratio"]
width = 3
thresholds = [{above = 0.1, severity = "warning"}, {above = 0.5, severity = "critical"}]
[[board.panel]]
id = "warm"
title = "Warm"
kind = "gauge"
series = ["warm_ratio"]
width = 3
thresholds = [{above = 0.1, severity = "warning"}, {above = 0.9, severity = "critical"}]
[[board.panel]]
title = "Bars"
kind = "bar"
series = ["bad_ratio", "warm_ratio"]
thresholds = [{above = 0.1, severity = "warning"}, {above = 0.5, severity = "critical"}]
[[board.panel]]
title = "Units"
kind = "bar"
series = ["mixed*"]
[[board.panel]]
title = "No data yet"
kind = "line"
series = ["nothing_of_the_kind"]
[[board.panel]]
title = "A text"
kind = "text"
text = "What these are, in one sentence that is somewhat longer than a phone is wide."
[[board.panel]]
title = "Processes"
kind = "processes"
"""


async def push(server: Server) -> None:
    """Push what the boards show. A page that is opened later than their range after that would have none of it."""
    samples: list[dict[str, object]] = [
        {"series": f'long_name{{queue="{LONG[:-2]}{number:02}"}}', "value": number} for number in range(3)
    ]
    samples += [{"series": f'many{{number="{number}"}}', "value": number * 1.5} for number in range(200)]
    samples += [
        {"series": f'extreme{{size="{value:g}"}}', "value": value}
        for value in (0, 1e12, -123456.789, 0.30000000000000004, 1e300, 1e-12)
    ]
    escaped = HOSTILE.replace('"', '\\"')
    samples.append({"series": f'hostile{{text="{escaped}"}}', "value": 1})
    samples += [{"series": "bad_ratio", "value": 0.75}, {"series": "warm_ratio", "value": 0.42}]
    samples += [{"series": "mixed_bytes", "value": 3e9}, {"series": "mixed_count", "value": 7}]
    for sample in samples:
        sample["interval"] = 3600
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:
        assert (await client.post("/api/v1/samples", json=samples)).json()["rejected"] == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[Server]:
    """A server with boards of what is hard to lay out: long names, many series, huge and tiny values, each state."""
    boards = [
        board("long", "long_name", legend="{queue}"),
        board("many", "many", legend="{number}"),
        board("extreme", "extreme", legend="{size}"),
        board("hostile", "hostile", legend="{text}"),
        board("states", "bad_ratio", kinds=("stat",)) + STATES,
    ]
    boards = [text.replace("max = 100\n", "") for text in boards]
    async with running_server(config="\n".join(boards)) as running:
        yield running


async def shown(glass: Glass, server: Server, name: str) -> None:
    """Open a board, or the overview, and wait until all its panels in sight are drawn.

    They are in the frame after that in which they are found to be live.
    """
    await push(server)
    await glass.open(server.url + (f"/boards/{name}" if name else "/"))
    await glass.panels_when(
        lambda panels: all(
            panel.state != "loading" and (panel.text.strip() or panel.state in ("empty", "failed"))
            for panel in panels.values()
        )
    )


PAGES = ["", "long", "many", "extreme", "states"]


@pytest.mark.parametrize("size", SIZES)
async def test_nothing_is_cut(size: tuple[int, int], server: Server, open_glass: OpenGlass) -> None:
    """No text is cut off: it fits, or ends in an ellipsis and is whole in its title; nothing scrolls sideways."""
    glass = await open_glass(scripts=(LAYOUT,), viewport={"width": size[0], "height": 9000})
    for name in PAGES:
        await shown(glass, server, name)
        assert await glass.page.evaluate("layout.count()") > 10
        assert (name, await glass.page.evaluate("layout.cut()")) == (name, [])
        assert (name, await glass.page.evaluate("layout.wide()")) == (name, 0)
        if name == "long":
            for kind in ("line", "bar", "table"):
                ends = glass.page.locator(f"[data-panel=long-{kind}] .apart > span:last-child:visible")
                assert await ends.count() == 3
                assert await ends.evaluate_all("(all) => all.every((one) => one.scrollWidth <= one.clientWidth)")
    await glass.page.goto(server.url + "/add")
    assert await glass.page.evaluate("layout.cut()") == []
    assert await glass.page.evaluate("layout.wide()") == 0


async def test_what_matters_is_seen_without_scrolling(server: Server, open_glass: OpenGlass) -> None:
    """At 1440x900 the line of health, the tiles with their pictures, the main charts and who is busiest are whole."""
    glass = await open_glass()
    await glass.open(server.url)
    await glass.panels_when(
        lambda panels: all(panels[name].state == "live" for name in ("cpu", "cpu-modes", "processes"))
    )
    await glass.until("/[0-9]/.test(document.querySelector('.load').innerText)")
    found = await glass.page.evaluate(
        """(groups) => Object.entries(groups).flatMap(([group, parts]) => parts.map((part) => {
            const one = document.querySelector(part);
            if (!one?.checkVisibility()) return [group, part, null];
            const { left, top, right, bottom } = one.getBoundingClientRect();
            return [group, part, [left, top, right, bottom]];
        }))""",
        FOLD,
    )
    boxes = {(group, part): box for group, part, box in found}
    assert await glass.page.evaluate("[scrollX, scrollY, innerWidth, innerHeight]") == [0, 0, 1440, 900]
    hidden = [
        part
        for part, box in boxes.items()
        if not box or not (0 <= box[0] < box[2] <= 1440 and 0 <= box[1] < box[3] <= 900)
    ]
    assert hidden == []
    health = [box for (group, _), box in boxes.items() if group == "health"]
    assert max(box[1] for box in health) < min(box[3] for box in health), "more than one line"
    tiles = [box for (group, _), box in boxes.items() if group == "tiles"]
    assert max(box[3] for box in health) <= min(box[1] for box in tiles)
    assert max(box[3] for box in tiles) <= min(box[1] for (group, _), box in boxes.items() if group == "charts")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_contrast(scheme: str, server: Server, open_glass: OpenGlass) -> None:
    """All text stands out from its ground by 4.5 to 1 at least, in each theme and state."""
    glass = await open_glass(scripts=(LAYOUT,), color_scheme=scheme, viewport={"width": 1440, "height": 3000})
    for name in PAGES:
        await shown(glass, server, name)
        assert (name, await glass.page.evaluate("layout.faint()")) == (name, [])
    await glass.page.goto(server.url + "/add")
    assert await glass.page.evaluate("layout.faint()") == []


async def test_values_read_well(server: Server, open_glass: OpenGlass) -> None:
    """Zero, a million millions and a binary fraction have three figures, not thirty."""
    glass = await open_glass(viewport={"width": 1440, "height": 2000})
    await shown(glass, server, "extreme")
    text = (await glass.panels())["extreme-table"].text
    for value in ("0", "1.00\u00a0T", "−123\u00a0k", "0.300"):
        assert f"\t{value}\t" in text


async def test_scales_are_of_what_is_shown(server: Server, open_glass: OpenGlass) -> None:
    """Where no end is said only shares have a gauge's bar; bars have a scale for each unit, and shades a round one."""
    glass = await open_glass(viewport={"width": 1440, "height": 3000})
    await shown(glass, server, "many")
    assert await glass.page.locator("[data-panel=many-gauge] .number").inner_text() != ""
    await expect(glass.page.locator("[data-panel=many-gauge] .bar")).to_be_hidden()
    await expect(glass.page.locator("[data-panel=many-heat] .key")).to_have_text("· darkest: 300")
    await shown(glass, server, "states")
    await expect(glass.page.locator("[data-panel=warm] .bar")).to_be_visible()
    bars = glass.page.locator("[data-panel=units] .track i:visible")
    assert await bars.evaluate_all("(all) => all.map((one) => one.style.transform)") == ["scaleX(1)"] * 2
    assert "\t" not in (text := (await glass.panels())["units"].text) and text.endswith("\n7"), text


async def test_many_series_are_counted(server: Server, open_glass: OpenGlass) -> None:
    """Of two hundred series the panel shows what it has room for, and says how many more there are."""
    glass = await open_glass(viewport={"width": 1440, "height": 3000})
    await shown(glass, server, "many")
    panels = await glass.panels()
    for kind in ("line", "bar", "table"):
        assert "more" in panels[f"many-{kind}"].text, kind


async def test_html_is_text(server: Server, open_glass: OpenGlass) -> None:
    """Labels that look like HTML are shown as they are."""
    glass = await open_glass(viewport={"width": 1440, "height": 2000})
    await shown(glass, server, "hostile")
    panels = await glass.panels()
    for kind in set(KINDS) - {"stat", "gauge"}:
        assert "<img src=x" in panels[f"hostile-{kind}"].text, kind
    assert await glass.page.evaluate("document.querySelectorAll('main img, main b').length") == 0
    assert await glass.page.title() != "1"


async def test_reduced_motion(server: Server, open_glass: OpenGlass) -> None:
    """Whoever wants less motion gets none but the data's: the one animation is the veil, which does not move."""
    glass = await open_glass(reduced_motion="reduce", viewport={"width": 1440, "height": 3000})
    await shown(glass, server, "")
    await glass.page.locator("[data-switch=theme]").hover()
    moving = """document.getAnimations().filter(({ effect }) => !effect.target.matches(".guard")).length"""
    assert await glass.page.evaluate(moving) == 0
    await glass.page.locator(".panel").first.click()
    assert await glass.page.evaluate(moving) == 0


STANDS = """(() => {
    const worst = document.querySelector(".worst").innerText;
    const beside = [...document.querySelectorAll(".uptime b, .load b, .time, connection-status > *")]
        .map((one) => one.textContent.replace(/[0-9]/g, "0"));
    const known = ["uptime", "load"].every((name) => /[0-9]/.test(document.querySelector(`.${name} b`).textContent));
    const { state } = document.querySelector("connection-status").dataset;
    if (!/%s/i.test(worst) || !known || state !== "live" || document.querySelector(".stale")) return null;
    const places = [...document.querySelectorAll("main, .panel, .load, connection-status .word")].map((one) => {
        const { x, y, height } = one.getBoundingClientRect();
        return [one.className, x, y, height];
    });
    return { beside, places };
})()"""
"""Once the line of health says this, where things stand, and how long what is said beside it is, in one look.

What stands in a tile, too: its picture keeps its place when the word for the trouble comes.
"""


@pytest.mark.parametrize("width", [390, 900, 1440])
async def test_nothing_moves_when_the_machine_gets_into_trouble(width: int, open_glass: OpenGlass) -> None:
    """The line of health is as high for three problems with long names as for none: all below it stands still."""
    limit = 'kind = "stat"\nwidth = 4\nthresholds = [{above = 0.5, severity = "critical"}]\n'
    panels = [
        f'[[board.panel]]\ntitle = "{number} {LONG}"\nseries = ["trouble{{of=\\"{number}\\"}}"]\n{limit}'
        for number in range(3)
    ]
    config = '[[board]]\nname = "trouble"\n' + "".join(panels)
    async with running_server(config=config) as running, httpx.AsyncClient(base_url=running.url) as client:

        async def push(value: float) -> None:
            samples = [{"series": f'trouble{{of="{of}"}}', "value": value, "interval": 60} for of in range(3)]
            assert (await client.post("/api/v1/samples", json=samples)).json()["rejected"] == []

        await push(0)
        glass = await open_glass(viewport={"width": width, "height": 900})
        await glass.open(running.url + "/boards/trouble")
        while True:
            calm = await glass.until(STANDS % "calm")
            await push(1)
            trouble = await glass.until(STANDS % "more")
            assert await glass.page.locator(".worst").get_attribute("data-severity") == "critical"
            if trouble["beside"] == calm["beside"]:
                break
            # A minute of the uptime has got another digit meanwhile, or so: that is not the trouble's doing.
            await push(0)
        assert trouble["places"] == calm["places"]


FITS = """addEventListener("load", () => {
    const fits = ({ chart, plot }) => {
        const rem = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
        const { canvas, chartArea: { left } } = chart;
        const [width, height] = [canvas.width, canvas.height].map((pixels) => pixels / devicePixelRatio);
        const off = [width - plot.clientWidth, height - plot.clientHeight, left - 68 * rem];
        return off.every((pixels) => Math.abs(pixels) <= 1);
    };
    // What looks for sizes later than the charts do is told by the browser after them, before the frame is painted.
    const observer = new ResizeObserver(() => {
        const charts = [...document.querySelectorAll("live-chart")].filter(({ chart }) => chart);
        (window.painted ??= []).push([innerWidth, charts.length, charts.filter((one) => !fits(one)).length]);
    });
    customElements.whenDefined("live-chart").then(() => {
        for (const plot of document.querySelectorAll("live-chart .plot")) observer.observe(plot);
    });
})"""
"""Writes down, whenever plots got another size, how wide the window was, and how many charts did not fit."""


async def test_charts_fill_their_plots_in_every_frame(server: Server, open_glass: OpenGlass) -> None:
    """From a phone to a wall and back each chart has the size of its plot, and axes of the page's type, at once."""
    glass = await open_glass(scripts=(FITS,), viewport={"width": 390, "height": 844})
    await glass.open(server.url)
    await glass.until("[...document.querySelectorAll('live-chart')].some(({ chart }) => chart)")
    for width, height in ((3840, 1200), (390, 844), (1440, 900), (3840, 1200), (1440, 900)):
        await glass.page.set_viewport_size({"width": width, "height": height})
        await glass.until(f"painted.at(-1)[0] === {width}")
    assert await glass.page.evaluate("painted.at(-1)[1]") > 3
    assert await glass.page.evaluate("painted.filter(([, , wrong]) => wrong)") == []


@pytest.mark.parametrize("width", [390, 1440])
async def test_a_long_title_leaves_room_for_how_old_it_is(width: int, open_glass: OpenGlass) -> None:
    """What comes at no known interval has its age beside the title, whole, however long that is."""
    config = "".join(
        f'[[board.panel]]\nid = "{kind}"\ntitle = "{LONG}"\nseries = ["aged"]\nkind = "{kind}"\nwidth = 4\n'
        for kind in ("line", "stat")
    )
    async with running_server(config='[[board]]\nname = "aged"\n' + config) as running:
        async with httpx.AsyncClient(base_url=running.url, timeout=20) as client:
            assert (await client.post("/api/v1/samples", json=[{"series": "aged", "value": 1}])).is_success
        glass = await open_glass(viewport={"width": width, "height": 900})
        await glass.open(running.url + "/boards/aged")
        badges = glass.page.locator(".panel[data-state=live] .badge", has_text="old")
        await expect(badges).to_have_count(2)
        whole = "(all) => all.every((one) => one.clientWidth > 30 && one.scrollWidth <= one.clientWidth)"
        assert await badges.evaluate_all(whole)
