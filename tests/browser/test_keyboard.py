"""Whoever has no mouse gets everywhere: by Tab, in an order that the eye can follow, and out again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.browser.conftest import OpenGlass
from tests.browser.glass import Glass
from tests.serving import Server, running_server

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser-layout")]

KEYS = """(() => {
    const numbers = new Map();
    const number = (one) => numbers.get(one) ?? (numbers.set(one, numbers.size), numbers.get(one));
    const controls = "a[href], area[href], button, input, select, textarea, summary, [contenteditable], [tabindex]";
    const scrolls = (one) => one.scrollHeight > one.clientHeight && getComputedStyle(one).overflowY === "auto";
    let landed = false;
    addEventListener("focusin", () => (landed = true));
    let steady = null;
    window.keys = {
        // The button that makes a panel fill the screen is for the mouse: on the panel itself Enter does the same.
        wanted: () => [...document.querySelectorAll("body *")]
            .filter((one) => one.matches(controls) || scrolls(one))
            .filter((one) => !one.disabled && !one.matches(".expand") && !one.closest("[inert]"))
            .filter((one) => one.checkVisibility({ visibilityProperty: true }))
            .map(number),
        // Those that were wanted at each look so far: a warning comes, leads to its panel, and goes again.
        steady: () => {
            const now = new Set(keys.wanted());
            steady = steady === null ? [...now] : steady.filter((one) => now.has(one));
            return steady;
        },
        stop: () => {
            keys.steady();
            const one = document.activeElement;
            if (one === document.body) {
                const lost = landed;
                landed = false;
                return { lost };
            }
            const { left, top, right, bottom, width, height } = one.getBoundingClientRect();
            const { outlineStyle, outlineWidth } = getComputedStyle(one);
            const x = (Math.max(left, 0) + Math.min(right, innerWidth)) / 2;
            const y = (Math.max(top, 0) + Math.min(bottom, innerHeight)) / 2;
            const over = document.elementFromPoint(x, y);
            const seen = over !== null && (one.contains(over) || over.contains(one));
            // Of a server that stood still its panels are veiled, until it goes on.
            if (!seen && one.closest(".panel[data-state=stale]")) return null;
            landed = false;
            const label = one.labels?.[0]?.textContent;
            return {
                lost: false, number: number(one),
                panel: one.closest(".panel")?.dataset.panel ?? "", kind: one.localName,
                name: (one.getAttribute("aria-label") || label || one.title || one.textContent).trim().slice(0, 40),
                ring: outlineStyle !== "none" && parseFloat(outlineWidth) >= 1 && width > 0 && height > 0,
                seen,
                box: [left + scrollX, top + scrollY, right + scrollX, bottom + scrollY],
            };
        },
    };
})()"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[Server]:
    """A server with the overview, of which log and tasks have something to show."""
    async with running_server() as running:
        async with httpx.AsyncClient(base_url=running.url) as client:
            lines = [{"level": "warning", "logger": "pump", "message": f"slow {number}"} for number in range(60)]
            assert (await client.post("/api/v1/logs", json=lines)).status_code == 200
            assert (await client.put("/api/v1/tasks/backup", json={"state": "running"})).status_code == 200
        yield running


async def walk(glass: Glass, key: str) -> list[dict[str, Any]]:
    """Press a key from the top of the page until the focus has left it; return each stop.

    What had the focus and went away at once is none, and not the end: the next key goes on from its place.
    """
    stops: list[dict[str, Any]] = []
    while True:
        await glass.page.keyboard.press(key)
        stop = await glass.until("keys.stop()")
        if stop["lost"]:
            continue
        if "number" not in stop:
            return stops
        stops.append(stop)
        assert len(stops) < 200 and [one["number"] for one in stops].count(stop["number"]) == 1, f"held at {stop}"


def backward(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Tell whether the eye has to go up, or back in a row, from one stop to the next."""
    (left, top, _, _), (_, upper, right, lower) = before["box"], after["box"]
    return bool(lower <= top or (upper < before["box"][3] and lower > top and right <= left))


@pytest.mark.parametrize("path", ["/", *(pytest.param(path, marks=pytest.mark.long) for path in ("/add", "/status"))])
async def test_tab_goes_everywhere(path: str, server: Server, open_glass: OpenGlass) -> None:
    """Each control, panel and list is reached, named, ringed and in sight, in reading order, there and back."""
    glass = await open_glass(scripts=(KEYS,))
    await glass.page.goto(server.url + path)
    if path == "/":
        await glass.panels_when(lambda panels: panels["log"].state == panels["tasks"].state == "live")
        await glass.until("document.querySelector('system-strip li')")
    elif path == "/status":
        await glass.status("live")
    await glass.page.evaluate("keys.steady()")
    stops = await walk(glass, "Tab")
    back = await walk(glass, "Shift+Tab")
    # A panel of what was not there at first may come meanwhile.
    wanted = set(await glass.page.evaluate("keys.steady()"))
    assert len(wanted) >= 6
    assert wanted - {stop["number"] for stop in stops} == set()
    assert wanted - {stop["number"] for stop in back} == set()
    assert [stop for stop in stops if not (stop["name"] and stop["ring"] and stop["seen"])] == []
    rest = [stop for stop in stops if stop["kind"] != "a" or not stop["name"].startswith("Skip")]
    assert [pair for pair in pairwise(rest) if backward(*pair)] == []
    there = [stop["number"] for stop in stops if stop["number"] in wanted]
    assert [stop["number"] for stop in reversed(back) if stop["number"] in wanted] == there
    if path == "/":
        within = {(stop["panel"], stop["kind"]) for stop in stops}
        assert {("log", "select"), ("log", "input"), ("log", "button"), ("log", "div"), ("tasks", "div")} <= within
        assert ("processes", "button") in within


async def test_the_first_stop_leads_past_all_controls(server: Server, open_glass: OpenGlass) -> None:
    """The link that only the keyboard sees is seen when it is reached, and the next stop is the first panel."""
    glass = await open_glass(scripts=(KEYS,))
    await glass.open(server.url)
    await glass.page.keyboard.press("Tab")
    stop = await glass.page.evaluate("keys.stop()")
    assert stop["name"].startswith("Skip") and stop["box"][1] >= 0 and stop["ring"]
    await glass.page.keyboard.press("Enter")
    await glass.page.keyboard.press("Tab")
    assert (await glass.page.evaluate("keys.stop()"))["panel"] == "cpu"
