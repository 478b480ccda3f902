from __future__ import annotations

import pytest

from keyless.cli.sql_script import Batch, batches


def texts(script: str) -> list[str]:
    return [batch.text.strip() for batch in batches(script)]


@pytest.mark.parametrize("go", ["GO", "go", "  Go\t", "GO -- and on", "GO\r"])
def test_go_on_its_own_line_ends_a_batch(go: str) -> None:
    assert texts(f"SELECT 1\n{go}\nSELECT 2") == ["SELECT 1", "SELECT 2"]


@pytest.mark.parametrize(
    "script",
    [
        "SELECT 'a\nGO\nb'",
        "SELECT 'it''s\nGO\n'",
        'SELECT 1 AS "a\nGO\nb"',
        "SELECT 1 AS [a\nGO\nb]",
        "/* a\nGO\n*/ SELECT 1",
        "-- it's\nSELECT 1",
        "SELECT 1 AS GO",
        "GOTO x",
        "SELECT go\nFROM t",
        "SELECT 'no end\nGO\n",
    ],
)
def test_elsewhere_it_is_a_part_of_the_batch(script: str) -> None:
    assert texts(script) == [script.strip()]


def test_a_batch_runs_as_often_as_is_said_and_nothing_is_no_batch() -> None:
    assert texts("SELECT 1\nGO 3\n\nGO\n  \nGO") == ["SELECT 1"] * 3
    assert texts("") == []


def test_a_batch_knows_how_many_lines_stand_before_it() -> None:
    first, second = batches("SELECT 1\nGO\nSELECT 2\n")
    assert first == Batch("SELECT 1\n", 0)
    # its text begins with the end of GO's line
    assert second == Batch("\nSELECT 2\n", 1)
