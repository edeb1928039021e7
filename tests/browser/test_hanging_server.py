"""The whole overview on a server that hangs: nothing of it is told as true, and nothing jumps."""

from __future__ import annotations

import pytest

from tests.browser.conftest import OpenGlass
from tests.browser.glass import Glass
from tests.serving import running_server

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser-reconnect")]

FACTS = """["uptime", "load"].every((name) => document.querySelector(`.health .${name}`).classList.contains("stale"))
    && document.querySelector(".worst").dataset.severity !== ''"""
"""The line of health says of what it knows that it is old, and not that all is calm."""

HEAD = "document.querySelector('.health').getBoundingClientRect().height"


@pytest.mark.fault
async def test_stopped_server_of_the_overview(open_glass: OpenGlass) -> None:
    """Whatever the overview shows, processes, log and tasks, too, is old when the server hangs; and then true again."""
    ours = ("cpu", "memory", "cpu-modes", "processes", "cores", "filesystems", "log", "tasks")
    quick = [
        f'[[collector]]\nname = "{name}"\ninterval = 1\n'
        for name in ("loadavg", "filesystems", "device_errors", "dashboard")
    ]
    async with running_server(config="\n".join(quick)) as server:
        glass = await open_glass(viewport={"width": 390, "height": 3400})
        await glass.open(server.url)
        await all_live_of(glass, ours)
        await glass.until("![...document.querySelectorAll('health-line b')].some((fact) => fact.textContent === '–')")
        high = await glass.page.evaluate(HEAD)
        server.stop()
        found = await glass.panels_when(
            lambda panels: all(panel.state in ("stale", "loading", "empty") for panel in panels.values()), timeout=30
        )
        assert {found[name].state for name in ours} == {"stale"}
        await glass.until(FACTS)
        assert await glass.page.evaluate(HEAD) == high  # nothing jumps on a phone, where the reason needs a row
        server.cont()
        await all_live_of(glass, ours)
        await glass.until("!document.querySelector('health-line .stale')")


async def all_live_of(glass: Glass, names: tuple[str, ...]) -> None:
    """Wait until these panels are live."""
    await glass.panels_when(lambda found: all(found[name].state == "live" for name in names))
