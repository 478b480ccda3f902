"""One session of a client: one connection to PostgreSQL, logged in as the client's own role.

Owns the port to the gateway (`engine.Session`). Its parts: `transactions`, `settings`, `describing`, `running`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

import psycopg

from keyless.providers.sql.engine import Events, FindPrincipal, Isolation, Login, Output, SqlError
from keyless.providers.sql.postgres import loading
from keyless.providers.sql.postgres.administration import Administration
from keyless.providers.sql.postgres.describing import Descriptions
from keyless.providers.sql.postgres.errors import translated
from keyless.providers.sql.postgres.frames import frame
from keyless.providers.sql.postgres.plans import Plans
from keyless.providers.sql.postgres.running import Runner
from keyless.providers.sql.postgres.settings import Settings
from keyless.providers.sql.postgres.statements import Statements
from keyless.providers.sql.postgres.suggestions import suggested
from keyless.providers.sql.postgres.transactions import Connection, Transactions
from keyless.providers.sql.postgres.workings import Workings
from keyless.providers.sql.tsql.flow import Program
from keyless.providers.sql.tsql.plan import Action, Step
from keyless.providers.sql.tsql.reader import mentioned
from keyless.providers.sql.types import Column, Kind, Parameter, Row, SqlType, Value


class PostgresSession:
    """A session."""

    def __init__(
        self,
        connection: Connection,
        login: Login,
        own: Mapping[int, Kind],
        plans: Plans,
        find: FindPrincipal,
        changed: Callable[[], Awaitable[None]],
        closed: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._own = own
        self._plans = plans
        self._closed = closed
        self._transactions = Transactions(connection)
        self._settings = Settings(login, self._transactions)
        statements = Statements(connection)
        self._descriptions = Descriptions(connection, statements, own)
        administration = Administration(connection, self._transactions, login.administrator, find, changed)
        runner = Runner(connection, self._transactions, self._settings, self._descriptions, statements, administration)
        self._workings = Workings(connection, self._transactions, self._settings, self._descriptions, runner, plans)
        self._over: SqlError | None = None

    @property
    def transaction(self) -> int:
        return self._transactions.number

    @property
    def committed(self) -> bool:
        return self._transactions.committed

    async def run(self, text: str, parameters: Sequence[Parameter] = ()) -> Events:
        if self._over is not None:
            raise self._over
        interpreter = self._workings.interpreter
        interpreter.begin()
        batch = frame(await self._program(text, parameters), _types(parameters), _values(parameters), None)
        async with aclosing(interpreter.batch(batch)) as events:
            async for event in events:
                yield event
        for parameter in parameters:
            if parameter.output:
                yield Output(replace(parameter, value=batch.values[parameter.name.lower()]))

    async def call(self, procedure: str, parameters: Sequence[Parameter] = ()) -> Events:
        if self._over is not None:
            raise self._over
        self._workings.interpreter.begin()
        async with aclosing(self._workings.calls.call(procedure, parameters)) as events:
            async for event in events:
                yield event

    async def load(self, text: str, columns: Sequence[Column], rows: AsyncIterator[Sequence[Row]]) -> int:
        if self._over is not None:
            raise self._over
        return await loading.load(self._connection, self._transactions, text, columns, rows)

    async def describe(self, text: str, parameters: Sequence[Parameter] = ()) -> tuple[Column, ...]:
        code = (await self._program(text, parameters)).code
        step = next((step for step in code if isinstance(step, Step) and step.action is Action.QUERY), None)
        if step is None:
            return ()
        try:
            async with self._transactions.guarded():
                return await self._descriptions.describe(await self._workings.runner.completed(step))
        except psycopg.Error as error:
            raise translated(error, step.line) from None

    async def describe_parameters(self, text: str, declared: Sequence[Parameter] = ()) -> tuple[Parameter, ...]:
        async with self._transactions.guarded():
            types = await suggested(self._connection, self._own, text)
        known = {parameter.name.lower() for parameter in declared}
        missing: dict[str, Parameter] = {}
        while True:
            try:
                await self._program(text, [*declared, *missing.values()])
            except SqlError as error:
                name = error.message.split('"')[1] if error.number == 137 else ""
                if not name or name.lower() in missing:
                    raise
                # one reading for all of them where it can be: a statement may have hundreds
                for one in mentioned(text) or (name,):
                    if one.lower() not in known:
                        type_ = types.get(one.lower(), SqlType(Kind.NVARCHAR, length=4000))
                        missing[one.lower()] = Parameter(one, type_)
            else:
                return tuple(sorted(missing.values(), key=lambda parameter: _place(parameter.name, text)))

    async def begin(self, isolation: Isolation, name: str) -> None:
        self._transactions.begin(isolation, name)

    async def commit(self, name: str) -> None:
        await self._transactions.commit()

    async def rollback(self, name: str) -> None:
        await self._transactions.rollback(name)

    async def save(self, name: str) -> None:
        await self._transactions.save(name)

    async def cancel(self) -> None:
        self._workings.interpreter.stop()
        await self._connection.cancel_safe(timeout=5.0)

    async def reset(self, *, keep_transaction: bool) -> None:
        if keep_transaction:
            return
        await self._transactions.give_up()
        self._transactions.forget()
        self._settings.forget()
        self._workings.cursors.forget()
        await self._transactions.reset_settings()
        await self._connection.execute("DISCARD TEMP")

    async def end(self, why: SqlError) -> None:
        """Close it from outside; the next request is told why."""
        self._over = why
        await self.close()

    async def close(self) -> None:
        if not self._connection.closed:
            await self._connection.close()
            self._closed()

    async def _program(self, text: str, parameters: Sequence[Parameter]) -> Program:
        return await self._plans.batch(text, _types(parameters), 0)


def _place(name: str, text: str) -> int:
    """Where a parameter comes first in a text."""
    found = re.search(re.escape(name) + r"(?![\w@#$])", text)
    return found.start() if found else len(text)


def _types(parameters: Sequence[Parameter]) -> dict[str, SqlType]:
    return {parameter.name.lower(): parameter.type for parameter in parameters}


def _values(parameters: Sequence[Parameter]) -> dict[str, Value]:
    return {parameter.name.lower(): parameter.value for parameter in parameters}
