"""Pictures that a browser puts out, when each was drawn, and how much red is in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser

from tests.browser.glass import Glass


@asynccontextmanager
async def pictures(glass: Glass) -> AsyncIterator[list[tuple[float, str]]]:
    """Collect every picture that the compositor puts out: its time, and itself as base64."""
    session = await glass.page.context.new_cdp_session(glass.page)
    taken: list[tuple[float, str]] = []
    tasks: set[asyncio.Task[object]] = set()

    def take(frame: dict[str, object]) -> None:
        metadata = frame["metadata"]
        assert isinstance(metadata, dict)
        taken.append((float(metadata["timestamp"]), str(frame["data"])))
        task = asyncio.ensure_future(session.send("Page.screencastFrameAck", {"sessionId": frame["sessionId"]}))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    session.on("Page.screencastFrame", take)
    await session.send("Page.startScreencast", {"format": "png", "everyNthFrame": 1})
    yield taken
    await session.send("Page.stopScreencast")
    await asyncio.gather(*tasks)


STRIP = """addEventListener("DOMContentLoaded", () => {
    const strip = document.createElement("div");
    strip.style.cssText = "position: fixed; top: 0; left: 0; width: 4px; height: 4px; background: blue; z-index: 99";
    document.documentElement.append(strip);
    const across = [{ transform: "translateX(0)" }, { transform: "translateX(1000px)" }];
    const animation = strip.animate(across, { duration: 250_000, fill: "both" });
    animation.ready.then(() => { window.stripBegan = (performance.timeOrigin + animation.startTime) / 1000; });
})"""
"""A clock that the compositor itself draws: its place in a picture, 4 pixels a second, tells when that was drawn."""

STRIP_AT = """async (picture) => {
    const bytes = Uint8Array.from(atob(picture), (char) => char.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes]));
    const pen = new OffscreenCanvas(image.width, 1).getContext("2d");
    pen.drawImage(image, 0, -1);
    const { data } = pen.getImageData(0, 0, image.width, 1);
    return Array.from({ length: image.width }, (_, at) => at).findIndex(
        (at) => data[4 * at + 2] > 200 && data[4 * at] < 80 && data[4 * at + 1] < 80);
}"""

RED = """async (picture) => {
    const bytes = Uint8Array.from(atob(picture), (char) => char.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes]));
    const canvas = new OffscreenCanvas(image.width, image.height);
    const pen = canvas.getContext("2d");
    pen.drawImage(image, 0, 0);
    const head = Math.round(image.height / 9);
    const { data } = pen.getImageData(0, head, image.width, image.height - head);
    let red = 0;
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    for (let at = 0; at < data.length; at += 4) {
        if (!(data[at] > 150 && data[at + 1] < 80 && data[at + 2] < 80)) continue;
        red++;
        const [x, y] = [(at / 4) % image.width, head + Math.floor(at / 4 / image.width)];
        box.splice(0, 4, Math.min(box[0], x), Math.min(box[1], y), Math.max(box[2], x), Math.max(box[3], y));
    }
    return [red, red ? box : []];
}"""


async def red(browser: Browser, taken: list[tuple[float, str]]) -> list[tuple[float, int, list[int]]]:
    """Count the red pixels of each picture, below the line that may say in red how busy this machine is.

    Return its time, how many there are, and the box that holds them.
    """
    page = await browser.new_page()
    try:
        return [(at, *await page.evaluate(RED, picture)) for at, picture in taken]
    finally:
        await page.close()


async def drawn(browser: Browser, began: float, taken: list[tuple[float, str]]) -> list[float]:
    """Return when each picture was drawn, to a quarter of a second, by the strip in it."""
    page = await browser.new_page()
    try:
        places = [await page.evaluate(STRIP_AT, picture) for _, picture in taken]
    finally:
        await page.close()
    assert -1 not in places, "a picture without the strip"
    return [began + place / 4 for place in places]
