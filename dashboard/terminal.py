"""What commands say on a terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

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

config_option = click.option(
    "--config",
    "config",
    envvar="DASHBOARD_CONFIG",
    type=click.Path(path_type=Path),
    help="Settings file (default: dashboard.toml in the working folder, if there is one).",
)
data_dir_option = click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Folder of what must survive a restart."
)
"""For every command that needs the settings, or the data."""
