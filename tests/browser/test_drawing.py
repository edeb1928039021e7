"""The page's charts and the server's images of them show the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.browser.conftest import OpenGlass
from tests.browser.glass import until
from tests.serving import Server, running_server

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser-layout")]

CHARTS = ("cpu-modes", "memory-states", "network-io", "disk-io", "load", "filesystems")
"""Charts of the overview that are seen without scrolling, and its bars."""

DRAWINGS = """(charts) => Object.fromEntries(charts.map((id) => {
    const panel = document.querySelector(`[data-panel="${id}"]`);
    const view = panel.querySelector("live-chart, live-bars");
    const { end, range } = view.moment ?? { end: 0, range: 0 };
    const size = { width: panel.offsetWidth, height: panel.offsetHeight };
    return [id, { size, range: { min: end - range, max: end }, drawing: view.drawing() }];
}))"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[Server]:
    """A server with the built-in overview."""
    async with running_server() as running:
        yield running


def alike_axes(page: dict[str, Any] | None, image: dict[str, Any] | None) -> bool:
    """Tell whether both have the same ticks and ends; bars have neither."""
    if page is None or image is None:
        return page is image
    ends = (image["min"], image["max"])
    return bool(page["ticks"] == image["ticks"] and (page["min"], page["max"]) == pytest.approx(ends))


def differences(page: dict[str, Any], image: dict[str, Any]) -> list[str]:
    """Return what two accounts differ in; numbers may in their last figures, for answers have fewer."""
    if not image["lines"]:
        return ["no data on the server yet"]
    wrong = [key for key in {*page, *image} - {"lines", "y"} if page.get(key) != image.get(key)]
    if not alike_axes(page["y"], image["y"]):
        wrong.append(f"y: {page['y']} {image['y']}")
    if len(page["lines"]) != len(image["lines"]):
        wrong.append("lines")
    for mine, theirs in zip(page["lines"], image["lines"], strict=False):
        for key in mine:
            near = key in ("value", "peak") and theirs[key] is not None
            same = mine[key] == (pytest.approx(theirs[key], rel=1e-3) if near else theirs[key])
            if not same:
                wrong.append(f"{mine['series']} {key}: {mine[key]} {theirs[key]}")
    return wrong


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.long)])
async def test_the_charts_of_the_overview_print_what_their_images_do(
    server: Server, open_glass: OpenGlass, theme: str
) -> None:
    """Ends and ticks of both axes, names, colours, dashes, newest values and holes are the same, of one moment."""
    glass = await open_glass(timezone_id="UTC", color_scheme=theme)
    await glass.open(server.url)
    left = {chart: ["not compared"] for chart in CHARTS}

    async def alike() -> bool:
        drawn = await glass.page.evaluate(DRAWINGS, list(left))
        for chart, told in drawn.items():
            if told["drawing"] is None or not told["drawing"]["lines"]:
                continue
            x = told["drawing"]["x"] or told["range"]
            asked = {"from": x["min"], "to": x["max"], "theme": theme, "tz": "UTC"}
            answer = await client.get(f"/embed/overview.{chart}.json", params={**asked, **told["size"]})
            assert answer.status_code == 200, answer.text
            wrong = differences(told["drawing"], answer.json())
            if wrong:
                left[chart] = wrong
            else:
                del left[chart]
        return not left

    async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:
        try:
            await until(alike)
        except AssertionError as error:
            raise AssertionError(f"not the same: {left}") from error
