"""Load on an HTTP/1.1 server: one request again and again over connections that stay open.

Run as a process of its own (`python -m bench.load`), so that its time is not the server's; reads a `Job` as JSON
from standard input and prints a `Done`. Knows nothing of keyless.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import ssl
import sys
import time

import msgspec
import uvloop

from bench.processes import cpu_seconds

#: Stands for a number of eight digits in a request, another one each time.
NUMBER = b"%NUMBER%"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_WARM_UP_SECONDS = 0.5


class Job(msgspec.Struct, omit_defaults=True):
    """What to ask, of whom, and for how long.

    With `ca` the server is `host` at `port` of this machine, over TLS; with `path` it is at that Unix socket. With
    `from_environment` it is the identity endpoint of the process's own environment, and `%PORT%` and `%HEADER%` in
    the request stand for what is said there. `opening` is sent once on every connection, `body` random bytes with
    every request. A load ends after `limit` requests, if that is not 0. `watched` are the processes whose CPU time is
    measured.
    """

    request: bytes
    body: int = 0
    opening: bytes = b""
    path: str = ""
    port: int = 0
    host: str = ""
    ca: str = ""
    connections: int = 16
    seconds: float = 5.0
    limit: int = 0
    watched: list[int] = []
    from_environment: bool = False


class Done(msgspec.Struct):
    """What was done. `cpu` is that of the watched processes, in seconds."""

    requests: int
    seconds: float
    cpu: float
    problem: str = ""


class _Load:
    """What all connections share."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.stopped = asyncio.Event()
        self.count = 0
        self.problem = ""
        self._numbers = itertools.count(int(time.time()) % 10_000 * 10_000)
        self._head, *self._tail = job.request.split(NUMBER)
        self._body = os.urandom(job.body)

    def next_request(self) -> list[bytes]:
        number = b"%08d" % (next(self._numbers) % 10**8) if self._tail else b""
        return [self._head, *(number + part for part in self._tail), self._body]

    def goes_on(self) -> bool:
        """Count an answer; whether another request is to follow."""
        self.count += 1
        if self.count == self.job.limit:
            self.stopped.set()
        return not self.stopped.is_set()

    def fail(self, problem: str) -> None:
        if not self.stopped.is_set():
            self.problem = self.problem or problem
            self.stopped.set()


class _Connection(asyncio.Protocol):
    """Sends the next request when an answer is whole; ends the load at one that is not a success."""

    _transport: asyncio.Transport

    def __init__(self, load: _Load) -> None:
        self._load = load
        self._head = b""
        self._left = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._transport.writelines([self._load.job.opening, *self._load.next_request()])

    def data_received(self, data: bytes) -> None:
        if self._left >= 0:
            self._left -= len(data)
        else:
            self._head += data
            head, found, body = self._head.partition(b"\r\n\r\n")
            if not found:
                return
            length = _LENGTH.search(head)
            if head[9:12] not in {b"200", b"201"} or length is None:
                self._load.fail((head + body).decode(errors="replace"))
                return
            self._left = int(length[1]) - len(body)
        if self._left == 0:
            self._head, self._left = b"", -1
            if self._load.goes_on():
                self._transport.writelines(self._load.next_request())

    def connection_lost(self, error: Exception | None) -> None:
        self._load.fail(f"a connection was closed ({error})")

    def close(self) -> None:
        self._transport.abort()


async def _run(job: Job) -> Done:
    load = _Load(job)
    connections = [await _connect(load) for _ in range(job.connections)]
    loop = asyncio.get_running_loop()
    # what happens once for each connection is not the cost of a request
    if not job.limit:
        await asyncio.sleep(_WARM_UP_SECONDS)
    before, counted, started = cpu_seconds(*job.watched), load.count, time.monotonic()
    loop.call_later(job.seconds, load.stopped.set)
    await load.stopped.wait()
    done = Done(load.count - counted, time.monotonic() - started, cpu_seconds(*job.watched) - before, load.problem)
    for one in connections:
        one.close()
    return done


async def _connect(load: _Load) -> _Connection:
    loop, job = asyncio.get_running_loop(), load.job
    if job.path:
        return (await loop.create_unix_connection(lambda: _Connection(load), job.path))[1]
    if not job.ca:
        return (await loop.create_connection(lambda: _Connection(load), "127.0.0.1", job.port))[1]
    context = ssl.create_default_context(cafile=job.ca)
    return (
        await loop.create_connection(
            lambda: _Connection(load), "127.0.0.1", job.port, ssl=context, server_hostname=job.host
        )
    )[1]


def _with_environment(job: Job) -> Job:
    """What only a process that `keyless run` started knows: the identity port, and its header."""
    endpoint = os.environ["IDENTITY_ENDPOINT"]
    port = int(endpoint.rpartition(":")[2].partition("/")[0])
    request = job.request.replace(b"%HEADER%", os.environ["IDENTITY_HEADER"].encode())
    return msgspec.structs.replace(job, port=port, request=request.replace(b"%PORT%", b"%d" % port))


if __name__ == "__main__":
    given = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    told = _with_environment(given) if given.from_environment else given
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(_run(told))) + b"\n")
