"""The doors: how many get in, and that nobody's place is lost."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from keyless.management.resource_type import Draft
from keyless.model.access import Permission, Requirement
from keyless.model.app import LAUNCH
from keyless.model.audit import AuditEvent
from keyless.model.resource import Resource
from keyless.model.resource_id import ResourceId
from keyless.workload.attestation_rules import attestation_rules
from keyless.workload.doors import OWNER, Caller, OwnerDoor, Refusal, WorkloadDoor
from keyless.workload.rate import RateLimit
from tests.workload.test_attestation import FakeKernel, is_open

APP = ResourceId(("subscriptions", "s", "resourceGroups", "g", "providers", "Microsoft.Web", "sites", "shop"))


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Log:
    """An audit log in memory."""

    def __init__(self) -> None:
        self.events: list[AuditEvent] = []

    async def decision(self, event: AuditEvent, *, durable: bool) -> None:
        assert durable
        self.events.append(event)

    def outcome(self, event: AuditEvent, status: int) -> None:
        raise AssertionError


@pytest.fixture
def connection() -> Iterator[socket.socket]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours


def door(kernel: FakeKernel, *uids: int, connections: int = 8) -> WorkloadDoor:
    rule = Resource(APP.child("attestationRules", "default"), {"uids": list(uids)})
    return WorkloadDoor(kernel, lambda: [rule], Log(), RateLimit(2, Clock()), connections)


def test_one_user_has_a_part_of_the_places_only(connection: socket.socket) -> None:
    kernel = FakeKernel()
    workloads = door(kernel, 1001, 1002)
    inside = [workloads.admit(connection) for _ in range(3)]
    assert [type(one) for one in inside] == [Caller, Caller, Refusal]
    kernel.uid = 1002
    other = workloads.admit(connection)
    assert isinstance(other, Caller)
    assert other.app == APP
    kernel.uid = 1001
    assert isinstance(inside[0], Caller)
    workloads.leave(inside[0])
    again = workloads.admit(connection)
    assert isinstance(again, Caller)
    for one in (inside[1], other, again):
        assert isinstance(one, Caller)
        workloads.leave(one)
    assert not workloads._inside
    assert not any(map(is_open, kernel.opened)), "a process is still held"


def test_all_users_together_have_all_the_places_only(connection: socket.socket) -> None:
    kernel = FakeKernel()
    workloads = door(kernel, *range(1001, 1011))
    admitted = []
    for uid in range(1001, 1011):
        kernel.uid = uid
        admitted.append(isinstance(workloads.admit(connection), Caller))
    assert admitted == [True] * 8 + [False] * 2


async def test_a_refusal_is_told_and_recorded_up_to_a_rate(connection: socket.socket) -> None:
    kernel = FakeKernel()
    workloads = door(kernel, 7)
    refusals = [workloads.admit(connection) for _ in range(4)]
    assert all(isinstance(one, Refusal) for one in refusals)
    assert [getattr(one, "error", None) is not None for one in refusals] == [True, True, False, False]
    for one in refusals:
        assert isinstance(one, Refusal)
        await one.record()
    log = workloads.audit
    assert isinstance(log, Log)
    assert [event.principal_name for event in log.events] == ["user 1001"] * 2
    assert not any(map(is_open, kernel.opened))


def test_the_owners_door_counts_too(connection: socket.socket) -> None:
    owners = OwnerDoor(connections=2)
    assert [owners.admit(connection) for _ in range(3)] == [OWNER, OWNER, Refusal()]
    owners.leave(OWNER)
    assert owners.admit(connection) == OWNER


def test_to_write_a_rule_is_to_let_others_launch() -> None:
    rule = APP.child("attestationRules", "default")
    needed = attestation_rules().links(Draft(rule, {}, {"uids": [1]}, None))
    assert needed == (Requirement(APP, (Permission(LAUNCH),)),)
