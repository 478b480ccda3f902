"""SQL Server's own procedures, called as a driver calls them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from keyless.providers.sql.engine import Columns, Database, Login, Rows, SqlError
from keyless.providers.sql.postgres.engine import PostgresEngine
from keyless.providers.sql.postgres.session import PostgresSession
from keyless.providers.sql.types import Column, Kind, Parameter, Row, SqlType, Value
from tests.providers.sql.postgres.conftest import SERVER, principal

TABLES = """
CREATE TABLE dbo.Goods (Id INT IDENTITY NOT NULL CONSTRAINT PK_Goods PRIMARY KEY, Name NVARCHAR(40) NOT NULL DEFAULT 'x', Price DECIMAL(9,2));
CREATE TABLE dbo.Sold (Id INT NOT NULL PRIMARY KEY, Good INT CONSTRAINT FK_Good REFERENCES Goods (Id) ON DELETE CASCADE);
CREATE UNIQUE INDEX IX_Name ON Goods (Name DESC, Id)
"""  # noqa: E501


async def results(session: PostgresSession, procedure: str, *places: Value, **names: Value) -> list[list[Row]]:
    given = [Parameter("", _type(value), value) for value in places]
    given += [Parameter(f"@{name}", _type(value), value) for name, value in names.items()]
    found: list[list[Row]] = []
    async for event in session.call(procedure, given):
        if isinstance(event, Columns):
            found.append([])
        elif isinstance(event, Rows):
            found[-1] += event.rows
    return found


async def columns(session: PostgresSession, procedure: str, *places: Value) -> tuple[Column, ...]:
    given = [Parameter("", _type(value), value) for value in places]
    return next(iter([event.columns async for event in session.call(procedure, given) if isinstance(event, Columns)]))


def _type(value: Value) -> SqlType:
    return SqlType(Kind.INT) if isinstance(value, int) else SqlType(Kind.NVARCHAR, 128)


async def run(session: PostgresSession, text: str) -> list[Row]:
    return [row async for event in session.run(text) if isinstance(event, Rows) for row in event.rows]


def cells(rows: Sequence[Row], *places: int) -> list[Row]:
    return [tuple(row[place] for place in places) for row in rows]


@pytest.fixture
async def shop(owner: PostgresSession) -> PostgresSession:
    await run(owner, TABLES)
    return owner


async def test_tables_and_columns(shop: PostgresSession) -> None:
    (tables,) = await results(shop, "sp_tables", "g%", table_owner="dbo", table_type="'TABLE'")
    assert cells(tables, 1, 2, 3) == [("dbo", "Goods", "TABLE")]
    (rows,) = await results(shop, "[sys].sp_columns_100", table_name="Goods", ODBCVer=3)
    assert cells(rows, 3, 4, 5, 6, 7, 10) == [
        ("Id", 4, "int identity", 10, 4, 0), ("Name", -9, "nvarchar", 40, 80, 0), ("Price", 3, "decimal", 9, 11, 1),
    ]  # fmt: skip
    assert cells(rows, 12) == [(None,), ("('x')",), (None,)]
    (old,) = await results(shop, "sp_columns", "Goods", column_name="Id")
    assert len(old[0]) == 19
    first = (await columns(shop, "sp_tables", "g%"))[0]
    assert first == Column("TABLE_QUALIFIER", SqlType(Kind.NVARCHAR, 128))


async def test_keys_and_indexes(shop: PostgresSession) -> None:
    (keys,) = await results(shop, "sp_pkeys", "Goods")
    assert cells(keys, 2, 3, 4, 5) == [("Goods", "Id", 1, "PK_Goods")]
    (foreign,) = await results(shop, "sp_fkeys", pktable_name="Goods")
    assert cells(foreign, 2, 3, 6, 7, 9, 10, 11, 12) == [
        ("Goods", "Id", "Sold", "Good", 1, 0, "FK_Good", "PK_Goods"),
    ]
    assert (await results(shop, "sp_fkeys", fktable_name="Sold")) == [foreign]
    (statistics,) = await results(shop, "sp_statistics_100", "Goods")
    assert cells(statistics, 3, 5, 6, 7, 8, 9) == [
        (None, None, 0, None, None, None), (0, "PK_Goods", 1, 1, "Id", "A"),
        (0, "IX_Name", 3, 1, "Name", "D"), (0, "IX_Name", 3, 2, "Id", "A"),
    ]  # fmt: skip
    (special,) = await results(shop, "sp_special_columns", "Goods")
    assert cells(special, 1, 3) == [("Id", "int")]


async def test_help(shop: PostgresSession) -> None:
    await run(shop, "CREATE VIEW Cheap AS\nSELECT Name FROM Goods")
    about, listed, identity, indexes = await results(shop, "sp_help", "Goods")
    assert cells(about, 0, 2) == [("Goods", "user table")]
    assert cells(listed, 0, 1, 3) == [("Id", "int", 4), ("Name", "nvarchar", 80), ("Price", "decimal", 5)]
    assert identity[0][0] == "Id"
    assert cells(indexes, 0, 2) == [("IX_Name", "Name(-), Id"), ("PK_Goods", "Id")]
    (text,) = await results(shop, "sp_helptext", "Cheap")
    assert cells(text, 0) == [("CREATE VIEW Cheap AS\n",), ("SELECT Name FROM Goods",)]
    with pytest.raises(SqlError) as caught:
        await results(shop, "sp_help", "nothing")
    assert caught.value.number == 15009


async def test_extended_properties(shop: PostgresSession) -> None:
    place = ("schema", "dbo", "table", "Goods")
    await results(shop, "sp_addextendedproperty", "MS_Description", "what is sold", *place)
    await results(shop, "sp_addextendedproperty", "MS_Description", "its name", *place, "column", "name")
    told = "SELECT objtype, objname, value FROM fn_listextendedproperty('MS_Description', {})"
    assert await run(shop, told.format("'schema', 'dbo', 'table', 'goods', NULL, NULL")) == [
        ("TABLE", "Goods", "what is sold")
    ]
    await results(shop, "sp_updateextendedproperty", "ms_description", "called", *place, "column", "Name")
    assert await run(shop, told.format("'schema', 'dbo', 'table', 'goods', 'column', default")) == [
        ("COLUMN", "Name", "called")
    ]
    await results(shop, "sp_dropextendedproperty", "MS_Description", *place)
    assert await run(shop, "SELECT minor_id, value FROM sys.extended_properties") == [(2, "called")]
    for procedure, given, number in (
        ("sp_dropextendedproperty", ("MS_Description", *place), 15217),
        ("sp_addextendedproperty", ("MS_Description", "again", *place, "column", "Name"), 15233),
        ("sp_addextendedproperty", ("MS_Description", "x", "schema", "dbo", "table", "nothing"), 15135),
    ):
        with pytest.raises(SqlError) as caught:
            await results(shop, procedure, *given)
        assert caught.value.number == number


async def test_rename(shop: PostgresSession) -> None:
    await results(shop, "sp_rename", "Goods.Name", "FullName", "COLUMN")
    await results(shop, "sp_rename", "dbo.Goods", "Wares")
    await results(shop, "sp_rename", "Wares.IX_Name", "IX_FullName", "INDEX")
    await results(shop, "sp_rename", "FK_Good", "FK_Ware")
    assert await run(shop, "SELECT name FROM sys.columns WHERE object_id = OBJECT_ID('wares') AND column_id = 2") == [
        ("FullName",)
    ]
    assert await run(shop, "SELECT name FROM sys.indexes WHERE object_id = OBJECT_ID('Wares') AND index_id = 2") == [
        ("IX_FullName",)
    ]
    assert await run(shop, "SELECT name FROM sys.foreign_keys") == [("FK_Ware",)]
    await run(shop, "DROP INDEX IX_FullName ON Wares; SELECT FullName FROM Wares")
    for given, number in ((("nothing", "x"), 15225), (("Wares.Id", "FullName", "COLUMN"), 15335)):
        with pytest.raises(SqlError) as caught:
            await results(shop, "sp_rename", *given)
        assert caught.value.number == number


@pytest.mark.parametrize("letter", ["n", "Ä", "茶"])
async def test_long_names(shop: PostgresSession, letter: str) -> None:
    """PostgreSQL keeps 63 bytes of a name, T-SQL 128 characters."""
    table, fresh, name, part = (f"{start}{letter * 110}" for start in ("t", "F", "C", "p"))
    await run(
        shop,
        f"CREATE SCHEMA [s{name}]; CREATE TABLE [s{name}].[{table}] ([{name}] NVARCHAR(3) NOT NULL, [{part}] INT,"
        f" CONSTRAINT [k{name}] PRIMARY KEY ([{name}])); CREATE INDEX [i{name}] ON [s{name}].[{table}] ([{part}])",
    )
    place = ("schema", f"s{name}", "table", table)
    for told, level in (
        ("a", ()),
        ("b", ("column", name)),
        ("c", ("constraint", f"k{name}")),
        ("d", ("index", f"i{name}")),
    ):
        await results(shop, "sp_addextendedproperty", "about", told, *place, *level)
    assert await run(shop, "SELECT value FROM sys.extended_properties ORDER BY value") == [
        ("a",),
        ("b",),
        ("c",),
        ("d",),
    ]
    await results(shop, "sp_rename", f"[s{name}].[{table}].[{name}]", fresh, "COLUMN")
    await results(shop, "sp_rename", f"[s{name}].[{table}].[i{name}]", f"i{fresh}", "INDEX")
    await results(shop, "sp_rename", f"[s{name}].[k{name}]", f"k{fresh}")
    await results(shop, "sp_rename", f"[s{name}].[{table}]", fresh)
    of_table = f"object_id = OBJECT_ID('[s{name}].[{fresh}]')"
    assert await run(shop, f"SELECT name FROM sys.columns WHERE {of_table}") == [(fresh,), (part,)]
    indexes = await run(shop, f"SELECT name FROM sys.indexes WHERE {of_table} ORDER BY name")
    assert indexes == [(f"i{fresh}",), (f"k{fresh}",)]
    # the column's limit and the index go by the new names
    await run(shop, f"ALTER TABLE [s{name}].[{fresh}] ALTER COLUMN [{fresh}] NVARCHAR(5) NOT NULL")
    await run(shop, f"INSERT INTO [s{name}].[{fresh}] ([{fresh}]) VALUES (N'12345')")
    await run(shop, f"DROP INDEX [i{fresh}] ON [s{name}].[{fresh}]; DROP TABLE [s{name}].[{fresh}]")


async def test_a_renamed_columns_length(shop: PostgresSession) -> None:
    await results(shop, "sp_rename", "Goods.Name", "Called", "COLUMN")
    await run(shop, "ALTER TABLE Goods ALTER COLUMN Called NVARCHAR(50) NOT NULL")
    assert await run(shop, f"INSERT INTO Goods (Called) OUTPUT LEN(inserted.Called) VALUES ('{'x' * 50}')") == [(50,)]
    with pytest.raises(SqlError) as caught:
        await results(shop, "sp_rename", "Goods.Called", "x" * 129, "COLUMN")
    assert caught.value.number == 15004


async def test_parameters_that_do_not_fit(shop: PostgresSession) -> None:
    for number, given in ((201, {}), (8145, {"table_name": "x", "nope": 1})):
        with pytest.raises(SqlError) as caught:
            await results(shop, "sp_columns", **given)  # type: ignore[arg-type]
        assert caught.value.number == number
    with pytest.raises(SqlError) as caught:
        await results(shop, "sp_pkeys", "a", "b", "d", "e")
    assert caught.value.number == 8144
    with pytest.raises(SqlError) as caught:
        await results(shop, "sp_nothing")
    assert caught.value.number == 2812


async def test_who_has_no_right_on_a_table_does_not_see_it(
    engine: PostgresEngine, database: Database, shop: PostgresSession
) -> None:
    await run(shop, "CREATE USER ann FROM EXTERNAL PROVIDER")
    ann = await engine.open(Login(SERVER, database, principal("ann"), False))
    seen = "SELECT COUNT(*) FROM sys.tables UNION ALL SELECT COUNT(*) FROM INFORMATION_SCHEMA.COLUMNS"
    assert await run(ann, seen) == [(0,), (0,)]
    assert await run(ann, "SELECT OBJECT_ID('Goods'), COUNT(*) FROM sys.indexes") == [(None, 0)]
    await run(shop, "GRANT SELECT ON Goods TO ann")
    assert await run(ann, seen) == [(1,), (3,)]
    with pytest.raises(SqlError) as caught:
        await results(ann, "sp_rename", "Goods", "Mine")
    assert caught.value.number == 1088
    with pytest.raises(SqlError) as caught:
        await results(ann, "sp_addextendedproperty", "a", "b", "schema", "dbo", "table", "Goods")
    assert caught.value.number == 1088
