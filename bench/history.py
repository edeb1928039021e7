"""What a stored sample costs, and how soon stored points are there, beside Prometheus, in one run."""

from __future__ import annotations

import gzip
import http.client
import math
import shutil
import socket
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

import click
import msgspec

from bench import machine, prometheus, recording, table
from bench.server import Server, serving
from checks.machine import PROGRAMS
from dashboard.history.core import CROWDED

AT_ONCE = 10_000
"""Samples of one request, to either."""

TAIL = 600.0
"""Seconds at the end whose samples come last, when all else is at rest: as many as a journal has on average."""

WIDTH = 1_000
HOUR, DAY = 3_600.0, 86_400.0
KEEP = "keep_history_bytes = 10_000_000_000\n"
QUIET, QUIET_CORE, PATIENCE = 6.0, 0.03, 240.0
"""Seconds in which a server that is at rest takes less than this part of a core, and how long that is waited for."""


STORED = (
    "samples of",
    "program",
    "samples",
    "bytes / sample",
    "when stopped",
    "compacted",
    "MB in all",
    "µs CPU / sample",
    "s to take them",
)
ASKED = ("range", "samples of", "series", "points each, ours and theirs", "answer", "dashboard, ms", "each round")
BESIDE = ("Prometheus, ms", "each round", "ratio, ours ÷ theirs", "KB, ours and theirs")
LOUD = "system_cpu_total_utilization_ratio"
NOTES = (
    "Both are sent the same samples in the same order, in requests of {at_once} samples, as fast as they take them: we"
    " as JSON by POST /api/v1/samples, Prometheus as protobuf by its remote write. Times end with the present.",
    "Bytes: all files of history.db with its write-ahead log and every tier, and the whole data folder of Prometheus"
    " with its own log; as they lie when both are at rest, and once more after each was stopped. Compacted: a snapshot"
    " of Prometheus, which has its newest hours in a block, too. Ours is told to keep all samples as collected, as"
    " Prometheus does; its tiers of 10 s, 1 min and 15 min stand beside them and are counted.",
    "CPU: of the server's one process, user and kernel, from the first request until it is at rest: taking the"
    " samples out of their requests, storing, compacting.",
    "Questions: median of {rounds} after one that is not counted, from the request to the last byte over loopback, a"
    " connection each; both with the step that we answer when asked for {width} points. We give average, minimum and"
    " maximum of each step, of counters their rate; Prometheus the newest value before each step.",
    "Series: {series} of a recording ({moving} of them ever change), gone through again and again. One: {one}.",
)


class Feed(msgspec.Struct, frozen=True):
    """Samples from `begin` on, so many times, `every` seconds apart; `stride` seconds of the recording are between."""

    name: str
    begin: float
    every: float
    count: int
    stride: int

    @property
    def end(self) -> float:
        """When the sample after the last would come."""
        return self.begin + self.count * self.every


class Store:
    """A server that takes samples and gives points."""

    def __init__(self, name: str, server: Server, folder: Path, pattern: str) -> None:
        self.name, self.server, self._folder, self._pattern = name, server, folder, pattern
        self._cpu = machine.cpu_seconds(server.pid)
        self.cpu = self.seconds = 0.0
        self.bytes = self.stopped = self.compacted = 0

    def size(self) -> int:
        """Return the bytes of its files, those that it only reserved left out."""
        found = [path.stat() for path in self._folder.rglob(self._pattern) if path.is_file()]
        return sum(min(each.st_size, 512 * each.st_blocks) for each in found)

    def rest(self) -> None:
        """Wait until it is at rest; note what it took until then."""
        deadline, taken = time.monotonic() + PATIENCE, math.inf
        while taken > QUIET * QUIET_CORE and time.monotonic() < deadline:
            before = machine.cpu_seconds(self.server.pid)
            time.sleep(QUIET)
            taken = machine.cpu_seconds(self.server.pid) - before
        self.cpu, self.bytes = machine.cpu_seconds(self.server.pid) - self._cpu, self.size()


class Ours(Store):
    """The program itself."""

    def __init__(self, server: Server, folder: Path) -> None:
        super().__init__("dashboard", server, folder / "data", "history.db*")

    def request(self, feed: Feed, lines: Sequence[recording.Line], times: range) -> tuple[str, dict[str, str], bytes]:
        """Return path, headers and body of a request with the samples of some of the feed's times."""
        stamps = [
            f'","interval":{feed.every:g},"timestamp":{feed.begin + at * feed.every:.0f},"value":' for at in times
        ]
        parts = []
        for line in lines:
            text = line.series.text.replace('"', r"\"")
            values = (line.at(at * feed.stride) for at in times)
            parts += [f'{{"series":"{text}{stamp}{value!r}}}' for stamp, value in zip(stamps, values, strict=True)]
        return "/api/v1/samples", {"Content-Type": "application/json"}, f"[{','.join(parts)}]".encode()

    def question(self, one: str, start: float, end: float, step: float) -> str:
        """Return the path of a question for one series, or for all of the feed."""
        query = {"match": f'{one or "*"}{{instance="{recording.INSTANCE}"}}', "start": start, "end": end, "step": step}
        return f"/api/v1/query_range?{urlencode(query)}"


class Theirs(Store):
    """Prometheus."""

    def __init__(self, server: Server, folder: Path) -> None:
        super().__init__("Prometheus", server, folder / "data", "*")
        self._packed: dict[str, bytes] = {}

    def request(self, feed: Feed, lines: Sequence[recording.Line], times: range) -> tuple[str, dict[str, str], bytes]:
        """Return path, headers and body of a request with the samples of some of the feed's times."""
        stamps = [round(1000 * (feed.begin + at * feed.every)) for at in times]
        values = [[line.at(at * feed.stride) for at in times] for line in lines]
        for line in lines:
            if line.series.text not in self._packed:
                named = {"__name__": line.series.name, "instance": recording.INSTANCE, **line.series.labels}
                self._packed[line.series.text] = prometheus.packed(named)
        packed = [self._packed[line.series.text] for line in lines]
        return prometheus.WRITE, prometheus.HEADERS, prometheus.body(packed, stamps, values)

    def question(self, one: str, start: float, end: float, step: float) -> str:
        """Return the path of a question for one series, or for all of the feed."""
        query = {"query": f'{one}{{instance="{recording.INSTANCE}"}}', "start": start, "end": end - step, "step": step}
        return f"/api/v1/query_range?{urlencode(query)}"

    def snapshot(self) -> int:
        """Return the bytes of all that it holds, compacted."""
        request = Request(f"{self.server.url}/api/v1/admin/tsdb/snapshot", method="POST")
        with urlopen(request, timeout=60) as response:
            response.read()
        folder = self._folder / "snapshots"
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        shutil.rmtree(folder)
        return size


class Answer(NamedTuple):
    """An answer as it came: seconds until its last byte, its bytes on the wire, and its body as it is meant."""

    seconds: float
    size: int
    body: bytes


def run(days: float, hours: float, series: int, rounds: int, command: Sequence[str]) -> None:
    """Feed both, ask both, and print what it cost them."""
    lines = recording.load(series)
    program = (PROGRAMS["promtool"].find() or Path()).with_name("prometheus") if PROGRAMS["promtool"].find() else None
    stored: list[list[str]] = []
    asked: list[list[str]] = []
    fine = partial(_feed, "1 s", 1.0, hours * HOUR, 1), (hours * HOUR if hours < 1 else HOUR,)
    coarse = partial(_feed, "1 min", 60.0, days * DAY, 61), sorted({min(DAY, days * DAY), min(30 * DAY, days * DAY)})
    for begun, spans in (fine, coarse):
        with TemporaryDirectory(prefix="bench-") as name, ExitStack() as stack:
            stores, feed = _serving(stack, program, Path(name)), begun()
            for store in stores:
                click.echo(f"{feed.name}: {store.name} takes {feed.count * len(lines):,} samples …", err=True)
                _fill(store, feed, lines)
            for span in spans:
                click.echo(f"{feed.name}: questions over {span / HOUR:g} h …", err=True)
                asked += _questions(stores, feed, lines, span, rounds)
            for store in stores:
                store.compacted = store.snapshot() if isinstance(store, Theirs) else 0
            stack.close()
            for store in stores:
                store.stopped = store.size()
            stored += _stored(stores, feed, len(lines))
    fill = {"at_once": f"{AT_ONCE:,}", "rounds": rounds, "width": f"{WIDTH:,}", "series": len(lines), "one": LOUD}
    notes = [note.format(**fill, moving=sum(line.moves for line in lines)) for note in NOTES]
    if program is None:
        notes.append(f"Prometheus is missing; this brings it: {PROGRAMS['promtool'].mend}")
    else:
        notes.append(f"{prometheus.version(program)}, as packaged; neither is bound to a core.")
    click.echo("")
    for row in (STORED, ["---"] * len(STORED), *stored):
        click.echo("| " + " | ".join(row) + " |")
    table.show([*ASKED, *(BESIDE if program else ())], asked, command, notes)


def _feed(name: str, every: float, seconds: float, stride: int) -> Feed:
    """Return a feed that ends now."""
    count = max(1, int(seconds / every))
    return Feed(name, int(time.time() / every) * every - count * every, every, count, stride)


def _serving(stack: ExitStack, program: Path | None, folder: Path) -> list[Ours | Theirs]:
    """Start both servers, ours with no collector of its own but that of the program about itself."""
    (ours := folder / "ours").mkdir()
    with serving(ours) as server:
        names = server.collectors()
    shutil.rmtree(ours / "data")
    off = "".join(f'[[collector]]\nname = "{name}"\nenabled = false\n' for name in names)
    ages = "".join(f"keep_{tier}_age = 63_072_000\n" for tier in ("raw", "10s", "1m"))
    stores: list[Ours | Theirs] = [Ours(stack.enter_context(serving(ours, ages + KEEP + off)), ours)]
    if program is not None:
        theirs = folder / "theirs"
        stores.append(Theirs(stack.enter_context(prometheus.running(program, theirs)), theirs))
    return stores


def _fill(store: Ours | Theirs, feed: Feed, lines: Sequence[recording.Line]) -> None:
    """Send a feed, and wait until all is at rest.

    Ours puts samples together when a quarter of an hour is over, or when there are very many: so these come by
    themselves, and a few at last.
    """
    tail = min(feed.count // 4, int(TAIL / feed.every))
    many = math.ceil(1.05 * CROWDED / len(lines))
    marks = [0, *(mark for mark in (feed.count - tail - many, feed.count - tail) if mark > 0), feed.count]
    per = max(1, AT_ONCE // len(lines))
    parts = urlsplit(store.server.url)
    for first, last in pairwise(marks):
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
        for at in range(first, last, per):
            path, headers, body = store.request(feed, lines, range(at, min(at + per, last)))
            began = time.perf_counter()
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            said = response.read()
            store.seconds += time.perf_counter() - began
            if response.status not in (200, 204) or b'"index"' in said:
                raise RuntimeError(f"{store.name} did not take all samples: {response.status} {said[:500]!r}")
        connection.close()
        store.rest()


def _questions(
    stores: Sequence[Ours | Theirs], feed: Feed, lines: Sequence[recording.Line], span: float, rounds: int
) -> list[list[str]]:
    """Ask for a range of one series and of all, plainly and compressed."""
    rows = []
    for one in (LOUD, ""):
        first = ask(stores[0], stores[0].question(one, feed.end - span, feed.end, span / WIDTH), packed=False)
        plan = msgspec.json.decode(first.body, type=_Plan)
        for packed in (False, True):
            times: list[list[float]] = [[] for _ in stores]
            sizes, found = [], []
            for number in range(rounds + 1):
                for store, taken in zip(stores, times, strict=True):
                    answer = ask(store, store.question(one, plan.start, plan.end, plan.step), packed=packed)
                    if number:
                        taken.append(1000 * answer.seconds)
                    else:
                        sizes.append(answer.size)
                        found.append(_given(store, answer.body))
            if {series for series, _ in found} != {1 if one else len(lines)}:
                raise RuntimeError(f"not all series were answered: {found}")
            rows.append(_asked(feed, span, found, packed, times, sizes))
    return rows


class _Line(msgspec.Struct):
    series: str
    points: list[msgspec.Raw]


class _Plan(msgspec.Struct):
    """The part of our answer that says what it is of."""

    start: float
    end: float
    step: float
    result: list[_Line]


def ask(store: Store, path: str, *, packed: bool) -> Answer:
    """Ask, over a connection of its own; raise RuntimeError when that is no success."""
    parts = urlsplit(store.server.url)
    head = f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n"
    request = f"{head}Accept-Encoding: {'gzip' if packed else 'identity'}\r\n\r\n".encode()
    received, began = bytearray(), time.perf_counter()
    with socket.create_connection((parts.hostname or "", parts.port or 80), PATIENCE) as sock:
        sock.sendall(request)
        done = began
        while data := sock.recv(1 << 20):
            received += data
            done = time.perf_counter()
    first, _, rest = bytes(received).partition(b"\r\n\r\n")
    if b" 200 " not in first.split(b"\r\n", 1)[0]:
        raise RuntimeError(f"{store.name} refused {path}: {bytes(received[:1000])!r}")
    body = _joined(rest) if b"transfer-encoding: chunked" in first.lower() else rest
    return Answer(done - began, len(received), gzip.decompress(body) if packed else body)


def _joined(chunks: bytes) -> bytes:
    """Return a body that came in chunks (RFC 9112, 7.1)."""
    parts, at = [], 0
    while size := int(chunks[at : (end := chunks.index(b"\r\n", at))], 16):
        parts.append(chunks[end + 2 : end + 2 + size])
        at = end + 2 + size + 2
    return b"".join(parts)


def _given(store: Store, body: bytes) -> tuple[int, int]:
    """Return how many series and points there are in an answer."""
    if isinstance(store, Theirs):
        matrix = msgspec.json.decode(body, type=_Matrix).data.result
        return len(matrix), sum(len(each.values) for each in matrix)
    plan = msgspec.json.decode(body, type=_Plan)
    return len(plan.result), sum(len(each.points) for each in plan.result)


class _Values(msgspec.Struct):
    values: list[msgspec.Raw]


class _Data(msgspec.Struct):
    result: list[_Values]


class _Matrix(msgspec.Struct):
    """An answer of Prometheus."""

    data: _Data


def _stored(stores: Sequence[Ours | Theirs], feed: Feed, series: int) -> list[list[str]]:
    count = feed.count * series
    rows = [
        [
            feed.name,
            store.name,
            f"{count:,}",
            table.number(store.bytes / count),
            table.number(store.stopped / count),
            table.number(store.compacted / count) if store.compacted else "",
            table.number(store.bytes / 1e6),
            table.number(1e6 * store.cpu / count),
            table.number(store.seconds),
        ]
        for store in stores
    ]
    if len(stores) == 2:
        ours, theirs = stores
        least = theirs.compacted or theirs.stopped
        ratios = (ours.bytes / theirs.bytes, ours.stopped / theirs.stopped, ours.stopped / least)
        took = (ours.cpu / theirs.cpu, ours.seconds / theirs.seconds)
        rows.append([feed.name, "ratio, ours ÷ theirs", "", *map(table.number, ratios), "", *map(table.number, took)])
    return rows


def _asked(
    feed: Feed,
    span: float,
    found: Sequence[tuple[int, int]],
    packed: bool,
    times: Sequence[Sequence[float]],
    sizes: Sequence[int],
) -> list[str]:
    series = found[0][0]
    points = " and ".join(f"{count / series:,.0f}" for _, count in found)
    medians = [statistics.median(each) for each in times]
    row = [f"{span / HOUR:g} h", feed.name, f"{series}", points, "gzip" if packed else "plain"]
    for median, each in zip(medians, times, strict=True):
        row += [table.number(median), " ".join(map(table.number, each))]
    if len(times) == 2:
        row += [table.number(medians[0] / medians[1]), " and ".join(f"{size / 1000:,.0f}" for size in sizes)]
    return row
