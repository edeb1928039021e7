"""What has a name can be read whole: in legends, tabs, titles, tables, and under a veil."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenGlass
from tests.browser.glass import BEACON, Glass, board, collectors
from tests.serving import Server, running_server

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser-layout")]

LAYOUT = Path(__file__).with_name("layout.js").read_text(encoding="utf-8")
PHONE = {"width": 390, "height": 844}
TITLE = "A title of eighty characters that goes on and on, until it is wider than a panel"
SHORTENED = """(part) => [...document.querySelectorAll(part)].filter((one) => one.checkVisibility() &&
    (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 2)).map((one) => one.textContent)"""
BOOM = """
from itertools import count
from dashboard.collectors import Family, Sample

families = [Family("boom", "gauge", "", "Comes once.")]
runs = count()


def collect():
    if next(runs):
        raise ValueError("the sensor says n/a")
    yield Sample("boom", 7)
"""
WORDS = f"""
[[board]]
name = "words"
title = "{TITLE}"
[[board.panel]]
id = "text"
title = "{TITLE}"
kind = "text"
text = "{TITLE}. {TITLE}. {TITLE}."
width = 3
[[board.panel]]
id = "line"
title = "{TITLE}"
kind = "line"
series = ["beacon"]
width = 4
[[board.panel]]
id = "devices"
title = "Devices"
kind = "line"
series = ["device"]
legend = "{{name}}"
width = 4
[[board.panel]]
id = "one"
title = "One"
kind = "stat"
series = ['device{{name="near-1"}}']
width = 3
[[board.panel]]
id = "two"
title = "Two"
kind = "stat"
series = ['device{{name=~"near-[12]"}}']
legend = "{{name}}"
width = 3
[[board.panel]]
id = "boom"
title = "Boom"
kind = "stat"
series = ["boom"]
width = 3
[[board.panel]]
id = "gauge"
title = "Gauge"
kind = "gauge"
series = ['device{{name="near-1"}}']
width = 3
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server with an overview, long titles, and devices of which some have gone silent."""
    home = tmp_path_factory.mktemp("readable")
    config = collectors(home, beacon=BEACON, boom=BOOM) + board("beacon", "beacon") + WORDS
    async with running_server(config=config) as running, httpx.AsyncClient(base_url=running.url) as client:
        samples = [
            {"series": f'device{{name="near-{at}"}}', "value": 1234567, "interval": 3600 if at > 2 else 0.5}
            for at in range(1, 6)
        ]
        assert (await client.post("/api/v1/samples", json=samples)).json()["rejected"] == []
        yield running


async def test_a_legend_keeps_its_names(server: Server, open_glass: OpenGlass) -> None:
    """At a moment of the past, too, where values have their highest beside them; the chart stays as high as it was."""
    glass = await open_glass()
    await glass.open(server.url)
    memory = glass.page.locator(".panel", has=glass.page.locator("h2", has_text="Memory by state"))
    values = "[...document.querySelectorAll('.legend .value')].filter((one) => /[0-9]/.test(one.textContent))"
    await glass.until(f"{values}.length > 8")
    await glass.until("document.querySelector('live-chart').traces[0].line.length > 1")
    plot = memory.locator(".plot")
    box = await plot.bounding_box()
    assert box is not None
    await plot.hover(position={"x": box["width"] - 14, "y": box["height"] / 2})
    await expect(memory.locator(".legend .value").first).to_contain_text("iB")
    assert await glass.page.evaluate(SHORTENED, ".legend .name") == []
    assert (await plot.bounding_box()) == box


async def test_names_of_silent_devices(server: Server, open_glass: OpenGlass) -> None:
    """Where there is no room for both, an old value gives way to its age, not its name."""
    glass = await open_glass()
    await glass.open(f"{server.url}/boards/words")
    await glass.panels_when(lambda panels: panels["devices"].state == "some")
    legend = glass.page.locator("[data-panel=devices] .legend")
    await expect(legend.locator(".stale .value").first).to_contain_text("ago")
    assert await glass.page.evaluate(SHORTENED, ".legend .name") == []


async def test_tabs_and_titles(server: Server, open_glass: OpenGlass) -> None:
    """Pages are one line: the own one is in sight, the others can be scrolled to; a panel's title is there whole."""
    glass = await open_glass(viewport=PHONE)
    await glass.open(f"{server.url}/boards/words")
    own = glass.page.locator(".top nav [aria-current]")
    for link in await glass.page.locator(".top nav a").all():
        await link.evaluate("(one) => one.parentElement.scrollIntoView({ inline: 'center' })")
        await expect(own).to_be_in_viewport(ratio=0.99)
        await expect(link).to_be_in_viewport(ratio=0.99)
        assert await link.evaluate(
            """(one) => { const { right, bottom } = one.getBoundingClientRect();
                return one.contains(document.elementFromPoint(right - 9, bottom - 5)); }"""
        )
    assert await glass.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await expect(own).to_have_attribute("title", TITLE)
    assert await glass.page.evaluate("document.querySelector('.top').offsetHeight") < 52
    assert await glass.page.evaluate(SHORTENED, ".panel h2, .group h2, .group p") == []
    over = """((group, strip) => group.top >= strip.bottom - 1)(
        ...[".group h2", ".strip"].map((part) => document.querySelector(part).getBoundingClientRect()))"""
    assert await glass.page.evaluate(over)
    await glass.page.set_viewport_size({"width": 1440, "height": 900})
    await glass.until(f"({SHORTENED})('.panel h2, .group h2, .group p').length === 0")


async def test_names_of_processes(server: Server, open_glass: OpenGlass) -> None:
    """The name has the room that users would leave empty; what is shortened is whole in its own title."""
    glass = await open_glass(viewport=PHONE)
    await glass.open(server.url)
    await glass.until("document.querySelectorAll('live-processes tbody tr').length > 3")
    assert await glass.page.locator("live-processes .user:visible").count() == 0
    names = "[...document.querySelectorAll('live-processes td.name')]"
    assert await glass.page.evaluate(f"{names}.every((one) => one.title.includes(one.textContent))")
    width = "document.querySelector('live-processes td.name').clientWidth"
    for size, least in ((PHONE, 170), ({"width": 1440, "height": 900}, 160)):
        await glass.page.set_viewport_size(size)
        await expect(glass.page.locator("live-processes th .of")).to_be_visible()
        assert await glass.page.evaluate(width) > least


async def test_the_axis_has_room(server: Server, open_glass: OpenGlass) -> None:
    """The longest labels of values end before the panel's border, as far from it as other text."""
    glass = await open_glass()
    await glass.open(f"{server.url}/boards/words")
    widths = """(() => {
        const pen = new OffscreenCanvas(1, 1).getContext("2d");
        pen.font = `12px ${getComputedStyle(document.body).fontFamily}`;
        return pen.measureText("250 MiB/s").width + 6;
    })()"""
    left = "document.querySelector('live-chart').chart.chartArea.left"
    await glass.until("document.querySelector('live-chart').chart?.chartArea")
    await glass.until(f"{left} - {widths} >= 4")


async def test_the_hottest_row(server: Server, open_glass: OpenGlass) -> None:
    """A heat map says in words which of how many is the highest, and what its darkest shade stands for."""
    glass = await open_glass()
    await glass.open(server.url)
    words = glass.page.locator("[data-panel=cores] .now")
    await words.scroll_into_view_if_needed()
    await expect(words).to_have_text(
        re.compile(r"^highest of \d+: [\d.]+\s%\s\(core \d+\) · darkest: 100\s%( · peak of each .+)?$")
    )


@pytest.mark.parametrize("size", [{"width": 1440, "height": 900}, PHONE], ids=["desk", "phone"])
async def test_a_veil_over_a_tile(size: dict[str, int], server: Server, open_glass: OpenGlass) -> None:
    """The old number can be read beside what says how old it is, and why; where, only as far as it matters."""
    glass = await open_glass(viewport=size)
    await glass.open(f"{server.url}/boards/words")
    for panel in ("one", "two", "gauge", "boom"):
        await glass.page.locator(f"[data-panel={panel}]").scroll_into_view_if_needed()
        await glass.panels_when(lambda panels, name=panel: panels[name].state == "stale")
        assert await covering(glass, panel) == []
        assert await glass.page.evaluate(SHORTENED, f"[data-panel={panel}] .veil span") == []
    cause = glass.page.locator("[data-panel=boom] .veil span + span")
    await expect(cause).to_have_text("ValueError: the sensor says n/a · collector boom, line 11")
    assert "/collectors/boom.py:11: ValueError" in str(await cause.get_attribute("title"))


@pytest.mark.parametrize("size", [{"width": 1440, "height": 900}, PHONE], ids=["desk", "phone"])
async def test_what_is_held(size: dict[str, int], server: Server, open_glass: OpenGlass) -> None:
    """The status page has room for as many series as the settings allow."""
    glass = await open_glass(viewport=size)
    await glass.open(f"{server.url}/status")
    fits = """[...document.querySelectorAll("#panel-held td.value")].map((one) => {
        one.firstChild.data = "10\u202f000\u202f000 of 10\u202f000\u202f000";
        return one.scrollWidth <= one.clientWidth;
    })"""
    assert set(await glass.page.evaluate(fits)) == {True}


FAINT = """["connecting", "live", "catching up", "stale", "offline", "denied", "outdated"].flatMap((word) => {
    const status = document.querySelector("connection-status");
    status.show({ word, detail: "a reason", action: "retry" });
    return layout.faint(status);
})"""
"""What is too faint in the indicator, in each state that it can tell of."""


async def test_contrast_in_trouble(tmp_path: Path, open_glass: OpenGlass) -> None:
    """Text stands out by 4.5 to 1 where all is not well: banners, toasts, full screen, errors, veils."""
    home = collectors(tmp_path, beacon=BEACON)
    more = "".join(f'[[board.panel]]\ntitle = "{kind}"\nkind = "{kind}"\n' for kind in ("processes", "log", "tasks"))
    glass, status = [await open_glass(scripts=(LAYOUT,), viewport={"width": 1440, "height": 2200}) for _ in range(2)]

    async def clear(page: Page) -> None:
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            assert await page.evaluate("layout.count()") > 8
            assert (scheme, await page.evaluate("layout.faint()")) == (scheme, [])

    async with running_server(config=home + board("beacon", "beacon") + more, tracebacks=True) as running:
        await status.page.goto(running.url + "/nowhere")
        await clear(status.page)
        await status.open(running.url + "/status")
        await clear(status.page)
        await glass.open(f"{running.url}/boards/beacon")
        await glass.until("document.querySelector('notice-list').book?.filled")
        levels = ("warning", "error", "critical")
        notices = [{"title": f"Disk {level}", "message": "Nearly full.", "level": level} for level in levels]
        async with httpx.AsyncClient(base_url=running.url) as client:
            assert (await client.post("/api/v1/notifications", json=notices)).is_success
        await expect(glass.page.locator(".toast")).to_have_count(3)
        await glass.page.evaluate("for (const one of document.querySelectorAll('.banner')) one.hidden = false")
        await glass.panels_when(lambda panels: all(panel.state in ("live", "empty") for panel in panels.values()))
        await clear(glass.page)
        assert await glass.page.evaluate(FAINT) == []
        await glass.page.emulate_media(color_scheme="light")
        assert await glass.page.evaluate(FAINT) == []
        await glass.page.locator("[data-panel=beacon-line] .plot").click()
        await expect(glass.page.locator(".panel.full")).to_be_visible()
        await clear(glass.page)
        await glass.page.keyboard.press("Escape")
        await glass.panels_when(lambda panels: all(panel.state in ("live", "empty") for panel in panels.values()))
        running.kill()
        await glass.panels_when(lambda panels: all(panel.state == "stale" for panel in panels.values()))
        await clear(glass.page)
        await status.until("[...document.querySelectorAll('.panel')].every((one) => one.dataset.state === 'stale')")
        await clear(status.page)


async def covering(glass: Glass, panel: str) -> list[str]:
    """Return the words of a veil that lie over a number of the panel, or over its title."""
    found: list[str] = await glass.page.evaluate(
        """(panel) => {
            const boxes = (part) => [...document.querySelectorAll(`[data-panel=${panel}] ${part}`)].map((one) => {
                const range = document.createRange();
                range.selectNodeContents(one);
                return [one, range.getBoundingClientRect()];
            }).filter(([, { width }]) => width);
            const numbers = [...boxes(".number"), ...boxes("h2")];
            const meet = (a, b) => a.left < b.right && b.left < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom;
            const words = boxes(".veil span").filter(([, over]) => numbers.some(([, under]) => meet(over, under)));
            return words.map(([one]) => one.textContent);
        }""",
        panel,
    )
    return found
