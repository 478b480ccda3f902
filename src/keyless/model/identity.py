"""Principals: who a token can speak for.

Owns the noun. Must not know how principals are kept or looked up (`directory/`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class PrincipalKind(Enum):
    """What stands behind a principal."""

    USER_ASSIGNED = "user-assigned"  # a managed identity with its own life cycle
    SYSTEM_ASSIGNED = "system-assigned"  # a managed identity that lives and dies with one resource
    APPLICATION = "application"  # proves itself with a credential of its own; the owner is one
    USER = "user"
    GROUP = "group"  # never speaks: its members have what is assigned to it

    @property
    def principal_type(self) -> str:
        """What the resource manager calls it in a role assignment."""
        return _TYPES.get(self, "ServicePrincipal")


_TYPES = {PrincipalKind.USER: "User", PrincipalKind.GROUP: "Group"}


@dataclass(frozen=True)
class Principal:
    """One principal of the tenant.

    `principal_id` is the object ID (`oid`) that role assignments name, `client_id` the application ID
    (`appid`) that code names (users and groups have none), `resource_id` the resource that a managed identity belongs
    to or is. One that is not `enabled` gets no token, and those that it has count no more.
    """

    principal_id: str
    client_id: str
    display_name: str
    kind: PrincipalKind
    resource_id: str = ""
    enabled: bool = True
