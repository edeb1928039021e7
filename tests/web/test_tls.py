"""HTTPS by the program itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from httpx_sse import aconnect_sse

from dashboard.certificate import Certificate
from dashboard.tally import Tally
from dashboard.web.stalls import StallWatch
from tests.needs import need
from tests.nginx import certificate
from tests.serving import Server, running_server
from tests.web.patience import Patience, ended
from tests.web.test_stream_ends import MIB
from tests.web.wire import DEADLINE

EVENTS = "/api/v1/events?types=task"  # of which none comes by itself
STUCK = 12


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate that signs itself, and its key."""
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def trusting(files: tuple[Path, Path]) -> ssl.SSLContext:
    """What trusts that certificate and no other."""
    return ssl.create_default_context(cafile=files[0])


def settings(files: tuple[Path, Path]) -> str:
    return f'certfile = "{files[0]}"\nkeyfile = "{files[1]}"\nheartbeat_interval = 0.5\n'


@pytest.fixture(scope="module")
def secure(files: tuple[Path, Path], trusting: ssl.SSLContext) -> Iterator[Server]:
    """A server that speaks TLS."""
    with running_server(config=settings(files)) as running:
        deadline = time.monotonic() + DEADLINE
        while httpx.get(f"{running.url}/readyz", verify=trusting).status_code != 200:
            assert time.monotonic() < deadline
        yield running


async def test_pages_and_streams_come_encrypted(secure: Server, trusting: ssl.SSLContext) -> None:
    assert secure.url.startswith("https://127.0.0.1:")
    async with httpx.AsyncClient(base_url=secure.url, verify=trusting, timeout=DEADLINE) as client:
        page = await client.get("/add")
        assert page.status_code == 200 and f"{secure.url}/api/v1" in page.text.replace("</span>", "")
        async with aconnect_sse(client, "GET", EVENTS) as stream:
            events = stream.aiter_sse()
            assert [(await anext(events)).event for _ in range(3)] == ["hello", "heartbeat", "heartbeat"]


def test_one_protocol_is_offered_and_old_ones_are_not(secure: Server, trusting: ssl.SSLContext) -> None:
    """HTTP/2 is for a proxy in front; TLS before 1.2 is for nobody."""
    offering = ssl.create_default_context()
    offering.check_hostname, offering.verify_mode = False, ssl.CERT_NONE
    offering.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", secure.port), DEADLINE) as plain,
        offering.wrap_socket(plain, server_hostname="localhost") as wrapped,
    ):
        assert wrapped.selected_alpn_protocol() == "http/1.1" and wrapped.version() in ("TLSv1.2", "TLSv1.3")


async def test_the_streams_last_word_comes_over_tls_too(
    files: tuple[Path, Path], trusting: ssl.SSLContext, writer: str
) -> None:
    async with (
        running_server(config=writer + settings(files)) as server,
        httpx.AsyncClient(base_url=server.url, verify=trusting, timeout=DEADLINE) as client,
    ):
        async with aconnect_sse(client, "GET", EVENTS) as stream:
            events = stream.aiter_sse()
            assert [(await anext(events)).event for _ in range(3)] == ["hello", "heartbeat", "heartbeat"]
            ending = asyncio.create_task(ended(server))
            seen = [event.event async for event in events]
        assert seen[-1:] == ["bye"]
        code, took = await ending
        assert code == 0 and took < 3.0


async def test_a_peer_that_takes_nothing_does_not_hold_up_the_end(
    files: tuple[Path, Path], trusting: ssl.SSLContext, writer: str
) -> None:
    """TLS has a farewell of its own, for which asyncio would wait half a minute."""
    async with running_server(config=writer + settings(files)) as server:
        silent = []
        for _ in range(5):
            plain = socket.create_connection(("127.0.0.1", server.port), DEADLINE)
            wrapped = trusting.wrap_socket(plain, server_hostname="localhost")
            wrapped.sendall(f"GET {EVENTS} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            told = b""
            while b"hello" not in told:
                told += (piece := wrapped.recv(4096))
                assert piece, told
            silent.append(wrapped)
        code, took = await ended(server)
        assert code == 0 and took < 4.0
        for wrapped in silent:
            wrapped.close()


@contextlib.contextmanager
def stuck(server: Server, trusting: ssl.SSLContext) -> Iterator[None]:
    """Ask for a stream and take nothing of it."""
    with socket.socket() as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.settimeout(DEADLINE)
        plain.connect(("127.0.0.1", server.port))
        with trusting.wrap_socket(plain, server_hostname="localhost") as wrapped:
            wrapped.sendall(b"GET /api/v1/events?types=metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            yield


@pytest.mark.fault
async def test_viewers_over_tls_that_take_no_bytes_are_cut_off_and_counted(
    files: tuple[Path, Path], trusting: ssl.SSLContext, fast_first: str
) -> None:
    """Beside one that takes all, and however much there is for them, which the server does not hold for each."""
    config = f"{fast_first}{settings(files)}stall_timeout = 2\ninterval = 60\nlog_events = 64\n"
    much = [{"series": f'much{{n="{n}",text="{"x" * 900}"}}', "value": n} for n in range(100)]
    async with (
        running_server(config=config) as server,
        httpx.AsyncClient(base_url=server.url, verify=trusting, timeout=DEADLINE) as client,
        aconnect_sse(client, "GET", EVENTS) as healthy,
    ):
        events = healthy.aiter_sse()
        assert (await anext(events)).event == "hello"
        for _ in range(64):
            await client.post("/api/v1/samples", json=much)
        process = psutil.Process(server.pid)
        memory = most = process.memory_info().rss
        with contextlib.ExitStack() as stack:
            for _ in range(STUCK):
                stack.enter_context(stuck(server, trusting))
            while (told := (await client.get("/api/v1/status")).json())["streams"] <= STUCK:
                pass  # they are still connecting
            patience, pushes = Patience(5.0), 0
            while (told := (await client.get("/api/v1/status")).json())["streams"] > 1:
                assert patience.spend(), told
                await client.post("/api/v1/samples", json=much)
                pushes += 1
                most = max(most, process.memory_info().rss)
        assert told["streams_aborted"] == STUCK and most < memory + 36 * MIB
        assert (await anext(events)).event == "heartbeat"


async def test_one_over_tls_that_has_just_ended_can_be_judged_all_the_same(
    files: tuple[Path, Path], trusting: ssl.SSLContext
) -> None:
    """It has no socket any more."""
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(*files)
    taken: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
    server = await asyncio.start_server(lambda _, writer: taken.put_nowait(writer), "127.0.0.1", ssl=own)
    async with server:
        address = server.sockets[0].getsockname()
        _, writer = await asyncio.open_connection(*address, ssl=trusting, server_hostname="localhost")
        gone = await taken.get()
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await gone.wait_closed()
        stalls = StallWatch(Tally(), 30.0)
        stalls.judge(gone.transport)
        stalls.forget(gone.transport)


def test_who_speaks_no_tls_gets_nothing_and_costs_no_traceback(secure: Server, trusting: ssl.SSLContext) -> None:
    for said in (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01\xff\xff" + os.urandom(400), b"\0" * 3000):
        with socket.create_connection(("127.0.0.1", secure.port), DEADLINE) as plain:
            plain.sendall(said)
            plain.settimeout(DEADLINE)
            try:
                answer = plain.recv(4096)
            except ConnectionError:
                answer = b""
            assert b"HTTP/1.1 200" not in answer
    assert httpx.get(f"{secure.url}/healthz", verify=trusting).status_code == 200
    assert "Traceback" not in secure.log()


def test_who_speaks_on_after_the_end_costs_no_traceback(secure: Server, trusting: ssl.SSLContext) -> None:
    for _ in range(20):
        plain = socket.create_connection(("127.0.0.1", secure.port), DEADLINE)
        with trusting.wrap_socket(plain, server_hostname="localhost") as wrapped:
            wrapped.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            with contextlib.suppress(OSError):
                for _ in range(200):
                    wrapped.sendall(b"and another thing\r\n")
    assert httpx.get(f"{secure.url}/healthz", verify=trusting).status_code == 200
    assert "Traceback" not in secure.log()


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("localhost:{port}", "https://localhost:{port}", 200),
        ("localhost", "https://localhost", 200),
        ("localhost:443", "https://localhost", 200),
        ("localhost", "https://localhost:443", 200),
        ("localhost:{port}", "http://localhost:{port}", 403),
        ("localhost", "http://localhost", 403),
        ("localhost", "https://localhost:80", 403),
        ("localhost", "https://evil.example", 403),
        ("localhost", "null", 403),
    ],
)
def test_writes_are_taken_from_its_own_secure_pages(
    secure: Server, trusting: ssl.SSLContext, host: str, origin: str, status: int
) -> None:
    """Whoever can change a page that came in the clear is not this server."""
    headers = {"Host": host.format(port=secure.port), "Origin": origin.format(port=secure.port)}
    answer = httpx.post(
        f"{secure.url}/api/v1/samples", json={"series": "tls", "value": 1}, headers=headers, verify=trusting
    )
    assert answer.status_code == status, answer.text


def commanded(command: str, config: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `dashboard COMMAND` with these settings, which cannot be used."""
    (folder / "dashboard.toml").write_text(config)
    end = ["serve", "--config", "dashboard.toml", "--port", "0"] if command == "serve" else [command, "dashboard.toml"]
    return subprocess.run(
        [sys.executable, "-m", "dashboard", *end],
        cwd=folder,
        env={**os.environ, "DASHBOARD_DATA_DIR": str(folder / "data")},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )


def test_a_certificate_that_cannot_be_used_ends_the_start_with_the_reason(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    cert, key = files
    _, other = certificate(tmp_path, "other.example")
    locked, text, pipe = tmp_path / "locked.key", tmp_path / "text", tmp_path / "pipe"
    os.mkfifo(pipe)
    text.write_text("nothing of the kind")
    subprocess.run(
        [need("openssl"), "ec", "-in", key, "-aes256", "-passout", "pass:secret", "-out", locked],
        check=True,
        capture_output=True,
    )
    cases = [
        (f'certfile = "{cert}"', "certfile: needs the setting keyfile"),
        (f'keyfile = "{key}"', "keyfile: needs the setting certfile"),
        (f'certfile = "{tmp_path}/none"\nkeyfile = "{key}"', "certfile: .*none cannot be read: No such file"),
        (f'certfile = "{cert}"\nkeyfile = "{tmp_path}"', "keyfile: .* cannot be read: Is a directory"),
        (f'certfile = "{pipe}"\nkeyfile = "{key}"', "certfile: .*pipe cannot be read: it is a pipe"),
        (f'certfile = "{text}"\nkeyfile = "{key}"', "certfile: .*text holds no certificate in PEM form"),
        (f'certfile = "{cert}"\nkeyfile = "{text}"', "keyfile: .*text holds no private key"),
        (f'certfile = "{cert}"\nkeyfile = "{other}"', "keyfile: .* is not the key of the certificate in"),
        (f'certfile = "{cert}"\nkeyfile = "{locked}"', "keyfile: .* is locked with a password"),
    ]
    for config, said in cases:
        line = 2 if said.startswith("keyfile") and "certfile =" in config else 1
        for command in ("serve", "check-config") if line == 2 else ("check-config",):
            ended = commanded(command, config, tmp_path)
            (only,) = ended.stderr.splitlines()
            assert ended.returncode == 2 and f"dashboard.toml:{line}: " in only and re.search(said, only), only


def test_a_renewed_certificate_is_taken_and_a_broken_one_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    cert, key = certificate(tmp_path)
    held = Certificate(cert, key)
    first = cert.read_bytes()

    def given() -> bytes:
        """Return what a client is shown, over a pair of memory buffers."""
        asking = ssl.create_default_context()
        asking.check_hostname, asking.verify_mode = False, ssl.CERT_NONE
        there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
        client, server = asking.wrap_bio(there, back), held.context.wrap_bio(back, there, server_side=True)
        for _ in range(3):
            for side in (client, server):
                try:
                    side.do_handshake()
                except ssl.SSLWantReadError:
                    continue
        shown = client.getpeercert(binary_form=True)
        assert shown is not None
        return ssl.DER_cert_to_PEM_cert(shown).encode()

    held.look()
    assert given() == first and not caplog.records
    second, _ = certificate(tmp_path)  # under the same names
    held.look()
    assert given() == second.read_bytes() != first
    key.write_text("half a fi")
    held.look()
    held.look()
    assert given() == second.read_bytes()
    assert [record.levelname for record in caplog.records] == ["INFO", "ERROR"]
    assert "holds no private key" in caplog.text and "stays in use" in caplog.text
