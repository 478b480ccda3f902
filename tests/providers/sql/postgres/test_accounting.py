"""Nothing of a statement is dropped: what the parser reads over is refused by name."""

from __future__ import annotations

import pytest

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tsql.reader import translate


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("SELECT a FROM t QUALIFY 1 = 1", "QUALIFY"),
        ("SELECT COUNT(ALL a) FROM t", "ALL"),
        ("SELECT {fn NOW()}", "{"),
    ],
)
def test_what_the_tree_does_not_hold_is_refused(statement: str, named: str) -> None:
    with pytest.raises(SqlError) as caught:
        translate(statement, {})
    assert (caught.value.number, caught.value.message) == (40510, f"{named} here is not supported by this server.")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT .5, 1., +1, 1 + +2, -1",
        "SELECT 1 AS 'b', N'it''s' AS [c d], \"e\" FROM t AS x",
        "SELECT a FROM t INNER JOIN u ON t.a = u.a LEFT OUTER JOIN v ON v.a <> 1 WHERE t.a != 1 AND t.b NOT IN (1, 2)",
        "SELECT CAST(a AS DECIMAL(5, 2)), CAST(a AS INTEGER), CONVERT(VARCHAR(10), a, 120) FROM t",
        "SELECT a FROM t ORDER BY a ASC, b DESC OFFSET 1 ROW FETCH NEXT 2 ROWS ONLY",
        "SELECT TOP (2) WITH TIES a FROM t ORDER BY a",
        "SELECT a, SUM(b) OVER (PARTITION BY a ORDER BY b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t",
        "MERGE t USING u ON t.a = u.a WHEN NOT MATCHED BY TARGET THEN INSERT (a) VALUES (u.a);",
        "UPDATE t SET a = u.a FROM t JOIN u ON u.b = t.b WHERE u.c IS NOT NULL",
    ],
)
def test_what_only_looks_different_is_not(statement: str) -> None:
    assert translate(statement, {})


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT a FROM t EXCEPT ALL SELECT 1",
        "SELECT a FROM t INTERSECT ALL SELECT 1",
    ],
)
def test_what_is_no_t_sql_or_has_another_shape_is_refused(statement: str) -> None:
    with pytest.raises(SqlError, match="is not supported by this server"):
        translate(statement, {})
