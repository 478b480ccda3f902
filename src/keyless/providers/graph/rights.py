"""What the directory's operations require: actions of the directory, at the root of the tenant.

Owns their names, which are those of the cloud's directory roles. They are required at `/`, above every subscription, so
that no role over resources gives anybody the directory.

Source: Microsoft Entra, "built-in roles" (`microsoft.directory/…`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from keyless.http.message import Response
from keyless.http.surface import Call, Operation
from keyless.model.access import Permission, Requirement
from keyless.model.resource_id import ROOT

#: Who may change an application's credentials can become it.
CREDENTIALS = "applications/credentials/update"


def need(action: str) -> tuple[Requirement, ...]:
    """The requirement of an action, such as `users/create`."""
    return (Requirement(ROOT, (Permission(f"microsoft.directory/{action}"),)),)


def reads(kind: str, handle: Callable[[Call], Awaitable[Response]]) -> Operation:
    """An operation that reads objects of a kind."""
    action = f"{kind}/standard/read"
    return Operation(f"microsoft.directory/{action}", handle, need(action))


def changes(action: str, handle: Callable[[Call], Awaitable[Response]]) -> Operation:
    """An operation that changes something."""
    return Operation(f"microsoft.directory/{action}", handle, need(action), changes=True)
