"""What a parameter that nobody declared may be: the type of the column that it goes into or stands beside.

Owns finding the place of each parameter in a statement. A guess leads a client, and never a statement: what cannot be
read here is left to the default. No I/O.
Source: Transact-SQL reference, "sp_describe_undeclared_parameters".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sqlglot import exp
from sqlglot.errors import SqlglotError

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tsql.casts import written_type
from keyless.providers.sql.tsql.grammar import Dialect
from keyless.providers.sql.tsql.names import relation, temporary
from keyless.providers.sql.tsql.parts import Ledger
from keyless.providers.sql.tsql.types import TEXTS, sql_type
from keyless.providers.sql.types import Kind, SqlType

_BEGINS = re.compile(r"\b(?:INSERT|UPDATE|DELETE|MERGE|SELECT|WITH)\b", re.IGNORECASE)
_BESIDE = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod)
_ALIKE = {"ISNULL", "COALESCE", "NULLIF"}
_TEXT = SqlType(Kind.NVARCHAR, 4000)
_MOST = 64


@dataclass(frozen=True)
class Place:
    """A column of one of some tables, the likeliest first: by its name, or by its number among those to fill in.

    `filled` says that the value goes into it, and does not only stand beside it.
    """

    relations: tuple[str, ...]
    column: str = ""
    number: int = 0
    filled: bool = False


Guess = Place | SqlType


def guesses(text: str) -> dict[str, Guess]:
    """What the parameters of a batch may be, by their names in lower case."""
    found: dict[str, Guess] = {}
    for statement in _statements(text):
        for node in statement.find_all(exp.Parameter):
            guess = _guess(node)
            if guess is not None:
                found.setdefault(f"@{node.name.lower()}", guess)
    return found


def _statements(text: str) -> Iterator[exp.Expr]:
    first = _BEGINS.search(text)
    for part in (text, text[first.start() :] if first else ""):
        try:
            yield from (statement for statement in Dialect().parse(part) if statement is not None)
        except (SqlglotError, RecursionError):
            continue
        return


def _guess(node: exp.Expr) -> Guess | None:
    parent = node.parent
    while isinstance(parent, (exp.Paren, exp.Neg)):
        node, parent = parent, parent.parent
    match parent:
        case exp.Cast() | exp.TryCast():
            return _declared(parent.args["to"])
        case exp.Convert():
            return _declared(parent.this) if parent.expression is node else None
        case exp.Like():
            return _TEXT
        case exp.Limit() | exp.Offset() | exp.Fetch():
            return SqlType(Kind.BIGINT)
        case exp.In() | exp.Between():
            return _of(parent.this) if parent.this is not node else None
        case exp.Anonymous() if parent.name.upper() in _ALIKE:
            return next((guess for part in parent.expressions if part is not node and (guess := _of(part))), None)
        case exp.Tuple() | exp.Select():
            return _filled(parent, node)
    if isinstance(parent, _BESIDE):
        guess = _of(parent.expression if parent.this is node else parent.this)
        assigned = isinstance(parent, exp.EQ) and isinstance(parent.parent, exp.Update)
        return replace(guess, filled=assigned) if isinstance(guess, Place) else guess
    return None


def _of(node: exp.Expr) -> Guess | None:
    """The type of what stands beside it."""
    while isinstance(node, (exp.Paren, exp.Neg)):
        node = node.this
    if isinstance(node, exp.Column) and isinstance(node.this, exp.Identifier):
        return Place(tuple(_relations(node, node.text("table"))), _low(node.name))
    if isinstance(node, exp.Cast):
        return _declared(node.args["to"])
    if isinstance(node, exp.Literal) and not node.is_string and node.name.isdigit():
        return SqlType(Kind.INT)
    return None


def _filled(row: exp.Expr, node: exp.Expr) -> Guess | None:
    """A value of INSERT: the column that it goes into."""
    number = next(place for place, part in enumerate(row.expressions) if part is node)
    holder = row.parent if isinstance(row, exp.Select) else row.parent and row.parent.parent
    if isinstance(row.parent, exp.Insert):
        holder = row.parent
    if not isinstance(holder, exp.Insert):
        return None
    target = holder.this
    if isinstance(target, exp.Tuple):  # of MERGE, which has named the table before
        merge = holder.find_ancestor(exp.Merge)
        names = [part.name for part in target.expressions]
        target = merge.this if merge else None
    else:
        names = [part.name for part in target.expressions] if isinstance(target, exp.Schema) else []
        target = target.this if isinstance(target, exp.Schema) else target
    if not isinstance(target, exp.Table) or (names and number >= len(names)):
        return None
    return Place((_relation(target),), _low(names[number]) if names else "", number, filled=True)


def _relations(node: exp.Expr, qualifier: str) -> Iterator[str]:
    """The tables that a column may be of, from the inside out."""
    wanted = _low(qualifier)
    scope = node.find_ancestor(exp.Select, exp.Update, exp.Delete, exp.Merge)
    count = 0
    while scope is not None and count < _MOST:
        sources = [scope.this, scope.args.get("using")] if not isinstance(scope, exp.Select) else []
        from_ = scope.args.get("from_")
        joins = [*(scope.args.get("joins") or []), *((from_.this.args.get("joins") or []) if from_ else [])]
        for table in [*([from_.this] if from_ else []), *(join.this for join in joins), *sources]:
            if isinstance(table, exp.Table) and wanted in {"", _low(table.alias_or_name)}:
                count += 1
                yield _relation(table)
        scope = scope.find_ancestor(exp.Select, exp.Update, exp.Delete, exp.Merge)


def _relation(table: exp.Table) -> str:
    if table.this.args.get("temporary"):
        return temporary(table.name)
    return relation(table.name, table.db or None)


def _declared(to: exp.Expr) -> SqlType | None:
    try:
        return sql_type(written_type(Ledger().parts, to))
    except SqlError:
        return None


def _low(name: str) -> str:
    return name.lower()


def for_client(found: SqlType, *, filled: bool) -> SqlType:
    """What a client is told: no code page loses a character, and what is only compared may be of any length."""
    if found.kind not in TEXTS:
        return found
    short = found.length is not None and found.length <= 4000
    return SqlType(Kind.NVARCHAR, (found.length if filled else 4000) if short else None)
