"""SET, and that no rollback takes it back."""

from __future__ import annotations

import pytest

from keyless.providers.sql.engine import Isolation, Rows, SqlError
from keyless.providers.sql.postgres.session import PostgresSession


async def value(session: PostgresSession, text: str) -> object:
    (row,) = [row async for event in session.run(text) if isinstance(event, Rows) for row in event.rows]
    return row[0]


async def run(session: PostgresSession, text: str) -> None:
    async for _ in session.run(text):
        pass


READ = "SELECT CONVERT(VARCHAR(10), CAST('02/03/04' AS DATETIME2), 23)"


async def test_how_dates_are_read(owner: PostgresSession) -> None:
    assert await value(owner, READ) == "2004-02-03"
    assert await value(owner, READ) == "2004-02-03"  # it is prepared by now
    await run(owner, "SET DATEFORMAT ymd")
    assert await value(owner, READ) == "2002-03-04"
    await run(owner, "SET DATEFORMAT mdy")
    assert await value(owner, READ) == "2004-02-03"


async def test_no_rollback_takes_it_back(owner: PostgresSession) -> None:
    await owner.begin(Isolation.READ_COMMITTED, "")
    await owner.save("here")
    await run(owner, "SET DATEFORMAT ymd; SET LOCK_TIMEOUT 7000")
    await owner.rollback("here")
    assert await value(owner, READ) == "2002-03-04"
    await owner.rollback("")
    assert await value(owner, READ) == "2002-03-04"
    assert await value(owner, "SELECT @@TRANCOUNT") == 0


async def test_a_reset_does(owner: PostgresSession) -> None:
    await run(owner, "SET DATEFORMAT ymd")
    await owner.reset(keep_transaction=False)
    assert await value(owner, READ) == "2004-02-03"


async def test_an_order_that_would_be_read_otherwise_is_refused(owner: PostgresSession) -> None:
    for order in ("dmy", "ydm", "nonsense"):
        with pytest.raises(SqlError, match="DATEFORMAT"):
            await run(owner, f"SET DATEFORMAT {order}")
