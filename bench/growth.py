"""How the decision on a request grows with the number of role assignments. `python -m bench.growth` prints µs as JSON.

A process of its own, whose memory ends with it. The assignments lie as in an organisation: of many principals, at
vaults in many resource groups; what is timed are decisions on secrets, each of another of these assignments.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from typing import Any, cast
from uuid import UUID

from keyless.model.access import Allowed, Assignment, Permission, Requirement
from keyless.model.identity import Principal, PrincipalKind
from keyless.model.resource_id import ResourceId, parse_resource_id
from keyless.providers.authorization.assignments import Assignments, AssignmentWritten
from keyless.providers.authorization.builtin_roles import BUILTIN_ROLES
from keyless.store.engine import Store

FEW, MANY = 100, 1_000_000
DECISIONS = 20_000
ROUNDS = 7
_ROLE = "4633458b-17de-408a-b874-0445c86b69e6"  # Key Vault Secrets User
_READ = (Permission("Microsoft.KeyVault/vaults/secrets/getSecret/action", data=True),)
_SUBSCRIPTION = "/subscriptions/11111111-1111-1111-1111-111111111111"


class _Changes:
    """As much of a store as the assignments in memory need: who wants to know of which change."""

    def __init__(self) -> None:
        self.apply: dict[type, Callable[[Any], None]] = {}

    def subscribe(self, kind: type, apply: Callable[[Any], None]) -> None:
        self.apply[kind] = apply


def _assignment(number: int) -> Assignment:
    principal = str(UUID(int=number % 50_000))
    vault = f"{_SUBSCRIPTION}/resourceGroups/group-{number % 1000}/providers/Microsoft.KeyVault/vaults/v{number}"
    return Assignment(f"{vault}/providers/{UUID(int=number)}", principal, _ROLE, vault)


def _assigned(count: int) -> Assignments:
    changes = _Changes()
    held = Assignments(cast("Store", changes), {role.guid: role for role in BUILTIN_ROLES})
    for number in range(count):
        changes.apply[AssignmentWritten](AssignmentWritten(_assignment(number)))
    return held


def _requests(count: int) -> Sequence[tuple[Principal, ResourceId]]:
    """Some callers, each with a vault that it may read."""
    chosen = random.Random(1).choices(range(count), k=100)
    asked = (_assignment(number) for number in chosen)
    kind = PrincipalKind.USER_ASSIGNED
    return [(Principal(a.principal_id, a.principal_id, "app", kind, ""), parse_resource_id(a.scope)) for a in asked]


def _micros(held: Assignments, requests: Sequence[tuple[Principal, ResourceId]]) -> float:
    """The CPU time of one decision."""
    began = time.process_time()
    for number in range(DECISIONS):
        caller, vault = requests[number % len(requests)]
        decision = held.authorise(caller, [Requirement(vault.child("secrets", "one"), _READ)])
        assert isinstance(decision, Allowed)
    return (time.process_time() - began) / DECISIONS * 1e6


if __name__ == "__main__":
    sides = [(_assigned(count), _requests(count)) for count in (FEW, MANY)]
    # by turns, and the best of each: what else the machine does only ever adds
    rounds = [[_micros(*side) for side in sides] for _ in range(ROUNDS)]
    few, many = (min(times) for times in zip(*rounds, strict=True))
    print(json.dumps({"few": few, "many": many}))
