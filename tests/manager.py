"""Requests to the resource manager of a real server, and other principals than its owner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from tests.harness import ARM, Owner

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


def code_of(answer: httpx.Response) -> str:
    """The error's code, from an envelope of the right shape."""
    body = answer.json()
    assert set(body) == {"error"}
    assert {"code", "message"} <= set(body["error"])
    assert body["error"]["message"]
    return str(body["error"]["code"])
