"""The article's query, and a value of each type, through one driver: DRIVER is pyodbc, mssql-python or pytds."""

from __future__ import annotations

import datetime
import decimal

from sql_connections import CONNECT, DRIVER, MARK

VALUES = (
    *(1, 2**40, True, "Käse 茶", "x" * 300, "x" * 9000, decimal.Decimal("12.34"), 1.5, None),
    *(datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 1, 2, 3, 456_789)),
    *(b"\x00\xff" * 100, b"q" * 9000),
)


def main() -> None:
    with CONNECT[DRIVER]() as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT id, name, price FROM products")
        assert [tuple(row) for row in cursor.fetchall()] == [
            (1, "Tee", decimal.Decimal("3.50")),
            (2, "Käse", decimal.Decimal("12.00")),
            (3, "茶", None),
        ]
        cursor.execute(f"SELECT id, name, price FROM products WHERE id = {MARK}", (2,))
        assert [row[1] for row in cursor.fetchall()] == ["Käse"]
        for value in VALUES:
            if isinstance(value, bytes) and DRIVER == "pytds":
                continue  # it sends bytes as text
            cursor.execute(f"SELECT {MARK} AS a", (value,))
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
