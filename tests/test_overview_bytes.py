"""What the overview of a machine with eight cores takes from the network."""

import os
import random
from collections.abc import Iterable, Iterator, Mapping

from dashboard.boards import load_boards
from dashboard.collectors import Sample
from dashboard.collectors.cpu import Cpu
from dashboard.collectors.device_errors import Devices
from dashboard.collectors.disks import Disk, Disks
from dashboard.collectors.filesystems import Filesystems, Mount
from dashboard.collectors.loadavg import LoadAverage
from dashboard.collectors.memory import Memory, MemoryCollector
from dashboard.collectors.networks import Network, Networks
from dashboard.collectors.pressure import found
from dashboard.eventlog import MemoryLog
from dashboard.events import Event, Heartbeat, Metrics, Processes
from dashboard.filters import Filter
from dashboard.model import ProcessRow, series_text
from dashboard.sse import frame
from tests.clocks import HandClock
from tests.collectors.stage import RECORDED

BUDGET = 4096
"""Bytes a second, with the framing of SSE."""

ADDED = ("system_uptime_seconds", "dashboard_collector_hidden_devices")
"""Series that the page itself wants, for its line of health and for what panels leave out."""

GIB = 2**30
SHARES = (20, 1, 7, 60, 5, 0, 3, 0)
"""Of the modes of a real machine, from which nothing is stolen."""

NAMES = ("postgres", "prometheus", "node-MainThread", "containerd-shim-runc-v2", "python3", "systemd-journald", "nginx")
MOUNTS = (("/", "ext4", "/dev/nvme0n1p2"), ("/boot/efi", "vfat", "/dev/nvme0n1p1"))


class Machine:
    """Collectors of a machine that works, over numbers that are as long as those of one that has run for months."""

    def __init__(self) -> None:
        self._random = random.Random(4)
        self._ticks = {
            str(core): [share and self._random.randint(10**6, 10**8) / 100 for share in SHARES] for core in range(8)
        }
        mounts = [Mount(path, device, type, device) for path, type, device in MOUNTS]
        disks = Disks(self._disks, lambda device: False)
        networks = Networks(self._networks, lambda device: False)
        pressure = found(RECORDED / "proc")
        assert pressure is not None
        pressure.collect()
        self.sources: dict[str, tuple[float, Iterable[Sample]]] = {
            "cpu": (1, Cpu(self._times).collect()),
            "memory": (1, MemoryCollector(self._memory).collect()),
            "disks": (1, disks.collect()),
            "networks": (1, networks.collect()),
            "device_errors": (5, Devices(networks.read, disks.read, 5).collect()),
            "pressure": (2, pressure.collect()),
            "filesystems": (5, Filesystems(lambda: mounts, lambda mount: False, 5, self._statvfs).collect()),
            "loadavg": (5, LoadAverage(lambda: 8640123.45).collect()),
            "dashboard": (5, self._itself()),
        }

    def events(self) -> Iterable[tuple[float, Event]]:
        """Give one event of each source, with the seconds after which the next comes."""
        common = {"timestamp": 1795325137.0, "resource": {"instance": "build-17"}}
        for name, (interval, samples) in self.sources.items():
            values = {series_text(each.name, tuple(sorted(each.labels.items()))): each.value for each in samples}
            assert values, name
            yield (
                interval,
                Metrics(**common, source=f"build-17/{name}", interval=float(interval), samples=values),  # type: ignore[arg-type]
            )
        rows = tuple(self._row(number) for number in range(16))
        yield 2, Processes(**common, source="build-17/processes", interval=2.0, rows=rows)  # type: ignore[arg-type]

    def _begun(self, share: int) -> float:
        return self._random.randint(10**6, 10**8) / 100 if share else 0.0

    def _times(self) -> Mapping[str, tuple[float, ...]]:
        for ticks in self._ticks.values():
            for mode, share in enumerate(SHARES):
                ticks[mode] += self._random.randint(0, share + share) / 100
        return {core: tuple(ticks) for core, ticks in self._ticks.items()}

    def _memory(self) -> Memory:
        states = {state: self._random.randint(GIB, 16 * GIB) for state in ("used", "free", "cached", "buffers")}
        return Memory(total=64 * GIB, available=30 * GIB + 1, states=states, swap_total=0, swap_states={}, swapped=None)

    def _disks(self) -> Iterator[Disk]:
        yield Disk("nvme0n1", (81273645, 918273645), (9182736455120, 7182736455120), 81726.354)

    def _networks(self) -> Iterator[Network]:
        yield Network("enp0s31f6", (7182736455, 9182736, 0, 12), (182736455120, 8172635, 0, 0))

    def _statvfs(self, path: str) -> os.statvfs_result:
        inodes = (32768000, 31876543, 31876543) if path == "/" else (0, 0, 0)
        return os.statvfs_result((4096, 4096, 125829120, 62914561, 56623105, *inodes, 0, 255))

    def _itself(self) -> Iterable[Sample]:
        for kind in ("metrics", "processes", "system", "log"):
            yield Sample("dashboard_events_published_total", 8172635, {"type": kind})
        for route in ("/", "/api/v1/events", "/api/v1/query_range", "/static/<path:filename>"):
            labels = {"method": "GET", "route": route, "status": "200"}
            yield Sample("dashboard_http_requests_total", 81726, labels)
        yield Sample("dashboard_streams", 12)
        yield Sample("dashboard_users_online", 3)
        yield Sample("dashboard_bytes_sent_total", 918273645512)
        yield Sample("dashboard_event_loop_lag_seconds", 0.001515)
        yield Sample("dashboard_process_cpu_ratio", 0.0061)
        yield Sample("dashboard_process_resident_memory_bytes", 54403072)

    def _row(self, number: int) -> ProcessRow:
        name = NAMES[number % len(NAMES)]
        busy = number < 8
        return ProcessRow(
            pid=1000 + 12345 * number,
            name=name,
            user=name[:8],
            cpu_ratio=self._random.randint(1, 9999) / 10000 if busy else 0.0,
            resident_bytes=self._random.randint(10**8, 10**10),
            threads=1 if number % 3 else 14,
            state="running" if number == 0 else "sleeping",
        )


def test_overview_of_eight_cores_takes_at_most_four_kilobytes_a_second() -> None:
    board = load_boards(None)[0]
    match = sorted({selector for panel in board.panels for selector in panel.series})
    wanted = Filter.parse("metrics,processes,system,log,task,notification", [*match, *ADDED])
    log = MemoryLog(HandClock(), max_events=1000, max_age=60)
    said = {}
    for interval, event in Machine().events():
        (entry,) = log.stamp([event])
        said[event.source] = len(wanted.frame(entry)) / interval
    said["heartbeat"] = len(frame("heartbeat", Heartbeat(server_time=1795325137.0530).encode())) / 5
    assert min(said.values()) > 0
    assert sum(said.values()) <= BUDGET, said
