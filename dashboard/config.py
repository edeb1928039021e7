"""Settings: one table, filled from `dashboard.toml`, then `DASHBOARD_<KEY>`, then the command line's flags."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta


class CollectorSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One `[[collector]]`: how often one collector samples, or that it does not."""

    name: str
    interval: Annotated[float, Meta(ge=0.1, le=3600)] | None = None
    enabled: bool = True


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Every plain setting, with its default and help text."""

    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on; 0 takes a free one.")] = 8000
    insecure: Annotated[
        bool, Meta(description="Listen beyond loopback without sign-in: everyone who reaches the port is an admin.")
    ] = False
    allowed_hosts: Annotated[
        tuple[str, ...],
        Meta(description="Names by which browsers may address this server, besides IP addresses, localhost and its own."),
    ] = ()
    root_path: Annotated[str, Meta(description="Path prefix under which a proxy serves this program.")] = ""
    public_url: Annotated[str, Meta(description="What links in notifications and embeds begin with.")] = ""
    data_dir: Annotated[
        Path | None, Meta(description="Folder of everything that must survive a restart (default: the user's data folder).")
    ] = None
    instance: Annotated[
        str, Meta(description="The `instance` label of this machine's series (default: its host name at the first start).")
    ] = ""
    interval: Annotated[
        float, Meta(ge=0.1, le=3600, description="Seconds between two samples of a collector that has no own setting.")
    ] = 1.0
    heartbeat_interval: Annotated[
        float, Meta(ge=0.5, le=60, description="Seconds between two heartbeats of a stream.")
    ] = 5.0
    flush_interval: Annotated[
        float, Meta(ge=0.001, le=1, description="Longest time in seconds that an event waits to share a write with others.")
    ] = 0.05
    log_events: Annotated[int, Meta(ge=16, description="Events that the log holds for viewers that come back.")] = 8192
    log_age: Annotated[float, Meta(ge=1, description="Seconds that an event stays in the log.")] = 120.0
    window: Annotated[
        float, Meta(ge=60, le=86400, description="Seconds of every series that are kept in memory for charts.")
    ] = 900.0
    max_series: Annotated[int, Meta(ge=100, description="Series held at most; samples of further ones are refused.")] = 20_000
    collectors_dir: Annotated[
        Path | None, Meta(description="Folder whose Python files are loaded as further collectors.")
    ] = None
    show_command_lines: Annotated[
        bool, Meta(description="Show the arguments of processes, which may hold secrets, not their names alone.")
    ] = False
    ignore_filesystems: Annotated[
        str, Meta(description="Regular expression of file system types that are left out.")
    ] = "tmpfs|devtmpfs|squashfs|overlay|nsfs|autofs|ramfs|iso9660|fuse\\..*|proc|sysfs|cgroup2?|.*tracefs|debugfs|mqueue"
    ignore_mounts: Annotated[
        str, Meta(description="Regular expression of mount points that are left out.")
    ] = "/snap/.*|/var/lib/(docker|containers|kubelet)/.*|/run/.*|/dev/.*|/proc/.*|/sys/.*|/etc/(hosts|hostname|resolv.conf)"
    ignore_disks: Annotated[
        str, Meta(description="Regular expression of block devices that are left out.")
    ] = "(loop|ram|zram|fd|sr)[0-9]+"
    ignore_networks: Annotated[
        str, Meta(description="Regular expression of network devices that are left out.")
    ] = "lo|veth.*|docker[0-9]*|br-.*|virbr.*|cali.*|flannel.*|cni.*|tap.*|tunl.*|sit[0-9]+|dummy.*"
    collector: tuple[CollectorSetting, ...] = ()
