"""Input and output of network devices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec
import psutil

from dashboard.collectors import Family, Sample
from dashboard.collectors.noise import ignored
from dashboard.collectors.procfs import PROC, read
from dashboard.config import Settings

IO = Family("system_network_io_bytes_total", "counter", "bytes", "Bytes that a network device moved.")
PACKETS = Family("system_network_packets_total", "counter", "packets", "Packets that a network device moved.")
FAMILIES = (IO, PACKETS)


class Network(msgspec.Struct, frozen=True):
    """One device's totals since it came up, each way: bytes, packets, errors and what was dropped."""

    device: str
    receive: tuple[int, ...]
    transmit: tuple[int, ...]


def create(settings: Settings) -> Networks:
    """Read `/proc/net/dev`, or ask psutil where there is none."""
    networks = partial(net_dev, PROC) if (PROC / "net/dev").exists() else elsewhere
    return Networks(networks, ignored(settings.ignore_networks))


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
    """A device that never moved a packet is noise too."""

    name = "networks"
    interval = None
    families = FAMILIES

    def __init__(self, networks: Callable[[], Iterator[Network]], ignore: Callable[[str], bool]) -> None:
        self._networks = networks
        self._ignore = ignore

    def read(self) -> tuple[list[Network], int]:
        """Return the devices that are no noise, and how many are left out."""
        every = list(self._networks())
        kept = [each for each in every if any(each.receive + each.transmit) and not self._ignore(each.device)]
        return kept, len(every) - len(kept)

    def collect(self) -> Iterator[Sample]:
        """Sample."""
        for network in self.read()[0]:
            for direction, totals in (("receive", network.receive), ("transmit", network.transmit)):
                labels = {"device": network.device, "direction": direction}
                yield Sample(IO.name, totals[0], labels)
                yield Sample(PACKETS.name, totals[1], labels)
