from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID

import pytest

from keyless.cli.sql_output import output_of
from keyless.providers.sql.types import Row

GUID = UUID("6f9619ff-8b86-d011-b42d-00cf4fc964ff")
ROW: Row = (
    1,
    "a,\n\x1b[2J",
    Decimal("12345678901234567890.10"),
    b"\x01\xff",
    True,
    None,
    GUID,
    datetime(2026, 1, 2, 3, 4, 5, 6, UTC),
    date(2026, 1, 2),
    time(3, 4),
    0.1,
)


def printed(capsys: pytest.CaptureFixture[str], kind: str, *results: tuple[list[str], list[Row]]) -> str:
    output = output_of(kind)
    for names, rows in results:
        output.begin(names)
        output.rows(rows)
        output.end()
    return capsys.readouterr().out


def test_a_table_shows_values_as_sql_servers_tools_do(capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"c{n}" for n in range(len(ROW))]
    _, row = printed(capsys, "table", (names, [ROW])).splitlines()
    assert row.split() == [
        *("1", "a,\\n\\x1b[2J", "12345678901234567890.10", "0x01FF", "1", "NULL"),
        *(str(GUID).upper(), "2026-01-02", "03:04:05.000006+00:00", "2026-01-02", "03:04:00", "0.1"),
    ]


def test_tables_follow_each_other_and_an_empty_one_has_its_heading(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "table", (["a", "b"], []), (["c"], [("茶",), ("tea",)])) == "a  b\n\nc\n茶\ntea\n"


def test_a_long_table_keeps_its_first_widths(capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[Row] = [("x", n) for n in range(600)]
    lines = printed(capsys, "table", (["a", "b"], [*rows, ("longer", 600)])).splitlines()
    assert len(lines) == 602
    assert lines[1] == "x  0"
    assert lines[-1] == "longer  600"


def test_csv_quotes_what_has_to_be_and_null_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, "csv", (["a", "b", "c"], [('say "x"', None, Decimal("1E+2"))]))
    assert out == 'a,b,c\n"say ""x""",,100\n'


def test_json_is_an_array_with_a_name_for_each_column(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["a", "", "n", "x", "b", "a", "g", "at", "d", "t", "f"]
    (found,) = json.loads(printed(capsys, "json", (names, [ROW])), parse_float=Decimal)
    assert found["n"] == Decimal("12345678901234567890.10")
    assert found == {
        **{"a": 1, "column2": "a,\n\x1b[2J", "n": found["n"], "x": "0x01FF", "b": True, "a_6": None},
        **{"g": str(GUID).upper(), "at": "2026-01-02T03:04:05.000006+00:00", "d": "2026-01-02", "t": "03:04:00"},
        "f": Decimal("0.1"),
    }
    assert printed(capsys, "json", (["a"], [])) == "[]\n"
