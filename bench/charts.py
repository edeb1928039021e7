"""What many live charts cost the main thread of a real Chromium."""

from __future__ import annotations

import json
import math
import os
import random
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import Request, urlopen

import click
import msgspec
from playwright.sync_api import CDPSession, Page, sync_playwright

from bench import machine, table
from bench.server import Server, serving
from checks.machine import PROGRAMS

WIDTH = 1440
WARM_SECONDS = 5.0
LOAD_SECONDS = 30.0
LONG_TASK_MS = 50.0
HISTORY_SECONDS = 890
POST_SAMPLES = 5000
BOARD = '[[board]]\nname = "bench{lines}"\ntitle = "Bench"\nrange = "{range}"\n'
PANEL = """\
[[board.panel]]
id = "chart{index}"
title = "Chart {index}"
kind = "line"
series = [{series}]
legend = "{{line}}"
width = 4
"""
CANVASES = {
    "software": (),
    "gpu": (
        "--use-angle=swiftshader",
        "--enable-unsafe-swiftshader",
        "--ignore-gpu-blocklist",
        "--enable-gpu-rasterization",
    ),
}
"""How canvases can be drawn, and the browser's flags for it."""
COLUMNS = (
    "canvas by",
    "charts",
    "lines each",
    "points / line",
    "main thread, % of a core",
    "the same by trace",
    "by TaskDuration",
    "of that script",
    "of that style and layout",
    "longest task, ms",
    "tasks > 50 ms",
    "charts that moved",
    "JS heap MB",
)


class Busy(msgspec.Struct, frozen=True):
    """Seconds of the main thread over a window of `seconds`, by the browser's own counters; `cpu` by the kernel's."""

    seconds: float
    tasks: float
    script: float
    layout: float
    cpu: float
    heap: float


class Trace(msgspec.Struct, frozen=True):
    """The main thread's tasks over a window of `seconds`: how long they took together, and the longest."""

    seconds: float
    tasks: float
    longest: float
    long: int


def wave(now: float, chart: int, line: int) -> float:
    """Return the value of a line at a time: a slow wave with a little noise, between 0 and 1."""
    return 0.5 + 0.3 * math.sin(now / (20 + 7 * line) + chart) + random.uniform(-0.1, 0.1)


def run(
    charts: int, lines: Sequence[int], span: str, canvases: Sequence[str], seconds: float, command: Sequence[str]
) -> None:
    """Open boards of so many charts, all in view, each with so many lines, and print what they cost."""
    chromium = PROGRAMS["chromium"].find()
    if chromium is None:
        raise click.ClickException(f"Chromium is missing: {PROGRAMS['chromium'].mend}")
    rows = []
    with (
        TemporaryDirectory(prefix="bench-") as name,
        serving(Path(name), "".join(_board(charts, each, span) for each in lines)) as server,
        ExitStack() as feed,
    ):
        _send(server, charts, max(lines), range(HISTORY_SECONDS, 1, -1))
        feed.enter_context(_feeding(server, charts, max(lines)))
        for canvas, each in product(canvases, lines):
            click.echo(f"{charts} charts, lines each: {each}, canvas by {canvas} …", err=True)
            with _page(chromium, CANVASES[canvas]) as (page, browser):
                rows.append([canvas, *_measure(page, server, charts, each, seconds)])
    notes = (
        f"Chromium {browser}, headless, all charts in view, range {span}.",
        "Canvas by software: the main thread fills the pixels, as without a graphics card. By gpu: it only records what"
        " to draw, as browsers do where there is one; SwiftShader stands in for the card, and its time is not counted.",
        f"Over {seconds:g} s by the kernel's count of the thread and by the browser's own (Performance.getMetrics:"
        f" wall time, and not of every task), then over {seconds:g} s by a trace, which costs something itself.",
        "Points: of one line, as its chart draws it; each stands for so many seconds that no more than 300 are needed.",
    )
    table.show(COLUMNS, rows, command, notes)


def _measure(page: Page, server: Server, charts: int, lines: int, seconds: float) -> list[str]:
    page.goto(f"{server.url}/boards/bench{lines}", timeout=LOAD_SECONDS * 1000)
    page.set_viewport_size({"width": WIDTH, "height": page.evaluate("document.documentElement.scrollHeight")})
    page.wait_for_function(
        "n => document.querySelectorAll('live-chart canvas').length >= n", arg=charts, timeout=LOAD_SECONDS * 1000
    )
    page.wait_for_timeout(min(WARM_SECONDS, seconds) * 1000)
    busy = _busy(page, seconds)
    trace = _trace(page, seconds)
    return _row(charts, lines, _points(page), busy, trace, _moved(page))


def _board(charts: int, lines: int, span: str) -> str:
    panels = "".join(
        PANEL.format(
            index=index,
            series=", ".join(f'\'bench_utilization_ratio{{chart="{index}",line="{line}"}}\'' for line in range(lines)),
        )
        for index in range(charts)
    )
    return BOARD.format(lines=lines, range=span) + panels


@contextmanager
def _feeding(server: Server, charts: int, lines: int) -> Iterator[None]:
    """Push the newest value of every line each second, as a program beside the server does."""
    stop = threading.Event()

    def feed() -> None:
        while not stop.wait(1 - time.time() % 1):
            _send(server, charts, lines, [0])

    thread = threading.Thread(target=feed, name="feed")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _send(server: Server, charts: int, lines: int, ages: Iterable[int]) -> None:
    """Push one value of every line for each age in seconds; the minutes before the start fill the charts."""
    now = math.floor(time.time())
    samples = [
        {
            "series": f'bench_utilization_ratio{{chart="{chart}",instance="bench",line="{line}"}}',
            "value": wave(now - age, chart, line),
            "timestamp": now - age,
            "interval": 1,
        }
        for age in ages
        for chart in range(charts)
        for line in range(lines)
    ]
    for at in range(0, len(samples), POST_SAMPLES):
        body = json.dumps(samples[at : at + POST_SAMPLES]).encode()
        request = Request(f"{server.url}/api/v1/samples", body, {"Content-Type": "application/json"})
        urlopen(request, timeout=LOAD_SECONDS).close()


@contextmanager
def _page(chromium: Path, flags: Sequence[str]) -> Iterator[tuple[Page, str]]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", *flags])
        try:
            yield browser.new_page(viewport={"width": WIDTH, "height": 900}), browser.version
        finally:
            browser.close()


def _busy(page: Page, seconds: float) -> Busy:
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    before, cpu = _metrics(session), _renderers()
    page.wait_for_timeout(seconds * 1000)
    after, cpu_after = _metrics(session), _renderers()
    session.detach()
    spent = {name: after[name] - before[name] for name in after}
    return Busy(
        seconds=spent["Timestamp"],
        tasks=spent["TaskDuration"],
        script=spent["ScriptDuration"],
        layout=spent["LayoutDuration"] + spent["RecalcStyleDuration"],
        cpu=max(cpu_after[pid] - cpu.get(pid, 0.0) for pid in cpu_after),
        heap=after["JSHeapUsedSize"],
    )


def _renderers() -> dict[int, float]:
    """Return the CPU seconds of the main thread of each of our browser's renderers; the page's is the busiest."""
    pids = [pid for pid in machine.tree(os.getpid()) if "--type=renderer" in machine.command_line(pid)]
    return {pid: machine.main_thread_cpu_seconds(pid) for pid in pids}


def _metrics(session: CDPSession) -> dict[str, float]:
    return {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}


def _trace(page: Page, seconds: float) -> Trace:
    browser = page.context.browser
    assert browser is not None
    browser.start_tracing(page=page, categories=["toplevel", "disabled-by-default-devtools.timeline"])
    start = time.monotonic()
    page.wait_for_timeout(seconds * 1000)
    took = time.monotonic() - start
    events = json.loads(browser.stop_tracing())["traceEvents"]
    mains = {
        (each["pid"], each["tid"])
        for each in events
        if each["name"] == "thread_name" and each["args"]["name"] == "CrRendererMain"
    }
    tasks: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    for each in events:
        thread = (each["pid"], each["tid"])
        if thread in mains and each["name"] == "RunTask" and each["ph"] == "X":
            tasks[thread].append(each["dur"] / 1000)
    longest = max(tasks.values(), key=sum, default=[])  # the page's; a spare renderer does nothing
    return Trace(took, sum(longest) / 1000, max(longest, default=0.0), sum(each > LONG_TASK_MS for each in longest))


def _moved(page: Page) -> int:
    """Count the canvases whose picture changes within a few seconds."""
    canvases = page.locator("live-chart canvas")
    before = canvases.evaluate_all("all => all.map(each => each.toDataURL())")
    page.wait_for_timeout(3000)
    after = canvases.evaluate_all("all => all.map(each => each.toDataURL())")
    return sum(old != new for old, new in zip(before, after, strict=True))


def _points(page: Page) -> int:
    return int(page.evaluate("Math.max(...document.querySelector('live-chart').traces.map(({ line }) => line.length))"))


def _row(charts: int, lines: int, points: int, busy: Busy, trace: Trace, moved: int) -> list[str]:
    return [
        str(charts),
        str(lines),
        str(points),
        table.share(busy.cpu, busy.seconds),
        table.share(trace.tasks, trace.seconds),
        table.share(busy.tasks, busy.seconds),
        table.share(busy.script, busy.seconds),
        table.share(busy.layout, busy.seconds),
        f"{trace.longest:.1f}",
        str(trace.long),
        f"{moved} of {charts}",
        f"{busy.heap / 1e6:.1f}",
    ]
