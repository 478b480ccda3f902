"""One session of a client: one connection to PostgreSQL, logged in as the client's own role.

Owns the port to the gateway (`engine.Session`). Its parts: `transactions`, `settings`, `describing`, `running`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing

import psycopg

from keyless.providers.sql.engine import Events, FindPrincipal, Isolation, Login, Output, ReturnStatus, SqlError
from keyless.providers.sql.postgres.administration import Administration
from keyless.providers.sql.postgres.builtins import Builtins, told
from keyless.providers.sql.postgres.denials import REFUSED, explained
from keyless.providers.sql.postgres.describing import Descriptions
from keyless.providers.sql.postgres.errors import translated
from keyless.providers.sql.postgres.running import Runner
from keyless.providers.sql.postgres.settings import Settings
from keyless.providers.sql.postgres.statements import Statements
from keyless.providers.sql.postgres.suggestions import suggested
from keyless.providers.sql.postgres.transactions import Connection, Transactions
from keyless.providers.sql.tsql.plan import Action, Step
from keyless.providers.sql.types import Column, Kind, Parameter, SqlType

Translate = Callable[[str, Sequence[Parameter], str], tuple[Step, ...]]


class PostgresSession:
    """A session."""

    def __init__(
        self,
        connection: Connection,
        login: Login,
        own: Mapping[int, Kind],
        translate: Translate,
        find: FindPrincipal,
        changed: Callable[[], Awaitable[None]],
        closed: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._own = own
        self._translate = translate
        self._closed = closed
        self._transactions = Transactions(connection)
        self._settings = Settings(login, self._transactions)
        statements = Statements(connection)
        self._descriptions = Descriptions(connection, statements, own)
        self._builtins = Builtins(connection)
        administration = Administration(connection, self._transactions, login.administrator, find, changed)
        self._runner = Runner(
            connection, self._transactions, self._settings, self._descriptions, statements, administration
        )
        self._over: SqlError | None = None

    @property
    def transaction(self) -> int:
        return self._transactions.number

    async def run(self, text: str, parameters: Sequence[Parameter] = ()) -> Events:
        if self._over is not None:
            raise self._over
        values = {parameter.name.lower(): parameter.value for parameter in parameters}
        for step in self._steps(text, parameters):
            try:
                async with aclosing(self._runner.run(step, values)) as events:
                    async for event in events:
                        yield event
                self._settings.error = 0
            except psycopg.Error as error:
                failure = translated(error, step.line, dropping=step.sql.startswith("DROP"))
                if error.sqlstate == REFUSED:
                    failure = await explained(self._connection, self._transactions, error, step) or failure
                self._settings.error = failure.number
                raise failure from None
            except SqlError as error:
                self._settings.error = error.number
                raise
        for parameter in parameters:
            if parameter.output:
                yield Output(parameter)

    async def call(self, procedure: str, parameters: Sequence[Parameter] = ()) -> Events:
        if self._over is not None:
            raise self._over
        async with self._transactions.guarded():
            called = await self._builtins.called(procedure, parameters)
        if called is None:
            raise SqlError(2812, f"Could not find stored procedure '{procedure}'.")
        for step in called.steps:
            try:
                async with aclosing(self._runner.run(step, called.values)) as events:
                    async for event in events:
                        yield told(event)
            except psycopg.Error as error:
                raise translated(error) from None
        yield ReturnStatus(0)

    async def describe(self, text: str, parameters: Sequence[Parameter] = ()) -> tuple[Column, ...]:
        step = next((step for step in self._steps(text, parameters) if step.action is Action.QUERY), None)
        if step is None:
            return ()
        try:
            async with self._transactions.guarded():
                return await self._descriptions.describe(step)
        except psycopg.Error as error:
            raise translated(error, step.line) from None

    async def describe_parameters(self, text: str, declared: Sequence[Parameter] = ()) -> tuple[Parameter, ...]:
        async with self._transactions.guarded():
            types = await suggested(self._connection, self._own, text)
        missing: dict[str, Parameter] = {}
        while True:
            try:
                self._steps(text, [*declared, *missing.values()])
            except SqlError as error:
                name = error.message.split('"')[1] if error.number == 137 else ""
                if not name or name.lower() in missing:
                    raise
                missing[name.lower()] = Parameter(name, types.get(name.lower(), SqlType(Kind.NVARCHAR, length=4000)))
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
        await self._connection.cancel_safe(timeout=5.0)

    async def reset(self, *, keep_transaction: bool) -> None:
        if keep_transaction:
            return
        await self._transactions.give_up()
        self._transactions.forget()
        self._settings.forget()
        await self._connection.execute("DISCARD TEMP")

    async def end(self, why: SqlError) -> None:
        """Close it from outside; the next request is told why."""
        self._over = why
        await self.close()

    async def close(self) -> None:
        if not self._connection.closed:
            await self._connection.close()
            self._closed()

    def _steps(self, text: str, parameters: Sequence[Parameter]) -> tuple[Step, ...]:
        return self._translate(text, parameters, self._settings.identity_insert)


def _place(name: str, text: str) -> int:
    """Where a parameter comes first in a text."""
    found = re.search(re.escape(name) + r"(?![\w@#$])", text)
    return found.start() if found else len(text)
