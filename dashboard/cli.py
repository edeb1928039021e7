"""The command `dashboard`: each file of `commands/` is one of its commands."""

from __future__ import annotations

import contextlib
import os
import sys

import click

from dashboard import __version__
from dashboard.commands import Commands


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dashboard", message="%(prog)s %(version)s")
def commands() -> None:
    """A real-time metrics dashboard."""


def main() -> None:
    """Run the command line; never returns."""
    if sys.argv[1:2] == ["serve"]:
        _take_memory_that_can_be_given_back()
    commands(prog_name="dashboard")


def _take_memory_that_can_be_given_back() -> None:
    """Begin again with the C library's allocator, where it is glibc's.

    Python's own gives memory back in lots of a megabyte, of which one small object keeps the whole: after a crowd of
    viewers had left, the process stayed as large as it had been with them.
    """
    if sys.platform == "linux" and sys.executable and "PYTHONMALLOC" not in os.environ:
        os.environ["PYTHONMALLOC"] = "malloc"
        with contextlib.suppress(OSError):
            os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
