"""One panel's trouble is its own: the others go on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route

from tests.browser.glass import Glass, board
from tests.serving import Server, changed_copy, running_server

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser-layout")]

ASKED = r"""odd{host=~"(a+)+\\d|(?i:B)2"}"""
"""A selector that only the server can read: a browser might take for ever, or does not know the flag."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[Server]:
    """A server with a board whose panels choose by an expression of the server's dialect alone."""
    async with running_server(config=board("odd", ASKED, legend="{host}", kinds=("line", "heat", "table"))) as running:
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
        panels = await glass.panels_when(lambda panels: panels["odd-heat"].state == "failed")
        panels = await glass.panels_when(lambda panels: panels["odd-line"].state == "live")
        assert panels["odd-table"].state == "live"
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
        panels = await glass.panels_when(lambda panels: all(panel.state == "live" for panel in panels.values()))
        assert "1.7e308" in panels["huge-line"].text
        assert "−1.7e308" in panels["huge-table"].text
        assert glass.faults == []
        await context.close()
