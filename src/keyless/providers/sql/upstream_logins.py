"""Who is whom at a relay's upstream: `Microsoft.Sql/servers/upstreamLogins`, one for each principal or group.

Owns the sealing of the passwords, which no answer shows. A login counts for the upstream that it was made for: who may
change where a relay leads must not get the passwords told that way.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Protocol

from keyless.management.arm import text_of
from keyless.management.resource_type import Draft, ResourceType
from keyless.model.errors import invalid, not_found
from keyless.model.resource import Resource
from keyless.model.resource_id import ResourceId
from keyless.model.secretstr import SecretStr
from keyless.providers.sql.upstreams import Upstream, upstream_of

NAME = "Microsoft.Sql/servers/upstreamLogins"
_MAX = 128


class Seals(Protocol):
    """What seals a row (`store.sealing.Sealer`)."""

    def seal(self, plaintext: bytes, *, context: bytes) -> bytes: ...

    def unseal(self, sealed: bytes, *, context: bytes) -> bytes: ...


def upstream_logins(sealer: Seals, servers: Callable[[ResourceId], Resource | None]) -> ResourceType:
    """The declaration; a login's name is the object ID of the principal or group that it is for."""

    def parse(draft: Draft) -> Mapping[str, object]:
        server = servers(draft.id.parent)
        if server is None:
            raise not_found(f"The SQL server {draft.id.parent.name!r} is not there.", "ParentResourceNotFound")
        upstream = upstream_of(server)
        if upstream is None:
            raise invalid("The server is no relay, so it has no logins at an upstream.", "NoUpstream")
        user, password = text_of(draft.properties, "user"), text_of(draft.properties, "password")
        if not 0 < len(user) <= _MAX or not 0 < len(password) <= _MAX or "\0" in user + password:
            raise invalid(
                f"A login at the upstream has a user and a password of 1 to {_MAX} characters.", "InvalidLogin"
            )
        sealed = sealer.seal(password.encode(), context=_context(draft.id, user, str(upstream)))
        return {"user": user, "upstream": str(upstream), "sealed": base64.b64encode(sealed).decode()}

    return ResourceType(
        NAME,
        re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"),
        "the object ID of a principal or group, in lower case.",
        parse,
        lambda login: {
            "principalId": login.name,
            "user": login.properties["user"],
            "upstream": login.properties["upstream"],
        },
        tracked=False,
    )


def login_at(server: ResourceId, principal_id: str) -> ResourceId:
    """The ID of the login that a principal or group has."""
    return server.child("upstreamLogins", principal_id)


def user_of(login: Resource) -> str:
    """Its name at the upstream."""
    return str(login.properties["user"])


def is_for(login: Resource, upstream: Upstream) -> bool:
    """Whether it was made for this upstream."""
    return login.properties["upstream"] == str(upstream)


def password_of(sealer: Seals, login: Resource) -> SecretStr:
    """Its password."""
    sealed = base64.b64decode(str(login.properties["sealed"]))
    context = _context(login.id, user_of(login), str(login.properties["upstream"]))
    return SecretStr(sealer.unseal(sealed, context=context).decode())


def _context(login: ResourceId, user: str, upstream: str) -> bytes:
    return "\0".join(("sql-upstream-login", login.key, user, upstream)).encode()
