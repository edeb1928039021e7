"""The supported Pythons that this machine has, each with what the project needs in a cached environment."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".venvs"
OLDEST = (3, 11)
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


@cache
def _found() -> dict[str, Path]:
    """Interpreters by `major.minor`; the running one is always among them."""
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(":") if folder]
    folders += sorted((Path.home() / ".pyenv/versions").glob("*/bin"))
    names = {f"3.{minor}": f"python3.{minor}" for minor in range(OLDEST[1], OLDEST[1] + 10)}
    found = {RUNNING: Path(sys.executable)}
    for version, name in names.items():
        for candidate in (folder / name for folder in folders):
            if version not in found and candidate.is_file() and _works(candidate, version):
                found[version] = candidate
    return found


def _works(python: Path, version: str) -> bool:
    """Tell whether `python` is of `version` and makes environments; a version manager's shim may be neither."""
    code = "import sys, venv, ensurepip; print('%d.%d %s' % (*sys.version_info[:2], sys.version_info.releaselevel))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True)
    return done.stdout.strip() == f"{version} final"


def versions() -> list[str]:
    """Supported versions on this machine, oldest first, as `3.11`."""
    return sorted(_found(), key=lambda version: [int(part) for part in re.findall(r"\d+", version)])


def environment(python: str | Path, folder: Path, *needs: str | Path) -> Path:
    """Make a virtual environment of `python` in which there is what `needs` names and no more; return its interpreter.

    It is this interpreter's pip that fills it: one of its own would take longer to unpack than all the rest.
    Raises CalledProcessError, with pip's words on standard error, when it cannot be made.
    """
    interpreter = folder / "bin" / "python"
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(interpreter)]
    subprocess.run([*pip, "install", "--quiet", "--no-compile", *map(str, needs)], check=True)
    return interpreter


def installed(version: str) -> Path:
    """Return the interpreter of an environment of `version` that runs this tree, made on first use.

    Raises CalledProcessError, with pip's words on standard error, when it cannot be made.
    """
    if version == RUNNING:
        return Path(sys.executable)
    folder = CACHE / version
    stamp = folder / ".installed"
    needs = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    digest = hashlib.sha256(repr(needs).encode()).hexdigest()
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"{version}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.is_file() or stamp.read_text() != digest:
            shutil.rmtree(folder, ignore_errors=True)
            environment(_found()[version], folder, *needs)
            (packages,) = folder.glob("lib/python*/site-packages")
            (packages / "tree.pth").write_text(f"{ROOT}\n")  # as an editable installation has it
            stamp.write_text(digest)
    return folder / "bin" / "python"
