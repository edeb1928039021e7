"""What a settings file says, held against all that it may name; the same for whoever serves and for whoever checks."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from dashboard.boards import Board, load_boards
from dashboard.certificate import fault
from dashboard.collectors.load import unknown, unreadable
from dashboard.config import Loaded, Settings, load, refuse_exposure
from dashboard.datadir import default_folder
from dashboard.errors import ConfigError
from dashboard.rules import clashes
from dashboard.settings_file import Faults, SettingsFile
from dashboard.toml_lines import KeyPath
from dashboard.toml_text import toml_value


def read_settings(
    file: SettingsFile | None, environ: Mapping[str, str], flags: Mapping[str, object | None] | None = None
) -> tuple[Loaded, Sequence[Board]]:
    """Return settings and boards; raise ConfigError at the first thing in them that cannot be used."""
    faults = Faults()
    with faults.gathered():
        boards = load_boards(file)
    with faults.gathered():
        loaded = load(file, environ, flags)
        for keys, message in _clashes(loaded.settings):
            with faults.gathered():
                raise _fault(file, loaded, keys, message)
    faults.raise_first()
    warnings = [
        str(_fault(file, loaded, clash.keys, clash.message)) for clash in clashes(loaded.settings) if not clash.fatal
    ]
    return msgspec.structs.replace(loaded, warnings=(*loaded.warnings, *warnings)), boards


def folder_fault(file: SettingsFile | None, loaded: Loaded) -> ConfigError | None:
    """Return what is wrong with the folder of collectors, without which the program serves all the same."""
    found = unreadable(loaded.settings.collectors_dir)
    return None if found is None else _fault(file, loaded, ("collectors_dir",), str(found))


def setting_lines(loaded: Loaded) -> Iterable[str]:
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


def board_lines(boards: Iterable[Board]) -> Iterable[str]:
    """Write each board with its charts, as comments."""
    for board in boards:
        yield f"# board {board.name}: {len(board.panels)} panels at /boards/{board.name}"
        for chart, panel in zip(board.charts, board.panels, strict=True):
            yield f"#   {chart}  {panel.kind}  {' '.join(panel.series)}".rstrip()


def _clashes(settings: Settings) -> Iterator[tuple[KeyPath, str]]:
    """Yield the place and the message of each setting that is right by itself, and cannot be used all the same."""
    if settings.host != Settings().host:
        try:
            socket.getaddrinfo(settings.host, None, type=socket.SOCK_STREAM)
            refuse_exposure(settings)
        except socket.gaierror as error:
            yield ("host",), f"{settings.host} cannot be resolved ({error.strerror}): name an address of this machine"
        except ConfigError as error:
            yield ("host",), str(error)
    found = unknown(settings)
    if found is not None:
        yield ("collector", found[0], "name"), found[1]
    certificate = fault(settings)
    if certificate is not None:
        yield (certificate[0],), certificate[1]
    yield from ((clash.keys, clash.message) for clash in clashes(settings) if clash.fatal)


def _fault(file: SettingsFile | None, loaded: Loaded, keys: KeyPath, message: str) -> ConfigError:
    """Return a fault of a value, told by where that came from."""
    source = loaded.sources.get(str(keys[0]), f"{keys[0]}, by default")  # then the other of the two was set
    if file is not None and source.startswith(f"{file.path}:"):
        return file.error(keys, message)
    way = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys[1:])
    return ConfigError(f"{source}{way}: {message}")
