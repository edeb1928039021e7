"""The command `dashboard`. What a command needs is imported when it runs, so that the others start at once."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import click
import msgspec

from dashboard import __version__
from dashboard.boards import Board, load_boards
from dashboard.config import Loaded, is_loopback, load, refuse_exposure
from dashboard.datadir import default_folder
from dashboard.errors import ConfigError, DashboardError
from dashboard.settings_file import SettingsFile
from dashboard.toml_text import toml_value

DEFAULT_FILE = Path("dashboard.toml")
"""Settings file that is taken from the working folder when none is named."""


class _Commands(click.Group):
    """Commands whose expected failures end in one line, without a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except DashboardError as error:
            _say(str(error))
            ctx.exit(2 if isinstance(error, ConfigError) else 1)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dashboard", message="%(prog)s %(version)s")
def commands() -> None:
    """A real-time metrics dashboard."""


@commands.command()
@click.option(
    "--config",
    "config",
    envvar="DASHBOARD_CONFIG",
    type=click.Path(path_type=Path),
    help="Settings file (default: dashboard.toml in the working folder, if there is one).",
)
@click.option("--host", help="Address to listen on (default: 127.0.0.1).")
@click.option("--port", type=int, help="Port to listen on, 0 for a free one (default: 8000).")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of what must survive a restart.")
@click.option(
    "--insecure", is_flag=True, default=None, help="Listen beyond loopback without sign-in: everyone is an admin."
)
def serve(
    config: Path | None, host: str | None, port: int | None, data_dir: Path | None, insecure: bool | None
) -> None:
    """Collect metrics and serve the pages."""
    file = _settings_file(config)
    flags = {"host": host, "port": port, "data_dir": data_dir, "insecure": insecure}
    loaded = load(file, os.environ, flags)
    boards = load_boards(file)
    _refuse_unknown_collector(file, loaded)
    refuse_exposure(loaded.settings)
    settings = loaded.settings
    _warn(loaded.warnings)
    if not is_loopback(settings.host):
        _warn([f"no sign-in on {settings.host}: everyone who reaches port {settings.port} is an admin"])

    _log_to_stderr()

    from dashboard.web.server import serve as run

    path = file.path if file is not None else DEFAULT_FILE
    sys.exit(run(settings, boards, path.absolute()))


@commands.command("check-config")
@click.argument("file", type=click.Path(path_type=Path))
def check_config(file: Path) -> None:
    """Read a settings FILE and print the settings in effect, where they come from, and all boards."""
    read = SettingsFile.read(file)
    loaded = load(read, os.environ)
    boards = load_boards(read)
    _refuse_unknown_collector(read, loaded)
    _warn(loaded.warnings)
    try:
        refuse_exposure(loaded.settings)
    except ConfigError as error:
        _warn([str(error)])  # no fault of the file, for a flag may still say it
    click.echo("\n".join([*_setting_lines(loaded), "", *_board_lines(boards)]))


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


class _OneLine(logging.Formatter):
    """Lines of the log, in which no text from elsewhere can begin a line of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = "".join(char if char.isprintable() else repr(char)[1:-1] for char in record.message)
        return super().formatMessage(record)


def _log_to_stderr() -> None:
    out = logging.StreamHandler()
    out.setFormatter(_OneLine("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[out])


def _settings_file(config: Path | None) -> SettingsFile | None:
    if config is not None:
        return SettingsFile.read(config)
    return SettingsFile.read(DEFAULT_FILE) if DEFAULT_FILE.exists() else None


def _refuse_unknown_collector(file: SettingsFile | None, loaded: Loaded) -> None:
    from dashboard.collectors.load import unknown

    found = unknown(loaded.settings)
    if found is None:
        return
    index, message = found
    source = loaded.sources["collector"]
    if file is not None and source.startswith(f"{file.path}:"):
        raise file.error(("collector", index, "name"), message)
    raise ConfigError(f"{source}[{index}].name: {message}")


def _setting_lines(loaded: Loaded) -> Iterable[str]:
    """Write the settings as TOML, each with its source; those that are lists of tables come last, as TOML wants."""
    values = msgspec.to_builtins(loaded.settings, enc_hook=str)
    values["data_dir"] = str(loaded.settings.data_dir or default_folder())
    for key, value in values.items():
        source = loaded.sources.get(key, "default")
        if value is None:
            yield f"# {key} is not set"
        elif key == "collector":
            for setting in value:
                inner = {name: part for name, part in setting.items() if part is not None}
                yield "\n".join(["", f"[[{key}]]  # {source}", *(f"{n} = {toml_value(v)}" for n, v in inner.items())])
        else:
            yield f"{key} = {toml_value(value)}  # {source}"


def _board_lines(boards: Iterable[Board]) -> Iterable[str]:
    for board in boards:
        yield f"# board {board.name}: {len(board.panels)} panels at /boards/{board.name}"
        for chart, panel in zip(board.charts, board.panels, strict=True):
            yield f"#   {chart}  {panel.kind}  {' '.join(panel.series)}".rstrip()


def _warn(lines: Iterable[str]) -> None:
    for line in lines:
        _say(f"warning: {line}")


def _say(text: str) -> None:
    """Write one line to stderr, whatever stands in `text`."""
    click.echo(f"dashboard: {' '.join(text.splitlines())}", err=True)
