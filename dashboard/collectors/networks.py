"""Input and output of network devices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import msgspec
import psutil

from dashboard.collectors import Family, Sample
from dashboard.collectors.noise import HIDDEN, hidden, ignored
from dashboard.collectors.procfs import PROC, read
from dashboard.config import Settings

TRAFFIC = (
    Family("system_network_io_bytes_total", "counter", "bytes", "Bytes that a network device moved."),
    Family("system_network_packets_total", "counter", "packets", "Packets that a network device moved."),
)
ERRORS = (
    Family("system_network_errors_total", "counter", "packets", "Packets that a network device found damaged."),
    Family("system_network_dropped_total", "counter", "packets", "Packets that a network device had no room for."),
)
TOTALS = TRAFFIC + ERRORS
FAMILIES = (*TRAFFIC, HIDDEN)


class Network(msgspec.Struct, frozen=True):
    """One device's totals since it came up, each in the order of TOTALS."""

    device: str
    receive: tuple[int, ...]
    transmit: tuple[int, ...]


def create(settings: Settings) -> Networks:
    """Read the traffic of all devices that are not left out."""
    return Networks(reader(), ignored(settings.ignore_networks))


def reader() -> Callable[[], Iterator[Network]]:
    """Return what reads `/proc/net/dev`, or asks psutil where there is none."""
    return partial(net_dev, PROC) if (PROC / "net/dev").exists() else elsewhere


def net_dev(proc: Path) -> Iterator[Network]:
    """Read every device of this network namespace."""
    for line in read(f"{proc}/net/dev").splitlines()[2:]:
        device, _, totals = line.rpartition(":")
        fields = [int(field) for field in totals.split()]
        yield Network(device.strip(), tuple(fields[:4]), tuple(fields[8:12]))


def elsewhere() -> Iterator[Network]:
    """Ask psutil."""
    for device, io in psutil.net_io_counters(pernic=True, nowrap=False).items():
        yield Network(
            device,
            (io.bytes_recv, io.packets_recv, io.errin, io.dropin),
            (io.bytes_sent, io.packets_sent, io.errout, io.dropout),
        )


class Networks:
    """Samples some of TOTALS; a device that never moved a packet is noise too."""

    def __init__(
        self,
        networks: Callable[[], Iterator[Network]],
        ignore: Callable[[str], bool],
        totals: Sequence[Family] = TRAFFIC,
        *,
        name: str = "networks",
        interval: float | None = None,
    ) -> None:
        self.name, self.interval = name, interval
        self.families = (*totals, HIDDEN)
        self._networks = networks
        self._ignore = ignore
        self._totals = [(TOTALS.index(family), family.name) for family in totals]

    def collect(self) -> Iterator[Sample]:
        """Sample."""
        left_out = 0
        for network in self._networks():
            if self._ignore(network.device) or not (any(network.receive) or any(network.transmit)):
                left_out += 1
                continue
            for direction, totals in (("receive", network.receive), ("transmit", network.transmit)):
                labels = {"device": network.device, "direction": direction}
                for place, name in self._totals:
                    yield Sample(name, totals[place], labels)
        yield hidden(self.name, left_out)
