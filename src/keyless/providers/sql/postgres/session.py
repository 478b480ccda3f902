"""One session of a client: one connection to PostgreSQL, logged in as the client's own role.

Owns the state that SQL Server keeps for a session: the transaction and its depth, and that an error ends the statement
only. Every statement inside of a transaction stands behind a savepoint, because PostgreSQL would give up the whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

import psycopg
from psycopg import generators
from psycopg.abc import Params
from psycopg.pq import ExecStatus, TransactionStatus

from keyless.providers.sql.engine import Columns, Command, Done, Event, Events, Isolation, Login, Output, Rows, SqlError
from keyless.providers.sql.postgres import results
from keyless.providers.sql.postgres.errors import translated
from keyless.providers.sql.tsql.names import quoted
from keyless.providers.sql.tsql.plan import COLUMNS, Action, Step
from keyless.providers.sql.types import Column, Kind, Parameter, Row, SqlType, Value

VERSION = "Microsoft SQL Server 2022 (keyless, on PostgreSQL) - 16.0.1000.6"
_ROWS = 500
_LEVELS = {
    Isolation.REPEATABLE_READ: "REPEATABLE READ",
    Isolation.SNAPSHOT: "REPEATABLE READ",
    Isolation.SERIALIZABLE: "SERIALIZABLE",
}
_COLUMN = """SELECT a.attname, d.description, a.attnotnull, a.attidentity FROM pg_catalog.pg_attribute a
  LEFT JOIN pg_catalog.pg_description d ON d.objoid = a.attrelid AND d.objsubid = a.attnum
    AND d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
  WHERE a.attrelid = $1 AND a.attnum = $2"""
_IDENTITY = """SELECT tsql.last_identity() FROM pg_catalog.pg_attribute
  WHERE attrelid = pg_catalog.to_regclass($1) AND attidentity <> ''"""
_IDENTITY_COLUMN = """SELECT attname, pg_catalog.pg_get_serial_sequence($1, attname) FROM pg_catalog.pg_attribute
  WHERE attrelid = pg_catalog.to_regclass($1) AND attidentity <> ''"""
_GIVEN = """SELECT coalesce('(' || string_agg(quote_ident(attname), ', ' ORDER BY attnum) || ')', '')
  FROM pg_catalog.pg_attribute
  WHERE attrelid = pg_catalog.to_regclass($1) AND attnum > 0 AND NOT attisdropped AND attidentity = ''"""
_SEEN = 1000
_BEGINS = {Action.CHANGE, Action.DEFINE, Action.BEGIN, Action.CREATE_USER, Action.DROP_USER, Action.MEMBER}
_ENDS_ALL = {1205, 3960}

Cursor = psycopg.AsyncCursor[Row]
Translate = Callable[[str, Sequence[Parameter], str], tuple[Step, ...]]
Manage = Callable[[Step], Awaitable[str]]


class PostgresSession:
    """A session."""

    def __init__(
        self,
        connection: psycopg.AsyncConnection[tuple[Value, ...]],
        login: Login,
        database: str,
        own: Mapping[int, Kind],
        translate: Translate,
        manage: Manage,
        closed: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._login = login
        self._database = database
        self._own = own
        self._translate = translate
        self._manage = manage
        self._closed = closed
        self._seen: set[Step] = set()
        self._known: dict[tuple[int, int], results.Known] = {}
        self._numbers = 0
        self._forget()

    def _forget(self) -> None:
        self._depth = 0
        self._begun = False
        self._name = ""
        self._savepoints: list[str] = []
        self._isolation = Isolation.READ_COMMITTED
        self._count = 0
        self._error = 0
        self._silent = False
        self._implicit = False
        self._identity_insert = ""
        self._identity: Value = None

    @property
    def transaction(self) -> int:
        return self._numbers if self._depth else 0

    async def run(self, text: str, parameters: Sequence[Parameter] = ()) -> Events:
        steps = self._translate(text, parameters, self._identity_insert)
        values = {parameter.name.lower(): parameter.value for parameter in parameters}
        for step in steps:
            try:
                async for event in self._step(step, values):
                    yield event
                self._error = 0
            except psycopg.Error as error:
                failure = translated(error, step.line, dropping=step.sql.startswith("DROP"))
                self._error = failure.number
                raise failure from None
            except SqlError as error:
                self._error = error.number
                raise
        for parameter in parameters:
            if parameter.output:
                yield Output(parameter)

    async def call(self, procedure: str, parameters: Sequence[Parameter] = ()) -> Events:
        # no procedure is known yet; the loop makes this an asynchronous generator
        nothing: tuple[Event, ...] = ()
        for event in nothing:
            yield event
        raise SqlError(2812, f"Could not find stored procedure '{procedure}'.")

    async def describe(self, text: str, parameters: Sequence[Parameter] = ()) -> tuple[Column, ...]:
        step = next(
            (s for s in self._translate(text, parameters, self._identity_insert) if s.action is Action.QUERY), None
        )
        if step is None:
            return ()
        try:
            async with self._guarded():
                return await self._describe(step)
        except psycopg.Error as error:
            raise translated(error, step.line) from None

    async def describe_parameters(self, text: str, declared: Sequence[Parameter] = ()) -> tuple[Parameter, ...]:
        missing: dict[str, Parameter] = {}
        while True:
            try:
                self._translate(text, [*declared, *missing.values()], self._identity_insert)
            except SqlError as error:
                name = error.message.split('"')[1] if error.number == 137 else ""
                if not name or name.lower() in missing:
                    raise
                missing[name.lower()] = Parameter(name, SqlType(Kind.NVARCHAR, length=4000))
            else:
                return tuple(missing.values())

    async def begin(self, isolation: Isolation, name: str) -> None:
        if isolation is not Isolation.UNCHANGED:
            self._isolation = isolation
        if not self._depth:
            self._numbers += 1
            self._name = name.lower()
            self._savepoints = []
        self._depth += 1

    async def commit(self, name: str) -> None:
        if not self._depth:
            raise SqlError(3902, "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.")
        self._depth -= 1
        if not self._depth:
            await self._end("COMMIT")

    async def rollback(self, name: str) -> None:
        if not self._depth:
            raise SqlError(3903, "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.")
        if name and name.lower() != self._name:
            if name.lower() not in self._savepoints:
                raise SqlError(6401, f"Cannot roll back {name}. No transaction or savepoint of that name was found.")
            del self._savepoints[self._savepoints.index(name.lower()) + 1 :]
            await self._connection.execute(f"ROLLBACK TO SAVEPOINT {quoted('s ' + name)}")
            return
        self._depth = 0
        await self._end("ROLLBACK")

    async def save(self, name: str) -> None:
        if not self._depth:
            raise SqlError(628, "Cannot issue SAVE TRANSACTION when there is no active transaction.")
        await self._start()
        await self._connection.execute(f"SAVEPOINT {quoted('s ' + name)}")
        if name.lower() in self._savepoints:
            self._savepoints.remove(name.lower())
        self._savepoints.append(name.lower())

    async def cancel(self) -> None:
        await self._connection.cancel_safe(timeout=5.0)

    async def reset(self, *, keep_transaction: bool) -> None:
        if keep_transaction:
            return
        await self._end("ROLLBACK")
        self._forget()
        await self._connection.execute("DISCARD TEMP")

    async def close(self) -> None:
        if not self._connection.closed:
            await self._connection.close()
            self._closed()

    async def _step(self, step: Step, values: Mapping[str, Value]) -> AsyncIterator[Event]:
        if COLUMNS in step.sql:
            step = await self._with_columns(step)
        if self._implicit and not self._depth and (step.action in _BEGINS or _reads_a_table(step)):
            await self.begin(Isolation.UNCHANGED, "")
        if step.if_transaction and not self._depth:
            yield Done()
            return
        if step.action is Action.QUERY:
            async for event in self._query(step, values):
                yield event
            return
        if step.action is Action.SET:
            self._set(step)
        elif step.action is Action.BEGIN:
            await self.begin(Isolation.UNCHANGED, step.arguments[0] if step.arguments else "")
        elif step.action is Action.COMMIT:
            await self.commit("")
        elif step.action is Action.ROLLBACK:
            await self.rollback(step.arguments[0] if step.arguments else "")
        elif step.action is Action.SAVE:
            await self.save(step.arguments[0])
        elif step.action is Action.IDENTITY_INSERT:
            await self._set_identity_insert(*step.arguments)
        else:
            sql = step.sql
            if step.action is not Action.CHANGE and not sql.endswith(";") and (step.arguments or not sql):
                sql = await self._manage(step)
            async with self._guarded():
                cursor = await self._connection.execute(sql, self._values(step, values) or None)
            if step.action is Action.DEFINE or sql.startswith("CREATE"):
                self._known.clear()
                self._seen.clear()
            if step.action is Action.CHANGE:
                self._count = max(cursor.rowcount, 0)
                await self._inserted(step)
                yield Done(None if self._silent else self._count, step.command)
                return
            self._count = 0
        yield Done(command=step.command)

    async def _query(self, step: Step, values: Mapping[str, Value]) -> AsyncIterator[Event]:
        count, rows, columns = 0, list[Row](), None
        async with self._guarded():
            await self._look_up(step)
            cursor = self._connection.cursor()
            stream = cursor.stream(step.sql, self._values(step, values), binary=True, size=_ROWS)
            try:
                async for row in stream:
                    rows.append(row)
                    if len(rows) == _ROWS:
                        if columns is None:
                            columns = await self._columns(cursor, step, rows)
                            yield Columns(columns)
                        yield Rows(rows)
                        count += len(rows)
                        rows = []
            finally:
                await stream.aclose()  # type: ignore[attr-defined]
            if columns is None:
                columns = await self._columns(cursor, step, rows)
                yield Columns(columns)
            if rows:
                yield Rows(rows)
        self._count = count + len(rows)
        await self._inserted(step)
        yield Done(None if self._silent else self._count, step.command)

    async def _columns(self, cursor: Cursor, step: Step, rows: Sequence[Row]) -> tuple[Column, ...]:
        # a stream that ends without a row leaves no description behind
        result = cursor.pgresult or await self._prepared(step)
        return await self._described(result, step.names, rows)

    async def _described(
        self, result: psycopg.pq.abc.PGresult, names: tuple[str | None, ...], rows: Sequence[Row]
    ) -> tuple[Column, ...]:
        written = _spread(names, result.nfields)
        columns = []
        for index in range(result.nfields):
            table, number = result.ftable(index), result.ftablecol(index)
            known = self._known.get((table, number)) if table else None
            type_ = results.of(result.ftype(index), result.fmod(index), self._own)
            raw = (result.fname(index) or b"").decode()
            if known is not None and known.type is not None and _kin(known.type, type_):
                type_ = known.type
            if type_.scale < 0:
                type_ = replace(type_, scale=max((_scale(row[index]) for row in rows), default=0))
            name = written[index]
            if name is None:
                name = known.name if known is not None and known.name.lower() == raw else raw
            columns.append(Column(name, type_, known is None or known.nullable, known is not None and known.identity))
        return tuple(columns)

    async def _describe(self, step: Step) -> tuple[Column, ...]:
        await self._look_up(step)
        return await self._described(await self._prepared(step), step.names, ())

    async def _prepared(self, step: Step) -> psycopg.pq.abc.PGresult:
        async with self._connection.lock:
            pg = self._connection.pgconn
            pg.send_prepare(b"", step.sql.encode())
            (prepared,) = await self._connection.wait(generators.execute(pg))
            if prepared.status != ExecStatus.COMMAND_OK:
                raise psycopg.errors.error_from_result(prepared)
            pg.send_describe_prepared(b"")
            described: psycopg.pq.abc.PGresult
            (described,) = await self._connection.wait(generators.execute(pg))
        return described

    async def _with_columns(self, step: Step) -> Step:
        """INSERT without a list of columns leaves the identity out."""
        async with self._guarded():
            found = await self._connection.execute(_GIVEN, [step.arguments[0]])
            row = await found.fetchone()
        return replace(step, sql=step.sql.replace(COLUMNS, str(row[0]) if row else ""))

    async def _look_up(self, step: Step) -> None:
        """What the catalog knows of the columns, once for each statement: streaming leaves no room to ask."""
        if step in self._seen or (" FROM " not in step.sql and " RETURNING " not in step.sql):
            return
        if len(self._seen) >= _SEEN:
            self._seen.clear()
            self._known.clear()
        result = await self._prepared(step)
        for index in range(result.nfields):
            key = (result.ftable(index), result.ftablecol(index))
            if key[0] and key not in self._known:
                found = await self._connection.execute(_COLUMN, key)
                row = await found.fetchone()
                if row is not None:
                    name, comment, not_null, identity = row
                    told = None if comment is None else str(comment)
                    self._known[key] = results.known(str(name), told, bool(not_null), str(identity).strip())
        self._seen.add(step)

    async def _inserted(self, step: Step) -> None:
        """Remember the identity that an INSERT gave; NULL where the table has none."""
        if not step.arguments or not self._count or self._identity_insert == step.arguments[0]:
            return
        found = await self._connection.execute(_IDENTITY, [step.arguments[0]])
        row = await found.fetchone()
        self._identity = row[0] if row is not None else None

    def _values(self, step: Step, values: Mapping[str, Value]) -> Params:
        return [values[name] if name in values else self._own_value(name) for name in step.parameters]

    def _own_value(self, name: str) -> Value:
        login = self._login
        own: dict[str, Value] = {
            "@@trancount": self._depth, "@@rowcount": self._count, "@@error": self._error, "@@spid": 50,
            "@@version": VERSION, "@@servername": login.server.name, "@@language": "us_english", "@@datefirst": 7,
            "@@max_precision": 38, "@db_name()": login.database.id.name if login.database else "master",
            "@suser_sname()": login.principal.display_name,
            "@user_name()": "dbo" if login.administrator else login.principal.display_name,
            "@host_name()": login.host, "@app_name()": login.application, "@xact_state()": 1 if self._depth else 0,
            "@scope_identity()": self._identity,
            "@@identity": self._identity,
        }  # fmt: skip
        return own[name]

    def _set(self, step: Step) -> None:
        what, *value = step.arguments
        if what == "NOCOUNT":
            self._silent = value == ["ON"]
        elif what == "IMPLICIT_TRANSACTIONS":
            self._implicit = value == ["ON"]
        elif what == "ISOLATION":
            self._isolation = Isolation[value[0]]

    async def _set_identity_insert(self, table: str, state: str) -> None:
        if state == "ON":
            if self._identity_insert not in {"", table}:
                raise SqlError(8107, f"IDENTITY_INSERT is already ON for table {self._identity_insert}.")
            self._identity_insert = table
            return
        if self._identity_insert == table:
            self._identity_insert = ""
            async with self._guarded():
                await self._reseed(table)

    async def _reseed(self, table: str) -> None:
        """The next identity comes after those that were given by hand."""
        found = await self._connection.execute(_IDENTITY_COLUMN, [table])
        row = await found.fetchone()
        if row is not None:
            column, sequence = quoted(str(row[0])), str(row[1])
            await self._connection.execute(
                f"SELECT setval($1::text::regclass, max({column})) FROM {table}"
                f" HAVING max({column}) > (SELECT last_value FROM {sequence})",
                [sequence],
            )

    def _guarded(self) -> _Guard:
        return _Guard(self)

    async def _start(self) -> None:
        if not self._begun:
            await self._connection.execute(f"BEGIN ISOLATION LEVEL {_LEVELS.get(self._isolation, 'READ COMMITTED')}")
            self._begun = True

    async def _end(self, verb: str) -> None:
        if self._begun:
            self._begun = False
            try:
                await self._connection.execute(verb)
            except psycopg.Error as error:
                self._depth = 0
                raise translated(error) from None


class _Guard:
    """A statement's savepoint; none outside of a transaction."""

    def __init__(self, session: PostgresSession) -> None:
        self._session = session
        self._inside = False

    async def __aenter__(self) -> None:
        self._inside = self._session._depth > 0
        if self._inside:
            await self._session._start()
            await self._session._connection.execute('SAVEPOINT "~s"')

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        connection = self._session._connection
        if not self._inside or connection.closed:
            return
        if connection.info.transaction_status is TransactionStatus.INERROR or error is not None:
            if isinstance(error, psycopg.Error) and translated(error).number in _ENDS_ALL:
                self._session._depth = 0
                await self._session._end("ROLLBACK")
                return
            await asyncio.shield(connection.execute('ROLLBACK TO SAVEPOINT "~s"'))
        await connection.execute('RELEASE SAVEPOINT "~s"')


def _reads_a_table(step: Step) -> bool:
    """Whether a query begins a transaction under IMPLICIT_TRANSACTIONS: SELECT 1 does not."""
    return step.action is Action.QUERY and (step.command is not Command.SELECT or " FROM " in step.sql)


def _spread(names: tuple[str | None, ...], count: int) -> list[str | None]:
    """The written names over the columns: those in front of the first `*` and behind the last one are known."""
    if None not in names:
        return [*names] if len(names) == count else [None] * count
    first = names.index(None)
    last = names[::-1].index(None)
    middle = count - first - last
    return [*names[:first], *([None] * middle), *(names[len(names) - last :] if last else ())]


def _kin(declared: SqlType, found: SqlType) -> bool:
    """Whether the declaration fits what came, so that a comment that someone changed misleads nobody."""
    text = {Kind.CHAR, Kind.VARCHAR, Kind.TEXT, Kind.NCHAR, Kind.NVARCHAR, Kind.NTEXT}
    number = {Kind.DECIMAL, Kind.NUMERIC, Kind.MONEY, Kind.SMALLMONEY}
    groups = [text, number, {Kind.TINYINT, Kind.SMALLINT}, {Kind.VARBINARY, Kind.IMAGE}]
    return declared.kind is found.kind or any({declared.kind, found.kind} <= group for group in groups)


def _scale(value: Value) -> int:
    return min(max(0, -int(value.as_tuple().exponent)), 30) if isinstance(value, Decimal) else 0
