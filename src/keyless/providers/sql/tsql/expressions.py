"""Operators, predicates, literals and names for PostgreSQL.

Owns their shape. No I/O.
Source: Transact-SQL reference, "Operators", "Predicates", "Constants", "CASE".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.tsql import calls
from keyless.providers.sql.tsql.functions import FUNCTIONS
from keyless.providers.sql.tsql.names import fold, quoted, text
from keyless.providers.sql.tsql.plan import Methods, syntax, unsupported

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.writer import Writer

_BINARY: dict[type[exp.Expr], str] = {
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%",
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.GT: ">", exp.LTE: "<=", exp.GTE: ">=",
    exp.And: "AND", exp.Or: "OR", exp.BitwiseAnd: "&", exp.BitwiseOr: "|", exp.BitwiseXor: "#",
}  # fmt: skip
_BITS = (exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor)
_LEVEL = (*_BITS, exp.Add, exp.Sub)
_WITHOUT_PARENTHESES = {"CURRENT_TIMESTAMP", "CURRENT_USER", "SESSION_USER", "SYSTEM_USER"}


def _infix(writer: Writer, node: exp.Expr) -> str:
    mixed = [side for side in (node.this, node.expression) if isinstance(side, _LEVEL) and type(side) is not type(node)]
    if mixed and isinstance(node, _BITS):
        # T-SQL goes from left to right where sqlglot lets + come before &
        raise unsupported("A bitwise operator beside another operator, without parentheses,")
    return f"({writer(node.this)} {_BINARY[type(node)]} {writer(node.expression)})"


def _alias(writer: Writer, node: exp.Expr) -> str:
    return f"{writer(node.this)} AS {quoted(node.alias)}"


def _column(writer: Writer, node: exp.Expr) -> str:
    if node.args.get("catalog"):
        raise unsupported("A column with the name of a database")
    if writer.output:
        table = fold(node.text("table")) if node.text("table") else ""
        if node.name == "$action":
            return "merge_action()::tsql.citext"
        if table in {"inserted", "deleted"}:
            row = "new" if table == "inserted" else "old"
            return f"{row}.*" if isinstance(node.this, exp.Star) else f"{row}.{quoted(node.name)}"
    if (
        not node.text("table")
        and not node.args["this"].args.get("quoted")
        and node.name.upper() in _WITHOUT_PARENTHESES
    ):
        return calls.called(writer, FUNCTIONS[node.name.upper()][0], ())
    # every table has its own name as an alias, so the schema in front of it is not needed
    parts = [quoted(node.text("table"))] if node.text("table") else []
    return ".".join([*parts, "*" if isinstance(node.this, exp.Star) else quoted(node.name)])


def _literal(writer: Writer, node: exp.Expr) -> str:
    if node.args["is_string"]:
        return f"{text(node.this)}::tsql.citext"
    if not all(letter in "0123456789.eE+-" for letter in node.this):
        raise syntax(node.this)
    return f"{node.this}::float8" if "e" in node.this.lower() else str(node.this)


def _parameter(writer: Writer, node: exp.Expr) -> str:
    if isinstance(node.this, exp.Parameter):
        return writer.place("@@" + node.this.name)
    return writer.place("@" + node.name)


def _case(writer: Writer, node: exp.Expr) -> str:
    first = f" {writer(node.this)}" if node.this else ""
    whens = "".join(f" WHEN {writer(when.this)} THEN {writer(when.args['true'])}" for when in node.args["ifs"])
    last = f" ELSE {writer(node.args['default'])}" if node.args.get("default") else ""
    return f"CASE{first}{whens}{last} END"


def _in(writer: Writer, node: exp.Expr) -> str:
    if query := node.args.get("query"):
        return f"({writer(node.this)} IN {writer(query)})"
    return f"({writer(node.this)} IN ({writer.many(node.expressions)}))"


def _like(writer: Writer, node: exp.Expr, escape: exp.Expr | None = None) -> str:
    value, pattern = writer.text(node.this), node.expression
    if node.args.get("negate"):
        plain = exp.Like(this=node.this, expression=pattern)
        return f"(NOT {_like(writer, plain, escape)})"
    if escape is None and isinstance(pattern, (exp.Literal, exp.National)) and "[" not in pattern.name:
        return f"({value} LIKE {text(pattern.name)}::tsql.citext ESCAPE '')"
    arguments = [value, writer.text(pattern), *([writer.text(escape)] if escape is not None else [])]
    return f"tsql.is_like({', '.join(arguments)})"


def _escape(writer: Writer, node: exp.Expr) -> str:
    if not isinstance(node.this, exp.Like):
        raise unsupported("ESCAPE")
    return _like(writer, node.this, node.expression)


def _between(writer: Writer, node: exp.Expr) -> str:
    return f"({writer(node.this)} BETWEEN {writer(node.args['low'])} AND {writer(node.args['high'])})"


def _collate(writer: Writer, node: exp.Expr) -> str:
    name = node.expression.name.upper()
    if "_CI_" in name or name == "DATABASE_DEFAULT":
        return writer(node.this)
    raise unsupported(f"COLLATE {node.expression.name}")


def _binary(digits: str) -> str:
    return f"'\\x{bytes.fromhex(digits if len(digits) % 2 == 0 else '0' + digits).hex()}'::tsql.varbinary"


_TWO = {"this", "expression"}
METHODS: Methods = {
    **{kind: (_TWO | {"typed", "safe"}, _infix) for kind in _BINARY},
    exp.Paren: ({"this"}, lambda w, n: f"({w(n.this)})"),
    exp.Alias: ({"this", "alias"}, _alias),
    exp.Column: ({"this", "table", "db", "catalog"}, _column),
    exp.Star: (set(), lambda _w, _n: "*"),
    exp.Null: (set(), lambda _w, _n: "NULL"),
    exp.Literal: ({"this", "is_string"}, _literal),
    exp.National: ({"this"}, lambda _w, n: f"{text(n.name)}::tsql.citext"),
    exp.HexString: ({"this", "is_integer"}, lambda _w, n: _binary(n.name)),
    exp.Parameter: ({"this"}, _parameter),
    exp.Neg: ({"this"}, lambda w, n: f"(- {w(n.this)})"),
    exp.Not: ({"this"}, lambda w, n: f"(NOT {w(n.this)})"),
    exp.BitwiseNot: ({"this"}, lambda w, n: f"(~ {w(n.this)})"),
    exp.Is: (_TWO, lambda w, n: f"({w(n.this)} IS {w(n.expression)})"),
    exp.Between: ({"this", "low", "high"}, _between),
    exp.Exists: ({"this"}, lambda w, n: f"EXISTS ({w(n.this)})"),
    exp.In: ({"this", "expressions", "query"}, _in),
    exp.Like: (_TWO | {"negate"}, _like),
    exp.Escape: (_TWO, _escape),
    exp.Case: ({"this", "ifs", "default"}, _case),
    exp.Collate: (_TWO, _collate),
    exp.Any: ({"this"}, lambda w, n: f"ANY {w.quantified(n.this)}"),
    exp.All: ({"this"}, lambda w, n: f"ALL {w.quantified(n.this)}"),
}
