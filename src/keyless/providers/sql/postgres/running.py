"""Runs one step of a plan and tells what came of it.

Owns the way from a step to events. What is remembered stands in `settings`, `transactions` and `describing`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

import psycopg

from keyless.providers.sql.engine import Columns, Command, Done, Events, Isolation, Rows, SqlError
from keyless.providers.sql.postgres.administration import Administration
from keyless.providers.sql.postgres.describing import Descriptions
from keyless.providers.sql.postgres.identities import Identities
from keyless.providers.sql.postgres.settings import Settings
from keyless.providers.sql.postgres.statements import Stale, Statements
from keyless.providers.sql.postgres.transactions import Connection, Transactions
from keyless.providers.sql.tsql.plan import OPEN, Action, Step
from keyless.providers.sql.tsql.types import of_parameter
from keyless.providers.sql.types import Row, SqlType, Value

_BEGINS = {Action.CHANGE, Action.DEFINE, Action.BEGIN, Action.CREATE_USER, Action.ADMINISTER}


#: Options of SET that are PostgreSQL's to carry out.
_POSTGRES_OWN = {"LOCK_TIMEOUT": "lock_timeout", "DATEFORMAT": "DateStyle"}


class Runner:
    """Runs the steps of one session."""

    def __init__(
        self,
        connection: Connection,
        transactions: Transactions,
        settings: Settings,
        descriptions: Descriptions,
        statements: Statements,
        administration: Administration,
    ) -> None:
        self._connection = connection
        self._transactions = transactions
        self._settings = settings
        self._descriptions = descriptions
        self._administration = administration
        self._statements = statements
        self._identities = Identities(connection, transactions, settings)

    async def run(self, step: Step, values: Mapping[str, Value]) -> Events:
        """One step; `values` are the parameters by name, folded. Raises psycopg's errors and SqlError."""
        if self._settings.format_only and step.action is not Action.SET:
            if step.action is Action.QUERY:
                async with self._transactions.guarded():
                    yield Columns(await self._descriptions.describe(step))
            yield Done(0 if step.action is Action.QUERY else None, step.command)
            return
        step = await self.completed(step)
        transactions = self._transactions
        if step.locks:
            async with aclosing(self._locked(step, values)) as events:
                async for event in events:
                    yield event
            return
        if self._settings.implicit and not transactions.depth and (step.action in _BEGINS or _reads_a_table(step)):
            transactions.begin(Isolation.UNCHANGED, "")
        if step.action is Action.QUERY:
            async with aclosing(self._query(step, values)) as events:
                async for event in events:
                    yield event
        elif step.action is Action.CHANGE:
            yield await self._change(step, values)
        else:
            await self._other(step, values)
            yield Done(command=step.command)

    async def _locked(self, step: Step, values: Mapping[str, Value]) -> Events:
        """A step behind its locks, in a transaction of its own if there is none."""
        transactions = self._transactions
        alone = not transactions.depth and not self._settings.implicit
        if not transactions.depth:
            transactions.begin(Isolation.UNCHANGED, "")
        try:
            async with transactions.guarded():
                for lock in step.locks:
                    await self._connection.execute(lock)
            async with aclosing(self.run(replace(step, locks=()), values)) as events:
                async for event in events:
                    yield event
        except BaseException:
            if alone:
                await transactions.give_up()
            raise
        if alone:
            await transactions.commit()

    async def _change(self, step: Step, values: Mapping[str, Value]) -> Done:
        cursor = await self._execute(step.sql, step, values)
        if step.sql.startswith("CREATE"):
            self._descriptions.forget()
        self._settings.count = max(cursor.rowcount, 0)
        await self._identities.inserted(step)
        return self._counted(step)

    async def _other(self, step: Step, values: Mapping[str, Value]) -> None:
        transactions, first = self._transactions, step.arguments[0] if step.arguments else ""
        match step.action:
            case Action.SET if first in _POSTGRES_OWN:
                await transactions.set(_POSTGRES_OWN[first], step.arguments[1])
            case Action.SET:
                self._set(step)
            case Action.BEGIN:
                transactions.begin(Isolation.UNCHANGED, first)
            case Action.COMMIT:
                await transactions.commit()
            case Action.ROLLBACK:
                await transactions.rollback(first)
            case Action.SAVE:
                await transactions.save(first)
            case Action.IDENTITY_INSERT:
                await self._identities.set_insert(*step.arguments)
            case Action.CALL:
                await self._execute(step.sql, step, values)
                self._descriptions.forget()
            case _:
                await self._administration.run(step)
                self._descriptions.forget()
        self._settings.count = 0

    def _set(self, step: Step) -> None:
        what, *value = step.arguments
        if what == "NOCOUNT":
            self._settings.silent = value == ["ON"]
        elif what == "IMPLICIT_TRANSACTIONS":
            self._settings.implicit = value == ["ON"]
        elif what == "XACT_ABORT":
            self._settings.xact_abort = value == ["ON"]
        elif what == "FMTONLY":
            self._settings.format_only = value == ["ON"]
        elif what == "ISOLATION":
            self._transactions.isolation = Isolation[value[0]]

    async def _execute(self, sql: str, step: Step, values: Mapping[str, Value]) -> psycopg.AsyncCursor[Row]:
        async with self._transactions.guarded():
            return await self._connection.execute(sql, self._values(step, values) or None)

    async def _query(self, step: Step, values: Mapping[str, Value]) -> Events:
        try:
            async with aclosing(self._results(step, values)) as events:
                async for event in events:
                    yield event
        except Stale:  # nothing was given yet
            self._descriptions.forget()
            async with aclosing(self._results(step, values)) as events:
                async for event in events:
                    yield event
        await self._identities.inserted(step)
        yield self._counted(step)

    async def _results(self, step: Step, values: Mapping[str, Value]) -> Events:
        count, described = 0, False
        async with self._transactions.guarded():
            await self._descriptions.look_up(step)
            async with aclosing(self._statements.run(step.sql, self._values(step, values))) as parts:
                async for part in parts:
                    if not described:
                        yield Columns(self._descriptions.columns(part.description, step, part.rows))
                        described = True
                    if part.rows:
                        yield Rows(part.rows)
                        count += len(part.rows)
        self._settings.count = count

    async def completed(self, step: Step) -> Step:
        """A step with what only the session knows."""
        return await self._identities.completed(step) if OPEN in step.sql else step

    async def insert(self, step: Step, columns: Mapping[str, SqlType], rows: Sequence[Row]) -> Done:
        """INSERT of rows that are there already; `step` is the statement without them."""
        step = await self.completed(step)
        places = ", ".join(f"${place}::{of_parameter(type_)}" for place, type_ in enumerate(columns.values(), 1))
        if rows:
            async with self._transactions.guarded(), self._connection.cursor() as cursor:
                try:
                    await cursor.executemany(f"{step.sql}VALUES ({places})", rows)
                except psycopg.errors.SyntaxError:
                    message = "Column name or number of supplied values does not match table definition."
                    raise SqlError(213, message) from None
        self._settings.count = len(rows)
        await self._identities.inserted(step)
        return self._counted(step)

    async def last(self, step: Step, values: Mapping[str, Value]) -> tuple[Row | None, int]:
        """A query's last row, and how many there were; nobody is told of them."""
        try:
            return await self._last(step, values)
        except Stale:
            return await self._last(step, values)

    async def _last(self, step: Step, values: Mapping[str, Value]) -> tuple[Row | None, int]:
        row, count = None, 0
        taken = self._values(step, values)
        async with self._transactions.guarded(), aclosing(self._statements.run(step.sql, taken)) as parts:
            async for part in parts:
                if part.rows:
                    row, count = part.rows[-1], count + len(part.rows)
        return row, count

    def _counted(self, step: Step) -> Done:
        return Done(None if self._settings.silent else self._settings.count, step.command)

    def _values(self, step: Step, values: Mapping[str, Value]) -> list[Value]:
        return [values[name] if name in values else self._settings.value(name) for name in step.parameters]


def _reads_a_table(step: Step) -> bool:
    """Whether a query begins a transaction under IMPLICIT_TRANSACTIONS: SELECT 1 does not."""
    return step.action is Action.QUERY and (step.command is not Command.SELECT or " FROM " in step.sql)
