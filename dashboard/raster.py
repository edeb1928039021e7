"""Pictures of drawings: PNG of SVG, made in a process of its own.

What rasterises is foreign machine code with fonts in its memory: it is begun with the first question, held to bounds of
memory, time and size, begun anew when it dies, and ended when nobody asks any more. So the server is neither larger for
it nor in danger by it.
"""

from __future__ import annotations

import asyncio
import os
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

from dashboard.errors import Busy, RasterError

PATIENCE = 10.0
"""Seconds that a picture may take; the first one waits for the process and its fonts, too."""

IDLE = 30.0
"""Seconds without a question after which the process is ended."""

MOST_WAITING = 64
"""Questions that wait for the process at once, at most."""

MAX_PIXELS = 8_000_000
"""Pixels of a picture at most."""

_REQUEST = struct.Struct(">If")  # bytes of the drawing, scale
_ANSWER = struct.Struct(">?I")  # whether it is a picture, bytes of it or of the reason why not
_MOST_BYTES = 64 * 1024 * 1024
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "XDG_DATA_HOME", "LD_LIBRARY_PATH")
_COMMAND = (sys.executable, "-I", str(Path(__file__).with_name("raster_child.py")))


class Rasteriser:
    """Asks the process for one picture after the other. `close` ends it; the next question begins another."""

    def __init__(self, command: Sequence[str] = _COMMAND, *, patience: float = PATIENCE, idle: float = IDLE) -> None:
        self._command, self._patience, self._idle = command, patience, idle
        self._process: asyncio.subprocess.Process | None = None
        self._ended: list[asyncio.subprocess.Process] = []
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._end: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        """The number of the process; None while there is none."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def png(self, svg: str, scale: float = 1.0) -> bytes:
        """Return the picture of a drawing, so many times as large.

        Raises RasterError when there is none, with the reason; Busy when too many wait for theirs.
        """
        if self._waiting >= MOST_WAITING:
            raise Busy("too many pictures are being made: ask again in a moment, or take .svg", 2)
        self._waiting += 1
        try:
            async with self._turn:
                return await self._picture(svg.encode("utf-8", "replace"), scale)
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """End the process, and wait until it is gone."""
        if self._end is not None:
            self._end.cancel()
        self._kill()
        for process in self._ended:
            await process.wait()
        self._ended.clear()

    async def _picture(self, drawing: bytes, scale: float) -> bytes:
        if self._end is not None:
            self._end.cancel()
        try:
            try:
                good, body = await self._ask(drawing, scale)
            except (ConnectionError, asyncio.IncompleteReadError):  # it may have died since the last question
                good, body = await self._ask(drawing, scale)
        except (ConnectionError, asyncio.IncompleteReadError):
            raise RasterError("the process that makes pictures ended over this one; .svg needs none") from None
        except TimeoutError:
            raise RasterError(f"no picture within {self._patience:g} s; .svg needs none") from None
        except OSError as error:
            raise RasterError(f"no process for pictures can be started ({error}); .svg needs none") from error
        finally:
            self._end = asyncio.get_running_loop().call_later(self._idle, self._kill)
        if not good:
            raise RasterError(body.decode("utf-8", "replace"))
        return body

    async def _ask(self, drawing: bytes, scale: float) -> tuple[bool, bytes]:
        """Put one question; whatever goes wrong with it ends the process, which would answer a later one with it."""
        try:
            async with asyncio.timeout(self._patience):
                process = await self._running()
                assert process.stdin is not None and process.stdout is not None
                process.stdin.write(_REQUEST.pack(len(drawing), scale) + drawing)
                await process.stdin.drain()
                good, length = _ANSWER.unpack(await process.stdout.readexactly(_ANSWER.size))
                if length > _MOST_BYTES:
                    raise ConnectionError("an answer of no sense")
                return good, await process.stdout.readexactly(length)
        except BaseException:
            self._kill()
            raise

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={name: os.environ[name] for name in _KEPT if name in os.environ},
                cwd="/",
                start_new_session=True,
            )
        return self._process

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        if process.returncode is None:
            process.kill()
        self._ended = [*(one for one in self._ended if one.returncode is None), process]
