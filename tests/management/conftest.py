"""Requests to the resource manager of a real server, and other principals than its owner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.harness import ARM, HeldLease, Owner, RunningServer

VERSION = "api-version=2024-01-01"


@dataclass
class Manager:
    """The resource manager as one principal sees it; its `token` stays that of the owner where none is given."""

    owner: Owner
    bearer: str = ""
    principal_id: str = ""

    def __call__(self, method: str, path: str, body: Any = None, **given: Any) -> httpx.Response:
        token = self.bearer or self.owner.token(ARM)
        address = f"{path}{'&' if '?' in path else '?'}{VERSION}"
        if body is not None:
            given["json"] = body
        return self.owner.send(method, "management", address, token, **given)

    @property
    def group(self) -> str:
        return self.owner.group

    def path(self, kind: str, name: str = "", group: str = "") -> str:
        """The path of a resource, or of all of a type in a group."""
        return f"{group or self.group}/providers/{kind}" + (f"/{name}" if name else "")


IDENTITIES = "Microsoft.ManagedIdentity/userAssignedIdentities"
SITES = "Microsoft.Web/sites"
VAULTS = "Microsoft.KeyVault/vaults"
ACCOUNTS = "Microsoft.Storage/storageAccounts"
ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"


@pytest.fixture
def arm(owner: Owner) -> Manager:
    return Manager(owner)


@pytest.fixture
def new_group(owner: Owner) -> str:
    """A resource group of the test's own."""
    path = f"{owner.subscription}/resourceGroups/g-{uuid4().hex[:8]}"
    owner.arm("PUT", path, {"location": "local"})
    return path


@pytest.fixture
def somebody(server: RunningServer, owner: Owner) -> Callable[..., Manager]:
    """A new principal with these roles at these scopes, and the resource manager as it sees it."""

    def make(*roles: tuple[str, str]) -> Manager:
        name = f"who-{uuid4().hex[:8]}"
        principal_id = owner.app(name, system=True)["identity"]["principalId"]
        for role, scope in roles:
            owner.assign(principal_id, role, scope)
        with HeldLease.open(server, name) as lease:
            return Manager(owner, lease.token(ARM), principal_id)

    return make


def code_of(answer: httpx.Response) -> str:
    """The error's code, from an envelope of the right shape."""
    body = answer.json()
    assert set(body) == {"error"}
    assert {"code", "message"} <= set(body["error"])
    assert body["error"]["message"]
    return str(body["error"]["code"])
