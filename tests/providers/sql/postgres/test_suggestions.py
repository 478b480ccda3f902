"""What clients are told of parameters that they have not declared, against the embedded PostgreSQL."""

from __future__ import annotations

import pytest

from keyless.providers.sql.gateway.type_names import type_name
from keyless.providers.sql.postgres.session import PostgresSession

TABLE = (
    "CREATE TABLE goods (id INT IDENTITY PRIMARY KEY, name NVARCHAR(50), code VARCHAR(10), price DECIMAL(10, 2),"
    " made DATETIME2(3), picture VARBINARY(MAX), note VARCHAR(MAX), day DATE, ok BIT, key_ UNIQUEIDENTIFIER)"
)
CASES = {
    "INSERT INTO goods (price, name) VALUES (@P1, @P2)": ["decimal(10,2)", "nvarchar(50)"],
    "INSERT INTO goods VALUES (@a, @b, @c, @d, @e, @f, @g, @h, @i)": [
        *("nvarchar(50)", "nvarchar(10)", "decimal(10,2)", "datetime2(3)", "varbinary(max)", "nvarchar(max)", "date"),
        *("bit", "uniqueidentifier"),
    ],
    "INSERT INTO dbo.goods (name, made) SELECT @P1, @P2": ["nvarchar(50)", "datetime2(3)"],
    "UPDATE goods SET price = @P1, code = @P2 WHERE id = @P3": ["decimal(10,2)", "nvarchar(10)", "int"],
    "UPDATE g SET price = price * @P1 FROM goods AS g WHERE g.name = @P2": ["decimal(10,2)", "nvarchar(4000)"],
    "DELETE FROM goods WHERE day BETWEEN @P1 AND @P2 OR id IN (@P3, 4)": ["date", "date", "int"],
    "SELECT g.id FROM goods AS g WHERE @P1 < g.price AND g.name LIKE @P2": ["decimal(10,2)", "nvarchar(4000)"],
    "SELECT x.id FROM (SELECT id FROM goods WHERE key_ = @P1) AS x WHERE x.id = 1": ["uniqueidentifier"],
    "SELECT id FROM goods WHERE EXISTS (SELECT 1 FROM sys.tables WHERE price = @P1)": ["decimal(10,2)"],
    "SELECT CAST(@P1 AS DECIMAL(5, 1)), CONVERT(VARBINARY(20), @P2), @P3": [
        *("decimal(5,1)", "varbinary(20)", "nvarchar(4000)"),
    ],
    "SELECT TOP (@P1) id FROM goods WHERE ISNULL(price, @P2) > 1": ["bigint", "decimal(10,2)"],
    "SET NOCOUNT ON; INSERT INTO goods (price) OUTPUT inserted.id VALUES (@P1)": ["decimal(10,2)"],
    "SELECT id FROM goods WHERE nothing = @P1": ["nvarchar(4000)"],
    "MERGE goods AS t USING (VALUES (1)) AS s (a) ON t.id = s.a WHEN MATCHED THEN UPDATE SET price = @P1"
    " WHEN NOT MATCHED THEN INSERT (made) VALUES (@P2);": ["decimal(10,2)", "datetime2(3)"],
}


@pytest.mark.parametrize("statement", CASES)
async def test_a_parameter_is_what_its_place_takes(owner: PostgresSession, statement: str) -> None:
    async for _ in owner.run(TABLE):
        pass
    found = await owner.describe_parameters(statement)
    assert [type_name(one.type) for one in found] == CASES[statement]


async def test_a_temporary_table_is_known(owner: PostgresSession) -> None:
    async for _ in owner.run("CREATE TABLE #t (price DECIMAL(9, 3))"):
        pass
    (found,) = await owner.describe_parameters("INSERT INTO #t VALUES (@P1)")
    assert type_name(found.type) == "decimal(9,3)"


async def test_hundreds_of_parameters_are_read_once(owner: PostgresSession) -> None:
    listed = ", ".join(f"(@P{number})" for number in range(1, 301))
    found = await owner.describe_parameters(
        f"SELECT v FROM (VALUES {listed}) AS t(v) WHERE v <> '@P301' AND @@SPID > 0"
    )
    assert [parameter.name for parameter in found] == [f"@P{number}" for number in range(1, 301)]


async def test_a_variable_of_the_text_is_no_parameter(owner: PostgresSession) -> None:
    found = await owner.describe_parameters("DECLARE @own INT = 1; SELECT @own + @asked")
    assert [parameter.name for parameter in found] == ["@asked"]
