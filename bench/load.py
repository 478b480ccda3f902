"""Load on an HTTP/1.1 server: one request again and again over connections that stay open.

Run as a process of its own (`python -m bench.load`), so that its time is not the server's; reads the job as JSON
from standard input and prints what it did. Knows nothing of keyless.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import sys
import time
from base64 import b64decode
from typing import Any

import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class _Connection(asyncio.Protocol):
    """Sends the next request when an answer is whole; stops at an answer that is not 200."""

    def __init__(self, opening: bytes, request: bytes, done: asyncio.Event) -> None:
        self._opening = opening
        self._request = request
        self._done = done
        self._buffer = b""
        self._transport: asyncio.Transport
        self.count = 0
        self.problem = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._transport.write(self._opening + self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not found or length is None or len(body) < int(length[1]):
            return
        self._buffer = b""
        if not head.startswith(b"HTTP/1.1 200"):
            self.problem = (head + body).decode(errors="replace")
            self._done.set()
        elif not self._done.is_set():
            self.count += 1
            self._transport.write(self._request)

    def connection_lost(self, _error: Exception | None) -> None:
        if not self._done.is_set():
            self.problem = self.problem or "a connection was closed"
            self._done.set()

    def close(self) -> None:
        self._transport.close()


async def _run(job: dict[str, Any]) -> dict[str, object]:
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    connections: list[_Connection] = []
    opening, request = b64decode(job["opening"]), b64decode(job["request"])
    context = ssl.create_default_context(cafile=job["ca"]) if "ca" in job else None

    def connection() -> _Connection:
        connections.append(_Connection(opening, request, done))
        return connections[-1]

    for _ in range(job["connections"]):
        if context is None:
            await loop.create_unix_connection(connection, job["path"])
        else:
            await loop.create_connection(connection, "127.0.0.1", job["port"], ssl=context, server_hostname=job["host"])
    started = time.monotonic()
    loop.call_later(job["seconds"], done.set)
    await done.wait()
    seconds = time.monotonic() - started
    for one in connections:
        one.close()
    return {
        "requests": sum(one.count for one in connections),
        "seconds": seconds,
        "problem": next((one.problem for one in connections if one.problem), ""),
    }


if __name__ == "__main__":
    print(json.dumps(uvloop.run(_run(json.load(sys.stdin)))))
