"""Very many connections to a real server: it stays within its memory, and answers.

`KEYLESS_TEST_CONNECTIONS` sets how many there are (1,000).
"""

from __future__ import annotations

import os
import resource
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from tests.harness import STORAGE, Owner, RunningServer
from tests.hostile.wire import read_answer, resident

CONNECTIONS = int(os.environ.get("KEYLESS_TEST_CONNECTIONS", "1000"))
#: What an idle connection takes: TLS's own state for the most part.
MOST = 80 * 1024
NAME = "management.keyless.localhost"
REQUEST = f"GET /metadata/endpoints HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode()


@contextmanager
def descriptors(number: int) -> Iterator[None]:
    """Room for so many in this process; skips the test where that may not be."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[0] < number:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (number, max(before[1], number)))
        except (OSError, ValueError):
            pytest.skip(f"this machine does not allow {number} open files")
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def is_served(wire: ssl.SSLSocket) -> bool:
    wire.sendall(REQUEST)
    answer = read_answer(wire)
    return answer is not None and answer.status == 200


@pytest.mark.timeout(300)
def test_idle_connections_take_little(own_server: RunningServer) -> None:
    before = resident(own_server)
    context = ssl.create_default_context(cafile=str(own_server.data / "tls" / "own-ca.pem"))
    with descriptors(CONNECTIONS + 200), ExitStack() as stack:
        wires = []
        for _ in range(CONNECTIONS):
            plain = socket.create_connection(("127.0.0.1", own_server.port), 10)
            wires.append(stack.enter_context(context.wrap_socket(plain, server_hostname=NAME)))
            assert is_served(wires[-1])
        assert (resident(own_server) - before) / CONNECTIONS < MOST
        # each of them is still served, and so is a new one
        for wire in (wires[0], wires[-1]):
            assert is_served(wire)
        Owner(own_server).token(STORAGE)


def test_a_server_without_descriptors_comes_back(own_server: RunningServer) -> None:
    """Of the system's, not of its own making: the limit sinks under what it has taken for granted."""
    owner = Owner(own_server)
    owner.account("accd")
    owner.container("accd", "box")
    owner.blob("accd", "box/before", b"x" * 200_000)
    assert own_server.process is not None
    pid = own_server.process.pid
    limit = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    used = len(os.listdir(f"/proc/{pid}/fd"))
    with ExitStack() as stack:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 5, limit[1]))
        for _ in range(50):
            stack.enter_context(socket.create_connection(("127.0.0.1", own_server.port), 10))
        time.sleep(0.5)
        headers = {"x-ms-blob-type": "BlockBlob", "x-ms-version": "2024-11-04"}
        token = owner.token(STORAGE)
        # the owner's connection is there already; a file is not to be had
        answer = owner.send("PUT", "accd.blob", "/box/now", token, content=b"y" * 200_000, headers=headers)
        assert answer.status_code == 503, answer.text
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)
    deadline = time.monotonic() + 20
    while True:
        try:
            fresh = Owner(own_server, dict(owner._tokens))
            fresh.blob("accd", "box/after", b"z" * 200_000)
            break
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert own_server.log.read_text().count("no connection can be accepted now") < 20
    owner.close()
