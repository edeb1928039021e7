"""Results as Markdown: the table, the command that printed it, and the machine."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import click

from bench import machine


def show(
    columns: Sequence[str], rows: Sequence[Sequence[str]], command: Sequence[str], notes: Sequence[str] = ()
) -> None:
    """Print a table, then the command, the machine's facts and what the columns mean."""
    click.echo("")
    for row in (columns, ["---"] * len(columns), *rows):
        click.echo("| " + " | ".join(row) + " |")
    click.echo("")
    click.echo(f"Command: `python -m bench {shlex.join(command)}`")
    for fact in machine.facts():
        click.echo(f"- {fact}")
    for note in notes:
        click.echo(f"- {note}")


def number(value: float, digits: int = 3) -> str:
    """Write a value with so many significant figures and without an exponent."""
    if value == 0 or value != value:
        return "0" if value == 0 else "–"
    text = f"{float(f'{value:.{digits}g}'):,.6f}".rstrip("0").rstrip(".")
    return text


def share(cpu: float, seconds: float) -> str:
    """Write CPU seconds per second as a percentage of one core."""
    return f"{number(100 * cpu / seconds)} %"
