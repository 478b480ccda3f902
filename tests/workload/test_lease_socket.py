"""The socket's own limits, with a server of the test's own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from keyless.http.http1 import Http1
from keyless.model.app import Lease
from keyless.store.sqlite import open_store
from keyless.workload import lease_socket
from keyless.workload.doors import Caller, OwnerDoor
from keyless.workload.instances import MIGRATION, RESUME_SECONDS, Instances
from keyless.workload.lease_socket import IdentityRequests, LeaseSocket, OpenLease, ResumeLease


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def no_launch(_opening: OpenLease, _caller: Caller) -> tuple[Lease, Mapping[str, object]]:
    raise RuntimeError("a secret: hunter2")


def no_http(_lease: Lease) -> Http1:
    raise AssertionError


async def test_a_connection_that_says_nothing_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_socket, "OPENING_SECONDS", 0.1)
    store = open_store(tmp_path / "db", [MIGRATION])
    leases = LeaseSocket(Instances(store, Clock(), lambda: "g", lambda: "s"), no_launch, no_http)
    await leases.start(tmp_path, "sock", OwnerDoor())
    reader, writer = await asyncio.open_unix_connection(tmp_path / "sock")
    writer.write(b'{"open":')
    with contextlib.suppress(ConnectionResetError):
        assert await asyncio.wait_for(reader.read(), 2) == b""
    writer.close()
    await leases.stop()
    await store.close()


async def test_a_launch_that_fails_is_told_without_its_words(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = open_store(tmp_path / "db", [MIGRATION])
    leases = LeaseSocket(Instances(store, Clock(), lambda: "g", lambda: "s"), no_launch, no_http)
    await leases.start(tmp_path, "sock", OwnerDoor())
    reader, writer = await asyncio.open_unix_connection(tmp_path / "sock")
    writer.write(b'{"open":"lease","app":"x","identity_port":1}\n')
    answer = await asyncio.wait_for(reader.read(), 2)
    assert b"keyless failed on this launch" in answer
    assert b"hunter2" not in answer
    assert "hunter2" not in caplog.text
    assert "RuntimeError" in caplog.text
    writer.close()
    await leases.stop()
    await store.close()


async def test_a_launcher_that_does_not_come_back_is_forgotten(tmp_path: Path) -> None:
    from keyless.model.errors import KeylessError
    from keyless.model.resource_id import parse_resource_id

    clock, app = Clock(), parse_resource_id("/subscriptions/s")
    store = open_store(tmp_path / "db", [MIGRATION])
    names = iter(f"id-{i}" for i in range(10))
    first = Instances(store, clock, lambda: next(names), lambda: "secret")
    one, two = await first.open(app, 5), await first.open(app, 6)
    again = Instances(store, clock, lambda: "g", lambda: "s")
    await again.load()
    assert not again.is_live(one.lease)
    clock.now += RESUME_SECONDS
    await again.tick()
    assert again.resume(one.lease.id, "secret", 7).identity_port == 7
    assert again.is_live(one.lease)
    clock.now += 1
    await again.tick()
    with pytest.raises(KeylessError):
        again.resume(two.lease.id, "secret", 7)
    assert again.is_live(one.lease)
    assert await store.rows("SELECT id FROM lease") == [(one.lease.id,)]
    assert [lease.id for lease in again.of_app(app)] == [one.lease.id]
    await again.end([one.lease.id])
    assert not again.is_live(one.lease)
    assert again.count == 0
    await store.close()


def test_no_repr_shows_a_key() -> None:
    for opening in (ResumeLease("lease-id", "hunter2", 5), IdentityRequests("lease-id", "hunter2")):
        assert "hunter2" not in repr(opening)
        assert "lease-id" in repr(opening)


async def test_the_host_of_an_instance_is_remembered_over_a_restart(tmp_path: Path) -> None:
    from keyless.model.resource_id import parse_resource_id

    store = open_store(tmp_path / "db", [MIGRATION])
    first = Instances(store, Clock(), lambda: "id", lambda: "secret")
    made = await first.open(parse_resource_id("/subscriptions/s"), 5, "another", ["slow", "late"])
    again = Instances(store, Clock(), lambda: "g", lambda: "s")
    await again.load()
    lease = again.resume("id", "secret", 5)
    assert (lease.host, sorted(lease.faults)) == ("another", ["late", "slow"])
    assert lease == made.lease
    await store.close()
