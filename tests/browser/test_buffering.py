"""A proxy that spoils the stream is found out and named, and the page is live meanwhile by polling."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import median

import httpx
import pytest
import pytest_asyncio

from tests.browser.arrivals import NOTE_ARRIVALS, frames_in_time
from tests.browser.conftest import OpenGlass
from tests.browser.glass import BEACON, Glass, board, collectors, frames
from tests.nginx import running_nginx
from tests.serving import Server, running_server

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser-buffering")]

PROXIES_PAGE = (Path(__file__).parents[2] / "docs/proxies.md").read_text("utf-8")

WITHIN = 20.0
"""Seconds within which a fault of the way is named."""

BARE = "server {{ listen 80; location / {{ proxy_pass {url}; }} }}"

BUFFERING = """server {{
    listen 80;
    location / {{
        proxy_pass {url};
        proxy_buffering on;
        proxy_ignore_headers X-Accel-Buffering;
    }}
}}"""

IMPATIENT = "server {{ listen 80; location / {{ proxy_pass {url}; proxy_read_timeout 3s; }} }}"

COLLECTORS = (
    *("cgroup", "cpu", "dashboard", "device_errors", "disks", "filesystems", "loadavg"),
    *("memory", "networks", "pressure", "processes", "sensors", "storage"),
)
"""All of them; without them there is nothing on the stream but heartbeats."""

QUIET = """
[[board]]
name = "quiet"
title = "Quiet"
[[board.panel]]
id = "quiet"
title = "Nothing"
kind = "stat"
series = ["nothing_of_the_kind"]
"""


@pytest_asyncio.fixture(loop_scope="module")
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """A server with a beacon and its board."""
    async with running_server(config=collectors(tmp_path, beacon=BEACON) + board("beacon", "beacon")) as running:
        yield running


MENDS = {
    "proxy_buffering off;\nproxy_cache off;\nproxy_read_timeout 1h;": ("nginx", "proxy_read_timeout 1h;"),
    "flush_interval -1\ntransport http {\n    read_timeout 1h\n}": ("Caddy", "read_timeout 1h"),
    "loadBalancer:\n  responseForwarding:\n    flushInterval: -1": ("Traefik", "flushInterval: -1"),
    "transport:\n  respondingTimeouts:\n    writeTimeout: 0": ("Traefik", "writeTimeout: 0"),
}
"""What the dialog shows to be copied, and of each what the row of a proxy in docs/proxies.md has, too."""


async def shown_to_mend(glass: Glass) -> list[str]:
    """Open the dialog as a reader does; return what it shows to be copied, which the docs have, too; close it."""
    await glass.page.locator("connection-status button", has_text="Mend it").click()
    dialog = glass.page.locator("#proxy-dialog")
    await dialog.wait_for()
    labels = "(all) => all.map((one) => getComputedStyle(one, '::before').content.slice(1, -1))"
    assert await dialog.locator(".snippet").evaluate_all(labels) == ["nginx", "Caddyfile", "YAML", "YAML"]
    texts = await dialog.locator("pre:visible").all_inner_texts()
    await glass.page.keyboard.press("Escape")
    await dialog.wait_for(state="hidden")
    rows = dict(re.findall(r"^\| (nginx|Caddy|Traefik) (\|.*)$", PROXIES_PAGE, re.MULTILINE))
    assert [(proxy, line) for proxy, line in MENDS.values() if line not in rows[proxy]] == []
    return texts


NOTE_TITLES = """(() => {
    window.titles = {};
    const began = performance.now();
    const look = () => {
        const title = document.querySelector("connection-status")?.title;
        if (title) titles[title] ??= (performance.now() - began) / 1000;
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
})()"""
"""Notes what the indicator says, and how many seconds after the page began that was first painted."""


async def named(glass: Glass, word: str) -> float:
    """Wait until the indicator names a fault; return the seconds that it took, by the page's own clock."""
    said, took = await glass.until(f"Object.entries(titles).find(([title]) => title.includes('{word}'))", WITHIN + 5)
    assert "proxy" in said and "polling" in said
    return float(took)


async def news(glass: Glass, server: Server, value: str) -> float:
    """Push a value; return the seconds until it is shown."""
    began = time.monotonic()
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:
        sample = {"series": "nothing_of_the_kind", "value": int(value), "interval": 60}
        assert (await client.post("/api/v1/samples", json=sample)).status_code == 200
    await glass.panels_when(lambda panels: panels["quiet"].state == "live" and value in panels["quiet"].text)
    return time.monotonic() - began


@pytest.mark.parametrize("seconds", [6, pytest.param(30, marks=pytest.mark.long)])
async def test_bare_proxy(seconds: float, server: Server, open_glass: OpenGlass) -> None:
    """Behind a proxy of which nothing is asked but to pass on, the page is live and accuses nobody."""
    with running_nginx(BARE.format(url=server.url)) as nginx:
        glass = await open_glass(recorded=True, scripts=(NOTE_ARRIVALS,))
        await glass.open(f"{nginx.url}/boards/beacon")
        await glass.panels_when(lambda panels: all(panel.state == "live" for panel in panels.values()))
        began = time.time()
        seen = await frames_in_time(glass, began, began + seconds)
        assert {frame.status for frame in seen} == {"live"}
        assert {state for frame in seen for state in frame.states.values()} == {"live"}
        assert "proxy" not in await glass.says()


@pytest.mark.fault
async def test_proxy_that_holds_back(server: Server, open_glass: OpenGlass) -> None:
    """Where a proxy gathers what is sent, that is named within 20 s, with what mends it, and the page is live."""
    with running_nginx(BUFFERING.format(url=server.url)) as nginx:
        glass = await open_glass(recorded=True, scripts=(NOTE_ARRIVALS, NOTE_TITLES))
        await glass.page.goto(f"{nginx.url}/boards/beacon", wait_until="commit")
        assert await named(glass, "held back") < WITHIN
        await glass.panels_when(lambda panels: all(panel.state == "live" for panel in panels.values()))
        began = time.time()
        seen = await frames_in_time(glass, began, began + 8)
        assert {frame.status for frame in seen} == {"live"}
        assert {state for frame in seen for state in frame.states.values()} == {"live"}
        assert await shown_to_mend(glass) == list(MENDS)


@pytest.mark.fault
async def test_proxy_that_cuts_off(open_glass: OpenGlass) -> None:
    """Where nothing but heartbeats comes, a proxy that cuts silence off is named, with what mends it; news arrive."""
    off = "".join(f'[[collector]]\nname = "{name}"\nenabled = false\n' for name in COLLECTORS)
    async with running_server(config=off + QUIET) as server:
        with running_nginx(IMPATIENT.format(url=server.url)) as nginx:
            glass = await open_glass(recorded=True, scripts=(NOTE_TITLES,))
            await glass.page.goto(f"{nginx.url}/boards/quiet", wait_until="commit")
            assert await named(glass, "cut off") < WITHIN
            await glass.status("live")
            assert await shown_to_mend(glass) == list(MENDS)
            began = time.time()
            await glass.until(f"recorded.unix() > {began + 7}", timeout=15)
            assert {frame.status for frame in await frames(glass.page) if frame.now > began} == {"live"}
            took = [await news(glass, server, value) for value in ("7", "8", "9")]
            # The machine may have had other work to do than one of them.
            assert median(took) < 3, took
