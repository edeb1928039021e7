"""What commands say on a terminal."""

from __future__ import annotations

from collections.abc import Iterable

import click


def say(text: str) -> None:
    """Write one line to stderr, whatever stands in `text`."""
    click.echo(f"dashboard: {' '.join(text.splitlines())}", err=True)


def warn(lines: Iterable[str]) -> None:
    """Write each line to stderr as a warning."""
    for line in lines:
        say(f"warning: {line}")
