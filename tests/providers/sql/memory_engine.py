"""An engine for tests: it understands a handful of statements, and gives back what it is handed.

`SELECT @a AS x, 1 AS y` (parameters, numbers, N'text', NULL), `SELECT … FROM products`, `ROWS n`, `WAIT`, `FAIL number
severity`, `PRINT 'text'`, `INSERT …`, BEGIN, COMMIT and ROLLBACK; SET and whatever drivers say at connect does nothing.
Principals whose name begins with `stranger` have no user.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from keyless.providers.sql.engine import (
    Columns,
    Command,
    Database,
    Done,
    Event,
    Events,
    Isolation,
    Login,
    Message,
    Output,
    Rows,
    SqlError,
)
from keyless.providers.sql.types import Column, Kind, Parameter, Row, SqlType, Value

PRODUCTS = (
    Columns(
        (
            Column("id", SqlType(Kind.INT), nullable=False, identity=True),
            Column("name", SqlType(Kind.NVARCHAR, 50), nullable=False),
            Column("price", SqlType(Kind.DECIMAL, precision=10, scale=2)),
        )
    ),
    [(1, "Tee", Decimal("3.50")), (2, "Käse", Decimal("12.00")), (3, "茶", None)],
)
NUMBERS = (
    Column("n", SqlType(Kind.INT), nullable=False),
    Column("text", SqlType(Kind.NVARCHAR, 50)),
    Column("amount", SqlType(Kind.DECIMAL, precision=18, scale=4)),
    Column("at", SqlType(Kind.DATETIME2, scale=6)),
)
VERSION = "Microsoft SQL Server 2022 - 16.0.4165.4 (keyless)"
_IGNORED = re.compile(r"(SET|USE|DECLARE|EXEC|IF)\b", re.IGNORECASE)
_ITEM = re.compile(r"\s*(N?'(?:[^']|'')*'|[^,\s]+)(?:\s+AS\s+\[?(\w+)\]?)?\s*(?:,|$)", re.IGNORECASE)


@dataclass
class MemoryEngine:
    """All sessions, and which databases there are."""

    databases: dict[str, Database] = field(default_factory=dict)
    sessions: list[MemorySession] = field(default_factory=list)

    async def start(self, databases: Sequence[Database]) -> None:
        self.databases = {one.guid: one for one in databases}

    async def prepare(self, database: Database) -> None:
        self.databases[database.guid] = database

    async def delete_database(self, database: Database) -> None:
        self.databases.pop(database.guid, None)

    async def open(self, login: Login) -> MemorySession:
        if login.principal.display_name.startswith("stranger") and not login.administrator:
            raise SqlError(18456, f"Login failed for user '{login.principal.display_name}'.", severity=14)
        if login.database:
            self.databases[login.database.guid] = login.database
        session = MemorySession(login)
        self.sessions.append(session)
        return session

    async def back_up(self, folder: Path) -> None:
        """Nothing is kept."""

    async def close(self) -> None:
        self.sessions.clear()


@dataclass
class MemorySession:
    login: Login
    number: int = 0
    transaction: int = 0
    committed: bool = False
    resets: int = 0
    closed: bool = False
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, text: str, parameters: Sequence[Parameter] = ()) -> Events:
        self._stop.clear()
        values = {one.name.lower(): one for one in parameters}
        for line in (part.strip() for part in text.replace("\r", "\n").replace(";", "\n").split("\n")):
            if line:
                async for event in self._statement(line, values):
                    yield event
        for one in parameters:
            if one.output:
                yield Output(one)

    async def call(self, procedure: str, parameters: Sequence[Parameter] = ()) -> Events:
        if procedure.lower() != "double":
            raise SqlError(2812, f"Could not find stored procedure '{procedure}'.")
        value = parameters[0].value
        assert isinstance(value, int)
        for one in parameters[1:]:
            yield Output(Parameter(one.name, one.type, 2 * value, True))

    async def load(self, text: str, columns: Sequence[Column], rows: AsyncIterator[Sequence[Row]]) -> int:
        return sum([len(some) async for some in rows])

    async def describe(self, text: str, parameters: Sequence[Parameter] = ()) -> tuple[Column, ...]:
        selects = (part.strip() for part in text.split(";") if part.strip().upper().startswith("SELECT"))
        events = [event for part in selects for event in self._select(part, parameters)]
        return next((event.columns for event in events if isinstance(event, Columns)), ())

    async def describe_parameters(self, text: str, declared: Sequence[Parameter] = ()) -> tuple[Parameter, ...]:
        known = {one.name.lower() for one in declared}
        names = dict.fromkeys(name for name in re.findall(r"@\w+", text) if name.lower() not in known)
        return tuple(Parameter(name, SqlType(Kind.NVARCHAR, 4000)) for name in names)

    async def begin(self, isolation: Isolation, name: str) -> None:
        if not self.transaction:
            self.number += 1
            self.transaction = self.number

    async def commit(self, name: str) -> None:
        if not self.transaction:
            raise SqlError(3902, "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.")
        self.transaction, self.committed = 0, True

    async def rollback(self, name: str) -> None:
        if not self.transaction:
            raise SqlError(3903, "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.")
        self.transaction, self.committed = 0, False

    async def save(self, name: str) -> None:
        assert self.transaction

    async def cancel(self) -> None:
        self._stop.set()

    async def reset(self, *, keep_transaction: bool) -> None:
        self.resets += 1
        if not keep_transaction:
            self.transaction, self.committed = 0, False

    async def close(self) -> None:
        self.closed = True

    async def _statement(self, line: str, values: dict[str, Parameter]) -> Events:
        word, *rest = line.split()
        match word.upper(), rest:
            case "WAIT", _:
                await self._stop.wait()
                raise SqlError(0, "Operation cancelled by user.")
            case "FAIL", [number, severity]:
                raise SqlError(int(number), f"Error {number}.", severity=int(severity), line=2)
            case "MISS", [number]:
                yield Message(int(number), f"Error {number}.", 16)
                yield Done()
            case "ROWS", [count]:
                yield Columns(NUMBERS)
                async for rows in self._numbers(int(count)):
                    yield rows
                yield Done(int(count), Command.SELECT)
            case "PRINT", _:
                yield Message(0, line[5:].strip(" N'"))
                yield Done()
            case "INSERT", _:
                yield Done(1, Command.INSERT)
            case "BEGIN", _:
                await self.begin(Isolation.UNCHANGED, "")
                yield Done()
            case "COMMIT", _:
                await self.commit("")
                yield Done()
            case "ROLLBACK", _:
                await self.rollback("")
                yield Done()
            case "SELECT", _:
                for event in self._select(line, list(values.values())):
                    yield event
            case _ if _IGNORED.match(line):
                yield Done()
            case _:
                raise SqlError(102, f"Incorrect syntax near '{word}'.", severity=15)

    async def _numbers(self, count: int) -> Events:
        for at in range(0, count, 500):
            if self._stop.is_set():
                raise SqlError(0, "Operation cancelled by user.")
            rows: list[Row] = [
                (n, f"row {n}", Decimal(n) / 4, datetime(2026, 1, 2, 3, 4, 5, n % 1_000_000))
                for n in range(at, min(at + 500, count))
            ]
            yield Rows(rows)
            await asyncio.sleep(0)

    def _select(self, line: str, parameters: Sequence[Parameter]) -> Iterator[Event]:
        if re.search(r"\bFROM\s+(dbo\.)?products", line, re.IGNORECASE):
            columns, rows = PRODUCTS
            wanted = [one.value for one in parameters]
            found: list[Row] = [row for row in rows if not wanted or row[0] in wanted]
            yield columns
            yield Rows(found)
            yield Done(len(found), Command.SELECT)
            return
        items = _ITEM.findall(line[len("SELECT") :].strip())
        made = [self._item(text, name, {one.name.lower(): one for one in parameters}) for text, name in items]
        yield Columns(tuple(column for column, _ in made))
        yield Rows([tuple(value for _, value in made)])
        yield Done(1, Command.SELECT)

    def _item(self, text: str, name: str, parameters: dict[str, Parameter]) -> tuple[Column, Value]:
        if text.lower() in parameters:
            found = parameters[text.lower()]
            return Column(name, found.type), found.value
        known: dict[str, tuple[SqlType, Value]] = {
            "NULL": (SqlType(Kind.INT), None),
            "@@TRANCOUNT": (SqlType(Kind.INT), 1 if self.transaction else 0),
            "@@VERSION": (SqlType(Kind.NVARCHAR, 300), VERSION),
            "@@SPID": (SqlType(Kind.SMALLINT), 51),
            "USER": (SqlType(Kind.NVARCHAR, 128), self.login.principal.display_name),
        }
        if text.upper() in known:
            declared, value = known[text.upper()]
            return Column(name, declared), value
        if text.lstrip("-").isdigit():
            return Column(name, SqlType(Kind.INT)), int(text)
        if text.startswith(("'", "N'")):
            return Column(name, SqlType(Kind.NVARCHAR, 4000)), text.lstrip("N")[1:-1].replace("''", "'")
        raise SqlError(207, f"Invalid column name '{text}'.")
