"""Who becomes whom at the upstream of a relay, and the connection that follows.

Owns the choice of the login: the principal's own, or that of the only one of its groups that has one. Nobody else gets
in. Must not know packets (`upstream.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from keyless.model.identity import Principal
from keyless.model.resource import Resource
from keyless.model.resource_id import ResourceId
from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.relay.trust import Trust
from keyless.providers.sql.relay.upstream import Opened, log_in
from keyless.providers.sql.tds.login7_request import LoginRequest
from keyless.providers.sql.upstream_logins import Seals, is_for, login_at, password_of, user_of
from keyless.providers.sql.upstreams import Upstream

_LOGIN_FAILED, _SEVERITY = 18_456, 14


@dataclass(frozen=True)
class Relays:
    """`resource` finds a resource, `groups` those that a principal is in."""

    resource: Callable[[ResourceId], Resource | None]
    sealer: Seals
    groups: Callable[[str], Sequence[str]]
    trust: Trust

    def login(self, server: Resource, upstream: Upstream, principal: Principal) -> Resource:
        """The login that a principal has there; raises SqlError 18456 where it has none, or more than one."""
        own = self._held(server, upstream, [principal.principal_id])
        found = own or self._held(server, upstream, self.groups(principal.principal_id))
        if len(found) == 1:
            return found[0]
        has = "Several of its groups have a login" if found else "It has no login"
        raise failed(
            principal, f"{has} at the upstream {upstream}: give it one with `keyless sql login add {server.name}`."
        )

    def stands(self, server: Resource, upstream: Upstream, principal: Principal, login: Resource) -> bool:
        """Whether the principal would be let in as the same login now; raises SqlError as `login` does."""
        now = self.login(server, upstream, principal)
        return (now.id, now.changed) == (login.id, login.changed)

    async def open(
        self, server: Resource, upstream: Upstream, principal: Principal, login: Resource, asked: LoginRequest
    ) -> Opened:
        """Log in there for the client that asked so; raises SqlError."""
        context, password = await self.trust.of(upstream), password_of(self.sealer, login)
        opened = await log_in(upstream, context, user_of(login), password, asked)
        if opened.answer.acknowledged:
            return opened
        await opened.channel.close(0)
        said = opened.answer.errors
        if said and said[0].number != _LOGIN_FAILED:
            raise SqlError(said[0].number, said[0].message, severity=said[0].severity, state=said[0].state)
        raise failed(
            principal,
            f"The upstream {upstream} refused its login {user_of(login)!r}: set the password again with"
            f" `keyless sql login add {server.name}`.",
        )

    def _held(self, server: Resource, upstream: Upstream, ids: Sequence[str]) -> list[Resource]:
        held = (self.resource(login_at(server.id, one)) for one in ids)
        return [one for one in held if one is not None and is_for(one, upstream)]


def failed(principal: Principal, why: str) -> SqlError:
    """A refusal at the door."""
    return SqlError(_LOGIN_FAILED, f"Login failed for user '{principal.display_name}'. {why}", severity=_SEVERITY)
