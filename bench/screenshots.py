"""`python -m bench.screenshots`: pictures as the README and docs show them.

Starts two servers on free ports and lets them collect. Of one it takes `/` at the sizes of a desk (light and dark), a
phone and a wall; of the other the board of a shop that pushes what it does, and its notices. The shop's week before is
pushed first, faster than it passed, and looked at as a whole and zoomed.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser

from bench.shop import BOARD, Past, announce, remember, trade
from tests.browsing import open_browser
from tests.serving import running_server

FOLDER = Path(__file__).parent.parent / "docs" / "images"


@dataclass(frozen=True)
class Picture:
    """One picture: the file's stem, the window, what the viewer's system wishes for, and what is looked at."""

    name: str
    width: int
    height: int
    scheme: Literal["light", "dark"] = "light"
    scale: float = 1
    path: str = "/"
    press: str = ""
    """Selector of what is clicked before the picture is taken."""


PICTURES = (
    Picture("overview", 1440, 900),
    Picture("overview-dark", 1440, 900, scheme="dark"),
    Picture("overview-phone", 390, 844, scale=2),
    Picture("overview-wall", 3840, 2160, scheme="dark"),
    Picture("board", 1440, 900, path="/boards/shop"),
    Picture("notices", 1440, 900, scheme="dark", path="/boards/shop", press=".bell"),
)


def weekly(past: Past) -> tuple[Picture, ...]:
    """Return the pictures of a shop's week: whole, by the day, and zoomed to what stands out."""
    shop = "/boards/shop"

    def zoomed(margin: float, start: float, end: float) -> str:
        return f"{shop}?from={start - margin:.0f}&to={end + margin:.0f}"

    return (
        Picture("week", 1440, 900, path=f"{shop}?range=7d"),
        Picture("week-dark", 1440, 900, scheme="dark", path=f"{shop}?range=7d"),
        Picture("week-phone", 390, 844, scale=2, path=f"{shop}?range=7d"),
        Picture("week-wall", 3840, 2160, scheme="dark", path=f"{shop}?range=7d"),
        Picture("week-day", 1440, 900, path=f"{shop}?range=24h"),
        Picture("week-hour", 1440, 900, path=f"{shop}?range=1h"),
        Picture("week-night", 1440, 900, path=zoomed(3_600, *past.slow_bank)),
        Picture("week-outage", 1440, 900, scheme="dark", path=zoomed(7_200, *past.outage)),
        Picture("week-spike", 1440, 900, path=zoomed(300, past.spike, past.spike)),
    )


async def take(browser: Browser, url: str, picture: Picture, folder: Path, watch: float) -> Path:
    """Open a page of `url` as `picture` says, watch it for `watch` seconds, and return the file of the picture."""
    context = await browser.new_context(
        viewport={"width": picture.width, "height": picture.height},
        color_scheme=picture.scheme,
        device_scale_factor=picture.scale,
        is_mobile=picture.width < 600,
        has_touch=picture.width < 600,
    )
    page = await context.new_page()
    await page.goto(url + picture.path, wait_until="load")
    await page.wait_for_selector("canvas")
    await asyncio.sleep(watch)
    if picture.press:
        await page.locator(picture.press).click()
    file = folder / f"{picture.name}.png"
    await page.screenshot(path=file)
    await context.close()
    return file


async def run(folder: Path, collect: float, watch: float) -> None:
    """Collect for `collect` seconds, then take all pictures, each after `watch` seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    async with running_server() as fresh, running_server(config=BOARD) as shop, open_browser() as browser:
        print(f"{fresh.url} and {shop.url} collect for {collect:g} s …", flush=True)
        past = Past(time.time())
        began = time.monotonic()
        told = await remember(shop.url, past)
        print(f"{past.days:g} days of the shop, {told:,} samples, in {time.monotonic() - began:.1f} s", flush=True)
        trading = asyncio.create_task(trade(shop.url))
        await asyncio.sleep(collect)
        await announce(shop.url)
        for picture in (*PICTURES, *weekly(past)):
            url = fresh.url if picture.path == "/" else shop.url
            print(await take(browser, url, picture, folder, watch), flush=True)
        trading.cancel()


def main() -> None:
    """Read the command line and take the pictures."""
    parser = argparse.ArgumentParser(prog="python -m bench.screenshots", description="Take the pictures of the docs.")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the pictures go (default: docs/images)")
    parser.add_argument("--collect", type=float, default=900, help="seconds of data before the first picture")
    parser.add_argument("--watch", type=float, default=5, help="seconds that each page is open before its picture")
    arguments = parser.parse_args()
    asyncio.run(run(arguments.folder, arguments.collect, arguments.watch))


if __name__ == "__main__":
    main()
