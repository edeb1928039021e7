"""Programs that are killed at random moments and at chosen places, at little cost: each is a fork of this one.

`python -m tests.doomed SCENARIO FOLDER COUNT` runs a scenario and ends with 0, or with what was lost. It is a program
of its own, for only a process without threads may fork.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import traceback
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

PATIENCE = 60.0
"""Seconds in which a program is to begin; many do at a time."""

Tell = Callable[[float], None]
"""Says that something is sure; what was said is known also of a program that was killed."""

Passing = Callable[[str], None]
"""As `passing` of a Disk: called at each place where a kill makes a difference."""


class End(NamedTuple):
    """How a doomed program ended: what it had told, and where it was killed; None when it came to its end."""

    told: list[float]
    place: str | None


class Doomed:
    """A program that runs."""

    def __init__(self, work: Callable[[Tell], None]) -> None:
        """Fork, and do the work there."""
        self._pipe, write = os.pipe()
        self.pid = os.fork()
        if self.pid:
            os.close(write)
            return
        code = 1
        try:
            os.close(self._pipe)
            work(lambda value: _write(write, value))
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    def kill(self) -> None:
        """End it without warning."""
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> None:
        """Wait until it has told something, or is gone."""
        assert select.select([self._pipe], [], [], PATIENCE)[0], "it tells nothing"

    def told(self) -> list[float]:
        """Wait for its end and return what it told; raise AssertionError when it failed."""
        data = b""
        while piece := os.read(self._pipe, 65_536):
            data += piece
        os.close(self._pipe)
        _, status = os.waitpid(self.pid, 0)
        assert os.waitstatus_to_exitcode(status) in (0, -signal.SIGKILL), "it ended by a fault of its own"
        found = array("d")
        found.frombytes(data[: len(data) // 8 * 8])
        return list(found)


def killed_at_each_place(
    work: Callable[[Path, Tell, Passing], None], begin: Path, folder: Path
) -> Iterator[tuple[Path, End]]:
    """Run the work once for each place that it passes, from a copy of `begin` each time, and kill it there.

    Yield the folder that it left and its end; last those of a run that nobody kills.
    """
    number = 0
    while True:
        number += 1
        place = folder / f"{number}"
        shutil.copytree(begin, place)
        end = _killed_at(number, work, place)
        yield place, end
        shutil.rmtree(place)
        if end.place is None:
            return


def _killed_at(number: int, work: Callable[[Path, Tell, Passing], None], folder: Path) -> End:
    read, write = os.pipe()

    def run(tell: Tell) -> None:
        passed = 0

        def passing(place: str) -> None:
            nonlocal passed
            passed += 1
            if passed == number:
                os.write(write, place.encode())
                os.kill(os.getpid(), signal.SIGKILL)

        work(folder, tell, passing)

    doomed = Doomed(run)
    os.close(write)
    told = doomed.told()
    place = os.read(read, 1_000).decode()
    os.close(read)
    return End(told, place or None)


def _write(pipe: int, value: float) -> None:
    os.write(pipe, array("d", [value]).tobytes())


if __name__ == "__main__":
    from tests import fates

    _, scenario, folder, count = sys.argv
    print(fates.SCENARIOS[scenario](Path(folder), int(count)))
