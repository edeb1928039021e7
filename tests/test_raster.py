"""Pictures of drawings: made in a process that is bounded, begun anew when it dies, and gone when nobody asks."""

from __future__ import annotations

import asyncio
import os
import struct
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dashboard.errors import Busy, RasterError
from dashboard.raster import MOST_WAITING, Rasteriser
from dashboard.raster_child import MEMORY
from tests.needs import need
from tests.waiting import until

DRAWING = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20" viewBox="0 0 40 20" font-family="sans-serif">'
    '<rect width="40" height="20" fill="#ffffff"/>%s</svg>'
)
TEXT = '<text x="2" y="15" fill="#000000">Ab1</text>'


def size_of(png: bytes) -> tuple[int, int]:
    """Return the size of a picture by its head; raise AssertionError when it is none."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", png[16:24])  # type: ignore[return-value]


def resident(pid: int) -> int:
    """Return the memory that a process has, in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGESIZE")


def lives(pid: int) -> bool:
    """Tell whether a process is there, and not merely not yet waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def begun(raster: Rasteriser) -> int:
    """Wait until there is a process; return its number."""
    await until(lambda: raster.pid is not None)
    assert raster.pid is not None
    return raster.pid


@pytest.fixture
async def raster() -> AsyncIterator[Rasteriser]:
    """A rasteriser whose process is gone afterwards."""
    need("fonts")
    made = Rasteriser()
    yield made
    await made.close()


async def test_a_picture_is_as_large_as_asked_and_has_its_text(raster: Rasteriser) -> None:
    """There is no process before the first question, and one for all; text is drawn, also in rare signs."""
    assert raster.pid is None
    plain = await raster.png(DRAWING % "")
    first = raster.pid
    assert size_of(plain) == (40, 20)
    assert size_of(await raster.png(DRAWING % TEXT, 2.5)) == (100, 50)
    latin = await raster.png(DRAWING % TEXT)
    rare = await raster.png(DRAWING % TEXT.replace("Ab1", "Ж→"))
    assert len({plain, latin, rare}) == 3 and raster.pid == first


@pytest.mark.fault
async def test_what_is_no_drawing_gets_a_reason_and_a_death_another_process(raster: Rasteriser) -> None:
    """A fault in a drawing costs its picture alone; a process that was killed is begun anew with the next question."""
    with pytest.raises(RasterError, match="gives no picture"):
        await raster.png("<svg")
    first = raster.pid
    assert first is not None
    os.kill(first, 9)
    await until(lambda: not lives(first))
    assert size_of(await raster.png(DRAWING % "")) == (40, 20)
    assert raster.pid not in (None, first)


@pytest.mark.fault
async def test_the_process_is_bounded_in_memory_and_is_alone(raster: Rasteriser) -> None:
    """It can take no more than so much, writes no file, and is told nothing of the server's environment."""
    os.environ["DASHBOARD_ADMIN_PASSWORD"] = "secret"
    try:
        await raster.png(DRAWING % "")
    finally:
        del os.environ["DASHBOARD_ADMIN_PASSWORD"]
    pid = raster.pid
    limits = Path(f"/proc/{pid}/limits").read_text("ascii")
    assert f"Max data size             {MEMORY}" in limits and "Max file size             0" in limits
    assert b"DASHBOARD" not in Path(f"/proc/{pid}/environ").read_bytes()
    huge = DRAWING.replace('width="40" height="20"', 'width="20000" height="20000"', 1) % ""
    with pytest.raises(RasterError):
        await raster.png(huge)
    assert size_of(await raster.png(DRAWING % "")) == (40, 20)


@pytest.mark.fault
async def test_a_process_that_answers_nothing_is_ended_in_time() -> None:
    """Whoever waits for it is told; so is one whose process cannot be started, or answers nonsense."""
    silent = Rasteriser((sys.executable, "-c", "import time; time.sleep(60)"), patience=0.3)
    asked = asyncio.create_task(silent.png(DRAWING % ""))
    pid = await begun(silent)
    with pytest.raises(RasterError, match="no picture within"):
        await asked
    await until(lambda: not lives(pid))
    await silent.close()
    for command in (("/nonexistent/python",), (sys.executable, "-c", "print('x' * 100)")):
        odd = Rasteriser(command)
        with pytest.raises(RasterError, match=r"\.svg needs none"):
            await odd.png(DRAWING % "")
        await odd.close()


async def test_the_process_is_ended_when_nobody_asks_or_the_asker_goes_away() -> None:
    need("fonts")
    idle = Rasteriser(idle=0.05)
    await idle.png(DRAWING % "")
    pid = await begun(idle)
    await until(lambda: not lives(pid))
    asked = asyncio.create_task(idle.png(DRAWING % TEXT))
    pid = await begun(idle)
    asked.cancel()
    await until(lambda: not lives(pid))
    assert size_of(await idle.png(DRAWING % TEXT)) == (40, 20)
    await idle.close()
    assert idle.pid is None


async def test_too_many_that_wait_are_sent_away() -> None:
    blocked = Rasteriser((sys.executable, "-c", "import time; time.sleep(60)"), patience=30)
    waiting = [asyncio.create_task(blocked.png(DRAWING % "")) for _ in range(MOST_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await blocked.png(DRAWING % "")
    for one in waiting:
        one.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await blocked.close()


@pytest.mark.long
async def test_a_thousand_pictures_leave_the_process_as_it_was(raster: Rasteriser) -> None:
    """Its memory is that of its fonts and of one picture, however many it made."""
    parts = "".join(f'<text x="{at % 300}" y="{at}" font-size="12">value {at}</text>' for at in range(60))
    drawing = DRAWING.replace('width="40" height="20"', 'width="640" height="280"', 1) % parts
    for _ in range(100):
        await raster.png(drawing, 2)
    assert raster.pid is not None
    before = resident(raster.pid)
    for _ in range(1000):
        await raster.png(drawing, 2)
    assert resident(raster.pid) - before < 4_000_000
