"""Any time on every board: chosen, dragged, gone back from, mailed, and true."""

from __future__ import annotations

import csv
import json
import re
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.conftest import OpenGlass
from tests.browser.glass import BEACON, Glass, collectors, until
from tests.browser.test_drawing import differences
from tests.serving import Server, running_server

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser-timeframe")]

PAST = 'wave{instance="past"}'
BOARD = f"""
[[board]]
name = "times"
[[board.panel]]
id = "wave"
title = "Wave"
kind = "line"
series = ['{PAST}']
width = 12
[[board.panel]]
id = "area"
title = "Area"
kind = "area"
series = ['{PAST}', "beacon"]
[[board.panel]]
id = "heat"
title = "Heat"
kind = "heat"
series = ['{PAST}']
[[board.panel]]
id = "stat"
title = "Stat"
kind = "stat"
series = ['{PAST}']
[[board.panel]]
id = "table"
title = "Table"
kind = "table"
series = ['{PAST}']
"""
"""Charts of what ended a while ago, and of what goes on."""

MINUTES = 40
VIEW = "document.querySelector('[data-panel={}] [data-view]')"
SPAN = """((view) => view.chart && [view.chart.scales.x.min / 1000, view.chart.scales.x.max / 1000])"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server with a beacon, and a wave that ended two minutes ago, each second of which was pushed."""
    home = tmp_path_factory.mktemp("times")
    async with (
        running_server(config=collectors(home, beacon=BEACON) + BOARD) as running,
        httpx.AsyncClient(base_url=running.url, timeout=30) as client,
    ):
        now = int(time.time())
        samples = [
            {"series": PAST, "value": at % 60, "timestamp": at, "interval": 1}
            for at in range(now - MINUTES * 60, now - 120)
        ]
        assert (await client.post("/api/v1/samples", json=samples)).json()["rejected"] == []
        yield running


def iso(at: float) -> str:
    """Return a time as an address has it."""
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def said(glass: Glass) -> dict[str, list[str]]:
    """Return what the address of a page says."""
    return parse_qs(urlsplit(glass.page.url).query)


async def spans(glass: Glass, *panels: str) -> list[list[float]]:
    """Return what the charts show, from when to when."""
    return [await glass.page.evaluate(f"{SPAN}({VIEW.format(panel)})") for panel in panels]


async def answered(client: httpx.AsyncClient, series: str, **query: Any) -> dict[float, tuple[float, float, float]]:
    """Return the points of the API's answer by time: mean, minimum, maximum."""
    answer = (await client.get("/api/v1/query_range", params={"match": series, **query})).json()
    (line,) = answer["result"]
    return {at: (mean, low, high) for at, mean, low, high in line["points"] if mean is not None}


async def drawn(glass: Glass, panel: str, series: str) -> list[tuple[float, float, float, float]]:
    """Return the points of a line as a chart holds them: time, mean, minimum, maximum."""
    found: list[tuple[float, float, float, float]] = await glass.page.evaluate(
        """([panel, name]) => {
            const { traces } = document.querySelector(`[data-panel="${panel}"] [data-view]`);
            const { line } = traces.find(({ line }) => line.key.startsWith(name));
            return Array.from({ length: line.length }, (_, at) => at).filter((at) => !Number.isNaN(line.meanAt(at)))
                .map((at) => [line.timeAt(at), line.meanAt(at), line.lowAt(at), line.highAt(at)]);
        }""",
        [panel, series],
    )
    return found


def of_csv(path: Path, series: str) -> dict[float, tuple[float, ...]]:
    """Return the points of a series in a file of CSV by time: mean, minimum, maximum."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row[series]]
    columns = (series, f"{series} minimum", f"{series} maximum")
    return {
        datetime.fromisoformat(row["time"]).timestamp(): tuple(float(row[name]) for name in columns) for row in rows
    }


def of_json(path: Path, series: str) -> dict[float, tuple[float, ...]]:
    """Return the same of a file of JSON."""
    (line,) = (line for line in json.loads(path.read_bytes())["result"] if line["series"] == series)
    return {at: tuple(values) for at, *values in line["points"] if values[0] is not None}


async def as_their_images_are(
    glass: Glass, server: Server, start: float, end: float, peak: tuple[float, float]
) -> None:
    """What charts and tiles print of a time that is past, rolled up, is what their images do."""
    async with httpx.AsyncClient(base_url=server.url) as client:
        for panel in ("wave", "heat", "stat"):
            told = await glass.page.evaluate(
                """(id) => {
                    const { offsetWidth: width, offsetHeight: height } = document.querySelector(`[data-panel="${id}"]`);
                    const view = document.querySelector(`[data-panel="${id}"] [data-view]`);
                    return { drawing: view.drawing(), size: { width, height } };
                }""",
                panel,
            )
            asked = {"from": start, "to": end, "tz": "UTC", **told["size"]}
            answer = await client.get(f"/embed/times.{panel}.json", params=asked)
            assert answer.status_code == 200, answer.text
            assert differences(told["drawing"], answer.json()) == [], panel
            (line,) = told["drawing"]["lines"]
            assert line["peak"] == (None if panel == "stat" else [*peak])


async def test_dragging_zooms_all_charts_and_one_key_goes_back(server: Server, open_glass: OpenGlass) -> None:
    """A drag over one chart shows that time in all, the address says so; `z` and the browser's way back undo it."""
    glass = await open_glass()
    await glass.open(f"{server.url}/boards/times?range=30m")
    for panel in ("wave", "area", "heat"):
        await glass.until(f"{VIEW.format(panel)}.area")
    plot = glass.page.locator("[data-panel=wave] .plot")
    box = await plot.bounding_box()
    assert box is not None
    began = time.time()

    async def drag(first: float, last: float) -> None:
        assert box is not None
        y = box["y"] + 60
        await glass.page.mouse.move(box["x"] + first * box["width"], y)
        await glass.page.mouse.down()
        await glass.page.mouse.move(box["x"] + (first + last) / 2 * box["width"], y)
        await glass.page.mouse.move(box["x"] + last * box["width"], y)
        await expect(glass.page.locator(".drag:visible")).to_have_count(3)
        await glass.page.mouse.up()

    bar = glass.page.locator("#past")
    await expect(bar).to_be_hidden()
    await drag(0.3, 0.6)
    await expect(bar).to_be_visible()
    await glass.until(f"{VIEW.format('wave')}.moment.past !== null")
    query = said(glass)
    shown = [datetime.fromisoformat(query[name][0]).timestamp() for name in ("from", "to")]
    assert 0.25 * 1800 < shown[1] - shown[0] < 0.4 * 1800
    assert began - 1800 < shown[0] < shown[1] < began - 600

    async def are_shown() -> bool:
        return await spans(glass, "wave", "area") == [shown, shown]

    await until(are_shown)
    assert await glass.page.locator(".panel.full").count() == 0
    # What is past is labelled with its time, not veiled; the indicator stays about the stream.
    panels = await glass.panels_when(lambda found: all(panel.state == "live" for panel in found.values()))
    assert panels.keys() >= {"wave", "stat", "table"}
    await glass.status("live")
    stamps = glass.page.locator(".panel > header > .past:visible")
    await expect(stamps).to_have_count(5)
    await expect(stamps.first).to_have_text(re.compile(r"^at .*\d\d:\d\d:\d\d$"))
    inner = glass.page.url
    await drag(0.4, 0.6)
    await glass.until(f"location.href !== '{inner}'")
    await glass.page.keyboard.press("z")
    await expect(glass.page).to_have_url(inner)
    await glass.until(f"(([from, to]) => from === {shown[0]} && to === {shown[1]})({SPAN}({VIEW.format('wave')}))")
    await glass.page.go_back()
    await expect(bar).to_be_hidden()
    assert said(glass) == {"range": ["30m"]}
    await glass.until(f"{VIEW.format('wave')}.moment.past === null")
    await glass.page.go_forward()
    await expect(bar).to_be_visible()
    await bar.get_by_text("Back to live").click()
    await expect(glass.page).to_have_url(f"{server.url}/boards/times")
    await glass.panels_when(lambda found: found["area"].state in ("live", "some"))


async def test_an_address_shows_that_time_to_whoever_it_is_mailed(server: Server, open_glass: OpenGlass) -> None:
    """What an address says is drawn as the API has it, to the point; the way back leads to what was shown before."""
    glass = await open_glass(timezone_id="UTC")
    end = int(time.time()) - 300
    start = end - 1000
    await glass.page.goto(f"{server.url}/boards/times?from={iso(start)}&to={iso(end)}")
    await glass.until(f"{VIEW.format('wave')}.traces?.length")
    asked = [url for url in glass.requests if "/query_range" in url]
    assert len({*asked}) <= 2, "the question of the page's head is the one of its script"
    async with httpx.AsyncClient(base_url=server.url) as client:
        truth = await answered(client, PAST, start=start, end=end, step=5)
    points = await drawn(glass, "wave", "wave")
    assert [at for at, *_ in points] == sorted(truth)
    assert [tuple(values) for _, *values in points] == [truth[at] for at in sorted(truth)]
    assert points[-1][1] != points[-1][3], "points are rolled up"
    assert await glass.page.evaluate(f"{VIEW.format('wave')}.banded.length") == 1
    await glass.until("document.querySelector('.menu-sheet')")
    for words, points_of in (("Download as CSV", of_csv), ("Download as JSON", of_json)):
        await glass.page.locator("[data-panel=wave] .menu").focus()
        await glass.page.keyboard.press("Enter")
        async with glass.page.expect_download() as downloading:
            await glass.page.get_by_role("menuitem", name=words).click()
        assert points_of(Path(await (await downloading.value).path()), PAST) == truth
    highest = max((at for at in truth if at >= start), key=lambda at: (truth[at][2], -at))
    await as_their_images_are(glass, server, start, end, (highest, truth[highest][2]))
    when = await glass.page.locator("#past .what").inner_text()
    assert datetime.fromtimestamp(start, UTC).strftime("%H:%M") in when and "UTC" in when
    await expect(glass.page.locator("[data-panel=stat] .number")).not_to_be_empty()
    row = await glass.page.locator("[data-panel=table] tbody tr:visible .value").all_inner_texts()
    assert float(row[0]) == pytest.approx(points[-1][1], rel=0.01) and re.search(r"\d\d:\d\d:\d\d$", row[1])
    # A range is chosen from an address that says another time, and gone back from.
    mailed = glass.page.url
    await glass.page.locator("button[data-range='3600']").click()
    await expect(glass.page).to_have_url(f"{server.url}/boards/times?range=1h")
    await glass.until(f"(([from, to]) => to - from === 3600)({SPAN}({VIEW.format('wave')}))")
    await glass.page.go_back()
    await expect(glass.page).to_have_url(mailed)
    await glass.until(f"(([from]) => from === {start})({SPAN}({VIEW.format('wave')}))")
    # So does one that says any series.
    await glass.page.goto(f"{server.url}/explore?match=wave&from={iso(start)}&to={iso(end)}")
    await glass.until(f"{VIEW.format('chart-1')}?.traces?.length")
    assert await drawn(glass, "chart-1", "wave") == points
    # What an address cannot mean is said, and the board's own time is shown.
    await glass.page.goto(f"{server.url}/boards/times?from=2026-11-22T03:00:00&to=2026-11-22T04:00:00Z")
    await expect(glass.page.locator("#time-fault")).to_contain_text("2026-11-22T03:00:00 is no time")
    await glass.status("live")


async def test_a_live_chart_of_any_range_goes_on_from_what_is_stored(server: Server, open_glass: OpenGlass) -> None:
    """From an address without a range the way back leads to it; in 30 days' buckets each sample is there once."""
    glass = await open_glass()
    await glass.open(f"{server.url}/boards/times")
    area = VIEW.format("area")
    await glass.until(f"{area}.traces?.length === 2")
    await glass.page.locator("button[data-range='2592000']").click()
    await glass.until(f"{area}.moment.range === 2592000 && {area}.traces.every(({{ line }}) => line.step === 7200)")
    beacon = f"{area}.traces.find(({{ line }}) => line.key.startsWith('beacon')).line"
    newest = await glass.page.evaluate(f"{beacon}.time")
    await glass.until(f"{beacon}.time >= {newest} + 3")
    async with httpx.AsyncClient(base_url=server.url) as client:

        async def as_the_api_has_it() -> bool:
            points = {at: values for at, *values in await drawn(glass, "area", "beacon")}
            now = time.time()
            truth = await answered(client, "beacon", start=now - 2592000, end=now, step=7200)
            return [*points] == sorted(truth) and all(
                points[at] == pytest.approx(truth[at], rel=0.03, abs=0.6) for at in truth
            )

        await until(as_the_api_has_it)
    await glass.page.go_back()
    await expect(glass.page).to_have_url(f"{server.url}/boards/times")
    await expect(glass.page.locator("button[data-range='900']")).to_have_attribute("aria-pressed", "true")
    await glass.until(f"{area}.moment.range <= 900 && {area}.traces[0].line.step <= 5")


@pytest.mark.long
async def test_from_and_to_are_chosen_in_the_zone_that_is_shown(server: Server, open_glass: OpenGlass) -> None:
    """The dialog's times are of the zone that the page shows; earlier, later and wider do what they say."""
    glass = await open_glass(timezone_id="Asia/Kathmandu")
    await glass.open(f"{server.url}/boards/times")
    end = int(time.time()) // 60 * 60 - 300
    dialog = glass.page.locator("#span-dialog")
    for zone, offset in (("Kathmandu", 20700), ("UTC", 0)):
        await glass.page.locator("[data-span]").click()
        await expect(dialog).to_contain_text("UTC" if offset == 0 else "GMT+5:45")
        for name, at in (("from", end - 600), ("to", end)):
            local = datetime.fromtimestamp(at + offset, UTC).strftime("%Y-%m-%dT%H:%M:%S")
            await dialog.locator(f"[name={name}]").fill(local)
        await dialog.get_by_role("button", name="Show").click()
        await expect(dialog).to_be_hidden()
        assert said(glass) == {"from": [iso(end - 600)], "to": [iso(end)]}, zone
        await glass.page.locator("[data-switch=zone]").click()
    bar = glass.page.locator("#past")
    await bar.get_by_label("Earlier").click()
    assert said(glass) == {"from": [iso(end - 1200)], "to": [iso(end - 600)]}
    await bar.get_by_text("Zoom out").click()
    assert said(glass) == {"from": [iso(end - 1500)], "to": [iso(end - 300)]}
    await glass.until(f"(([from, to]) => to - from === 1200)({SPAN}({VIEW.format('wave')}))")
    # Another board shows the same time.
    await glass.page.locator(".top nav a", has_text="Overview").click()
    await expect(bar).to_be_visible()
    assert said(glass) == {"from": [iso(end - 1500)], "to": [iso(end - 300)]}
