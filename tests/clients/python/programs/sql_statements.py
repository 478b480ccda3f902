"""Statements through one driver against the engine: DRIVER is pyodbc, mssql-python or pytds; what to do comes third."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sql_connections import CONNECT, DRIVER, MARK

VALUES = (
    *(1, 2**40, True, "Käse 茶", "x" * 300, "x" * 9000, Decimal("12.34"), 1.5, None),
    *(datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 1, 2, 3, 456_789)),
    *(b"\x00\xff" * 100, b"q" * 9000),
)
# what each statement is refused with, in SQL Server's words
ERRORS = {
    "INSERT INTO products (id, name) VALUES (9, 'x')": "IDENTITY_INSERT is set to OFF",
    "INSERT INTO products (name) VALUES (NULL)": "Cannot insert the value NULL into column 'name'",
    "INSERT INTO products (name) VALUES ('TEE')": "Cannot insert duplicate key",
    "SELECT 1 / 0": "Divide by zero error encountered",
    "SELECT * FROM nothere": "Invalid object name",
    "SELEC 1": "Could not find stored procedure 'SELEC'",
    "SELECT CAST('a' AS INT)": "Conversion failed",
    "USE master": "is not supported by this server",
}


def rows(cursor: Any, statement: str, *values: object) -> list[tuple[object, ...]]:
    if values:
        cursor.execute(statement, values)
    else:
        cursor.execute(statement)
    return [tuple(row) for row in cursor.fetchall()] if cursor.description else []


def statements() -> None:
    with CONNECT[DRIVER]() as connection:
        cursor = connection.cursor()
        rows(
            cursor,
            "CREATE TABLE products (id INT IDENTITY PRIMARY KEY, name NVARCHAR(50) NOT NULL UNIQUE,"
            " price DECIMAL(10, 2) NULL)",
        )
        rows(cursor, "INSERT INTO products (name, price) VALUES (N'Tee', 3.50), (N'Käse', 12), (N'茶', NULL)")
        assert cursor.rowcount == 3, cursor.rowcount
        connection.commit()
        assert rows(cursor, "SELECT id, name, price FROM products ORDER BY id") == [
            (1, "Tee", Decimal("3.50")),
            (2, "Käse", Decimal("12.00")),
            (3, "茶", None),
        ]
        assert rows(cursor, f"SELECT id FROM products WHERE name = {MARK} AND price > {MARK}", "käse", 1.5) == [(2,)]
        for value in VALUES:
            if isinstance(value, bytes) and DRIVER == "pytds":
                continue  # it sends bytes as text
            assert rows(cursor, f"SELECT {MARK} AS a", value) == [(value,)], value
        transactions(connection, cursor)
        for statement, words in ERRORS.items():
            try:
                rows(cursor, statement)
            except Exception as error:
                assert words in str(error), (statement, error)
            else:
                raise AssertionError(statement)
            # the transaction goes on
            assert rows(cursor, "SELECT COUNT(*) FROM products") == [(3,)]
        rows(cursor, "DROP TABLE products")
        connection.commit()


def transactions(connection: Any, cursor: Any) -> None:
    insert = f"INSERT INTO products (name, price) VALUES ({MARK}, {MARK})"
    rows(cursor, insert, "Kaffee", Decimal("1.25"))
    assert rows(cursor, "SELECT @@ROWCOUNT, @@TRANCOUNT, SCOPE_IDENTITY()") == [(1, 1, 4)]
    connection.rollback()
    assert rows(cursor, "SELECT COUNT(*) FROM products") == [(3,)]
    if DRIVER != "pytds":
        cursor.executemany(insert, [("a", Decimal("1.5")), ("b", None)])
        assert rows(cursor, "SELECT COUNT(*) FROM products") == [(5,)]
        connection.rollback()
    rows(cursor, "SAVE TRANSACTION here")
    rows(cursor, "DELETE FROM products")
    assert cursor.rowcount == 3, cursor.rowcount
    rows(cursor, "ROLLBACK TRANSACTION here")
    connection.commit()


def refused() -> None:
    try:
        CONNECT[DRIVER]()
    except Exception as error:
        print(error)


def let_in() -> None:
    with CONNECT[DRIVER]() as connection:
        cursor = connection.cursor()
        rows(cursor, "CREATE TABLE shelves (id INT, name NVARCHAR(20))")
        rows(cursor, "INSERT INTO shelves VALUES (1, N'oben')")
        connection.commit()
        rows(cursor, f"CREATE USER [{sys.argv[4]}] FROM EXTERNAL PROVIDER")
        rows(cursor, f"ALTER ROLE db_datareader ADD MEMBER [{sys.argv[4]}]")
        connection.commit()


def read() -> None:
    with CONNECT[DRIVER]() as connection:
        cursor = connection.cursor()
        assert rows(cursor, "SELECT id, name FROM shelves") == [(1, "oben")]
        try:
            rows(cursor, "DELETE FROM shelves")
        except Exception as error:
            assert "permission was denied" in str(error), error
        else:
            raise AssertionError("a reader has deleted")


def let_out() -> None:
    with CONNECT[DRIVER]() as connection:
        cursor = connection.cursor()
        rows(cursor, f"DROP USER [{sys.argv[4]}]")
        rows(cursor, "DROP TABLE shelves")
        connection.commit()


DO: dict[str, Callable[[], None]] = {
    "statements": statements,
    "refused": refused,
    "let in": let_in,
    "read": read,
    "let out": let_out,
}
DO[sys.argv[3]]()
print("ok")
