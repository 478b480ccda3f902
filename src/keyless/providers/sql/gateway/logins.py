"""Who may connect to what: from a LOGIN7 and a token to a session.

Owns the decision at the door, and looking at it again before every request. What somebody may do inside a database is
the engine's matter. Must not know packets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

from keyless.model.audit import Audit, AuditEvent
from keyless.model.clock import Clock
from keyless.model.errors import KeylessError
from keyless.model.identity import Principal
from keyless.model.resource import Resource
from keyless.model.resource_id import ResourceId
from keyless.model.secretstr import SecretStr
from keyless.providers.sql.engine import Database, Engine, Login, Session, SqlError
from keyless.providers.sql.gateway.names import Names
from keyless.providers.sql.relay.relays import Relays
from keyless.providers.sql.relay.upstream import Opened
from keyless.providers.sql.servers import DATABASES, MASTER, SERVERS, database_of, is_administrator
from keyless.providers.sql.tds.login7 import Login7
from keyless.providers.sql.tds.login7_request import LoginRequest
from keyless.providers.sql.upstream_logins import user_of
from keyless.providers.sql.upstreams import Upstream, upstream_of

FAMILY = "sql"
_CONNECT = "Microsoft.Sql/servers/databases/connect"
_LOGIN_FAILED, _NO_SERVER, _NO_DATABASE = 18_456, 40_532, 4_060
_LOGIN_SEVERITY, _DATABASE_SEVERITY, _FATAL = 14, 11, 20
_HOW = (
    "connect with an access token for https://database.windows.net/, or with one of the driver's own modes such as"
    " Authentication=ActiveDirectoryMSI or ActiveDirectoryDefault under `keyless run`"
)


class Authenticate(Protocol):
    """What verifies a token (`TokenAuthority.authenticate`); its times are compared with `at`, or with now."""

    def __call__(self, token: str, family: str, *, at: float | None = None) -> Principal: ...


class Found(Protocol):
    """The resources (`management.resources.Resources`)."""

    def get(self, resource_id: ResourceId) -> Resource | None: ...

    def named(self, resource_type: str, name: str) -> Resource | None: ...

    def all_named(self, resource_type: str, name: str) -> list[Resource]: ...


@dataclass(frozen=True)
class Admitted:
    """A session, with what it stands on."""

    session: Session
    login: Login
    server: str
    check: Callable[[], None]


@dataclass(frozen=True)
class Relayed:
    """A connection to an upstream whose login has been answered."""

    opened: Opened
    server: str
    check: Callable[[], None]


@dataclass(frozen=True)
class Logins:
    """The door. `groups` gives the groups that a principal is in."""

    names: Names
    tenant: str
    authenticate: Authenticate
    resources: Found
    groups: Callable[[str], Sequence[str]]
    relays: Relays
    audit: Audit
    clock: Clock

    def authority(self, asked: Login7) -> tuple[str, str]:
        """Where a client asks for its token, and for which resource."""
        return f"{self.names.login(asked.server)}/{self.tenant}", self.names.resource(asked.server)

    async def admit(self, engine: Engine, asked: Login7, token: SecretStr, request: LoginRequest) -> Admitted | Relayed:
        """A session for whoever holds the token, here or at an upstream; raises SqlError for a refusal.

        `request` is what the client asked for beside its token, for an upstream.
        """
        since = self.clock()
        principal = self._principal(token, since)
        server, database = self._place(asked)
        login = self._login(asked, principal, server, database)
        upstream = upstream_of(server)

        def check() -> None:
            self._stands(asked, token, since, login)

        try:
            if upstream:
                return await self._relay(server, upstream, login, request, check)
            session = await engine.open(login)
        except SqlError as error:
            await self._audited(login, "denied", error.message)
            raise
        await self._audited(login, "allowed", "The engine knows the principal in this database.")
        return Admitted(session, login, server.name, check)

    async def _relay(
        self, server: Resource, upstream: Upstream, login: Login, request: LoginRequest, check: Callable[[], None]
    ) -> Relayed:
        held = self.relays.login(server, upstream, login.principal)
        opened = await self.relays.open(server, upstream, login.principal, held, request)

        def check_there() -> None:
            check()
            now = self.resources.get(server.id)
            try:
                same = now is not None and upstream_of(now) == upstream
                if same and self.relays.stands(server, upstream, login.principal, held):
                    return
            except SqlError as error:
                raise _over(error.message) from None
            raise _over("The login at the upstream has changed: connect again.")

        try:
            await self._audited(login, "allowed", f"It is {user_of(held)!r} at the upstream {upstream}.")
        except BaseException:
            await opened.channel.close(0)
            raise
        return Relayed(opened, server.name, check_there)

    def _principal(self, token: SecretStr, at: float) -> Principal:
        try:
            return self.authenticate(token.reveal(), FAMILY, at=at)
        except KeylessError as error:
            raise _failed("<token-identified principal>", error.message) from None

    def _place(self, asked: Login7) -> tuple[Resource, Database | None]:
        wanted = asked.database.strip("[]") if asked.database else MASTER
        server = self._server(asked.server, wanted)
        if wanted.lower() == MASTER:
            return server, None
        found = self.resources.get(ResourceId((*server.id.segments, "databases", wanted)))
        if found is None:
            message = f'Cannot open database "{wanted}" requested by the login. The login failed.'
            raise SqlError(_NO_DATABASE, message, severity=_DATABASE_SEVERITY)
        return server, database_of(found)

    def _server(self, host: str, database: str) -> Resource:
        """The server by the host name that the client used; this machine's own names stand for its only fitting one."""
        name = self.names.server(host)
        found = self.resources.named(SERVERS, name) if name else None
        if name == "":
            holders = [self.resources.get(one.id.parent) for one in self.resources.all_named(DATABASES, database)]
            if len(holders) == 1:
                found = holders[0]
        if found is None:
            address = self.names.address("SERVER")
            message = (
                f'Cannot open server "{host[:128]}" requested by the login: connect to {address}. The login failed.'
            )
            raise SqlError(_NO_SERVER, message, severity=_DATABASE_SEVERITY)
        return found

    def _login(self, asked: Login7, principal: Principal, server: Resource, database: Database | None) -> Login:
        groups = tuple(self.groups(principal.principal_id))
        administrator = is_administrator(server, principal, groups)
        return Login(server.id, database, principal, administrator, asked.host, asked.application, groups)

    def _stands(self, asked: Login7, token: SecretStr, since: float, login: Login) -> None:
        """Raise SqlError where a login would not be what it was: the session is over then.

        A token that has expired since does no harm: like SQL Server, the gateway asks for it at the door only.
        """
        try:
            server, database = self._place(asked)
            now = self._login(asked, self._principal(token, since), server, database)
        except SqlError as error:
            raise _over(error.message) from None
        if (now.server, now.database, now.administrator) != (login.server, login.database, login.administrator):
            raise _over("What the login was allowed has changed: connect again.")

    async def _audited(self, login: Login, decision: str, reason: str) -> None:
        scope = login.database.id if login.database else login.server
        event = AuditEvent(
            str(uuid4()),
            FAMILY,
            "Connect",
            str(scope),
            _CONNECT,
            login.principal.principal_id,
            login.principal.display_name,
            decision,
            reason,
        )
        try:
            await self.audit.decision(event, durable=decision == "denied")
        except KeylessError as error:
            raise SqlError(_LOGIN_FAILED, error.message, severity=_LOGIN_SEVERITY) from None


def no_password(user: str) -> SqlError:
    """The refusal of a login with a password, or with nothing."""
    return _failed(user[:128], f"There are no passwords here: {_HOW}.")


def _failed(who: str, why: str) -> SqlError:
    return SqlError(_LOGIN_FAILED, f"Login failed for user '{who}'. {why}", severity=_LOGIN_SEVERITY)


def _over(why: str) -> SqlError:
    return SqlError(_LOGIN_FAILED, f"The session is over. {why}", severity=_FATAL)
