"""Bytes to a server over TLS, as they are, and what comes back.

Owns the raw connection and the reading of answers; no HTTP library stands between a test and the server.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.harness import RunningServer

SECONDS = 10.0
_ANSWER = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n")


@dataclass
class Answer:
    """One answer. A body that is chunked is left as it came."""

    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)


@contextmanager
def connection(server: RunningServer, name: str) -> Iterator[ssl.SSLSocket]:
    """A TLS connection to a surface by its own name."""
    context = ssl.create_default_context(cafile=str(server.data / "tls" / "own-ca.pem"))
    with (
        socket.create_connection(("127.0.0.1", server.port), SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=name, suppress_ragged_eofs=True) as wire,
    ):
        yield wire


def read_all(wire: socket.socket, seconds: float = SECONDS) -> bytes:
    """What the server says until it closes, or until `seconds` have passed."""
    found = b""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        wire.settimeout(max(0.01, deadline - time.monotonic()))
        try:
            data = wire.recv(65536)
        except (TimeoutError, ConnectionError, ssl.SSLError):
            break
        if not data:
            break
        found += data
    return found


def read_answer(wire: socket.socket, seconds: float = SECONDS) -> Answer | None:
    """The next answer, with its body if that has a length; None when the server closes without one."""
    found = b""
    deadline = time.monotonic() + seconds
    while True:
        head = _ANSWER.match(found)
        if head is not None:
            headers = _headers(head[2])
            length = int(headers.get("content-length", "0"))
            if len(found) >= head.end() + length:
                return Answer(int(head[1]), headers, found[head.end() : head.end() + length])
        wire.settimeout(max(0.01, deadline - time.monotonic()))
        try:
            data = wire.recv(65536)
        except (ConnectionError, ssl.SSLError):
            data = b""
        if not data:
            assert not found, f"the answer breaks off: {found[:300]!r}"
            return None
        found += data


def answers(data: bytes) -> list[Answer]:
    """All answers in what a connection gave; nothing else may stand there."""
    found: list[Answer] = []
    while data:
        head = _ANSWER.match(data)
        assert head is not None, f"this is no answer: {data[:200]!r}"
        headers = _headers(head[2])
        end = head.end() + int(headers.get("content-length", "0"))
        found.append(Answer(int(head[1]), headers, data[head.end() : end]))
        data = data[end:]
    return found


def _headers(lines: bytes) -> dict[str, str]:
    pairs = (line.decode("latin-1").split(":", 1) for line in lines.splitlines())
    return {name.lower(): value.strip() for name, value in pairs}


def resident(server: RunningServer) -> int:
    """Bytes of memory that the server's process holds."""
    assert server.process is not None
    with open(f"/proc/{server.process.pid}/statm") as file:
        return int(file.read().split()[1]) * 4096
