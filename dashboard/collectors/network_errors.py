"""Errors of network devices: so rare that every 5 s is soon enough, and costs each viewer a fifth."""

from __future__ import annotations

from dashboard.collectors.networks import ERRORS, Networks, reader
from dashboard.collectors.noise import HIDDEN, ignored
from dashboard.config import Settings

FAMILIES = (*ERRORS, HIDDEN)


def create(settings: Settings) -> Networks:
    """Read what the collector `networks` reads, of the same devices."""
    interval = max(5.0, settings.interval)
    return Networks(reader(), ignored(settings.ignore_networks), ERRORS, name="network_errors", interval=interval)
