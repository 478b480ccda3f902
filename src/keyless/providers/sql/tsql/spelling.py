"""An expression of a definition as SQL Server shows it in its catalog: `((0))`, `([total]>=(0))`, `(getdate())`.

Owns that spelling. What it does not know is shown as it was written. No I/O.
Source: Transact-SQL reference, "sys.default_constraints", "sys.check_constraints".
"""

from __future__ import annotations

from sqlglot import exp

_BETWEEN: dict[type[exp.Expr], str] = {
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%",
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.GT: ">", exp.LTE: "<=", exp.GTE: ">=",
    exp.And: " AND ", exp.Or: " OR ", exp.BitwiseAnd: "&", exp.BitwiseOr: "|", exp.BitwiseXor: "^",
    exp.Like: " like ",
}  # fmt: skip


def definition(node: exp.Expr, written: str) -> str:
    """The whole, in its parentheses; `written` is its text in the statement."""
    said = _said(_open(node))
    return f"({said if said is not None else written})"


def _open(node: exp.Expr) -> exp.Expr:
    while isinstance(node, exp.Paren):
        node = node.this
    return node


def _said(node: exp.Expr) -> str | None:
    """None for what has no known spelling."""
    if isinstance(node, exp.Literal):
        return _text(node.name) if node.is_string else f"({node.name})"
    if isinstance(node, exp.National):
        return f"N{_text(node.name)}"
    if isinstance(node, exp.Null):
        return "NULL"
    if isinstance(node, exp.Neg):
        inside = node.this
        return f"(-{inside.name})" if isinstance(inside, exp.Literal) and not inside.is_string else None
    if isinstance(node, exp.Column):
        parts = [node.text("table"), node.name]
        if node.name.upper() == "CURRENT_TIMESTAMP" and not node.args["this"].args.get("quoted"):
            return "getdate()"
        return None if isinstance(node.this, exp.Star) else ".".join(f"[{part}]" for part in parts if part)
    if isinstance(node, exp.Paren):
        inside_said = _said(node.this)
        return None if inside_said is None else f"({inside_said})"
    if isinstance(node, exp.Anonymous):
        arguments = [_said(part) for part in node.expressions]
        if any(part is None for part in arguments):
            return None
        return f"{node.name.lower()}({','.join(part or '' for part in arguments)})"
    if isinstance(node, exp.Not):
        if isinstance(node.this, exp.Is) and isinstance(node.this.expression, exp.Null):
            return _around(node.this.this, " IS NOT NULL")
        inside_said = _said(node.this)
        return None if inside_said is None else f"NOT {inside_said}"
    if isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
        return _around(node.this, " IS NULL")
    if isinstance(node, exp.In) and node.expressions:
        subject, values = _said(node.this), [_said(value) for value in node.expressions]
        if subject is None or any(value is None for value in values):
            return None
        return " OR ".join(f"{subject}={value}" for value in reversed(values))
    if isinstance(node, exp.Between):
        subject, low, high = (_said(part) for part in (node.this, node.args["low"], node.args["high"]))
        return None if None in {subject, low, high} else f"{subject}>={low} AND {subject}<={high}"
    between = _BETWEEN.get(type(node))
    if between is None or node.args.get("negate"):
        return None
    left, right = _said(node.this), _said(node.expression)
    return None if left is None or right is None else f"{left}{between}{right}"


def _around(node: exp.Expr, after: str) -> str | None:
    said = _said(node)
    return None if said is None else said + after


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
