"""T-SQL statements with their known results, run against the embedded PostgreSQL.

The cases stand in `semantics/`. A line that begins with `#` names the page of Microsoft's Transact-SQL reference that
the lines below it are about, its address, and whether the page was opened when they were written: `opened` means that
its own examples are among the cases, `not opened` that they are from what is known of it. `@` begins a statement that
prepares. A case is `STATEMENT => RESULT`: rows with ` ; ` between,
values with ` | `; `!208` an error's number; `#3` how many rows were changed, `#-` that nothing is counted.
"""

from __future__ import annotations

from contextlib import aclosing
from datetime import datetime
from pathlib import Path

import pytest

from keyless.providers.sql.engine import Done, Message, Rows, SqlError
from keyless.providers.sql.postgres.session import PostgresSession
from keyless.providers.sql.types import Value

FILES = sorted((Path(__file__).parent / "semantics").glob("*.txt"))


def shown(value: Value) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat(" ") if isinstance(value, datetime) else str(value)


async def result(session: PostgresSession, statement: str) -> str:
    rows: list[str] | None = None
    count: int | None = None
    try:
        async with aclosing(session.run(statement)) as events:
            async for event in events:
                if isinstance(event, Rows):
                    rows = (rows or []) + [" | ".join(shown(value) for value in row) for row in event.rows]
                elif isinstance(event, Message) and event.severity > 10:
                    return f"!{event.number}"
                elif isinstance(event, Done):
                    count = event.count
    except SqlError as error:
        return f"!{error.number}"
    if rows is not None:
        return " ; ".join(rows)
    return "#-" if count is None else f"#{count}"


def test_there_are_enough_of_them() -> None:
    lines = [line for file in FILES for line in file.read_text(encoding="utf-8").splitlines()]
    assert sum(" => " in line for line in lines) >= 400


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_statements_give_what_is_documented(file: Path, owner: PostgresSession) -> None:
    wrong, cases, page = [], 0, ""
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            page = line[2:]
        elif line.startswith("@ "):
            assert not (await result(owner, line[2:])).startswith("!"), line
        elif line:
            assert page or cases == 0, "a case without its source"
            statement, expected = line.rsplit(" => ", 1)
            cases += 1
            given = await result(owner, statement)
            if given != expected:
                wrong.append(f"{page}: {statement}\n    expected {expected}\n    given    {given}")
    assert not wrong, f"{len(wrong)} of {cases}:\n" + "\n".join(wrong)
