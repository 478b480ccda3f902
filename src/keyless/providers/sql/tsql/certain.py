"""Expressions whose value is certain without the database: whole numbers, and texts as they are.

Owns which these are. Where there is any doubt (another type, a function, an overflow) there is no such value, and
PostgreSQL computes it. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from keyless.providers.sql.tsql.blocks import Certain
from keyless.providers.sql.tsql.functions import SESSION_VALUES
from keyless.providers.sql.types import Kind, SqlType, Value

_LARGEST = 2**31 - 1
_TEXTS = {Kind.VARCHAR, Kind.NVARCHAR}
Known = bool | None
Lookup = Callable[[str], Value]


class Uncertain(Exception):
    """PostgreSQL has to say it."""


def number(node: exp.Expr, declared: Mapping[str, SqlType]) -> Certain | None:
    """The value of an expression of ints."""
    match node:
        case exp.Paren():
            return number(node.this, declared)
        case exp.Literal() if not node.is_string and node.this.isdigit() and int(node.this) <= _LARGEST:
            constant = int(node.this)
            return lambda _: constant
        case exp.Neg():
            inside = number(node.this, declared)
            return None if inside is None else _negative(inside)
        case exp.Parameter():
            return _variable(node, declared)
        case exp.Add() | exp.Sub() | exp.Mul():
            left, right = number(node.this, declared), number(node.expression, declared)
            return None if left is None or right is None else _arithmetic(type(node), left, right)
    return None


def value(node: exp.Expr, type_: SqlType, declared: Mapping[str, SqlType]) -> Certain | None:
    """The value of an expression as one of a type."""
    if isinstance(node, exp.Null):
        return lambda _: None
    if type_.kind is Kind.INT:
        return number(node, declared)
    if type_.kind not in _TEXTS:
        return None
    length = type_.length
    if isinstance(node, exp.National) or (isinstance(node, exp.Literal) and node.is_string):
        constant = node.name[:length]
        return lambda _: constant
    if isinstance(node, exp.Parameter) and not isinstance(node.this, exp.Parameter):
        name = "@" + node.name.lower()
        if name in declared and declared[name].kind in _TEXTS:
            return lambda look: _cut(look(name), length)
    return None


def condition(node: exp.Expr, declared: Mapping[str, SqlType]) -> Certain | None:
    """Whether a condition about ints is true; NULL where it is unknown."""
    match node:
        case exp.Paren():
            return condition(node.this, declared)
        case exp.EQ() | exp.NEQ() | exp.LT() | exp.LTE() | exp.GT() | exp.GTE():
            left, right = number(node.this, declared), number(node.expression, declared)
            return None if left is None or right is None else _comparison(type(node), left, right)
        case exp.And() | exp.Or():
            left, right = condition(node.this, declared), condition(node.expression, declared)
            return None if left is None or right is None else _connected(isinstance(node, exp.And), left, right)
    return None


def _variable(node: exp.Expr, declared: Mapping[str, SqlType]) -> Certain | None:
    if isinstance(node.this, exp.Parameter):
        name = "@@" + node.this.name.lower()
        return (lambda look: look(name)) if SESSION_VALUES.get(name) == "int4" else None
    name = "@" + node.name.lower()
    return (lambda look: look(name)) if name in declared and declared[name].kind is Kind.INT else None


def _negative(inside: Certain) -> Certain:
    def negative(look: Lookup) -> Value:
        found = inside(look)
        return None if found is None else _checked(-_int(found))

    return negative


def _arithmetic(kind: type[exp.Expr], left: Certain, right: Certain) -> Certain:
    def computed(look: Lookup) -> Value:
        a, b = left(look), right(look)
        if a is None or b is None:
            return None
        x, y = _int(a), _int(b)
        return _checked(x + y if kind is exp.Add else x - y if kind is exp.Sub else x * y)

    return computed


def _comparison(kind: type[exp.Expr], left: Certain, right: Certain) -> Certain:
    def compared(look: Lookup) -> Value:
        a, b = left(look), right(look)
        if a is None or b is None:
            return None
        x, y = _int(a), _int(b)
        results = {exp.EQ: x == y, exp.NEQ: x != y, exp.LT: x < y, exp.LTE: x <= y, exp.GT: x > y, exp.GTE: x >= y}
        return results[kind]  # type: ignore[index]

    return compared


def _connected(both: bool, left: Certain, right: Certain) -> Certain:
    def connected(look: Lookup) -> Value:
        found = left(look), right(look)
        decides = not both
        if decides in found:
            return decides
        return None if None in found else both

    return connected


def _checked(found: int) -> int:
    if not -_LARGEST - 1 <= found <= _LARGEST:
        raise Uncertain
    return found


def _int(found: Value) -> int:
    if not isinstance(found, int):
        raise Uncertain
    return found


def _cut(found: Value, length: int | None) -> Value:
    return found[:length] if isinstance(found, str) else found
