"""The operator's own PostgreSQL, in place of the embedded one.

Owns what it has to be, and that keyless comes to the right server: over TLS whose certificate is verified, or by a
socket of the same machine. Must not end it, nor remove what it does not know there. Backing it up is its operator's.

Source: PostgreSQL, "Connection Strings", "SSL Support" (libpq).
"""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from keyless.model.errors import ErrorKind, KeylessError, invalid
from keyless.model.secretstr import SecretStr
from keyless.providers.sql.postgres.access import Access, Server
from keyless.store.private_file import write_private

OLDEST = 18
_NAME = "KEYLESS_SQL_POSTGRES"
_OURS = {"user", "dbname", "options", "application_name", "client_encoding"}


class OperatorsOwn:
    """A server of the operator's. `marker` is a file that says from now on where the databases are."""

    alone = False

    def __init__(self, text: str, secret: SecretStr, marker: Path) -> None:
        """Raises INVALID for a connection string that will not do."""
        self._access = _access(text, secret)
        self._marker = marker

    async def start(self) -> Server:
        access = self._access
        try:
            async with await psycopg.AsyncConnection.connect(
                access.conninfo, user=access.administrator, dbname="postgres", autocommit=True
            ) as connection:
                found = await connection.execute(
                    "SELECT rolsuper, pg_catalog.current_setting('server_version')"
                    " FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER"
                )
                row = await found.fetchone()
                number = connection.info.server_version
        except psycopg.OperationalError as error:
            reason = (str(error).splitlines() or [""])[-1]
            raise _unfit(f"The PostgreSQL that {_NAME} names cannot be reached: {reason.rstrip('.')}.") from None
        assert row is not None
        if number < OLDEST * 10_000:
            raise _unfit(f"The PostgreSQL that {_NAME} names is {row[1]}: it has to be {OLDEST} or later.")
        if not row[0]:
            raise _unfit(
                f"The role {access.administrator!r} of {_NAME} is no superuser: name one, which making types takes."
            )
        if not self._marker.exists():
            write_private(self._marker, access.conninfo.encode())
        return _Running(access)

    def is_backed_up(self) -> bool:
        return False

    async def back_up(self, server: Server, folder: Path) -> None:
        """Its operator's matter."""


class _Running:
    alive = True

    def __init__(self, access: Access) -> None:
        self.access = access

    async def ended(self, within: float) -> bool:
        return False

    async def stop(self) -> None:
        """It is not ours to end."""


def _access(text: str, secret: SecretStr) -> Access:
    try:
        given = conninfo_to_dict(text)
    except psycopg.ProgrammingError:
        # its own message quotes the text, which may hold a password
        raise invalid(f"{_NAME} is no connection string: write postgresql://USER@HOST/?sslmode=verify-full.") from None
    if given.get("password") is not None:
        raise invalid(f"{_NAME} holds a password: put that into a file, and name the file with passfile=….")
    host, user = str(given.get("host") or ""), str(given.get("user") or "")
    if not host or not user or "service" in given:
        raise invalid(f"{_NAME} has to name a host and a user: write postgresql://USER@HOST/?sslmode=verify-full.")
    local = all(one.startswith(("/", "@")) for one in host.split(","))
    if not local and given.get("sslmode") != "verify-full":
        raise invalid(f"{_NAME} reaches {host} without knowing that it is the right one: add sslmode=verify-full.")
    kept = {name: value for name, value in given.items() if name not in _OURS}
    return Access(make_conninfo("", **({"connect_timeout": "10"} | kept)), user, secret, alone=False)


def _unfit(message: str) -> KeylessError:
    return KeylessError(ErrorKind.UNAVAILABLE, message, code="SqlNotStarted")
