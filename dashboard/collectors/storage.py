"""What the dashboard keeps on disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from dashboard.collectors import CollectorError, Family, Sample
from dashboard.config import Settings
from dashboard.datadir import default_folder

DATABASES = ("history", "state")
SIZE = Family("dashboard_storage_bytes", "gauge", "bytes", "Size of a database of the dashboard, its log included.")
FREE = Family("dashboard_storage_free_bytes", "gauge", "bytes", "Space left for users on the disk of the data folder.")

FAMILIES = (SIZE, FREE)


def create(settings: Settings) -> Storage:
    """Look at the folder that the settings name."""
    return Storage(settings.data_dir or default_folder())


class Storage:
    """Sizes of files; what is not there yet is left out."""

    name = "storage"
    interval = 10.0
    families = FAMILIES
    may_block = True  # a disk may hang

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Sample]:
        """Sample."""
        try:
            yield from self._sizes()
        except OSError as error:
            message = f"nothing is stored, for data_dir is {self._folder}, which cannot be used ({error.strerror})"
            raise CollectorError(message) from error

    def _sizes(self) -> Iterator[Sample]:
        for database in DATABASES:
            size = sum(_size(f"{self._folder}/{database}.db{ending}") for ending in ("", "-wal"))
            if size:
                yield Sample(SIZE.name, size, {"database": database})
        if self._folder.is_dir():
            disk = os.statvfs(self._folder)
            yield Sample(FREE.name, disk.f_bavail * disk.f_frsize)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0
