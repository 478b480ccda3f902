"""Whoever writes a node has to take all of it: what nobody takes is refused by name."""

from __future__ import annotations

import pytest
from sqlglot import exp

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tsql.grammar import Dialect
from keyless.providers.sql.tsql.parts import Ledger
from keyless.providers.sql.tsql.reader import Reader, translate
from keyless.providers.sql.tsql.writer import Writer


def select(text: str) -> exp.Expr:
    return Dialect().parse(text)[0] or exp.Null()


def test_a_tree_that_was_written_is_settled() -> None:
    ledger = Ledger()
    tree = select("SELECT a AS b FROM t WHERE a = 1")
    Writer({}, ledger)(tree)
    ledger.settle(tree)


@pytest.mark.parametrize(
    ("parent", "key", "value"),
    [
        (exp.Select, "qualify", exp.Null()),
        (exp.Select, "laterals", [exp.Null()]),
        (exp.Select, "sample", exp.Null()),
        (exp.Table, "when", exp.Null()),
        (exp.Column, "join_mark", True),
        (exp.EQ, "operator", "x"),
        (exp.Where, "more", exp.Null()),
        (exp.Literal, "unit", "x"),
    ],
)
def test_an_argument_that_nobody_knows_is_refused_wherever_it_hangs(
    parent: type[exp.Expr], key: str, value: object
) -> None:
    tree = select("SELECT a AS b FROM t WHERE a = 1")
    node = tree.find(parent)
    assert node is not None
    node.args[key] = value
    ledger = Ledger()
    Writer({}, ledger)(tree)
    with pytest.raises(SqlError) as caught:
        ledger.settle(tree)
    assert caught.value.number == 40510


def test_a_token_that_nobody_reads_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A grammar that steps over a token by itself does not get away with it."""
    word = Reader.word

    def careless(self: Reader, *words: str) -> bool:
        if words == ("TABLE",) and self.ahead() == "STRANGE":
            self.parser._advance()
        return word(self, *words)

    monkeypatch.setattr(Reader, "word", careless)
    with pytest.raises(SqlError, match="STRANGE here is not supported"):
        translate("CREATE STRANGE TABLE t (a INT)", {})


def test_an_assignment_says_which_table_it_means() -> None:
    assert translate("UPDATE t SET t.a = 1", {})
    with pytest.raises(SqlError) as caught:
        translate("UPDATE t SET u.a = 1", {})
    assert caught.value.number == 4104
