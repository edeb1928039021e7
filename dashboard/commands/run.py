"""`dashboard run -- COMMAND`."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import click

from dashboard.terminal import say, url_option


@click.command(context_settings={"allow_interspersed_args": False, "ignore_unknown_options": True})
@click.option("--name", help="The task's name (default: the command's and the process's number).")
@click.option("--title", help="What people read (default: the command's name).")
@click.option(
    "--interval",
    type=click.FloatRange(0.1, 86_400),
    default=5.0,
    show_default=True,
    help="Seconds until it is heard of again at the latest; after three of silence it counts as lost.",
)
@url_option
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND")
def command(name: str | None, title: str | None, interval: float, url: str, arguments: tuple[str, ...]) -> None:
    """Run a command and show on the dashboard how far it is, what it prints last, and how it ends.

    Input, output and exit code are the command's own. A server that is away does it no harm.
    """
    from dashboard.child import Child
    from dashboard.output import Output
    from dashboard.reporter import Reporter, Sends, State

    program = Path(arguments[0]).name or arguments[0]
    output = Output()
    child = Child(arguments, output.feed)
    state: State = {"title": title or program, "source": program, "interval": interval, "started_at": time.time()}

    def so_far() -> State:
        lines = output.lines()
        progress = output.progress()._asdict()
        return {"state": "running", "message": lines[-1] if lines else "", "output": lines, **progress, **state}

    def connect() -> Sends:
        from dashboard.client import Client  # in the reporter's thread: the command need not wait for it

        return Client(url)

    path = f"tasks/{quote(name or f'{program}-{os.getpid()}', safe='')}"
    reporter = Reporter(connect, path, so_far, interval)
    reporter.start()
    code = child.run()
    end: State = {"state": "failed" if code else "completed", "exit_code": code, "ended_at": time.time()}
    if reason := child.fault or (f"ended by {child.killed_by.name}" if child.killed_by is not None else ""):
        end["message"] = reason
    state |= end
    reporter.finish()
    with suppress(OSError):  # whoever read stderr may be gone
        if child.fault:
            say(child.fault)
        if reporter.fault is not None:
            say(f"how this ended is not on the dashboard: {reporter.fault}")
    sys.exit(code)
