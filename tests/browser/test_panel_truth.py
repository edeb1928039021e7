"""What panels say of their data: too many series, several machines, several units, devices and boards that are gone."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.conftest import OpenGlass
from tests.browser.glass import BEACON, board, collectors, until
from tests.serving import Server, running_server

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser-panel-truth")]

MANY = """
from dashboard.collectors import Family, Sample

families = [
    Family("wide", "gauge", "", "Too many to be drawn."),
    Family("aa_many", "gauge", "", "With the others too many for a page."),
    Family("zz_many", "gauge", "", "With the others too many for a page."),
]
interval = 600


def collect():
    for name, count in (("wide", 9000), ("aa_many", 1500), ("zz_many", 1500)):
        for at in range(count):
            yield Sample(name, 1, {"at": str(at)})
"""

GATED = BEACON.replace("def collect():", 'def collect():\n    if Path("{gate}").exists():\n        return').replace(
    "import time", "import time\nfrom pathlib import Path"
)

DEVICES = """
from pathlib import Path
from dashboard.collectors import Family, Sample

families = [Family("device_level", "gauge", "", "A level for each file of a folder.")]


def collect():
    for file in sorted(Path("{folder}").iterdir()):
        yield Sample("device_level", float(file.read_text()), {{"device": file.name}})
"""

BADGES = """addEventListener("DOMContentLoaded", () => {
    window.badges = new Set();
    // What changed: what was said before the stream was live stands until its panel is drawn.
    const take = (changes) => {
        if (document.querySelector("connection-status").dataset.state !== "live") return;
        for (const { target } of changes) {
            const one = (target.closest ? target : target.parentElement)?.closest(".badge, .veil");
            if (one) window.badges.add(one.textContent);
        }
    };
    new MutationObserver(take).observe(document.body, { subtree: true, childList: true, characterData: true });
})"""
"""Remember all that panels say of their age while the stream is live."""

SLOW = """
from dashboard.collectors import Family, Sample

families = [Family("slow_total", "counter", "", "Counts."), Family("slow_level", "gauge", "", "Does not.")]
interval = {interval}


def collect():
    yield Sample("slow_total", 1)
"""

HANGS = """
import asyncio
from dashboard.collectors import Family

families = [Family("hung_level", "gauge", "", "Never comes.")]


async def collect():
    await asyncio.sleep(3600)
"""

PANEL = '[[board.panel]]\nid = "{name}"\ntitle = "{name}"\nkind = "stat"\nseries = ["{name}"]\nwidth = 4\n'

ALARM = 'thresholds = [{above = 50, severity = "critical"}]\n'

PUSHED = "".join(
    (
        board("pushed", "multi", kinds=("stat", "line", "bar", "heat", "table")).replace("min = 0\nmax = 100\n", ALARM),
        '[[board.panel]]\nid = "mixed"\ntitle = "Mixed"\nkind = "line"\nseries = ["odd_*"]\nwidth = 4\n',
        '[[board.panel]]\nid = "figure"\ntitle = "Figure"\nkind = "stat"\nseries = ["odd_*"]\nwidth = 4\n',
    )
)


@pytest_asyncio.fixture(loop_scope="module")
async def pushed(tmp_path: Path) -> AsyncIterator[Server]:
    """A server with boards of what is pushed, and of a beacon."""
    config = collectors(tmp_path, beacon=BEACON) + PUSHED + board("beacon", "beacon", kinds=("stat",))
    async with running_server(config='instance = "home"\n' + config) as running:
        yield running


async def push(server: Server, *samples: tuple[str, float]) -> None:
    """Push a value of each series, good for an hour."""
    async with httpx.AsyncClient(base_url=server.url) as client:
        body = [{"series": series, "value": value, "interval": 3600} for series, value in samples]
        assert (await client.post("/api/v1/samples", json=body)).json()["rejected"] == []


def settings(server: Server) -> Path:
    """Return the path of a server's settings file."""
    command = server.process.args
    assert isinstance(command, list)
    return next(part for part in command if isinstance(part, Path) and part.name == "settings.toml")


@pytest.mark.long
async def test_a_panel_of_too_many_series_says_so_and_costs_no_other(tmp_path: Path, open_glass: OpenGlass) -> None:
    """What the server refuses to draw is told by its own panels; the others are live, and stale when they are."""
    gate = tmp_path / "gate"
    parts = (
        board("beacon", "beacon", kinds=("line", "stat")),
        '[[board.panel]]\nid = "wide"\ntitle = "Wide"\nkind = "line"\nseries = ["wide"]\nwidth = 4\n',
        '[[board.panel]]\nid = "first"\ntitle = "First"\nkind = "table"\nseries = ["aa_many"]\nwidth = 4\n',
        '[[board.panel]]\nid = "many"\ntitle = "Many"\nkind = "table"\nseries = ["zz_many"]\nwidth = 4\n',
        '[[board.panel]]\nid = "sum"\ntitle = "Sum"\nkind = "stat"\nseries = ["zz_many"]\nwidth = 4\n',
    )
    config = collectors(tmp_path, beacon=GATED.replace("{gate}", str(gate)), many=MANY) + "".join(parts)
    async with running_server(config=config) as server:
        async with httpx.AsyncClient(base_url=server.url) as client:
            question = {"match": "wide", "step": "1"}

            async def refusal() -> dict[str, int]:
                answer = (await client.get("/api/v1/query_range", params=question)).json()
                return dict(answer.get("error", {}))

            async def refused_for_their_number() -> bool:
                return "series" in await refusal()

            await until(refused_for_their_number)  # until they are collected, none is known
            refused = await refusal()
            assert refused["series"] == 9000 and 0 < refused["max_series"] < 9000
        glass = await open_glass()
        await glass.open(f"{server.url}/boards/beacon")
        states = {"wide": "failed"} | dict.fromkeys(("many", "beacon-line", "beacon-stat"), "live")
        await glass.panels_when(lambda found: {name: found[name].state for name in states} == states)
        said = glass.page.locator("[data-panel=wide] .empty")
        await expect(said).to_have_text("wide chooses 9,000 series; at most 2,000 can be drawn: narrow its selector.")
        await expect(glass.page.locator("[data-panel=many] .note")).to_have_text(
            re.compile("^[0-9,]+ series not kept$")
        )
        await expect(glass.page.locator("[data-panel=sum] .empty")).to_contain_text("keeps 2,000 series")
        gate.touch()
        await glass.panels_when(
            lambda found: found["beacon-line"].state == "stale" and "stale" in found["beacon-stat"].veil
        )


async def test_series_of_several_machines_are_told_apart(pushed: Server, open_glass: OpenGlass) -> None:
    """Where they differ in nothing else the machine's name is what they are called, also in the line at the head."""
    await push(pushed, ('multi{instance="web-1"}', 20), ('multi{instance="web-2"}', 99))
    glass = await open_glass()
    await glass.open(f"{pushed.url}/boards/pushed")
    kinds = [f"pushed-{kind}" for kind in ("stat", "line", "bar", "heat", "table")]
    await glass.panels_when(lambda found: all(found[kind].state == "live" for kind in kinds))
    # The frame after that in which they are found to be live has their values.
    names = dict.fromkeys(kinds, ("web-1", "web-2")) | {"pushed-heat": ("(multi web-2)",)}
    await glass.panels_when(
        lambda found: all(name in found[kind].text for kind, every in names.items() for name in every)
    )
    await expect(glass.page.locator(".worst .problem").first).to_contain_text("Stat of pushed web-2 99")
    await push(pushed, ("multi", 30))
    await glass.panels_when(lambda found: all("home" in found[kind].text for kind in ("pushed-line", "pushed-table")))


async def test_each_value_has_its_own_unit(pushed: Server, open_glass: OpenGlass) -> None:
    """Of several units on one axis none is its unit."""
    await push(pushed, ("odd_seconds", 2), ("odd_bytes", 2048))
    glass = await open_glass()
    await glass.open(f"{pushed.url}/boards/pushed")
    panels = await glass.panels_when(
        lambda found: all(found[one].state == "live" and found[one].text.strip() for one in ("mixed", "figure"))
    )
    for name in ("mixed", "figure"):
        text = panels[name].text.replace("\u00a0", "").replace("\n", "")
        assert "2.00s" in text and "2.00KiB" in text
    assert await glass.page.evaluate("document.querySelector('[data-panel=mixed] [data-view]').unit") == ""


async def test_a_board_that_is_no_longer_there_is_told_of(pushed: Server, open_glass: OpenGlass) -> None:
    """Its data go on; a banner leads to where there are boards, until it is back."""
    glass = await open_glass()
    await glass.open(f"{pushed.url}/boards/beacon")
    file = settings(pushed)
    before = file.read_text()
    file.write_text(before.replace('name = "beacon"', 'name = "lamp"'))
    banner = glass.page.locator("#gone")
    await expect(banner).to_be_visible()
    await expect(banner).to_contain_text("no longer in the settings")
    assert await banner.locator("a").get_attribute("href") == "/"
    await glass.panels_when(lambda found: found["beacon-stat"].state == "live")
    file.write_text(before)
    await expect(banner).to_be_hidden()
    file.write_text(before.replace('name = "beacon"', 'name = "lamp"'))
    await expect(banner).to_be_visible()
    file.write_text(before)
    await asyncio.to_thread(pushed.terminate)
    await asyncio.to_thread(pushed.start)
    await glass.status("live")
    await expect(banner).to_be_hidden()


async def test_calm_is_said_of_what_is_judged_and_not_beside_a_fault(pushed: Server, open_glass: OpenGlass) -> None:
    await push(pushed, ('multi{instance="web-1"}', 20))
    glass = await open_glass()
    await glass.open(f"{pushed.url}/boards/pushed")
    worst = glass.page.locator(".worst")
    await expect(worst).to_contain_text("Calm: Stat of pushed")
    file = settings(pushed)
    before = file.read_text()
    file.write_text(before + "\nnonsense\n")
    await expect(glass.page.locator("#fault")).to_be_visible()
    await expect(worst).to_contain_text("The settings have a fault")
    await expect(worst).not_to_contain_text("alm")
    file.write_text(before)
    await expect(worst).to_contain_text("Calm: Stat of pushed")


async def test_a_device_that_vanished_before_the_page_came_is_gone_and_not_stale(
    tmp_path: Path, open_glass: OpenGlass
) -> None:
    """Its collector goes on, so nothing is at fault: neither the stream, nor the source."""
    folder = tmp_path / "devices"
    folder.mkdir()
    for name in ("one", "two"):
        (folder / name).write_text("11.1")
    config = collectors(tmp_path, gadgets=DEVICES.format(folder=folder)) + board(
        "devices", "device_level", legend="{device}", kinds=("line", "stat")
    )
    async with running_server(config=config) as server, httpx.AsyncClient(base_url=server.url) as client:

        async def ages() -> list[float]:
            found = (await client.get("/api/v1/latest", params={"match": "device_level"})).json()["result"]
            return sorted(series["age"] for series in found)

        async def both() -> bool:
            return len(await ages()) == 2

        async def vanished() -> bool:
            return (await ages())[-1] > 5

        await until(both)
        os.unlink(folder / "two")
        await until(vanished)
        glass = await open_glass(scripts=(BADGES,))
        await glass.open(f"{server.url}/boards/devices")
        await glass.panels_when(
            lambda found: (
                found["devices-line"].state == "some"
                and "1 of 2 gone for" in found["devices-line"].badge
                and "goes on without it" in found["devices-line"].badge
                and found["devices-stat"].state == "live"
            )
        )
        said = await glass.page.evaluate("[...window.badges]")
        # On a busy machine the page may catch up for a moment first, and says so; nothing else is at fault then.
        assert not [text for text in said if "stale" in text and not text.endswith("stream: catching up")], said


async def test_what_waits_hangs_or_is_old_is_told_in_its_panel(tmp_path: Path, open_glass: OpenGlass) -> None:
    """A counter with one sample waits for the next; a collector that hangs says so where it is missed, however many
    others do not load; a value that is good for long has its age."""
    # Its second sample comes with a multiple of its interval: one that is not near.
    interval = max(range(600, 900), key=lambda seconds: seconds - time.time() % seconds)
    files = {f"broken{at}": "import nowhere_to_be_found" for at in range(9)}
    config = "".join(
        (
            collectors(tmp_path, hangs=HANGS, slow=SLOW.format(interval=interval), **files),
            board("slow", "slow_total", kinds=("line",)),
            *(PANEL.format(name=name) for name in ("aged_level", "hung_level", "nothing_at_all")),
        )
    )
    async with running_server(config=config) as server:
        async with httpx.AsyncClient(base_url=server.url) as client:

            async def known() -> bool:
                states = (await client.get("/api/v1/status")).json()["collectors"]
                found = {state["name"]: state["state"] for state in states}
                return (found["slow"], found["hangs"]) == ("ok", "failed")

            await until(known)
        glass = await open_glass()
        await glass.open(f"{server.url}/boards/slow")

        async def says(panel: str, pattern: str) -> None:
            await expect(glass.page.locator(f"[data-panel={panel}] .empty")).to_have_text(re.compile(pattern))

        await says("slow-line", r"^No data yet: this needs two samples; the next comes in \d+.(min|s)")
        await says("hung_level", r"^No data\. Failing now: collector hangs: did not return within .{1,9}\.$")
        await says("nothing_at_all", r"9 collectors do not load: see the page “Status”\.$")
        async with httpx.AsyncClient(base_url=server.url) as client:
            old = {"series": "aged_level", "value": 1, "interval": 600, "timestamp": time.time() - 40}
            assert (await client.post("/api/v1/samples", json=old)).status_code == 200
        await glass.panels_when(lambda found: "old" in found["aged_level"].badge)
