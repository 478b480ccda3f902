"""The first line on the Unix socket: a launcher's word or a refusal, whatever it is and however it arrives."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from typing import Any, cast

from keyless.model.errors import KeylessError, invalid
from keyless.workload.doors import OWNER, OwnerDoor
from keyless.workload.lease_socket import MAX_LINE, LeaseSocket, _Connection

SEEDS = (
    b'{"open":"lease","app":"shop","names":"clouds","identity_port":41000}\n',
    b'{"open":"lease","app":"shop","identity_port":1,"host":"imds","faults":["slow","slow"]}\n',
    b'{"open":"resume","lease":"l","key":"k","identity_port":1}\n',
    b'{"open":"identity","lease":"l","key":"k"}\nGET / HTTP/1.1\r\n\r\n',
    b'{"open":"lease","app":"\xff"}\n',
    b'{"open":"nothing"}\n',
    b'{"open":"lease","app":' + b"[" * 2000 + b"\n",
    b"x" * (MAX_LINE + 10),
    b"\n",
)


class _Transport:
    """What a connection does to its transport."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = False

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


class _Owner:
    """A socket whose instances know nobody."""

    launched = 0

    @property
    def instances(self) -> _Owner:
        return self

    def authenticate(self, _lease: str, _key: str, _app: None) -> None:
        raise invalid("There is no such lease.")

    def is_held(self, _lease: str) -> bool:
        return False

    def resume(self, _lease: str, _key: str, _port: int, _app: None) -> None:
        raise invalid("There is no such lease.")

    async def launch(self, _opening: object, _caller: object) -> None:
        raise KeylessError(invalid("").kind, "There is no such app.")

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self.launched += 1
        work.close()


class _Timer:
    def cancel(self) -> None:
        pass


def fuzz(data: bytes) -> None:
    """One input, in one piece and byte by byte."""
    pieces = ([data], [bytes([byte]) for byte in data])
    outcomes = [_open(list(chunks)) for chunks in pieces]
    assert outcomes[0] == outcomes[1], "it matters how a line arrives"


def _open(chunks: list[bytes]) -> tuple[bytes, bool, int]:
    transport, owner = _Transport(), _Owner()
    connection = _Connection(cast("LeaseSocket", owner), OwnerDoor())
    connection._caller = OWNER
    connection._transport = cast("asyncio.Transport", transport)
    connection._timer = cast("asyncio.TimerHandle", _Timer())
    for chunk in chunks:
        connection.data_received(chunk)
    data = b"".join(chunks)
    if b"\n" in data or len(data) > MAX_LINE:
        assert transport.closed or owner.launched == 1
    if transport.closed:
        assert set(json.loads(transport.written)["error"]) == {"code", "message"}
    return transport.written, transport.closed, owner.launched
