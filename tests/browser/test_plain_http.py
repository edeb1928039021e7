"""Under an http name, as on a wall in an intranet: no secure context, and everything works but what needs one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.glass import BEACON, Glass, board, collectors
from tests.browsing import open_browser
from tests.serving import running_server

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser-controls")]


async def test_intranet_name(tmp_path: Path) -> None:
    """The board is live; copying, which the browser forbids there, offers the text selected instead."""
    config = 'allowed_hosts = ["wall.example"]\n' + collectors(tmp_path, beacon=BEACON) + board("beacon", "beacon")
    async with (
        running_server(config=config) as server,
        open_browser("--host-resolver-rules=MAP wall.example 127.0.0.1") as browser,
    ):
        glass = Glass(await browser.new_page())
        await glass.open(f"http://wall.example:{server.port}/boards/beacon")
        assert await glass.page.evaluate("isSecureContext") is False
        await glass.panels_when(lambda panels: all(panel.state == "live" for panel in panels.values()))
        await glass.page.locator("[data-copy-board]").click()
        area = glass.page.locator("dialog[open] textarea")
        await area.wait_for()
        assert "[[board]]" in await area.input_value()
        selected = "((area) => area.selectionEnd - area.selectionStart === area.value.length)(document.activeElement)"
        assert await glass.page.evaluate(selected)
        await glass.page.keyboard.press("Escape")
        await glass.page.goto(f"http://wall.example:{server.port}/add")
        shown = await glass.page.locator("code").first.inner_text()
        assert f"http://wall.example:{server.port}/api/v1/samples" in shown
        assert [fault for fault in glass.faults if "Cross-Origin-Opener-Policy" not in fault] == []


async def test_foreign_name() -> None:
    """A name that the settings do not know gets a page that says which setting admits it."""
    async with (
        running_server() as server,
        open_browser("--host-resolver-rules=MAP other.example 127.0.0.1") as browser,
    ):
        page = await browser.new_page()
        answer = await page.goto(f"http://other.example:{server.port}/")
        assert answer is not None and answer.status == 421
        assert "allowed_hosts" in await page.inner_text("main")
