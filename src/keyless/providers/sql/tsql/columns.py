"""The names of a query's columns, as its text writes them.

Owns how they are found. No I/O.
"""

from __future__ import annotations

from sqlglot import exp


def result_names(query: exp.Expr) -> tuple[str | None, ...]:
    """The names of a query's columns; None where only the catalog knows, '' where there is none."""
    first = query
    while isinstance(first, (exp.SetOperation, exp.Subquery, exp.Paren)):
        first = first.this
    return tuple(result_name(part) for part in first.expressions)


def result_name(part: exp.Expr) -> str | None:
    """The name of one column of a result."""
    if isinstance(part, exp.Star) or (isinstance(part, exp.Column) and isinstance(part.this, exp.Star)):
        return None
    if isinstance(part, (exp.Alias, exp.Column)):
        return part.alias_or_name
    return part.name if isinstance(part, exp.Identifier) else ""
