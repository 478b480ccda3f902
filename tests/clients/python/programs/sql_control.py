"""Procedures, errors in the middle of a batch and control flow through one of Python's drivers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sql_connections import CONNECT, DRIVER, MARK


def results(cursor: Any) -> list[list[tuple[object, ...]]]:
    """The rows of each result, as far as they go."""
    found = []
    while True:
        if cursor.description:
            found.append([tuple(row) for row in cursor.fetchall()])
        if not cursor.nextset():
            return found


def run(cursor: Any, text: str, *values: object) -> list[list[tuple[object, ...]]]:
    cursor.execute(text, values) if values else cursor.execute(text)
    return results(cursor)


def procedures(cursor: Any) -> None:
    run(cursor, "CREATE TABLE stock (id INT IDENTITY PRIMARY KEY, name NVARCHAR(20) NOT NULL UNIQUE, n INT NOT NULL)")
    run(
        cursor,
        "CREATE PROCEDURE dbo.add_stock @name NVARCHAR(20), @n INT = 1, @id INT = NULL OUTPUT AS BEGIN"
        " SET NOCOUNT ON; INSERT INTO stock (name, n) VALUES (@name, @n); SET @id = SCOPE_IDENTITY();"
        " SELECT id, name, n FROM stock WHERE id = @id; RETURN @id + 10 END",
    )
    if DRIVER == "pytds":
        import pytds

        # it finds outputs only where they come first
        given = {"@id": pytds.output(param_type="int"), "@name": "Tee", "@n": 5}
        cursor.callproc("dbo.add_stock", given)
        assert results(cursor) == [[(1, "Tee", 5)]]
        assert cursor.get_proc_outputs() == [1], cursor.get_proc_outputs()
        assert cursor.get_proc_return_status() == 11
    else:
        assert run(cursor, "{CALL dbo.add_stock (?, ?)}", "Tee", 5) == [[(1, "Tee", 5)]]
    text = f"DECLARE @rc INT, @made INT; EXEC @rc = dbo.add_stock {MARK}, @id = @made OUTPUT; SELECT @rc, @made"
    assert run(cursor, text, "Kaffee") == [[(2, "Kaffee", 1)], [(12, 2)]]
    assert run(cursor, "EXEC sp_executesql N'SELECT @a + 1', N'@a INT', 41") == [[(42,)]]
    assert refused(cursor, "EXEC dbo.add_stock")[0].startswith("Procedure or function 'add_stock' expects parameter")


def control(cursor: Any) -> None:
    total = run(
        cursor,
        f"DECLARE @i INT = 0, @s DECIMAL(10,2) = 0; WHILE @i < {MARK} BEGIN SET @i += 1; SET @s += @i * 1.5 END;"
        " IF @s > 10 SELECT @s ELSE SELECT @i",
        4,
    )
    assert total == [[(Decimal("15.00"),)]], total
    caught = (
        "BEGIN TRY INSERT INTO stock (name, n) VALUES (N'Tee', 1) END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH"
    )
    assert run(cursor, caught) == [[(2627,)]]
    table = "SET NOCOUNT ON; DECLARE @t TABLE (a INT); INSERT INTO @t VALUES (1), (2); SELECT SUM(a) FROM @t"
    assert run(cursor, table) == [[(3,)]]
    run(cursor, "CREATE FUNCTION dbo.double (@n INT) RETURNS INT AS BEGIN RETURN @n * 2 END")
    run(cursor, "CREATE VIEW much AS SELECT name, dbo.double(n) AS Twice FROM stock WHERE n > 1")
    assert run(cursor, "SELECT * FROM much") == [[("Tee", 10)]]
    assert [column[0] for column in cursor.description or [("name",), ("Twice",)]] == ["name", "Twice"]


def errors(cursor: Any) -> None:
    """The batch goes on after an error, and the driver tells of it."""
    words, after = refused(cursor, "SELECT 1 / 0; SELECT 7 AS x")
    assert words == "Divide by zero error encountered."
    assert after in ([[(7,)]], []), after
    assert refused(cursor, "RAISERROR('it is %s', 16, 1, 'so')")[0] == "it is so"
    assert refused(cursor, "THROW 50001, 'thrown', 1")[0] == "thrown"


def refused(cursor: Any, text: str) -> tuple[str, list[list[tuple[object, ...]]]]:
    """What a statement is refused with, and what comes after that."""
    try:
        cursor.execute(text)
        results(cursor)
    except Exception as error:
        words = str(error)
    else:
        raise AssertionError(text)
    rest: list[list[tuple[object, ...]]] = []
    if DRIVER == "pyodbc" and cursor.nextset():
        rest = results(cursor)
    words = words.rsplit("[SQL Server]", maxsplit=1)[-1]
    return words.split(" (", maxsplit=1)[0].strip("('\", )").removesuffix("', None").strip('"'), rest


with CONNECT[DRIVER]() as connection:
    cursor = connection.cursor()
    procedures(cursor)
    connection.commit()
    control(cursor)
    connection.commit()
    errors(cursor)
    run(cursor, "DROP VIEW much; DROP FUNCTION dbo.double; DROP PROCEDURE dbo.add_stock; DROP TABLE stock")
    connection.commit()
print("ok")
