"""Expressions and queries that are made up, against what Python says of them.

The precedence is Transact-SQL's ("Operator Precedence"): `* / %` before `+ - & ^ |`, which are one level, and a sign
takes what is multiplied behind it.
"""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyless.providers.sql.engine import Rows
from keyless.providers.sql.postgres.session import PostgresSession
from keyless.providers.sql.types import Row

LIMIT = 2**31 - 1


class Undefined(Exception):
    """SQL Server would give an error here."""


def apply(sign: str, a: int, b: int) -> int:
    if sign in "/%" and b == 0:
        raise Undefined
    quotient = abs(a) // abs(b or 1) * (1 if (a < 0) == (b < 0) else -1)
    found = {
        "+": a + b,
        "-": a - b,
        "*": a * b,
        "/": quotient,
        "%": a - quotient * b,
        "&": a & b,
        "|": a | b,
        "^": a ^ b,
    }
    if abs(found[sign]) > LIMIT:
        raise Undefined
    return found[sign]


class Reader:
    """Reads and computes an expression by Transact-SQL's rules: this is the oracle."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = [*words, ""]
        self.at = 0

    def take(self) -> str:
        self.at += 1
        return self.words[self.at - 1]

    def sum(self) -> int:
        value = self.product()
        while self.words[self.at] in {"+", "-", "&", "|", "^"}:
            value = apply(self.take(), value, self.product())
        return value

    def product(self) -> int:
        value = self.single()
        while self.words[self.at] in {"*", "/", "%"}:
            value = apply(self.take(), value, self.single())
        return value

    def single(self) -> int:
        word = self.take()
        if word == "-":
            return -self.product()
        if word == "~":
            return ~self.single()
        if word == "(":
            value = self.sum()
            self.take()
            return value
        return int(word)


numbers = st.integers(0, 40).map(lambda n: [str(n)])
signs = st.sampled_from(["+", "-", "*", "/", "%", "&", "|", "^"])


def larger(inside: st.SearchStrategy[list[str]]) -> st.SearchStrategy[list[str]]:
    return st.one_of(
        st.tuples(inside, signs, inside).map(lambda t: [*t[0], t[1], *t[2]]),
        inside.map(lambda t: ["(", *t, ")"]),
        inside.map(lambda t: ["-", *t]),
        inside.map(lambda t: ["~", "(", *t, ")"]),
        numbers.map(lambda t: ["~", *t]),
    )


expressions = st.recursive(numbers, larger, max_leaves=12)
SLOW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


async def rows(session: PostgresSession, statement: str) -> list[Row]:
    return [tuple(row) async for event in session.run(statement) if isinstance(event, Rows) for row in event.rows]


@SLOW
@given(st.lists(expressions, min_size=1, max_size=8))
async def test_arithmetic_is_read_as_sql_server_reads_it(owner: PostgresSession, made: list[list[str]]) -> None:
    defined, expected = [], []
    for words in made:
        try:
            expected.append(Reader(words).sum())
        except Undefined:
            continue
        defined.append(" ".join(words))
    if defined:
        (row,) = await rows(owner, "SELECT " + ", ".join(defined))
        assert dict(zip(defined, row, strict=True)) == dict(zip(defined, expected, strict=True))


conditions = st.recursive(
    st.sampled_from(["1 = 1", "1 = 2", "NULL = 1"]),
    lambda inside: st.one_of(
        st.tuples(inside, st.sampled_from(["AND", "OR"]), inside).map(" ".join),
        inside.map(lambda text: f"NOT ({text})"),
        inside.map(lambda text: f"({text})"),
        st.sampled_from(
            ["NOT 1 = 1", "NOT 1 = 2", "3 NOT IN (1, 2)", "NOT 3 IN (3)", "2 BETWEEN 1 AND 3", "NULL IS NULL"]
        ),
    ),
    max_leaves=8,
)


def truth(text: str) -> bool | None:
    """Three values of truth by Python, whose NOT, AND and OR have the same order."""

    class Truth:
        def __init__(self, value: bool | None) -> None:
            self.value = value

        def __and__(self, other: Truth) -> Truth:
            both = {self.value, other.value}
            return Truth(False if False in both else None if None in both else True)

        def __or__(self, other: Truth) -> Truth:
            both = {self.value, other.value}
            return Truth(True if True in both else None if None in both else False)

        def __invert__(self) -> Truth:
            return Truth(None if self.value is None else not self.value)

    atoms = {"3 NOT IN (1, 2)": "T", "3 IN (3)": "T", "2 BETWEEN 1 AND 3": "T", "NULL IS NULL": "T", "1 = 1": "T",
             "1 = 2": "F", "NULL = 1": "N"}  # fmt: skip
    for atom, letter in atoms.items():
        text = text.replace(atom, letter)
    # in Python & binds before |, and ~ before both, as AND, OR and NOT do
    text = text.replace("NOT", "~").replace("AND", "&").replace("OR", "|")
    found = eval(text, {"T": Truth(True), "F": Truth(False), "N": Truth(None)})
    assert isinstance(found, Truth)
    return found.value


@SLOW
@given(st.lists(conditions, min_size=1, max_size=8))
async def test_conditions_are_read_as_sql_server_reads_them(owner: PostgresSession, made: list[str]) -> None:
    (row,) = await rows(owner, "SELECT " + ", ".join(f"IIF({text}, 1, 0)" for text in made))
    assert dict(zip(made, row, strict=True)) == {text: int(truth(text) is True) for text in made}


tables = st.lists(
    st.tuples(st.integers(0, 3), st.one_of(st.none(), st.integers(-2, 2)), st.sampled_from(["a", "B", "b", "C"])),
    min_size=1,
    max_size=8,
)


def first(value: int | None) -> tuple[int, int]:
    """NULL comes first."""
    return (0, 0) if value is None else (1, value)


@SLOW
@given(tables, st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))
async def test_rows_are_filtered_sorted_grouped_and_cut_off(
    owner: PostgresSession, table: list[tuple[int, int | None, str]], least: int, skip: int, take: int
) -> None:
    values = ", ".join(
        f"({k}, {'CAST(NULL AS INT)' if v is None else v}, '{t}', {i})" for i, (k, v, t) in enumerate(table)
    )
    source = f"(VALUES {values}) AS s(k, v, t, i)"
    numbered = list(enumerate(table))
    wanted = sorted((row for row in numbered if row[1][0] >= least), key=lambda row: (first(row[1][1]), row[0]))
    assert await rows(owner, f"SELECT i FROM {source} WHERE k >= {least} ORDER BY v, i") == [(i,) for i, _ in wanted]
    down = sorted(numbered, key=lambda row: row[0])
    down.sort(key=lambda row: first(row[1][1]), reverse=True)
    assert await rows(owner, f"SELECT i FROM {source} ORDER BY v DESC, i") == [(i,) for i, _ in down]
    paged = f"SELECT i FROM {source} ORDER BY i OFFSET {skip} ROWS FETCH NEXT {take + 1} ROWS ONLY"
    assert await rows(owner, paged) == [(i,) for i, _ in numbered[skip : skip + take + 1]]
    assert await rows(owner, f"SELECT TOP ({take}) i FROM {source} ORDER BY i DESC") == [
        (i,) for i, _ in numbered[::-1][:take]
    ]
    groups: dict[str, list[int | None]] = {}
    for _, v, t in table:
        groups.setdefault(t.lower(), []).append(v)
    known = {name: [v for v in found if v is not None] for name, found in groups.items()}
    grouped = f"SELECT LOWER(t), COUNT(*), COUNT(v), SUM(v), MIN(v) FROM {source} GROUP BY LOWER(t) ORDER BY 1"
    assert await rows(owner, grouped) == [
        (name, len(groups[name]), len(found), sum(found) if found else None, min(found, default=None))
        for name, found in sorted(known.items())
    ]
    joined = f"SELECT a.i, b.i FROM {source} LEFT JOIN {source.replace(' s(', ' b(')} ON b.k = s.v ORDER BY 1, 2"
    expected: list[Row] = []
    for i, (_, v, _) in numbered:
        matches = [j for j, (k, _, _) in numbered if v is not None and k == v]
        expected += [(i, j) for j in matches] or [(i, None)]
    assert await rows(owner, joined.replace("a.i", "s.i")) == expected
