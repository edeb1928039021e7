"""One panel's trouble is its own: the others go on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route

from tests.browser.conftest import OpenGlass
from tests.browser.glass import Glass, board, until
from tests.serving import Server, changed_copy, running_server

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser-layout")]

ASKED = r"""odd{host=~"(a+)+\\d|(?i:B)2"}"""
"""A selector that only the server can read: a browser might take for ever, or does not know the flag."""

MACHINE = """
[[board]]
name = "machine"
range = "60s"
[[board.panel]]
id = "memory"
title = "Memory"
kind = "area"
series = ["system_memory_usage_bytes"]
stack = true
[[board.panel]]
id = "filesystems"
title = "File systems"
kind = "table"
series = ["system_filesystem_utilization_ratio"]
[[board.panel]]
id = "networks"
title = "Networks"
kind = "line"
series = ["system_network_io_bytes_total"]
"""
"""Some of what a machine has."""

STACKED = """(({ chart, traces }) => {
    const { datasets } = chart.data;
    const drawn = (at, place) => chart.scales.y.getValueForPixel(chart.getDatasetMeta(at).data[place].y);
    const edge = ({ data }, at) => data
        .map(({ x, y }, place) => [x / 1000, y, drawn(at, place)])
        .filter(([, y]) => !Number.isNaN(y));
    return datasets.map((one, at) => [traces.find(({ data }) => data === one.data).line.key, edge(one, at)]);
})(document.querySelector("[data-panel=memory] live-chart"))"""
"""The edges of a stack from its ground upwards, `[series, [[time, value, the value where it is drawn], …]]`."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[Server]:
    """A server with a board whose panels choose by an expression of its own dialect alone, and one of a machine."""
    odd = board("odd", ASKED, legend="{host}", kinds=("line", "heat", "table"))
    async with running_server(config=odd + MACHINE) as running:
        yield running


async def push(client: httpx.AsyncClient, *hosts: str) -> None:
    """Push a sample of each host."""
    samples = [{"series": f'odd{{host="{host}"}}', "value": 20, "interval": 3600} for host in hosts]
    assert (await client.post("/api/v1/samples", json=samples)).json()["rejected"] == []


async def test_the_server_reads_a_selector_that_the_page_cannot(server: Server, chromium: Browser) -> None:
    """Panels show what the server says is theirs, also what comes later, and nothing else."""
    context = await chromium.new_context(viewport={"width": 1440, "height": 900})
    glass = Glass(await context.new_page())
    async with httpx.AsyncClient(base_url=server.url) as client:
        await push(client, "aa1", "b2", "a")
        await glass.open(server.url + "/boards/odd")
        await glass.panels_when(lambda panels: "b2" in panels["odd-table"].text and "aa1" in panels["odd-table"].text)
        await push(client, "aaa3")
        panels = await glass.panels_when(lambda panels: "aaa3" in panels["odd-table"].text)
        assert "a\t" not in panels["odd-table"].text.splitlines()
    assert glass.faults == []
    await context.close()


async def test_a_view_that_does_not_load_fails_its_own_panels_only(chromium: Browser, tmp_path: Path) -> None:
    """Without the code of one kind its panels say so; the others are live. It can lack where modules come singly."""

    async def broken(route: Route) -> None:
        await route.fulfill(body="throw new Error('broken on purpose');", content_type="text/javascript")

    config = board("odd", ASKED, legend="{host}", kinds=("line", "heat", "table"))
    async with running_server(config=config, env=changed_copy(tmp_path)) as single:
        context = await chromium.new_context(viewport={"width": 1440, "height": 900})
        glass = Glass(await context.new_page())
        await glass.page.route("**/live-heat.js", broken)
        async with httpx.AsyncClient(base_url=single.url) as client:
            await push(client, "aa1")
        await glass.open(single.url + "/boards/odd")
        states = {"odd-heat": "failed", "odd-line": "live", "odd-table": "live"}
        await glass.panels_when(lambda panels: {name: panels[name].state for name in states} == states)
        said = await glass.page.locator("[data-panel=odd-heat] .empty").inner_text()
        assert said.startswith("This panel cannot be drawn: ")
        await context.close()


async def test_values_at_the_limits_of_a_double_stop_nothing(chromium: Browser) -> None:
    """The largest, the smallest and their sums are drawn, with exponents, and the page goes on."""
    kinds = ("line", "stat", "bar", "heat", "table")
    series = 'huge{of="%s"}'
    stacked = '[[board.panel]]\nid = "sum"\ntitle = "Sum"\nkind = "area"\nseries = ["huge*"]\nstack = true\n'
    config = board("huge", "huge*", legend="{of}", kinds=kinds).replace("min = 0\nmax = 100\n", "") + stacked
    async with running_server(config=config) as running, httpx.AsyncClient(base_url=running.url) as client:
        values = {"a": 1.7e308, "b": 1.7976931348623157e308, "c": -1.7e308, "d": 5e-324}
        samples = [{"series": series % name, "value": value, "interval": 60} for name, value in values.items()]
        assert (await client.post("/api/v1/samples", json=samples)).json()["rejected"] == []
        context = await chromium.new_context(viewport={"width": 1440, "height": 900})
        glass = Glass(await context.new_page())
        glass.page.set_default_timeout(15_000)
        await glass.open(running.url + "/boards/huge")
        await glass.panels_when(lambda panels: all(panel.state == "live" for panel in panels.values()))
        # The frame after that in which they are found to be live has their values.
        await glass.panels_when(lambda panels: "1.7e308" in panels["huge-line"].text)
        await glass.panels_when(lambda panels: "−1.7e308" in panels["huge-table"].text)
        assert glass.faults == []
        await context.close()


async def test_areas_add_up(server: Server, open_glass: OpenGlass) -> None:
    """In a stack each area is as high as its own value, and the highest edge is drawn at the sum of all."""
    glass = await open_glass()
    await glass.open(server.url + "/boards/machine")
    await glass.until("document.querySelector('[data-panel=memory] live-chart').traces[0]?.line.length > 3")
    await glass.until(f"{STACKED}.every(([, edge]) => edge.length > 3)")  # drawn, which is later than known
    edges = await glass.page.evaluate(STACKED)
    async with httpx.AsyncClient(base_url=server.url) as client:
        times = [at for at, *_ in edges[0][1]]
        query = {"match": "system_memory_usage_bytes", "start": min(times), "end": max(times) + 1, "step": 1}
        result = (await client.get("/api/v1/query_range", params=query)).json()["result"]
    told = {one["series"]: {at: mean for at, mean, *_ in one["points"]} for one in result}
    assert len(told) > 2 and {key for key, _ in edges} <= told.keys()
    ground = dict.fromkeys(times, 0.0)
    for key, edge in edges:
        for at, value, _ in edge:
            assert value - ground[at] == pytest.approx(told[key][at], abs=1), (key, at)
        ground = {at: value for at, value, _ in edge}
    top = edges[-1][1]
    assert len(top) > 3
    for at, _, drawn in top:
        assert drawn == pytest.approx(sum(values[at] for values in told.values()), rel=0.001)


async def test_what_is_hidden_is_counted(server: Server, open_glass: OpenGlass) -> None:
    """A panel says of how many devices it shows nothing, for they are noise: as many as the server tells."""
    glass = await open_glass()
    await glass.open(server.url + "/boards/machine")
    async with httpx.AsyncClient(base_url=server.url) as client:

        async def agrees() -> bool:
            query = {"match": "dashboard_collector_hidden_devices"}
            result = (await client.get("/api/v1/latest", params=query)).json()["result"]
            told = {one["series"].split('collector="')[1].split('"')[0]: int(one["value"]) for one in result}
            said = {
                name: await glass.page.locator(f"[data-panel={name}] .note").inner_text()
                for name, panel in (await glass.panels()).items()
                if name in told and panel.state == "live"
            }
            return (
                told.get("filesystems", 0) > 0
                and len(said) > 0
                and all(text == (f"{told[name]} hidden" if told[name] else "") for name, text in said.items())
            )

        await until(agrees)
