"""SQL drivers' side of an instance: the gateway and the engine behind it, from their start to their end.

Owns which part of the instance the gateway is handed.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from socket import socket

from keyless.http.tls import Spoken, TlsStore
from keyless.management.resources import Resources
from keyless.model.resource_id import ResourceId
from keyless.providers.sql.engine import Engine
from keyless.providers.sql.gateway.channel import Contexts
from keyless.providers.sql.gateway.gateway import Gateway
from keyless.providers.sql.gateway.logins import Logins
from keyless.providers.sql.servers import DATABASES, DatabaseDeleted, database_of
from keyless.store.engine import Store

log = logging.getLogger("keyless")

# one driver's TLS within packets fails with anything later
_WITHIN = Spoken("", ssl.TLSVersion.TLSv1_2)
_STRICT = Spoken("tds/8.0")


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
        await self.engine.start([database_of(one) for one in self.resources.below(self.subscription, DATABASES)])
        for listener in listeners:
            self.gateway.start(listener)

    async def stop(self) -> None:
        """End the sessions, then the engine."""
        await self.gateway.stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.engine.close()

    def deleted(self, change: DatabaseDeleted) -> None:
        """A database has been deleted: what it held goes now, or at the next start."""
        task = asyncio.get_running_loop().create_task(self._delete(change))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _delete(self, change: DatabaseDeleted) -> None:
        try:
            await self.engine.delete_database(change.database)
        except Exception as error:
            log.error("a deleted database stays until the next start: %s", type(error).__name__)


def sql_side(
    engine: Engine, logins: Logins, tls: TlsStore, store: Store, resources: Resources, subscription: ResourceId
) -> SqlSide:
    """Put it together."""
    contexts = Contexts(within=tls.server_context(_WITHIN), strict=tls.server_context(_STRICT))
    side = SqlSide(engine, Gateway(engine, logins, contexts), resources, subscription)
    store.subscribe(DatabaseDeleted, side.deleted)
    return side
