"""The article's query, and a value of each type, through one driver: DRIVER is pyodbc, mssql-python or pytds.

TOKEN is there for the ways that take one; without it the driver gets its own by the managed identity.
"""

from __future__ import annotations

import datetime
import decimal
import os
import struct
import sys
from collections.abc import Callable
from typing import Any

DRIVER, ENCRYPT = sys.argv[1:3]
SERVER, PORT, DATABASE = (os.environ[name] for name in ("SQL_SERVER", "SQL_PORT", "SQL_DATABASE"))
TOKEN = os.environ.get("TOKEN", "")
ACCESS_TOKEN = 1256
VALUES = (
    *(1, 2**40, True, "Käse 茶", "x" * 300, "x" * 9000, decimal.Decimal("12.34"), 1.5, None),
    *(datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 1, 2, 3, 456_789)),
    *(b"\x00\xff" * 100, b"q" * 9000),
)


def attributes() -> dict[str, Any]:
    data = TOKEN.encode("utf-16-le")
    return {"attrs_before": {ACCESS_TOKEN: struct.pack("<I", len(data)) + data}} if TOKEN else {}


def odbc_driver() -> str:
    """The library that comes with mssql-python, for pyodbc to load by its path."""
    from pathlib import Path

    import mssql_python_odbc

    folder = Path(mssql_python_odbc.__file__).parent / "libs" / "linux" / "debian_ubuntu"
    return str(next(folder.rglob("libmsodbcsql*.so*")))


def by_pyodbc() -> Any:
    import pyodbc

    way = "" if TOKEN else f"Authentication=ActiveDirectoryMsi;UID={os.environ.get('CLIENT', '')};"
    text = f"Driver={odbc_driver()};Server={SERVER},{PORT};Database={DATABASE};Encrypt={ENCRYPT};{way}"
    return pyodbc.connect(text, timeout=30, **attributes())


def by_mssql_python() -> Any:
    import mssql_python

    way = "" if TOKEN else f"Authentication={os.environ['WAY']};"
    way += f"UID={os.environ['CLIENT']};" if os.environ.get("CLIENT") else ""
    return mssql_python.connect(f"Server={SERVER},{PORT};Database={DATABASE};Encrypt={ENCRYPT};{way}", **attributes())


def by_pytds() -> Any:
    import pytds

    # this version checks names by a function of pyOpenSSL's that is not there any more
    return pytds.connect(
        dsn=SERVER,
        port=int(PORT),
        database=DATABASE,
        access_token_callable=lambda: TOKEN,
        cafile=os.environ["SSL_CERT_FILE"],
        validate_host=False,
        bytes_to_unicode=False,
    )


CONNECT: dict[str, Callable[[], Any]] = {"pyodbc": by_pyodbc, "mssql-python": by_mssql_python, "pytds": by_pytds}


def main() -> None:
    mark = "%s" if DRIVER == "pytds" else "?"
    with CONNECT[DRIVER]() as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT id, name, price FROM products")
        assert [tuple(row) for row in cursor.fetchall()] == [
            (1, "Tee", decimal.Decimal("3.50")),
            (2, "Käse", decimal.Decimal("12.00")),
            (3, "茶", None),
        ]
        cursor.execute(f"SELECT id, name, price FROM products WHERE id = {mark}", (2,))
        assert [row[1] for row in cursor.fetchall()] == ["Käse"]
        for value in VALUES:
            if isinstance(value, bytes) and DRIVER == "pytds":
                continue  # it sends bytes as text
            cursor.execute(f"SELECT {mark} AS a", (value,))
            (found,) = cursor.fetchone()
            assert found == value, (value, found)
        cursor.execute("ROWS 3000")
        assert len(cursor.fetchall()) == 3000
        if DRIVER != "pytds":
            cursor.executemany("INSERT INTO t VALUES (?, ?)", [(1, "a"), (2, "b")])
        try:
            cursor.execute("FAIL 2627 14")
        except Exception as error:
            assert "Error 2627" in str(error), error
        else:
            raise AssertionError("an error was not told")
        connection.commit()
        cursor.execute("SELECT 7 AS a, @@TRANCOUNT AS b")
        assert cursor.fetchone()[0] == 7
        connection.rollback()
    print("ok")


main()
