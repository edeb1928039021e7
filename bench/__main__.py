"""`python -m bench fanout | resume | collect | charts | first | history | record`."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from bench import beside as beside_bench
from bench import charts as charts_bench
from bench import collect as collect_bench
from bench import fanout as fanout_bench
from bench import first as first_bench
from bench import history as history_bench
from bench import recording
from bench import resume as resume_bench

FEEDS = ("overview", "fixed")
CANVAS = click.Choice(list(charts_bench.CANVASES))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Measure the dashboard on this machine; each command prints a Markdown table and asserts nothing."""


@cli.command()
@click.option("--n", "counts", type=click.IntRange(1), multiple=True, default=(100, 1000, 2000), show_default=True)
@click.option("--feed", type=click.Choice([*FEEDS, "both"]), default="both", show_default=True)
@click.option("--seconds", type=click.FloatRange(0.5), default=20.0, show_default=True, help="Length of each window.")
@click.option("--peers", is_flag=True, help="Beside others that send the same, in one run.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="With --peers; medians are shown.")
def fanout(counts: tuple[int, ...], feed: str, seconds: float, peers: bool, rounds: int) -> None:
    """CPU per delivered event, latency, memory and losses with N stream clients."""
    feeds = FEEDS if feed == "both" else (feed,)
    if peers:
        beside_bench.run(feeds, counts, seconds, rounds, sys.argv[1:])
    else:
        fanout_bench.run(feeds, counts, seconds, sys.argv[1:])


@cli.command()
@click.option("--n", "counts", type=click.IntRange(1), multiple=True, default=(1000, 5000), show_default=True)
def resume(counts: tuple[int, ...]) -> None:
    """Time until N viewers are back after the server was ended and begun again, and what they lost."""
    resume_bench.run(counts, sys.argv[1:])


@cli.command()
@click.option("--viewers", type=click.IntRange(1), default=10, show_default=True)
@click.option("--seconds", type=click.FloatRange(0.5), default=60.0, show_default=True, help="Length of each window.")
@click.option("--windows", type=click.IntRange(1), default=3, show_default=True)
def collect(viewers: int, seconds: float, windows: int) -> None:
    """CPU and memory of the whole program with all collectors at 1 s, beside an idle Netdata."""
    collect_bench.run(viewers, seconds, windows, sys.argv[1:])


@cli.command()
@click.option("--charts", "count", type=click.IntRange(1), default=30, show_default=True)
@click.option(
    "--lines", type=click.IntRange(1), multiple=True, default=(1, 3), show_default=True, help="In each chart."
)
@click.option("--range", "span", default="15m", show_default=True, help="The board's range of time.")
@click.option(
    "--canvas", "canvases", type=CANVAS, multiple=True, default=CANVAS.choices, help="How canvases are drawn."
)
@click.option("--seconds", type=click.FloatRange(0.5), default=20.0, show_default=True, help="Length of each window.")
def charts(count: int, lines: tuple[int, ...], span: str, canvases: tuple[str, ...], seconds: float) -> None:
    """Main thread of a real Chromium with many live charts in view."""
    charts_bench.run(count, lines, span, canvases, seconds, sys.argv[1:])


@cli.command()
@click.option("--visits", type=click.IntRange(1), default=9, show_default=True)
def first(visits: int) -> None:
    """Time to the first complete chart of the overview in a real Chromium."""
    first_bench.run(visits, sys.argv[1:])


@cli.command()
@click.option("--days", type=click.FloatRange(0.01, 60), default=30.0, show_default=True, help="Of a sample a minute.")
@click.option("--hours", type=click.FloatRange(0.01, 24), default=3.0, show_default=True, help="Of a sample a second.")
@click.option("--series", type=click.IntRange(10, 200), default=200, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="Of each question.")
def history(days: float, hours: float, series: int, rounds: int) -> None:
    """Bytes and CPU of a stored sample, and times of questions for points, beside Prometheus."""
    history_bench.run(days, hours, series, rounds, sys.argv[1:])


@cli.command()
@click.option("--seconds", type=click.IntRange(60), default=1_800, show_default=True)
@click.option("--series", type=click.IntRange(1), default=200, show_default=True)
def record(seconds: int, series: int) -> None:
    """Record the real metrics of this machine that `history` sends, into a file of the repository."""
    with TemporaryDirectory(prefix="bench-") as folder:
        recording.record(seconds, series, Path(folder))


if __name__ == "__main__":
    cli(prog_name="python -m bench")
