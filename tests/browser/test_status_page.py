"""The page about the program itself: it is live, says when it is not, and names what is wrong."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import expect

from dashboard.broadcaster.cursor import CONFLATE_BEHIND
from tests.browser.conftest import OpenGlass
from tests.browser.glass import Glass, collectors, until
from tests.serving import Server, running_server
from tests.web.test_stream_ends import MIB, fill, none_is_open, stalled
from tests.web.wire import RawStream

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser-status")]

PRINTER = """
import os

families = ()


def collect():
    if os.path.exists("{gate}"):
        raise OSError("no answer from the printer")
    return []
"""


@pytest_asyncio.fixture(loop_scope="module")
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """A server of whose collectors one fails once it is told to."""
    text = PRINTER.replace("{gate}", str(tmp_path / "broken"))
    async with running_server(config='instance = "web-1"\n' + collectors(tmp_path, printer=text)) as running:
        yield running


async def text_of(glass: Glass, panel: str) -> str:
    """Return the text of a panel, as a reader sees it."""
    return str(await glass.page.evaluate("(id) => document.getElementById(id).innerText", f"panel-{panel}"))


async def states(glass: Glass) -> set[str]:
    """Return the states that panels are in."""
    found = await glass.page.evaluate('[...document.querySelectorAll(".panel")].map((panel) => panel.dataset.state)')
    return set(found)


async def test_it_is_reached_from_a_board_and_shows_what_the_server_tells(
    open_glass: OpenGlass, server: Server
) -> None:
    glass = await open_glass()
    await glass.open(server.url)
    await glass.page.get_by_role("link", name="Status").click()
    await expect(glass.page).to_have_url(f"{server.url}/status")
    await glass.status("live")

    async def all_live() -> bool:
        return await states(glass) == {"live"}

    await until(all_live)
    stream = await RawStream.open(server, "?types=system&after=1-0")
    await stream.until(b"event: gap")
    async with httpx.AsyncClient(base_url=server.url) as client:

        async def agrees() -> bool:
            body = (await client.get("/api/v1/status")).json()
            gaps, number = body["gaps"], await glass.page.locator("#panel-streams .number").inner_text()
            lines = (f"Streams begun behind an id\t{body['resumes']}\n", f"from before a restart\t{gaps['restart']}\n")
            delivery = await text_of(glass, "delivery")
            return gaps["restart"] > 0 and number == str(body["streams"]) and all(line in delivery for line in lines)

        await until(agrees)
    await until_says(glass, "viewers", "local\t127.0.0.1")
    stream.drop()
    await glass.until("/KiB.s|B.s/.test(document.querySelector('#panel-bytes .unit').textContent)")
    for panel, word in (("held", "of 8\u202f192"), ("collectors", "cpu"), ("published", "metrics"), ("memory", "MiB")):
        await until_says(glass, panel, word)
    # A busy machine may be late, for a while its collectors, too; and nothing else is wrong.
    well = re.compile("^(The dashboard itself runs well|The event loop is late)$")
    await expect(glass.page.locator(".worst .text")).to_have_text(well)


async def until_says(glass: Glass, panel: str, word: str) -> None:
    """Wait until a text stands in a panel."""

    async def says() -> bool:
        return word in await text_of(glass, panel)

    await until(says)


async def test_what_slow_and_refused_viewers_cost_is_shown(open_glass: OpenGlass) -> None:
    """One that was slow and has caught up, one that takes nothing, one too many."""
    config = "interval = 60\nmax_streams = 1\n"
    async with running_server(config=config) as server, httpx.AsyncClient(base_url=server.url) as client:

        async def told() -> dict[str, Any]:
            return dict((await client.get("/api/v1/status")).json())

        slow = await stalled(server, client)
        assert (await client.get("/api/v1/events")).status_code == 503
        await fill(client)
        await asyncio.sleep(CONFLATE_BEHIND)
        await fill(client)
        slow.writer.transport.resume_reading()  # type: ignore[attr-defined]
        await slow.until(b'"reason":"slow"')
        slow.drop()
        await until(lambda: none_is_open(client))
        stuck = await stalled(server, client)
        glass = await open_glass()
        await glass.page.goto(f"{server.url}/status")

        async def agrees() -> bool:
            body, delivery = await told(), await text_of(glass, "delivery")
            facts = {"Conflated events": body["conflated"], "Gaps: read too slowly": body["gaps"]["slow"]}
            facts["Refused: streams in all"] = body["streams_refused"]["streams"]
            assert all(facts.values()) and body["slowest"] > 0
            slowest = await glass.page.locator("#panel-slowest .number").inner_text()
            return slowest == str(body["slowest"]) and all(f"{name}\t{n}\n" in delivery for name, n in facts.items())

        await until(agrees)
        also = await glass.page.locator("#panel-bytes .also").inner_text()
        sent = re.fullmatch(r"([\d.]+)\s([KM])iB since the start", also)
        assert sent, also
        bytes = float(sent[1]) * {"K": 1024, "M": MIB}[sent[2]]
        assert bytes == pytest.approx((await told())["bytes_sent"], rel=0.1)
        stuck.drop()


async def test_a_collector_that_fails_is_named_with_its_reason(
    open_glass: OpenGlass, server: Server, tmp_path: Path
) -> None:
    glass = await open_glass()
    await glass.open(f"{server.url}/status")
    (tmp_path / "broken").touch()
    await until_says(glass, "collectors", "no answer from the printer")
    worst = glass.page.locator(".worst")
    await expect(worst).to_have_attribute("data-severity", "warning")
    await expect(worst).to_contain_text("Collector printer fails")


@pytest.mark.long
async def test_what_a_silent_server_told_is_veiled_within_two_questions_and_a_second(
    open_glass: OpenGlass, server: Server
) -> None:
    glass = await open_glass()
    await glass.open(f"{server.url}/status")
    await until_says(glass, "processor", "%")
    server.stop()
    try:
        await glass.until("[...document.querySelectorAll('.panel')].every((one) => one.dataset.state === 'stale')", 7)
        assert "old" in await glass.page.locator("#panel-delivery .veil").inner_text()
        assert "stale" in (await glass.page.locator(".uptime").get_attribute("class") or "")
        assert await glass.page.locator(".worst .text").inner_text() == "Not known"
        said = await glass.status("offline")
        assert "not reachable" in said
    finally:
        server.cont()
    await glass.status("live")
    await glass.until("[...document.querySelectorAll('.panel')].every((one) => one.dataset.state === 'live')")


async def test_the_veil_over_the_page_is_put_off_by_each_answer_alone(open_glass: OpenGlass, server: Server) -> None:
    """It needs no script to fire, so a tab that is frozen is covered, too."""
    glass = await open_glass()
    await glass.open(f"{server.url}/status")
    left = """(() => {
        const [animation] = [...document.querySelectorAll(".guard")].flatMap((guard) => guard.getAnimations());
        return animation ? animation.effect.getTiming().delay - animation.currentTime : 0;
    })()"""
    assert 0 < float(await glass.until(left)) <= 5000


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (768, 1024), (390, 844)])
async def test_nothing_sticks_out_of_the_page(open_glass: OpenGlass, server: Server, width: int, height: int) -> None:
    glass = await open_glass(viewport={"width": width, "height": height})
    await glass.open(f"{server.url}/status")
    await until_says(glass, "collectors", "cpu")
    assert await glass.page.evaluate("document.documentElement.scrollWidth") <= width
    cut = await glass.page.evaluate(
        """[...document.querySelectorAll(".panel :is(td:not(.reason), .figure)")].filter((one) =>
            one.checkVisibility() && one.scrollWidth > one.clientWidth + 1).map((one) => one.textContent)"""
    )
    assert cut == []
