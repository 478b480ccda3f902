"""What the database has, asked through one of Python's ODBC drivers."""

from __future__ import annotations

from typing import Any

from sql_connections import CONNECT, DRIVER

# ODBC's own numbers; that of no action is what SQL Server calls it
_CASCADE, _NO_ACTION, _NOT_DEFERRABLE = 0, 1, 7
_INTEGER, _DECIMAL, _NVARCHAR = 4, 3, -9
_CLUSTERED, _OTHER, _OF_TABLE = 1, 3, 0

TABLES = (
    "CREATE SCHEMA depot",
    "CREATE TABLE depot.goods (id INT IDENTITY NOT NULL CONSTRAINT pk_goods PRIMARY KEY,"
    " name NVARCHAR(40) NOT NULL DEFAULT 'x', price DECIMAL(9, 2) NULL)",
    "CREATE TABLE depot.sold (number INT NOT NULL, part INT NOT NULL,"
    " good INT NULL CONSTRAINT fk_good REFERENCES depot.goods (id) ON DELETE CASCADE,"
    " CONSTRAINT pk_sold PRIMARY KEY (number, part))",
    "CREATE UNIQUE INDEX ix_name ON depot.goods (name DESC, id)",
    "CREATE VIEW depot.cheap AS SELECT name FROM depot.goods WHERE price < 5",
    "CREATE PROCEDURE depot.find @name NVARCHAR(40), @found INT OUTPUT AS SELECT @found = 1",
)


def found(rows: Any, *columns: str) -> list[tuple[object, ...]]:
    """Those columns of the rows, by their names: the drivers write them in small letters or in capitals."""
    return [tuple(value(row, column) for column in columns) for row in rows]


def value(row: Any, column: str) -> object:
    return getattr(row, column if hasattr(row, column) else column.upper())


def tables(cursor: Any) -> None:
    name = ("table_schem", "table_name", "table_type")
    both = found(cursor.tables(schema="depot").fetchall(), *name)
    assert both == [("depot", "goods", "TABLE"), ("depot", "sold", "TABLE"), ("depot", "cheap", "VIEW")], both
    assert found(cursor.tables(table="goo%", schema="depot", tableType="TABLE").fetchall(), *name) == both[:1]
    assert cursor.tables(table="nothing").fetchall() == []
    assert ("depot",) in found(cursor.tables(catalog="", schema="%", table="").fetchall(), "table_schem")
    databases = set(found(cursor.tables(catalog="%", schema="", table="").fetchall(), "table_cat"))
    assert len(databases) == 1, databases
    # a pattern for the database
    (database,) = next(iter(databases))
    assert found(cursor.tables(catalog=f"{str(database)[:-2]}%", schema="depot").fetchall(), *name) == both


def columns(cursor: Any) -> None:
    about = ("column_name", "data_type", "type_name", "column_size", "decimal_digits", "nullable", "ordinal_position")
    assert found(cursor.columns(table="goods", schema="depot").fetchall(), *about) == [
        ("id", _INTEGER, "int identity", 10, 0, 0, 1),
        ("name", _NVARCHAR, "nvarchar", 40, None, 0, 2),
        ("price", _DECIMAL, "decimal", 9, 2, 1, 3),
    ]
    assert found(cursor.columns(table="goods", schema="depot", column="n%").fetchall(), "column_def") == [("('x')",)]


def keys(cursor: Any) -> None:
    primary = found(cursor.primaryKeys("sold", schema="depot").fetchall(), "column_name", "key_seq", "pk_name")
    assert primary == [("number", 1, "pk_sold"), ("part", 2, "pk_sold")], primary
    about = ("pktable_name", "pkcolumn_name", "fktable_name", "fkcolumn_name", "update_rule", "delete_rule", "fk_name")
    foreign = [("goods", "id", "sold", "good", _NO_ACTION, _CASCADE, "fk_good")]
    # mssql-python has the two sides the other way round
    here, there = ("goods", "sold") if DRIVER == "pyodbc" else ("sold", "goods")
    exported = cursor.foreignKeys(table=here, schema="depot").fetchall()
    imported = cursor.foreignKeys(foreignTable=there, foreignSchema="depot").fetchall()
    assert [found(exported, *about), found(imported, *about)] == [foreign, foreign], (exported, imported)
    assert found(exported, "deferrability") == [(_NOT_DEFERRABLE,)]


def indexes(cursor: Any) -> None:
    about = ("non_unique", "index_name", "type", "ordinal_position", "column_name", "asc_or_desc")
    by_key, by_name = ("pk_goods", _CLUSTERED), ("ix_name", _OTHER)
    listed = found(cursor.statistics("goods", schema="depot").fetchall(), *about)
    assert listed == [
        (None, None, _OF_TABLE, None, None, None),
        (0, *by_key, 1, "id", "A"),
        (0, *by_name, 1, "name", "D"),
        (0, *by_name, 2, "id", "A"),
    ], listed
    if DRIVER == "mssql-python":  # pyodbc asks for a table by a name that nobody gave it
        row = cursor.rowIdColumns("goods", schema="depot").fetchall()
        assert found(row, "column_name") == [("id",)], row


def routines(cursor: Any) -> None:
    name = found(cursor.procedures(procedure="find", schema="depot").fetchall(), "procedure_schem", "procedure_name")
    assert [(schema, str(called).split(";")[0]) for schema, called in name] == [("depot", "find")], name
    if DRIVER == "pyodbc":
        parameters = found(cursor.procedureColumns(procedure="find", schema="depot").fetchall(), "column_name")
        assert parameters == [("@RETURN_VALUE",), ("@name",), ("@found",)], parameters


def types(cursor: Any) -> None:
    every = {row[0]: row[1] for row in found(cursor.getTypeInfo().fetchall(), "type_name", "data_type")}
    assert (every["int"], every["nvarchar"], every["decimal"]) == (_INTEGER, _NVARCHAR, _DECIMAL), every
    one = found(cursor.getTypeInfo(_DECIMAL).fetchall(), "type_name")
    assert one[0] == ("decimal",), one


def main() -> None:
    with CONNECT[DRIVER]() as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        for statement in TABLES:
            cursor.execute(statement)
        for ask in (tables, columns, keys, indexes, routines, types):
            ask(cursor)
    print("ok")


main()
