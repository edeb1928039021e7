"""The top processes, on recorded `/proc` and on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from dashboard.collectors import ProcessRow, Program
from dashboard.collectors.processes import TOP, Elsewhere, Processes, create, parse
from dashboard.config import Settings
from tests.collectors.stage import RECORDED

HERTZ, PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")


class Machine:
    """A recorded `/proc` whose processes work when they are told to."""

    def __init__(self, proc: Path) -> None:
        self.proc, self.now, self.each_look = proc, 1000.0, 0.0
        for pid in ("1", "2", "700", "800"):
            shutil.copytree(RECORDED / "proc" / pid, proc / pid)

    def since_boot(self) -> float:
        self.now += self.each_look
        return self.now

    def work(self, pid: int, ticks: int) -> None:
        self._edit(pid, 11, lambda old: old + ticks)

    def copy(self, pid: int, other: int, name: str) -> None:
        shutil.copytree(self.proc / str(pid), self.proc / str(other))
        path = self.proc / str(other) / "stat"
        path.write_text(f"{other} ({name}) {path.read_text().rpartition(') ')[2]}")

    def started(self, pid: int, at: float) -> None:
        self._edit(pid, 19, lambda old: int(at * HERTZ))

    def _edit(self, pid: int, field: int, change: Callable[[int], int]) -> None:
        path = self.proc / str(pid) / "stat"
        head, _, rest = path.read_text().rpartition(") ")
        fields = rest.split(" ")
        fields[field] = str(change(int(fields[field])))
        path.write_text(f"{head}) {' '.join(fields)}")

    def collector(self, show_command_lines: bool = False) -> Processes:
        return Processes(self.proc, 2, show_command_lines, self.since_boot)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def rows(collector: Processes | Elsewhere) -> dict[int, ProcessRow]:
    return {row.pid: row for row in collector.collect() if isinstance(row, ProcessRow)}


def programs(collector: Processes | Elsewhere) -> dict[str, Program]:
    found = [one for one in collector.collect() if isinstance(one, Program)]
    assert len(found) == len({one.name for one in found})
    return {one.name: one for one in found}


def test_name_with_brackets_and_blanks() -> None:
    process = parse(0, 700, (RECORDED / "proc/700/stat").read_bytes())
    assert (process.name, process.state, process.ticks, process.threads) == ("tricky) S (name", "R", 1500, 4)


def test_cpu_is_that_of_the_time_since_the_last_collection(machine: Machine) -> None:
    collector = machine.collector()
    machine.now += 2
    machine.work(700, HERTZ)
    row = rows(collector)[700]
    # A user without a name is shown by number, a user with one by name.
    assert row == ProcessRow(700, "tricky) S (name", "4294967294", 0.5, 50_000 * PAGE, 4, "running")
    assert rows(collector) == {}  # no time has passed
    machine.now += 1
    assert rows(collector)[700].cpu_ratio == 0


def test_a_round_that_takes_long_makes_nobody_busier(machine: Machine) -> None:
    """On a busy machine a process is read long after its round began; it worked on until then."""
    for other in ("1", "2", "800"):
        shutil.rmtree(machine.proc / other)
    collector = machine.collector()
    machine.now, machine.each_look = 1001, 1
    machine.work(700, 3 * HERTZ)  # by 1003 s, when it is read, after 1002 s, when the round begins
    (row,) = rows(collector).values()
    assert row.cpu_ratio == 1
    machine.each_look = 0
    machine.work(700, HERTZ)
    assert rows(collector) == {}  # the round before has only just ended
    machine.now += 2
    assert rows(collector)[700].cpu_ratio == pytest.approx(1 / 3, abs=1e-3)


def test_name_that_the_kernel_cut_is_completed(machine: Machine) -> None:
    collector = machine.collector()
    machine.now += 2
    assert rows(collector)[800].name == "a-very-long-program-name"
    assert rows(collector) == {}


def test_arguments_are_shown_only_when_the_setting_says_so(machine: Machine) -> None:
    plain, shown = machine.collector(), machine.collector(show_command_lines=True)
    machine.now += 2
    assert {row.command for row in rows(plain).values()} == {None}
    commands = rows(shown)
    assert commands[700].command == "./tricky) S (name --token s3cret"
    assert commands[2].command is None  # a kernel thread has none


def test_new_process_shows_what_it_took_since_it_began(machine: Machine) -> None:
    (machine.proc / "700").rename(machine.proc / "away")
    collector = machine.collector()
    machine.now += 2
    (machine.proc / "away").rename(machine.proc / "700")
    machine.started(700, machine.now - 1)
    assert rows(collector)[700].cpu_ratio == pytest.approx(1500 / HERTZ / 2)


def test_process_that_was_hidden_draws_no_spike(machine: Machine) -> None:
    """It was there before, only not to be seen: what it took in its long life is not of this interval."""
    (machine.proc / "700").rename(machine.proc / "away")
    collector = machine.collector()
    machine.now += 2
    (machine.proc / "away").rename(machine.proc / "700")
    assert rows(collector)[700].cpu_ratio == 0


def test_number_that_is_given_again_is_another_process(machine: Machine) -> None:
    collector = machine.collector()
    machine.now += 2
    machine.work(700, -1400)
    machine.started(700, machine.now - 0.5)
    assert rows(collector)[700].cpu_ratio == pytest.approx(100 / HERTZ / 2)


def test_process_that_ends_between_two_reads_is_absent(machine: Machine) -> None:
    collector = machine.collector()
    machine.now += 2
    (machine.proc / "800/status").unlink()
    (machine.proc / "1/stat").unlink()
    assert rows(collector).keys() == {2, 700}


def test_only_the_top_ones_are_told(machine: Machine) -> None:
    for pid in range(2000, 2100):
        shutil.copytree(machine.proc / "800", machine.proc / str(pid))
    collector = machine.collector()
    machine.now += 2
    for pid in range(2000, 2050):
        machine.work(pid, pid - 1999)
    found = rows(collector)
    assert len(found) <= 2 * TOP
    assert set(range(2050 - TOP, 2050)) <= found.keys()
    assert 700 in found  # the largest


def test_many_small_processes_of_one_name_are_told_together(machine: Machine) -> None:
    """None of them is among the top ones, and together they take most."""
    for pid in range(2000, 2040):
        machine.copy(700, pid, "php-fpm")
    for pid in range(3000, 3000 + 2 * TOP):
        machine.copy(700, pid, f"other{pid}")
    collector = machine.collector()
    machine.now += 2
    for pid in range(2000, 2040):
        machine.work(pid, HERTZ // 10)
    for pid in range(3000, 3000 + 2 * TOP):
        machine.work(pid, HERTZ // 10 + 2)
    given = list(collector.collect())
    assert not any(row.name == "php-fpm" for row in given[:TOP])
    found = {one.name: one for one in given if isinstance(one, Program)}
    assert found["php-fpm"] == Program("php-fpm", 2.0, 40 * 50_000 * PAGE, 40)
    assert max(found.values(), key=lambda one: one.cpu_ratio).name == "php-fpm"
    assert len(found) == 2 * TOP + 4  # each name once, and of the kernel's threads none that sleeps


def test_names_that_the_kernel_cut_alike_are_told_apart(machine: Machine) -> None:
    machine.copy(800, 2001, "a-very-long-pro")
    (machine.proc / "2001/cmdline").write_bytes(b"/usr/bin/a-very-long-process\0-x\0")
    collector = machine.collector()
    machine.now += 2
    found = programs(collector)
    assert found["a-very-long-program-name"].processes == found["a-very-long-process"].processes == 1
    assert "a-very-long-pro" not in found


class Moment(NamedTuple):
    """When it was, and how much of processors a process had taken; seconds."""

    at: float
    used: float


@pytest.mark.parametrize("kind", ["own", "psutil"])
def test_this_machine(kind: str) -> None:
    """A process that does nothing but count is found, at what it really takes, however little others leave to it."""
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        process = psutil.Process(busy.pid)

        def now() -> Moment:
            times = process.cpu_times()
            return Moment(time.monotonic(), times.user + times.system)

        until, row = time.monotonic() + 60, None
        begun = now()
        collector = create(Settings()) if kind == "own" else Elsewhere(2, show_command_lines=True)
        while row is None:  # others may have taken more than it
            earliest, earlier = begun, now()
            while (begun := now()).used < earlier.used + 0.2 or begun.at < earlier.at + 0.2:
                assert begun.at < until
                time.sleep(0.02)
            row = rows(collector).get(busy.pid)
            ended = now()
        least = (begun.used - earlier.used) / (ended.at - earliest.at)
        most = (ended.used - earliest.used) / (begun.at - earlier.at)
        assert least - 0.01 <= row.cpu_ratio <= most + 0.01
    finally:
        busy.kill()
        busy.wait()
