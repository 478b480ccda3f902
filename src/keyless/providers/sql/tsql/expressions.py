"""Operators, predicates, literals and names for PostgreSQL.

Owns their shape. No I/O.
Source: Transact-SQL reference, "Operators", "Predicates", "Constants", "CASE".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.tsql import calls, decimals
from keyless.providers.sql.tsql.functions import FUNCTIONS
from keyless.providers.sql.tsql.names import fold, quoted, text
from keyless.providers.sql.tsql.plan import Methods, syntax, unsupported

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.parts import Parts
    from keyless.providers.sql.tsql.writer import Writer

_BINARY: dict[type[exp.Expr], str] = {
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%",
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.GT: ">", exp.LTE: "<=", exp.GTE: ">=",
    exp.And: "AND", exp.Or: "OR", exp.BitwiseAnd: "&", exp.BitwiseOr: "|", exp.BitwiseXor: "#",
}  # fmt: skip
_WITHOUT_PARENTHESES = {"CURRENT_TIMESTAMP", "CURRENT_USER", "SESSION_USER", "SYSTEM_USER"}


def _infix(writer: Writer, node: Parts) -> str:
    kind = type(node.node)
    if kind is exp.Div and (digits := decimals.quotient(node.node, writer.declared)) is not None:
        sides = f"{writer(node.this)}, {writer(node.expression)}"
        return f"tsql.quotient({sides}, {digits[1]})::numeric({digits[0]},{digits[1]})"
    return f"({writer(node.this)} {_BINARY[kind]} {writer(node.expression)})"


def _alias(writer: Writer, node: Parts) -> str:
    return f"{writer(node.this)} AS {quoted(node.alias)}"


def _column(writer: Writer, node: Parts) -> str:
    place = node.text("catalog").lower(), node.text("db").lower()
    if place[0] and place != ("tempdb", "sys"):
        raise unsupported("A column with the name of a database")
    # every table has its own name as an alias, so the schema in front of it is not needed
    if writer.output:
        table = fold(node.text("table")) if node.text("table") else ""
        if node.name == "$action":
            return "merge_action()::tsql.citext"
        if table in {"inserted", "deleted"}:
            row = "new" if table == "inserted" else "old"
            return f"{row}.*" if isinstance(node.this, exp.Star) else f"{row}.{quoted(node.name)}"
    bare = isinstance(node.this, exp.Identifier) and not node.this.args.get("quoted")
    if bare and not node.text("table") and node.name.upper() in _WITHOUT_PARENTHESES:
        return calls.called(writer, FUNCTIONS[node.name.upper()][0], ())
    parts = [quoted(node.text("table"))] if node.text("table") else []
    return ".".join([*parts, "*" if isinstance(node.this, exp.Star) else quoted(node.name)])


def _literal(writer: Writer, node: Parts) -> str:
    if node.args.get("is_string"):
        return f"{text(node.this)}::tsql.citext"
    if not all(letter in "0123456789.eE+-" for letter in node.this):
        raise syntax(node.this)
    return f"{node.this}::float8" if "e" in node.this.lower() else str(node.this)


def _money(_writer: Writer, node: Parts) -> str:
    """`$1.50`: the tokens say it in this way."""
    digits = node.name.rstrip(".") or "0"
    return f"{'0' if digits.startswith('.') else ''}{digits}::tsql.money"


def _parameter(writer: Writer, node: Parts) -> str:
    if isinstance(node.this, exp.Parameter):
        return writer.place("@@" + writer.parts(node.this).name)
    return writer.place("@" + node.name)


def _case(writer: Writer, node: Parts) -> str:
    first = f" {writer(node.this)}" if node.this else ""
    ifs = [writer.parts(when) for when in node.args["ifs"]]
    whens = "".join(f" WHEN {writer(when.this)} THEN {writer(when.args['true'])}" for when in ifs)
    last = f" ELSE {writer(node.args['default'])}" if node.args.get("default") else ""
    return f"CASE{first}{whens}{last} END"


def _in(writer: Writer, node: Parts) -> str:
    if query := node.args.get("query"):
        return f"({writer(node.this)} IN {writer.quantified(query)})"
    return f"({writer(node.this)} IN ({writer.many(node.expressions)}))"


def _like(writer: Writer, node: Parts, escape: exp.Expr | None = None) -> str:
    value, pattern = node.this, node.expression
    negated = "NOT " if node.args.get("negate") else ""
    plain = isinstance(pattern, (exp.Literal, exp.National)) and "[" not in pattern.name
    arguments = [value, pattern, *([escape] if escape is not None else [])]
    if any(isinstance(part.unnest(), exp.Collate) for part in (value, pattern)):
        exact = [f"(tsql.str({writer(part)}))::text" for part in arguments]
        return f"({negated}tsql.is_like_exactly({', '.join(exact)}))"
    if escape is None and plain:
        return f"({negated}({writer.text(value)} LIKE {writer.text(pattern)} ESCAPE ''))"
    return f"({negated}tsql.is_like({', '.join(writer.text(part) for part in arguments)}))"


def _escape(writer: Writer, node: Parts) -> str:
    if not isinstance(node.this, exp.Like):
        raise unsupported("ESCAPE")
    return _like(writer, writer.parts(node.this), node.expression)


def _between(writer: Writer, node: Parts) -> str:
    return f"({writer(node.this)} BETWEEN {writer(node.args['low'])} AND {writer(node.args['high'])})"


def _collate(writer: Writer, node: Parts) -> str:
    name = node.text("expression").upper()
    if "_CI_AS" in name or name in {"DATABASE_DEFAULT", "CATALOG_DEFAULT"}:
        return writer(node.this)
    if "_CS_AS" in name or name.endswith(("_BIN", "_BIN2")):
        # text, unlike citext, tells capitals from small letters; the other side follows
        return f'((tsql.str({writer(node.this)}))::text COLLATE "C")'
    raise unsupported(f"COLLATE {name}")


def _binary(digits: str) -> str:
    return f"'\\x{bytes.fromhex(digits if len(digits) % 2 == 0 else '0' + digits).hex()}'::tsql.varbinary"


METHODS: Methods = {
    **dict.fromkeys(_BINARY, _infix),
    exp.Paren: lambda w, n: f"({w(n.this)})",
    exp.Alias: _alias,
    exp.Column: _column,
    exp.Star: lambda _w, _n: "*",
    exp.Null: lambda _w, _n: "NULL",
    exp.Literal: _literal,
    exp.National: lambda _w, n: f"{text(n.name)}::tsql.citext",
    exp.HexString: lambda _w, n: _binary(n.name),
    exp.BitString: _money,
    exp.Identifier: lambda _w, n: quoted(n.name),  # a column, where the parser took it for part of a path
    exp.Parameter: _parameter,
    exp.Neg: lambda w, n: f"(- {w(n.this)})",
    exp.Not: lambda w, n: f"(NOT {w(n.this)})",
    exp.BitwiseNot: lambda w, n: f"(~ {w(n.this)})",
    exp.Is: lambda w, n: f"({w(n.this)} IS {w(n.expression)})",
    exp.Between: _between,
    exp.Exists: lambda w, n: f"EXISTS ({w(n.this)})",
    exp.In: _in,
    exp.Like: _like,
    exp.Escape: _escape,
    exp.Case: _case,
    exp.Collate: _collate,
    exp.NullSafeEQ: lambda w, n: f"({w(n.this)} IS NOT DISTINCT FROM {w(n.expression)})",
    exp.NullSafeNEQ: lambda w, n: f"({w(n.this)} IS DISTINCT FROM {w(n.expression)})",
    exp.Any: lambda w, n: f"ANY {w.quantified(n.this)}",
    exp.All: lambda w, n: f"ALL {w.quantified(n.this)}",
}
