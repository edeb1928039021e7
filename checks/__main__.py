"""`python -m checks [NAME …]`: run all checks, or those named; exit 1 if one fails."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from playwright import sync_api as playwright

from checks import budgets, floors, node

ROOT = Path(__file__).parent.parent

Verdict = tuple[bool, str]
"""Whether a check holds, and what it has to say."""


def _command(*arguments: str) -> Callable[[], Verdict]:
    def run() -> Verdict:
        done = subprocess.run(
            [sys.executable, "-m", *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        return done.returncode == 0, "" if done.returncode == 0 else done.stdout

    return run


def _javascript() -> Verdict:
    try:
        done = node.tsc()
    except node.NpmError as error:
        return False, f"TypeScript could not be installed. Is a package registry reachable?\n{error}"
    return done.returncode == 0, done.stdout


def _floors() -> Verdict:
    found = floors.faults(ROOT / floors.PACKAGE)
    return not found, "\n".join(found)


def _budgets() -> Verdict:
    try:
        found = budgets.measured()
    except (OSError, AssertionError, playwright.Error) as error:
        return False, f"the server or its page could not be measured: {error}"
    return all(budget.kept for budget in found), "\n".join(str(budget) for budget in found)


CHECKS: dict[str, Callable[[], Verdict]] = {
    "lint": _command("ruff", "check", "--quiet", "--output-format=concise", "."),
    "format": _command("ruff", "format", "--check", "--quiet", "--output-format=concise", "."),
    "types": _command("mypy", "--strict", "dashboard", "checks"),
    "javascript": _javascript,
    "floors": _floors,
    "budgets": _budgets,
}


def main(names: list[str]) -> int:
    """Run the checks of these names, all if there are none, and print each one's verdict."""
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        print(f"no check is called {', '.join(unknown)}; there are: {', '.join(CHECKS)}", file=sys.stderr)
        return 2
    failed = []
    for name in names or CHECKS:
        started = time.monotonic()
        good, said = CHECKS[name]()
        print(f"{name:<12}{'ok' if good else 'FAILED':<8}{time.monotonic() - started:.1f} s", flush=True)
        if said.strip():
            print("    " + said.strip().replace("\n", "\n    "), flush=True)
        if not good:
            failed.append(name)
    if failed:
        print(f"make check: {', '.join(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
