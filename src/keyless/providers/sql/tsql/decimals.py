"""The digits of a quotient of decimals, where they can be known: of constants, casts, parameters, and what they make.

Owns the arithmetic of precision and scale. A column's are not known here. No I/O.
Source: Transact-SQL reference, "Precision, scale, and length".
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tsql.casts import written_type
from keyless.providers.sql.tsql.parts import Ledger
from keyless.providers.sql.tsql.types import sql_type
from keyless.providers.sql.types import Kind, SqlType

_WHOLE = {Kind.TINYINT: 3, Kind.SMALLINT: 5, Kind.INT: 10, Kind.BIGINT: 19}
_MOST, _LEAST_SCALE = 38, 6
#: Precision, scale, and whether it is no decimal but a whole number.
_Digits = tuple[int, int, bool]


def quotient(node: exp.Expr, declared: Mapping[str, SqlType]) -> tuple[int, int] | None:
    """Precision and scale of a division; None where it is none of decimals, or where they cannot be known."""
    digits = _digits(node, declared)
    return None if digits is None or digits[2] else digits[:2]


def _digits(node: exp.Expr, declared: Mapping[str, SqlType]) -> _Digits | None:
    match node:
        case exp.Paren() | exp.Neg():
            return _digits(node.this, declared)
        case exp.Literal() if not node.is_string:
            return _of_literal(node.name)
        case exp.Cast() | exp.Convert():
            to = node.this if isinstance(node, exp.Convert) else node.args["to"]
            try:
                return _of_type(sql_type(written_type(Ledger().parts, to)))
            except SqlError:
                return None
        case exp.Parameter():
            found = declared.get(f"@{node.name.lower()}")
            return None if found is None else _of_type(found)
        case exp.Add() | exp.Sub() | exp.Mul() | exp.Div():
            left, right = _digits(node.this, declared), _digits(node.expression, declared)
            return None if left is None or right is None else _combined(node, left, right)
    return None


def _of_literal(text: str) -> _Digits | None:
    if "e" in text.lower():
        return None
    whole, dot, rest = text.partition(".")
    precision = max(len(whole.lstrip("0")) + len(rest), 1)
    return None if precision > _MOST else (precision, len(rest), not dot and int(text) < 2**31)


def _of_type(found: SqlType) -> _Digits | None:
    if found.kind in _WHOLE:
        return _WHOLE[found.kind], 0, True
    return (found.precision, found.scale, False) if found.kind in {Kind.DECIMAL, Kind.NUMERIC} else None


def _combined(node: exp.Expr, left: _Digits, right: _Digits) -> _Digits:
    (p1, s1, whole1), (p2, s2, whole2) = left, right
    if whole1 and whole2:
        return max(p1, p2), 0, True
    if isinstance(node, exp.Div):
        scale = max(_LEAST_SCALE, s1 + p2 + 1)
        precision = p1 - s1 + s2 + scale
    elif isinstance(node, exp.Mul):
        scale, precision = s1 + s2, p1 + p2 + 1
    else:
        scale = max(s1, s2)
        precision = scale + max(p1 - s1, p2 - s2) + 1
    if precision > _MOST:
        room = _MOST - min(precision - scale, _MOST)
        scale = min(scale, max(room, _LEAST_SCALE))
        precision = _MOST
    return precision, scale, False
