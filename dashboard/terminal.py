"""What commands say on a terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import click


def say(text: str) -> None:
    """Write one line to stderr, whatever stands in `text`; one that cannot be written is no fault of what it tells."""
    with contextlib.suppress(OSError):
        click.echo(f"dashboard: {' '.join(text.splitlines())}", err=True)


def warn(lines: Iterable[str]) -> None:
    """Write each line to stderr as a warning."""
    for line in lines:
        say(f"warning: {line}")


url_option = click.option(
    "--url",
    envvar="DASHBOARD_URL",
    default="http://127.0.0.1:8000",
    show_default=True,
    help="The server to tell; DASHBOARD_URL in the environment is the same.",
)
"""For every command that talks to a running server."""
