"""The transaction of a session: its depth, its savepoints, and the savepoint behind each statement.

Owns what SQL Server keeps of a transaction. An error ends the statement only, so every statement inside of one stands
behind a savepoint: PostgreSQL would give up the whole. Must not know statements.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType

import psycopg
from psycopg.pq import TransactionStatus

from keyless.providers.sql.engine import Isolation, SqlError
from keyless.providers.sql.postgres.errors import translated
from keyless.providers.sql.tsql.names import quoted
from keyless.providers.sql.types import Value

_LEVELS = {
    Isolation.REPEATABLE_READ: "REPEATABLE READ",
    Isolation.SNAPSHOT: "REPEATABLE READ",
    Isolation.SERIALIZABLE: "SERIALIZABLE",
}
_ENDS_ALL = {1205, 3960}

Connection = psycopg.AsyncConnection[tuple[Value, ...]]
Afterwards = Callable[[], Awaitable[None]]


class Transactions:
    """The transaction of one connection; PostgreSQL's begins with the first statement in it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._numbers = 0
        self._lasting: dict[str, str] = {}
        #: Whether the last one that ended was committed.
        self.committed = False
        self.forget()

    def forget(self) -> None:
        """As after connecting; nothing is said to PostgreSQL."""
        self.depth = 0
        #: It can only be rolled back (XACT_STATE() = -1).
        self.doomed = False
        self.isolation = Isolation.READ_COMMITTED
        self._begun = False
        self._name = ""
        self._savepoints: list[str] = []
        self._afterwards: Afterwards | None = None

    @property
    def number(self) -> int:
        """0 outside of a transaction; one that no earlier transaction had inside of it."""
        return self._numbers if self.depth else 0

    def begin(self, isolation: Isolation, name: str) -> None:
        """Begin one, or one more inside of it."""
        if isolation is not Isolation.UNCHANGED:
            self.isolation = isolation
        if not self.depth:
            self._numbers += 1
            self._name = name.lower()
            self._savepoints = []
        self.depth += 1

    async def commit(self) -> None:
        """End the innermost; the outermost is what counts."""
        if not self.depth:
            raise SqlError(3902, "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.")
        if self.doomed:
            raise doomed()
        self.depth -= 1
        if not self.depth:
            self.committed = False
            await self._end("COMMIT")
            self.committed = True

    async def rollback(self, name: str) -> None:
        """Roll all back, or to a savepoint."""
        if not self.depth:
            raise SqlError(3903, "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.")
        if name and name.lower() != self._name:
            if self.doomed:
                message = (
                    "The current transaction cannot be rolled back to a savepoint. Roll back the entire transaction."
                )
                raise SqlError(3931, message)
            if name.lower() not in self._savepoints:
                raise SqlError(6401, f"Cannot roll back {name}. No transaction or savepoint of that name was found.")
            del self._savepoints[self._savepoints.index(name.lower()) + 1 :]
            await self._connection.execute(f"ROLLBACK TO SAVEPOINT {quoted('s ' + name)}")
            await self._set_again()
            return
        await self.give_up()

    async def save(self, name: str) -> None:
        """Set a savepoint."""
        if not self.depth:
            raise SqlError(628, "Cannot issue SAVE TRANSACTION when there is no active transaction.")
        await self.start()
        await self._connection.execute(f"SAVEPOINT {quoted('s ' + name)}")
        if name.lower() in self._savepoints:
            self._savepoints.remove(name.lower())
        self._savepoints.append(name.lower())

    async def give_up(self) -> None:
        """Roll back whatever there is."""
        self.depth, self.doomed, self.committed = 0, False, False
        await self._end("ROLLBACK")

    def doom(self) -> None:
        """An error left it so that it can only be rolled back."""
        self.doomed = True

    async def lose(self) -> None:
        """PostgreSQL's own has to end at once, because others wait for it; what is left can only be rolled back."""
        self.doomed = True
        await self._end("ROLLBACK")

    async def start(self) -> None:
        """PostgreSQL's own transaction begins, if it has not yet."""
        if not self._begun:
            await self._connection.execute(f"BEGIN ISOLATION LEVEL {_LEVELS.get(self.isolation, 'READ COMMITTED')}")
            self._begun = True

    def guarded(self) -> Guard:
        """Around each statement."""
        return Guard(self, self._connection)

    async def set(self, name: str, value: str) -> None:
        """Set something of PostgreSQL's for the session. As in SQL Server, no rollback takes it back."""
        async with self.guarded():
            await self._connection.execute(_setting(name, value))
        self._lasting[name] = value

    async def reset_settings(self) -> None:
        """As after connecting."""
        for name in self._lasting:
            await self._connection.execute(_setting(name, "DEFAULT"))
        self._lasting.clear()

    async def _set_again(self) -> None:
        for name, value in self._lasting.items():
            await self._connection.execute(_setting(name, value))

    async def once_committed(self, work: Afterwards) -> None:
        """Do this when the transaction has been committed: now, where there is none. A rollback forgets it."""
        if self.depth:
            self._afterwards = work
        else:
            await work()

    async def _end(self, verb: str) -> None:
        afterwards, self._afterwards = self._afterwards, None
        if self._begun:
            self._begun = False
            try:
                await self._connection.execute(verb)
            except psycopg.Error as error:
                self.depth = 0
                if not self._connection.closed:
                    await self._set_again()
                raise translated(error) from None
            if verb != "COMMIT":
                await self._set_again()
            elif afterwards is not None:
                await afterwards()


def _setting(name: str, value: str) -> str:
    # a plan may hold a constant that was read the way that dates were written before
    return f"SET {name} = {value}" + ("; DISCARD PLANS" if name == "DateStyle" else "")


def doomed() -> SqlError:
    """The error for what a transaction cannot do any more."""
    message = "The current transaction cannot be committed and cannot support operations that write to the log file."
    return SqlError(3930, f"{message} Roll back the transaction.")


class Guard:
    """A statement's savepoint; none outside of a transaction."""

    def __init__(self, transactions: Transactions, connection: Connection) -> None:
        self._transactions = transactions
        self._connection = connection
        self._inside = False

    async def __aenter__(self) -> None:
        self._inside = self._transactions.depth > 0
        if self._inside:
            await self._transactions.start()
            await self._connection.execute('SAVEPOINT "~s"')

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        connection = self._connection
        if not self._inside or connection.closed:
            return
        if connection.info.transaction_status is TransactionStatus.INERROR or error is not None:
            if isinstance(error, psycopg.Error) and translated(error).number in _ENDS_ALL:
                await self._transactions.lose()
                return
            await asyncio.shield(connection.execute('ROLLBACK TO SAVEPOINT "~s"'))
        await connection.execute('RELEASE SAVEPOINT "~s"')
