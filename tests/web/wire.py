"""Bytes to and from a server, for what no HTTP library would send."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping

from tests.serving import Server

DEADLINE = 30.0
"""Seconds after which a test that waits has failed."""


class Answer:
    """A raw HTTP answer, taken apart."""

    def __init__(self, raw: bytes) -> None:
        head, _, self.body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split(" ")[1])
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


async def ask(server: Server, request: bytes) -> Answer:
    """Send a request as it is, and read until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(request)
        await writer.drain()
        return Answer(await asyncio.wait_for(reader.read(), DEADLINE))
    finally:
        writer.close()


def asking(path: str, *headers: str, method: str = "GET", host: str | None = "localhost") -> bytes:
    """Write a request that is the last of its connection."""
    lines = [f"{method} {path} HTTP/1.1", *([f"Host: {host}"] if host is not None else []), "Connection: close"]
    return ("\r\n".join([*lines, *headers]) + "\r\n\r\n").encode("latin-1")


class RawStream:
    """A stream opened by hand: it costs the test next to nothing, and may stop reading."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(
        cls,
        server: Server,
        query: str = "",
        *,
        receive_buffer: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> RawStream:
        """Connect and ask for the stream; nothing is read yet."""
        connection = socket.socket()
        if receive_buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", server.port))
        reader, writer = await asyncio.open_connection(sock=connection, limit=1 << 24)
        lines = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "localhost", **(headers or {})}.items())
        writer.write(f"GET /api/v1/events{query} HTTP/1.1\r\n{lines}\r\n".encode())
        return cls(reader, writer)

    async def until(self, mark: bytes) -> bytes:
        """Read up to and with `mark`."""
        return await asyncio.wait_for(self.reader.readuntil(mark), DEADLINE)

    async def rest(self) -> bytes:
        """Read until the server closes."""
        return await asyncio.wait_for(self.reader.read(), DEADLINE)

    def drop(self) -> None:
        """Close at once, as a client that vanishes."""
        self.writer.transport.abort()
