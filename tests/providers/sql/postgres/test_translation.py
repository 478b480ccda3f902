"""What the translation lets through: names and strings come out whole, and nothing else reaches PostgreSQL."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyless.providers.sql.engine import Rows, SqlError
from keyless.providers.sql.postgres.session import PostgresSession
from keyless.providers.sql.tsql.names import fold, quoted, text
from keyless.providers.sql.tsql.plan import Step
from keyless.providers.sql.tsql.reader import translate

ANY = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=40)


def unquoted(written: str, mark: str) -> str:
    """What PostgreSQL reads: the doubled mark is one, and a single one inside would end it."""
    assert written[0] == written[-1] == mark
    inside = written[1:-1].split(mark * 2)
    assert all(mark not in part for part in inside)
    return mark.join(inside)


@given(ANY)
def test_a_string_comes_out_as_it_went_in(value: str) -> None:
    assert unquoted(text(value), "'") == value


@given(ANY)
def test_a_name_comes_out_folded(value: str) -> None:
    try:
        folded = fold(value)
    except SqlError as error:
        assert error.number in {103, 1038}
        return
    assert len(folded.encode()) <= 63
    assert unquoted(quoted(value), '"') == folded


@given(ANY)
@settings(max_examples=60, deadline=None)
def test_a_string_in_a_statement_is_one_literal(value: str) -> None:
    (step,) = translate("SELECT '" + value.replace("'", "''") + "' AS x", {}).code
    assert isinstance(step, Step)
    assert step.sql == f'SELECT {text(value)}::tsql.citext AS "x"'


@given(st.text(max_size=80))
@settings(max_examples=150, deadline=None)
def test_any_text_is_translated_or_refused(value: str) -> None:
    try:
        translate(value, {})
    except SqlError as error:
        assert error.message


def test_a_statement_is_not_swallowed_by_the_one_before() -> None:
    code = translate("SELECT 1 COMMIT SELECT 2 x DELETE FROM t", {}).code
    found = [step.action.value for step in code if isinstance(step, Step)]
    assert found == ["query", "commit", "query", "change"]


@pytest.mark.parametrize("name", ["x" * 258, "ü" * 258])
def test_a_name_that_is_too_long_is_refused(name: str) -> None:
    with pytest.raises(SqlError) as caught:
        translate(f"SELECT 1 FROM [{name}]", {})
    assert caught.value.number == 103


@pytest.mark.parametrize(
    "value", ["", "it's", "a\\b", "\\'; DROP TABLE t; --", "$1", "%s", "ß𝒳", 'a]b"c', "\n\t", "/*", "--"]
)
async def test_postgresql_reads_the_same_string(owner: PostgresSession, value: str) -> None:
    rows: list[object] = []
    async for event in owner.run("SELECT N'" + value.replace("'", "''") + "'"):
        if isinstance(event, Rows):
            rows += event.rows
    assert rows == [(value,)]
