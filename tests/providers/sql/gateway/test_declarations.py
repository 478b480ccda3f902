from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.providers.sql import datatype_info
from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.gateway import describing
from keyless.providers.sql.gateway.declarations import bind, read_declarations
from keyless.providers.sql.gateway.names import Names
from keyless.providers.sql.gateway.type_names import type_name
from keyless.providers.sql.types import Column, Kind, Parameter, SqlType, Value

TYPES = {
    "int": SqlType(Kind.INT),
    "nvarchar(max)": SqlType(Kind.NVARCHAR),
    "nvarchar(4000)": SqlType(Kind.NVARCHAR, 4000),
    "char": SqlType(Kind.CHAR, 1),
    "decimal(38, 10)": SqlType(Kind.DECIMAL, precision=38, scale=10),
    "decimal": SqlType(Kind.DECIMAL),
    "datetime2": SqlType(Kind.DATETIME2, scale=7),
    "datetimeoffset(0)": SqlType(Kind.DATETIMEOFFSET),
    "float(24)": SqlType(Kind.REAL),
    "double precision": SqlType(Kind.FLOAT),
    "[sys].[sysname]": SqlType(Kind.NVARCHAR, 128),
    "rowversion": SqlType(Kind.BINARY, 8),
}


@given(st.lists(st.tuples(st.sampled_from(sorted(TYPES)), st.sampled_from(["", " OUTPUT", " out"])), max_size=8))
def test_declarations_are_read(wanted: list[tuple[str, str]]) -> None:
    text = ", ".join(f"@p{number} {declared}{out}" for number, (declared, out) in enumerate(wanted))
    found = read_declarations(text)
    assert [(one.type, one.output) for one in found] == [(TYPES[declared], bool(out)) for declared, out in wanted]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("p int", 102),
        ("@p", 102),
        ("@p int; DROP TABLE t", 102),
        ("@p geography", 2715),
        ("@t dbo.MyTable READONLY", 102),
        ("@t MyTable READONLY", 2724),
        ("@p nvarchar(4001)", 131),
        ("@p char(max)", 131),
        ("@p decimal(39)", 1001),
        ("@p decimal(max)", 1001),
        ("@p decimal(5, 6)", 1001),
        ("@p time(8)", 1002),
        ("@p time(max)", 1002),
    ],
)
def test_what_cannot_be_declared_is_refused(text: str, number: int) -> None:
    with pytest.raises(SqlError) as refused:
        read_declarations(text)
    assert refused.value.number == number


def bound(declared: str, sent: SqlType, value: Value) -> Value:
    (one,) = bind(read_declarations(f"@p {declared}"), [Parameter("", sent, value)], "SELECT @p")
    return one.value


TEXT, INT = SqlType(Kind.NVARCHAR, 40), SqlType(Kind.INT)


@pytest.mark.parametrize(
    ("declared", "sent", "value", "found"),
    [
        ("int", TEXT, " 12 ", 12),
        ("bit", TEXT, "true", True),
        ("decimal(9,2)", TEXT, "1.25", Decimal("1.25")),
        ("float", INT, 3, 3.0),
        ("money", INT, 3, Decimal(3)),
        ("bit", INT, 5, True),
        ("nvarchar(10)", INT, 5, "5"),
        ("nvarchar(10)", SqlType(Kind.BIT), True, "1"),
        ("date", SqlType(Kind.DATETIME2), datetime(2026, 1, 2, 3), date(2026, 1, 2)),
        ("datetime2", SqlType(Kind.DATE), date(2026, 1, 2), datetime(2026, 1, 2)),
        ("datetimeoffset", TEXT, "2026-01-02T03:04:05+00:00", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("uniqueidentifier", TEXT, "00000000-0000-0000-0000-000000000007", UUID(int=7)),
        ("int", INT, None, None),
    ],
)
def test_a_value_becomes_one_of_the_declared_type(declared: str, sent: SqlType, value: Value, found: Value) -> None:
    made = bound(declared, sent, value)
    assert (type(made), made) == (type(found), found)


@pytest.mark.parametrize(
    ("declared", "sent", "value", "number"),
    [
        ("tinyint", INT, 256, 8115),
        ("int", TEXT, "twelve", 245),
        ("decimal(9,2)", TEXT, "NaN", 245),
        ("datetime2", TEXT, "soon", 241),
        ("varbinary(10)", TEXT, "00", 206),
        ("int", SqlType(Kind.DATE), date(2026, 1, 1), 206),
        ("date", SqlType(Kind.DATETIMEOFFSET), datetime(2026, 1, 1, tzinfo=UTC), 206),
        ("int", SqlType(Kind.DECIMAL), Decimal("1.5"), 206),
    ],
)
def test_no_value_is_changed_in_silence(declared: str, sent: SqlType, value: Value, number: int) -> None:
    with pytest.raises(SqlError) as refused:
        bound(declared, sent, value)
    assert refused.value.number == number


def test_values_go_by_name_or_by_place() -> None:
    declared = read_declarations("@a int, @b int")
    by_name = bind(declared, [Parameter("@B", INT, 2), Parameter("@A", INT, 1)], "")
    by_place = bind(declared, [Parameter("", INT, 1), Parameter("", INT, 2)], "")
    assert [one.value for one in by_name] == [one.value for one in by_place] == [1, 2]
    for given_, number in (([Parameter("@a", INT, 1)], 8178), ([Parameter("@c", INT, 1)], 8145)):
        with pytest.raises(SqlError) as refused:
            bind(declared, given_, "SELECT 1")
        assert refused.value.number == number


def test_the_type_that_odbc_binds_moments_with_comes_first() -> None:
    assert [row[0] for row in datatype_info.rows(93, 3)] == ["datetime2", "datetime", "smalldatetime"]
    assert [row[1] for row in datatype_info.rows(11, 2)] == [11, 11, 11]
    assert len(datatype_info.COLUMNS) == 20
    assert {len(row) for row in datatype_info.rows(0, 3)} == {20}


def test_descriptions() -> None:
    columns = [Column("price", SqlType(Kind.DECIMAL, precision=10, scale=2)), Column("n", SqlType(Kind.NVARCHAR))]
    price, name = describing.result_rows(columns)
    assert (len(price), price[5], price[6], name[5], name[6], name[36]) == (
        *(39, "decimal(10,2)", 9),
        *("nvarchar(max)", -1, 65_535),
    )
    (one,) = describing.parameter_rows([Parameter("@p", SqlType(Kind.TIME, scale=3))])
    assert (len(one), one[1], one[3], one[22]) == (24, "@p", "time(3)", 41)


@given(st.sampled_from([one for text, one in TYPES.items() if text not in ("float(24)",)]))
def test_a_types_name_is_its_declaration(declared: SqlType) -> None:
    (found,) = read_declarations(f"@p {type_name(declared)}")
    assert found.type == declared


def test_host_names() -> None:
    names = Names("keyless.localhost", "https://login.keyless.localhost:8443")
    for host, server in (
        ("shop.database.keyless.localhost", "shop"),
        ("tcp:SHOP.database.windows.net,1433", "shop"),
        ("shop.database.chinacloudapi.cn\\x", "shop"),
        ("localhost,14330", ""),
        ("shop.example.com", None),
        ("a.shop.database.windows.net", None),
    ):
        assert names.server(host) == server
