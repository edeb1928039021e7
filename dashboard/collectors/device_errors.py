"""Of devices what changes so rarely that every 5 s is soon enough, and costs each viewer a fifth."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dashboard.collectors import Family, Sample, disks, networks
from dashboard.collectors.noise import HIDDEN, hidden
from dashboard.config import Settings

ERRORS = Family("system_network_errors_total", "counter", "packets", "Packets that a network device found damaged.")
DROPPED = Family("system_network_dropped_total", "counter", "packets", "Packets that a network device had no room for.")
FAMILIES = (ERRORS, DROPPED, HIDDEN)


def create(settings: Settings) -> Devices:
    """Read what the collectors `disks` and `networks` read."""
    return Devices(networks.create(settings).read, disks.create(settings).read, max(5.0, settings.interval))


class Devices:
    """Errors of network devices, and how many devices those two leave out as noise."""

    name = "device_errors"
    families = FAMILIES

    def __init__(
        self,
        networks: Callable[[], tuple[list[networks.Network], int]],
        disks: Callable[[], tuple[list[disks.Disk], int]],
        interval: float,
    ) -> None:
        self._networks, self._disks, self.interval = networks, disks, interval

    def collect(self) -> Iterator[Sample]:
        """Sample."""
        kept, left_out = self._networks()
        yield hidden("networks", left_out)
        for network in kept:
            for direction, totals in (("receive", network.receive), ("transmit", network.transmit)):
                labels = {"device": network.device, "direction": direction}
                yield Sample(ERRORS.name, totals[2], labels)
                yield Sample(DROPPED.name, totals[3], labels)
        yield hidden("disks", self._disks()[1])
