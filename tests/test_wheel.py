"""A wheel built from the tree serves its pages from anywhere, nothing from another host, and needs no Node.js."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from playwright.async_api import Browser, Request

from tests.interpreters import environment
from tests.serving import running_server

ROOT = Path(__file__).parent.parent
UNREACHABLE = {"npm_config_registry": "http://127.0.0.1:9/", "npm_config_fetch_retries": "0"}
LINKED = re.compile(r'(?:src|href)="([^"#]+\.(?:js|css|svg|png|ico|webmanifest)[^"]*)"')

pytestmark = pytest.mark.xdist_group("wheel")


def build(tree: Path, kind: str, out: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Build `tree` with no program but Python in reach."""
    return subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", out],
        cwd=tree,
        env={**os.environ, "PATH": "/nonexistent", **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources as a fresh clone has them: without anything that was fetched or made."""
    made = (
        ".git",
        ".venv*",
        ".*cache*",
        "node_modules",
        "vendor",
        "built",
        "build",
        "dist",
        "__pycache__",
        ".hypothesis",
    )
    return Path(shutil.copytree(ROOT, tmp_path_factory.mktemp("tree") / "source", ignore=shutil.ignore_patterns(*made)))


@pytest.fixture(scope="module")
def wheel(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of that tree; Chart.js was fetched for it."""
    out = tmp_path_factory.mktemp("dist")
    done = build(tree, "wheel", out)
    assert done.returncode == 0, done.stdout
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment in which there is the wheel and what it depends on, no more."""
    return environment(sys.executable, tmp_path_factory.mktemp("empty") / "venv", wheel)


def test_a_wheel_carries_pages_static_files_and_chart_js(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("templates", "static"):
        for file in (ROOT / folder).rglob("*"):
            if file.is_file() and not file.name.startswith(".") and not {"vendor", "built"} & {*file.parts}:
                assert f"dashboard/{file.relative_to(ROOT)}" in names
    assert "dashboard/static/vendor/chart.umd.min.js" in names
    assert "dashboard/static/vendor/chart.js.LICENSE.md" in names
    assert {"dashboard/static/built/main.js", "dashboard/static/built/shared-worker.js"} <= names
    assert not [name for name in names if "/." in name]
    assert {name.split("/")[0].split("-")[0] for name in names} == {"dashboard", "live_glass_dashboard"}


def test_an_sdist_carries_no_third_party_code_and_makes_the_same_wheel(tree: Path, wheel: Path, tmp_path: Path) -> None:
    assert build(tree, "sdist", tmp_path).returncode == 0
    archive = next(tmp_path.glob("*.tar.gz"))
    with tarfile.open(archive) as files:
        assert not [name for name in files.getnames() if {"vendor", "built", "node_modules"} & {*name.split("/")}]
        # Filters came in a late release of 3.11, and from 3.12 on their absence is a warning.
        files.extractall(tmp_path, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    unpacked = next(path for path in tmp_path.iterdir() if path.is_dir())
    done = build(unpacked, "wheel", tmp_path)
    assert done.returncode == 0, done.stdout
    made = next(tmp_path.glob("*.whl"))
    assert sorted(zipfile.ZipFile(made).namelist()) == sorted(zipfile.ZipFile(wheel).namelist())


def test_a_second_build_needs_no_registry(tree: Path, wheel: Path, tmp_path: Path) -> None:
    done = build(tree, "wheel", tmp_path, UNREACHABLE)
    assert done.returncode == 0, done.stdout


def test_a_build_that_cannot_fetch_says_so_and_leaves_nothing_half_done(
    tree: Path, wheel: Path, tmp_path: Path
) -> None:
    fresh = Path(shutil.copytree(tree, tmp_path / "fresh", ignore=shutil.ignore_patterns("vendor", "built")))
    done = build(fresh, "wheel", tmp_path, {**UNREACHABLE, "npm_config_cache": str(tmp_path / "cache")})
    assert done.returncode != 0
    assert "Chart.js and esbuild could not be fetched" in done.stdout
    assert not list((fresh / "static" / "vendor").iterdir()) and not (fresh / "static" / "built").exists()


def test_a_build_refuses_what_is_not_what_the_lock_file_says(tree: Path, wheel: Path, tmp_path: Path) -> None:
    fresh = Path(shutil.copytree(tree, tmp_path / "fresh", ignore=shutil.ignore_patterns("vendor", "built")))
    lock = json.loads((fresh / "package-lock.json").read_bytes())
    package = lock["packages"]["node_modules/chart.js"]
    package["integrity"] = f"sha512-{base64.b64encode(hashlib.sha512(b'another').digest()).decode()}"
    (fresh / "package-lock.json").write_text(json.dumps(lock))
    done = build(fresh, "wheel", tmp_path)
    assert done.returncode != 0
    assert "could not be fetched" in done.stdout and "EINTEGRITY" in done.stdout
    assert not list((fresh / "static" / "vendor").iterdir()) and not (fresh / "static" / "built").exists()
    assert not list(tmp_path.glob("*.whl"))


def test_scripts_that_cannot_be_joined_end_the_build_with_the_line_at_fault(
    tree: Path, wheel: Path, tmp_path: Path
) -> None:
    broken = Path(shutil.copytree(tree, tmp_path / "broken"))
    with (broken / "static/js/rows.js").open("a", encoding="utf-8") as script:
        script.write("export const = 1;\n")
    done = build(broken, "wheel", tmp_path)
    assert done.returncode != 0
    assert "could not be joined" in done.stdout and "rows.js:" in done.stdout


async def test_an_installed_wheel_serves_every_file_of_its_page(python: Path) -> None:
    async with running_server(python=python) as server, httpx.AsyncClient(base_url=server.url) as client:
        page = await client.get("/")
        assert page.status_code == 200
        linked = [urljoin(server.url, address) for address in LINKED.findall(page.text)]
        assert linked
        for address in linked:
            answer = await client.get(address)
            assert answer.status_code == 200, address
            assert answer.content, address


def of_itself(request: Request) -> list[str]:
    """Return what failed, if the page did not end it: its own stream it does where the shared one answers late."""
    ended = request.failure == "net::ERR_ABORTED" and "/api/v1/events?" in request.url
    return [] if ended else [f"{request.url}: {request.failure}"]


async def test_the_page_of_an_installed_wheel_asks_no_other_host(python: Path, browser: Browser) -> None:
    async with running_server(python=python) as server:
        asked: list[Request] = []
        failed: list[str] = []
        page = await browser.new_page()
        page.on("request", lambda request: asked.append(request))
        page.on("requestfailed", lambda request: failed.extend(of_itself(request)))
        page.on("pageerror", lambda error: failed.append(str(error)))
        await page.goto(server.url, wait_until="load")
        await page.wait_for_selector('connection-status[data-state="live"]')
        await page.wait_for_selector("canvas")
        addresses = [request.url for request in asked]
        assert [address for address in addresses if not address.startswith((server.url, "data:", "blob:"))] == []
        assert [address for address in addresses if "chart.umd" in address]
        assert not [address for address in addresses if "/js/" in address and not address.endswith("theme.js")]
        assert failed == []
        await page.close()


def test_the_command_is_installed(python: Path, tmp_path: Path) -> None:
    done = subprocess.run([python.parent / "dashboard", "--help"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0
    assert "serve" in done.stdout
    assert "check-config" in done.stdout
