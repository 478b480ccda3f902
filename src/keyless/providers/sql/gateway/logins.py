"""Who may connect to what: from a LOGIN7 and a token to a session's standing.

Owns the decision at the door, and looking at it again before every request. What somebody may do inside a database is
the engine's matter. Must not know packets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import uuid4

from keyless.model.audit import Audit, AuditEvent
from keyless.model.clock import Clock
from keyless.model.errors import KeylessError
from keyless.model.identity import Principal
from keyless.model.resource import Resource
from keyless.model.resource_id import ResourceId
from keyless.model.secretstr import SecretStr
from keyless.providers.sql import servers
from keyless.providers.sql.engine import Database, Engine, Login, Session, SqlError
from keyless.providers.sql.gateway.names import Names
from keyless.providers.sql.tds.login7 import Login7

FAMILY = "sql"
_CONNECT = "Microsoft.Sql/servers/databases/connect"
_LOGIN_FAILED, _NO_SERVER, _NO_DATABASE, _ENDED = 18_456, 40_532, 4_060, 18_456
_FATAL = 20


class Authenticate:
    """What verifies a token: `TokenAuthority.authenticate`. With `since` its times are compared with that moment."""

    def __call__(self, token: str, family: str, *, since: float | None = None) -> Principal:
        raise NotImplementedError
