"""The article's query, and what is more than one statement and its rows: several results, a large one, one that is
cancelled, statements that are run again, a pool. DRIVER is pyodbc, mssql-python or pytds."""

from __future__ import annotations

import time
from typing import Any

from sql_connections import CONNECT, DRIVER, MARK

# a thousand numbers; a billion take a minute and more to be counted
NUMBERS = "WITH n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
END = "OPTION (MAXRECURSION 1000)"
LONG = f"{NUMBERS} SELECT COUNT(*) AS c FROM n a CROSS JOIN n b CROSS JOIN n c {END}"
LARGE = f"{NUMBERS} SELECT a.i, b.i AS j, N'Käse 茶' AS t FROM n a CROSS JOIN n b WHERE b.i <= 100 {END}"


def main() -> None:
    connection = CONNECT[DRIVER]()
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE TableName (ColumnName NVARCHAR(50))")
    cursor.execute("INSERT INTO TableName VALUES (N'first')")
    connection.commit()
    article(cursor)
    several(cursor)
    again(cursor)
    large(cursor)
    cancelled(connection)
    connection.rollback()
    if DRIVER == "mssql-python":
        pooled(connection)
    print("ok")


def article(cursor: Any) -> None:
    """As it is written there."""
    cursor.execute("SELECT TOP 1 ColumnName FROM TableName")
    found = []
    row = cursor.fetchone()
    while row:
        found.append(tuple(row))
        row = cursor.fetchone()
    assert found == [("first",)], found


def several(cursor: Any) -> None:
    cursor.execute("SELECT 1 AS a; SELECT ColumnName FROM TableName; SELECT 2 AS b")
    found = [cursor.fetchone()[0]]
    while cursor.nextset():
        found.append(cursor.fetchone()[0])
    assert found == [1, "first", 2], found


def again(cursor: Any) -> None:
    """A statement that the driver prepares once, and runs with other values."""
    for number in range(5):
        cursor.execute(f"SELECT ColumnName, {MARK} AS n FROM TableName WHERE ColumnName = {MARK}", (number, "FIRST"))
        assert [tuple(row) for row in cursor.fetchall()] == [("first", number)]


def large(cursor: Any) -> None:
    cursor.execute(LARGE)
    rows = cursor.fetchall()
    assert len(rows) == 100_000
    assert tuple(rows[-1])[2] == "Käse 茶"


def cancelled(connection: Any) -> None:
    """A statement that takes too long; a result that is left where it is. The connection goes on."""
    if DRIVER != "pytds":
        connection.timeout = 1
        cursor = connection.cursor()
        began = time.monotonic()
        try:
            cursor.execute(LONG)
        except Exception as error:
            assert "HYT00" in str(error) or "timeout" in str(error).lower(), error
        else:
            raise AssertionError("it was not stopped")
        assert time.monotonic() - began < 6
        connection.timeout = 0
    cursor = connection.cursor()
    cursor.execute(LARGE)
    assert cursor.fetchone() is not None
    if DRIVER != "mssql-python":
        cursor.cancel()
    cursor.close()
    cursor = connection.cursor()
    cursor.execute("SELECT 7 AS a")
    assert cursor.fetchone()[0] == 7


def pooled(connection: Any) -> None:
    """What a connection was left with is not there for its next user."""
    cursor = connection.cursor()
    cursor.execute("DELETE FROM TableName")
    connection.close()
    with CONNECT[DRIVER]() as next_one:
        next_one.autocommit = True
        cursor = next_one.cursor()
        cursor.execute("SELECT COUNT(*), @@TRANCOUNT FROM TableName")
        assert tuple(cursor.fetchone()) == (1, 0)


main()
