"""A driver's figures: the latency of a query by key, a million rows, connects a second; prints JSON.

`python -m bench.driver psycopg` goes straight to PostgreSQL, `… pyodbc` through the gateway, `… table` makes the table.
What it needs to connect is in the environment.
"""

from __future__ import annotations

import json
import os
import statistics
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

ROWS = int(os.environ.get("BENCH_ROWS", "1000000"))
QUERIES = 2000
CONNECTS = 100
_CHUNK = 10_000
_ACCESS_TOKEN = 1256
_TABLE = """CREATE TABLE dbo.things
  (id INT PRIMARY KEY, name NVARCHAR(50), price DECIMAL(10, 2), made DATETIME2, ok BIT, n BIGINT)"""
_ALL = "SELECT id, name, price, made, ok, n FROM dbo.things"
_ONE = "SELECT id, name, price FROM dbo.things WHERE id = "


def _psycopg() -> Any:
    import psycopg  # noqa: PLC0415 - each driver is measured without the other

    return psycopg.connect(os.environ["POSTGRES"], autocommit=True)


def _pyodbc() -> Any:
    import pyodbc  # noqa: PLC0415

    pyodbc.pooling = False
    data = os.environ["TOKEN"].encode("utf-16-le")
    attributes = {_ACCESS_TOKEN: struct.pack("<I", len(data)) + data}
    return pyodbc.connect(os.environ["ODBC"], autocommit=True, attrs_before=attributes)


def _latency(cursor: Any, mark: str) -> float:
    """The median of a query by key, in µs."""
    taken = []
    for number in range(QUERIES):
        began = time.perf_counter()
        cursor.execute(_ONE + mark, (number + 1,))
        assert cursor.fetchone()[0] == number + 1
        taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1e6


def _fetch(cursor: Any, **how: bool) -> float:
    """Rows a second."""
    began = time.perf_counter()
    count = 0
    cursor.execute(_ALL, **how)
    while rows := cursor.fetchmany(_CHUNK):
        count += len(rows)
    assert count == ROWS
    return count / (time.perf_counter() - began)


def _connects(connect: Callable[[], Any]) -> float:
    """Connections opened, asked and closed a second."""
    began = time.perf_counter()
    for _ in range(CONNECTS):
        connection = connect()
        connection.cursor().execute("SELECT 1").fetchone()
        connection.close()
    return CONNECTS / (time.perf_counter() - began)


def main(driver: str) -> None:
    """All three."""
    if driver == "table":
        _pyodbc().cursor().execute(_TABLE)
        print("{}")
        return
    connect, mark, how = {"psycopg": (_psycopg, "%s", {"binary": True}), "pyodbc": (_pyodbc, "?", {})}[driver]
    connection = connect()
    cursor = connection.cursor()
    latency = _latency(cursor, mark)
    rate = max(_fetch(cursor, **how) for _ in range(3))
    connection.close()
    print(json.dumps({"latency": latency, "rows": rate, "connects": _connects(connect)}))


if __name__ == "__main__":
    main(sys.argv[1])
