"""Writes expressions and queries for PostgreSQL.

Owns the allow-list of syntax: one method for each node, and the arguments that it takes into account. A node or an
argument that is not on it is an error that names it, so nothing is dropped. No I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlglot import exp

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tsql import types
from keyless.providers.sql.tsql.functions import AGGREGATES, FUNCTIONS, PARTS, RANKINGS, SESSION_VALUES, Form
from keyless.providers.sql.tsql.names import fold, quoted, relation, temporary, text
from keyless.providers.sql.tsql.plan import syntax, unsupported
from keyless.providers.sql.types import SqlType

_BINARY: dict[type[exp.Expr], str] = {
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%",
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.GT: ">", exp.LTE: "<=", exp.GTE: ">=",
    exp.And: "AND", exp.Or: "OR", exp.BitwiseAnd: "&", exp.BitwiseOr: "|", exp.BitwiseXor: "#",
}  # fmt: skip
_BITS = (exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor)
_LEVEL = (*_BITS, exp.Add, exp.Sub)
_HINTS_THAT_CHANGE_NOTHING = {"NOLOCK", "READUNCOMMITTED", "READCOMMITTED", "ROWLOCK", "PAGLOCK"}
_OPTIONS_THAT_CHANGE_NOTHING = {"RECOMPILE", "MAXDOP", "FAST", "OPTIMIZE FOR UNKNOWN", "KEEP PLAN", "KEEPFIXED PLAN"}
_SETS: dict[type[exp.Expr], str] = {exp.Union: "UNION", exp.Except: "EXCEPT", exp.Intersect: "INTERSECT"}
_WITHOUT_PARENTHESES = {"CURRENT_TIMESTAMP", "CURRENT_USER", "SESSION_USER", "SYSTEM_USER"}
_DEEPEST = 200


class Writer:
    """Writes one statement; `parameters` are the names that it took, in the order of their places."""

    def __init__(self, declared: Mapping[str, SqlType]) -> None:
        self._declared = declared
        self._common: list[str] = []
        self._deep = 0
        self.output = False
        self.parameters: list[str] = []

    def __call__(self, node: exp.Expr | None) -> str:
        if node is None:
            raise syntax("end of statement")
        method = _METHODS.get(type(node))
        if method is None:
            raise unsupported(_name(node))
        known, write = method
        for key, value in node.args.items():
            if value and key not in known:
                raise unsupported(f"{_name(node)} with {key.strip('_').upper().replace('_', ' ')}")
        self._deep += 1
        if self._deep > _DEEPEST:
            raise SqlError(191, "Some part of the statement is nested too deeply.", severity=15)
        try:
            return write(self, node)
        finally:
            self._deep -= 1

    def many(self, nodes: Sequence[exp.Expr]) -> str:
        """Several, with commas."""
        return ", ".join(self(node) for node in nodes)

    def place(self, name: str) -> str:
        """The place of a parameter, or of a value of the session."""
        folded = name.lower()
        if folded in SESSION_VALUES:
            kind = SESSION_VALUES[folded]
        elif folded in self._declared:
            kind = types.of_parameter(self._declared[folded])
        elif folded.startswith("@@"):
            raise unsupported(name)
        else:
            raise SqlError(137, f'Must declare the scalar variable "{name}".', severity=15)
        if folded not in self.parameters:
            self.parameters.append(folded)
        return f"${self.parameters.index(folded) + 1}::{kind}"

    def table(self, node: exp.Table) -> str:
        """A table's full name, without what stands beside it."""
        if node.args.get("catalog"):
            raise SqlError(40515, f"Reference to database '{node.catalog}' in '{node.name}' is not supported.")
        name = node.this
        if not isinstance(name, exp.Identifier):
            raise unsupported(_name(name))
        if name.args.get("global_"):
            raise unsupported("A global temporary table")
        if name.args.get("temporary"):
            return temporary(name.name)
        if not node.db and fold(name.name) in self._common:
            return quoted(name.name)
        return relation(name.name, node.db or None)

    def common(self, with_: exp.With | None) -> str:
        """The common table expressions in front of a statement; their names count from here on."""
        if with_ is None:
            return ""
        parts = []
        for cte in with_.expressions:
            alias = cte.args["alias"]
            self._common.append(fold(alias.name))
            parts.append(f"{self._aliased(alias)} AS ({self(cte.this)})")
        return f"WITH RECURSIVE {', '.join(parts)} "

    def source(self, from_: exp.From | None, joins: Sequence[exp.Expr]) -> str:
        """FROM and its joins."""
        if from_ is None:
            return ""
        first = from_.this
        joins = [*joins, *(first.args.get("joins") or [])]
        return " FROM " + self(first) + "".join(self(join) for join in joins)

    def text(self, node: exp.Expr) -> str:
        """An expression made text."""
        if isinstance(node, exp.Null):
            return "NULL::tsql.citext"
        written = self(node)
        return written if written.endswith("::tsql.citext") and written[0] == "'" else f"tsql.str({written})"

    def _aliased(self, alias: exp.Expr) -> str:
        columns = alias.args.get("columns") or []
        listed = ", ".join(quoted(column.name) for column in columns)
        return quoted(alias.name) + (f" ({listed})" if listed else "")

    def _select(self, node: exp.Expr) -> str:
        before = len(self._common)
        common = self.common(node.args.get("with_"))
        self._options(node)
        if node.args.get("distinct") is not None and node.args["distinct"].args.get("on"):
            raise unsupported("DISTINCT ON")
        distinct = "DISTINCT " if node.args.get("distinct") else ""
        body = f"SELECT {distinct}{self.many(node.expressions)}"
        body += self.source(node.args.get("from_"), node.args.get("joins") or [])
        for key, word in (("where", " WHERE "), ("having", " HAVING ")):
            if key == "having" and (group := node.args.get("group")):
                body += " GROUP BY " + self(group)
            if part := node.args.get(key):
                body += word + self(part.this)
        sql = common + self._limited(node, body)
        del self._common[before:]
        return sql

    def _limited(self, node: exp.Expr, body: str) -> str:
        order = self(node.args["order"]) if node.args.get("order") else ""
        offset = f" OFFSET {self(node.args['offset'].expression)}" if node.args.get("offset") else ""
        limit = node.args.get("limit")
        if limit is None:
            return body + order + offset
        if isinstance(limit, exp.Fetch):
            ties = limit.args.get("limit_options")
            if not offset or (ties is not None and (ties.args.get("with_ties") or ties.args.get("percent"))):
                raise syntax("FETCH")
            return f"{body}{order}{offset} FETCH NEXT ({self(limit.args['count'])}) ROWS ONLY"
        options = limit.args.get("limit_options")
        count = f"({self(limit.expression)})::int8"
        if options is not None and options.args.get("percent"):
            count = f'(SELECT ceil(count(*) * ({count}) / 100.0)::int8 FROM ({body}) AS "~all")'
        if options is not None and options.args.get("with_ties"):
            if not order:
                raise SqlError(
                    1062, "The TOP N WITH TIES clause is not allowed without a corresponding ORDER BY clause."
                )
            return f"{body}{order} FETCH FIRST ({count}) ROWS WITH TIES"
        return f"{body}{order} LIMIT {count}"

    def _options(self, node: exp.Expr) -> None:
        for option in node.args.get("options") or []:
            name = option.name.upper()
            if name not in _OPTIONS_THAT_CHANGE_NOTHING and not (
                name == "MAXRECURSION" and option.args.get("expression") is not None
            ):
                raise unsupported(f"OPTION ({name})")

    def _set(self, node: exp.Expr) -> str:
        before = len(self._common)
        common = self.common(node.args.get("with_"))
        self._options(node)
        every = "" if node.args.get("distinct") else " ALL"
        if every and not isinstance(node, exp.Union):
            raise unsupported(f"{_SETS[type(node)]} ALL")
        sides = [f"({self(side)})" for side in (node.this, node.expression)]
        sql = common + self._limited(node, f"{sides[0]} {_SETS[type(node)]}{every} {sides[1]}")
        del self._common[before:]
        return sql

    def quantified(self, node: exp.Expr) -> str:
        """The query behind ANY or ALL, in one pair of parentheses: a second one makes it a value."""
        return self(node) if isinstance(node, exp.Subquery) else f"({self(node)})"

    def _group(self, node: exp.Expr) -> str:
        parts = [self(part) for part in node.expressions]
        for key, word in (("rollup", "ROLLUP"), ("cube", "CUBE")):
            for part in node.args.get(key) or []:
                if not part.expressions:
                    raise unsupported(f"GROUP BY … WITH {word}")
                parts.append(f"{word} ({self.many(part.expressions)})")
        return ", ".join(parts)

    def _order(self, node: exp.Expr) -> str:
        if node.this is not None:
            raise unsupported("ORDER BY in a function's arguments")
        return " ORDER BY " + self.many(node.expressions)

    def _ordered(self, node: exp.Expr) -> str:
        # NULL comes first in SQL Server, and last when descending
        return self(node.this) + (" DESC NULLS LAST" if node.args.get("desc") else " ASC NULLS FIRST")

    def _table(self, node: exp.Expr) -> str:
        for hint in node.args.get("hints") or []:
            for part in hint.expressions:
                if part.name.upper() not in _HINTS_THAT_CHANGE_NOTHING:
                    raise unsupported(f"The table hint {part.name.upper()}")
        alias = node.args.get("alias")
        if isinstance(node.this, exp.Anonymous):
            name = node.this.name.upper()
            if name != "STRING_SPLIT" or len(node.this.expressions) not in {2, 3}:
                raise unsupported(f"The table function {name}")
            arguments = [self.text(part) for part in node.this.expressions[:2]]
            arguments += [f"({self(part)})::int4" for part in node.this.expressions[2:]]
            return f"tsql.string_split({', '.join(arguments)}) AS {self._aliased(alias) if alias else 'string_split'}"
        written = self.table(node) if isinstance(node, exp.Table) else ""
        if alias is not None:
            return f"{written} AS {self._aliased(alias)}"
        return written + (f" AS {quoted(node.name)}" if written.startswith("pg_temp.") is False else "")

    def _join(self, node: exp.Expr) -> str:
        inside = node.this
        side, kind = (node.args.get("side") or "").upper(), (node.args.get("kind") or "").upper()
        if isinstance(inside, exp.Lateral):
            if "cross_apply" not in inside.args or not isinstance(inside.this, (exp.Subquery, exp.Anonymous)):
                raise unsupported("LATERAL")
            alias = inside.args.get("alias")
            name = self._aliased(alias) if alias else ""
            body = (
                self(exp.Table(this=inside.this, alias=alias))
                if isinstance(inside.this, exp.Anonymous)
                else f"{self(inside.this)} AS {name}"
            )
            return f" CROSS JOIN LATERAL {body}" if inside.args["cross_apply"] else f" LEFT JOIN LATERAL {body} ON true"
        if side not in {"", "LEFT", "RIGHT", "FULL"} or kind not in {"", "INNER", "OUTER", "CROSS"}:
            raise unsupported(f"{side} {kind} JOIN")
        on = node.args.get("on")
        if on is None:
            if side or kind not in {"", "CROSS"}:
                raise syntax("JOIN")
            return f" CROSS JOIN {self(inside)}"
        return f" {side or 'INNER'} JOIN {self(inside)} ON {self(on)}"

    def _subquery(self, node: exp.Expr) -> str:
        alias = node.args.get("alias")
        before = len(self._common)
        common = self.common(node.args.get("with_"))
        sql = f"({common}{self(node.this)})" + (f" AS {self._aliased(alias)}" if alias else "")
        del self._common[before:]
        return sql

    def _values(self, node: exp.Expr) -> str:
        alias = node.args.get("alias")
        rows = ", ".join(self._row(row) for row in node.expressions)
        return f"(VALUES {rows}) AS {self._aliased(alias)}" if alias else f"VALUES {rows}"

    def _row(self, row: exp.Expr) -> str:
        cells = row.expressions if isinstance(row, exp.Tuple) else [row.this if isinstance(row, exp.Paren) else row]
        return f"({', '.join('DEFAULT' if _is_default(cell) else self(cell) for cell in cells)})"

    def _alias(self, node: exp.Expr) -> str:
        return f"{self(node.this)} AS {quoted(node.alias)}"

    def _column(self, node: exp.Expr) -> str:
        if node.args.get("catalog"):
            raise unsupported("A column with the name of a database")
        if self.output:
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
            return self._form(FUNCTIONS[node.name.upper()][0], ())
        # every table has its own name as an alias, so the schema in front of it is not needed
        parts = [quoted(node.text("table"))] if node.text("table") else []
        return ".".join([*parts, "*" if isinstance(node.this, exp.Star) else quoted(node.name)])

    def _literal(self, node: exp.Expr) -> str:
        if node.args["is_string"]:
            return f"{text(node.this)}::tsql.citext"
        if not all(letter in "0123456789.eE+-" for letter in node.this):
            raise syntax(node.this)
        return f"{node.this}::float8" if "e" in node.this.lower() else str(node.this)

    def _parameter(self, node: exp.Expr) -> str:
        if isinstance(node.this, exp.Parameter):
            return self.place("@@" + node.this.name)
        return self.place("@" + node.name)

    def _case(self, node: exp.Expr) -> str:
        first = f" {self(node.this)}" if node.this else ""
        whens = "".join(f" WHEN {self(when.this)} THEN {self(when.args['true'])}" for when in node.args["ifs"])
        last = f" ELSE {self(node.args['default'])}" if node.args.get("default") else ""
        return f"CASE{first}{whens}{last} END"

    def _in(self, node: exp.Expr) -> str:
        if query := node.args.get("query"):
            return f"({self(node.this)} IN {self(query)})"
        return f"({self(node.this)} IN ({self.many(node.expressions)}))"

    def _like(self, node: exp.Expr, escape: exp.Expr | None = None) -> str:
        value, pattern = self.text(node.this), node.expression
        if node.args.get("negate"):
            plain = exp.Like(this=node.this, expression=pattern)
            return f"(NOT {self._like(plain, escape)})"
        if escape is None and isinstance(pattern, (exp.Literal, exp.National)) and "[" not in pattern.name:
            return f"({value} LIKE {text(pattern.name)}::tsql.citext ESCAPE '')"
        arguments = [value, self.text(pattern), *([self.text(escape)] if escape is not None else [])]
        return f"tsql.is_like({', '.join(arguments)})"

    def _escape(self, node: exp.Expr) -> str:
        if not isinstance(node.this, exp.Like):
            raise unsupported("ESCAPE")
        return self._like(node.this, node.expression)

    def cast(self, value: exp.Expr, to: exp.Expr, style: exp.Expr | None = None, safe: bool = False) -> str:
        """CAST, CONVERT and their TRY_ forms."""
        written = written_type(to)
        target = types.postgres(written)
        kind = written.kind
        number = _whole(style)
        if safe:
            return self._tried(value, target, style)
        if kind in types.TEXTS:
            length = written.measure(30)
            if kind.value in {"char", "nchar"}:
                raise unsupported(f"A cast to {kind.value}, which pads with blanks,")
            if number:
                return f"tsql.cut(tsql.styled(tsql.ts({self(value)}), {number}), {length or 8000})"
            if isinstance(value, exp.Null):
                return "NULL::tsql.citext"
            return f"tsql.cut({self(value)}, {length})" if length else f"tsql.str({self(value)})"
        if target.startswith(("date", "timestamp", "time(", "tsql.datetime")):
            point = f"tsql.from_styled({self(value)}, {number})" if number else f"tsql.ts({self._any(value)})"
            if kind.value == "datetime":
                return f"tsql.to_datetime({point})"
            return f"({point})::{target}"
        if number:
            raise unsupported(f"CONVERT to {kind.value} with style {number}")
        if target == "bytea":
            raise unsupported(f"A cast to {kind.value}")
        return f"({self(value)})::{target}"

    def _any(self, value: exp.Expr) -> str:
        return "NULL::timestamp" if isinstance(value, exp.Null) else self(value)

    def _tried(self, value: exp.Expr, target: str, style: exp.Expr | None) -> str:
        name = target.split("(", maxsplit=1)[0]
        if style is not None or name not in {
            "int2",
            "int4",
            "int8",
            "numeric",
            "float4",
            "float8",
            "date",
            "time",
            "timestamp",
            "uuid",
        }:
            raise unsupported(f"TRY_CAST to {name.removeprefix('tsql.')}")
        return f"(tsql.try_{name}({self(value)}))::{target}"

    def _anonymous(self, node: exp.Expr) -> str:
        name = node.name.upper()
        arguments = node.expressions
        if name in {"COUNT", "COUNT_BIG"}:
            kind = "int4" if name == "COUNT" else "int8"
            return f"(count({self._counted(arguments)}))::{kind}"
        if name in AGGREGATES:
            return AGGREGATES[name].format(self._counted(arguments))
        if name == "COALESCE" and len(arguments) >= 2:
            return f"COALESCE({self.many(arguments)})"
        if name == "IIF" and len(arguments) == 3:
            return f"CASE WHEN {self(arguments[0])} THEN {self(arguments[1])} ELSE {self(arguments[2])} END"
        if name == "CONCAT" and len(arguments) >= 2:
            return f"pg_catalog.concat({', '.join(self.text(part) for part in arguments)})::tsql.citext"
        if name == "CONCAT_WS" and len(arguments) >= 3:
            return f"pg_catalog.concat_ws({', '.join(self.text(part) for part in arguments)})::tsql.citext"
        if name == "CHOOSE" and len(arguments) >= 2:
            whens = "".join(f" WHEN {number} THEN {self(part)}" for number, part in enumerate(arguments[1:], 1))
            return f"CASE ({self(arguments[0])})::int4{whens} END"
        if name in {"GREATEST", "LEAST"} and arguments:
            return f"{name}({self.many(arguments)})"
        if name == "POWER" and len(arguments) == 2:
            return f"tsql.power({self.many(arguments)})"
        forms = FUNCTIONS.get(name)
        if forms is None:
            raise SqlError(
                195, f"'{node.name}' is not a recognized built-in function name, or not a supported one.", severity=15
            )
        for form in forms:
            if len(form.kinds) == len(arguments):
                return self._form(form, arguments)
        counts = " or ".join(str(len(form.kinds)) for form in forms)
        raise SqlError(174, f"The {name.lower()} function requires {counts} argument(s).", severity=15)

    def _form(self, form: Form, arguments: Sequence[exp.Expr]) -> str:
        if form.sql.startswith("@"):
            return self.place(form.sql)
        written = []
        for kind, argument in zip(form.kinds, arguments, strict=True):
            if kind == "s":
                written.append(self.text(argument))
            elif kind == "t":
                written.append(f"tsql.ts({self._any(argument)})")
            elif kind == "d":
                part = PARTS.get(argument.name.lower())
                if part is None:
                    raise SqlError(155, f"'{argument.name}' is not a recognized datepart option.", severity=15)
                written.append(f"'{part}'")
            else:
                written.append(self(argument))
        return form.sql.format(*written)

    def _counted(self, arguments: Sequence[exp.Expr]) -> str:
        if len(arguments) != 1:
            raise SqlError(174, "The function requires 1 argument(s).", severity=15)
        only = arguments[0]
        if isinstance(only, exp.Distinct) and len(only.expressions) == 1:
            return f"DISTINCT {self(only.expressions[0])}"
        return self(only)

    def _joined(self, node: exp.Expr) -> str:
        inner, order = node.this, ""
        if isinstance(inner, exp.Order):
            order, inner = " ORDER BY " + self.many(inner.expressions), inner.this
        return f"tsql.string_agg({self.text(inner)}, {self.text(node.args['separator'])}{order})"

    def _window(self, node: exp.Expr) -> str:
        inside = node.this
        name = inside.name.upper() if isinstance(inside, exp.Anonymous) else ""
        suffix = ""
        if name in RANKINGS:
            if len(inside.expressions) not in RANKINGS[name]:
                raise SqlError(174, f"The {name.lower()} function has a wrong number of arguments.", severity=15)
            called = f"pg_catalog.{name.lower()}({self.many(inside.expressions)})"
        elif name in AGGREGATES or name in {"COUNT", "COUNT_BIG"}:
            called = self(inside)
            if called.startswith("("):
                called, suffix = called[1 : called.rindex(")")], called[called.rindex(")") + 1 :]
        else:
            raise unsupported(f"{name or _name(inside)} OVER")
        parts = []
        if partition := node.args.get("partition_by"):
            parts.append(f"PARTITION BY {self.many(partition)}")
        if order := node.args.get("order"):
            parts.append(self(order).strip())
        if spec := node.args.get("spec"):
            parts.append(self(spec))
        return f"({called} OVER ({' '.join(parts)})){suffix}"

    def _spec(self, node: exp.Expr) -> str:
        def edge(which: str) -> str:
            value = node.args.get(which)
            side = (node.args.get(f"{which}_side") or "").upper()
            return f"{value if isinstance(value, str) else self(value)} {side}".strip().upper()

        kind = str(node.args["kind"]).upper()
        return f"{kind} BETWEEN {edge('start')} AND {edge('end') if node.args.get('end') else 'CURRENT ROW'}"

    def _between(self, node: exp.Expr) -> str:
        return f"({self(node.this)} BETWEEN {self(node.args['low'])} AND {self(node.args['high'])})"

    def _convert(self, node: exp.Expr) -> str:
        return self.cast(node.expression, node.this, node.args.get("style"), bool(node.args.get("safe")))

    def _collate(self, node: exp.Expr) -> str:
        name = node.expression.name.upper()
        if "_CI_" in name or name == "DATABASE_DEFAULT":
            return self(node.this)
        raise unsupported(f"COLLATE {node.expression.name}")


def written_type(node: exp.Expr) -> types.Written:
    """A type that sqlglot has read."""
    if not isinstance(node, exp.DataType) or node.args.get("nested"):
        raise unsupported(_name(node))
    names = {"UUID": "uniqueidentifier", "DOUBLE": "float", "UTINYINT": "tinyint", "TIMESTAMP": "rowversion",
             "TIMESTAMPTZ": "datetimeoffset", "BIT": "bit", "BOOLEAN": "bit"}  # fmt: skip
    kind = node.this.value if isinstance(node.this, exp.DType) else str(node.this)
    if kind == "USERDEFINED":
        kind = str(node.args.get("kind"))
    measures: list[int | None] = []
    for part in node.expressions:
        value = part.this if isinstance(part, exp.DataTypeParam) else part
        if value.name.upper() == "MAX":
            measures.append(None)
        elif value.name.isdigit():
            measures.append(int(value.name))
        else:
            raise syntax(value.name)
    return types.named(names.get(kind, kind), tuple(measures))


def _whole(node: exp.Expr | None) -> str | None:
    if node is None:
        return None
    if isinstance(node, exp.Literal) and not node.is_string and node.name.isdigit():
        return node.name
    raise unsupported("A style that is not a number")


def _is_default(node: exp.Expr) -> bool:
    return isinstance(node, exp.Var) and node.name.upper() == "DEFAULT"


def _name(node: object) -> str:
    return type(node).__name__.upper() if isinstance(node, exp.Expr) else str(node)


def _binary(digits: str) -> str:
    return f"'\\x{bytes.fromhex(digits if len(digits) % 2 == 0 else '0' + digits).hex()}'::bytea"


def _infix(writer: Writer, node: exp.Expr) -> str:
    mixed = [side for side in (node.this, node.expression) if isinstance(side, _LEVEL) and type(side) is not type(node)]
    if mixed and isinstance(node, _BITS):
        # T-SQL goes from left to right where sqlglot lets + come before &
        raise unsupported("A bitwise operator beside another operator, without parentheses,")
    return f"({writer(node.this)} {_BINARY[type(node)]} {writer(node.expression)})"


_TWO = {"this", "expression"}
_QUERY = {
    "with_",
    "expressions",
    "from_",
    "joins",
    "where",
    "group",
    "having",
    "order",
    "limit",
    "offset",
    "distinct",
    "options",
    "into",
    "kind",
}
_METHODS: dict[type[exp.Expr], tuple[set[str], Callable[[Writer, exp.Expr], str]]] = {
    **{kind: (_TWO | {"typed", "safe"}, _infix) for kind in _BINARY},
    exp.Select: (_QUERY - {"into", "kind"}, Writer._select),
    exp.Union: ({"with_", "this", "expression", "distinct", "order", "limit", "offset", "options"}, Writer._set),
    exp.Except: ({"with_", "this", "expression", "distinct", "order", "limit", "offset", "options"}, Writer._set),
    exp.Intersect: ({"with_", "this", "expression", "distinct", "order", "limit", "offset", "options"}, Writer._set),
    exp.Group: ({"expressions", "rollup", "cube"}, Writer._group),
    exp.Rollup: ({"expressions"}, lambda w, n: f"ROLLUP ({w.many(n.expressions)})"),
    exp.Cube: ({"expressions"}, lambda w, n: f"CUBE ({w.many(n.expressions)})"),
    exp.Order: ({"expressions", "this"}, Writer._order),
    exp.Ordered: ({"this", "desc", "nulls_first"}, Writer._ordered),
    exp.Table: ({"this", "db", "catalog", "alias", "hints", "joins"}, Writer._table),
    exp.Join: ({"this", "side", "kind", "on"}, Writer._join),
    exp.Subquery: ({"this", "alias", "with_"}, Writer._subquery),
    exp.Values: ({"expressions", "alias"}, Writer._values),
    exp.Tuple: ({"expressions"}, lambda w, n: w._row(n)),
    exp.Paren: ({"this"}, lambda w, n: f"({w(n.this)})"),
    exp.Alias: ({"this", "alias"}, Writer._alias),
    exp.Column: ({"this", "table", "db", "catalog"}, Writer._column),
    exp.Star: (set(), lambda _w, _n: "*"),
    exp.Null: (set(), lambda _w, _n: "NULL"),
    exp.Literal: ({"this", "is_string"}, Writer._literal),
    exp.National: ({"this"}, lambda _w, n: f"{text(n.name)}::tsql.citext"),
    exp.HexString: ({"this", "is_integer"}, lambda _w, n: _binary(n.name)),
    exp.Parameter: ({"this"}, Writer._parameter),
    exp.Neg: ({"this"}, lambda w, n: f"(- {w(n.this)})"),
    exp.Not: ({"this"}, lambda w, n: f"(NOT {w(n.this)})"),
    exp.BitwiseNot: ({"this"}, lambda w, n: f"(~ {w(n.this)})"),
    exp.Is: (_TWO, lambda w, n: f"({w(n.this)} IS {w(n.expression)})"),
    exp.Between: ({"this", "low", "high"}, lambda w, n: w._between(n)),
    exp.Exists: ({"this"}, lambda w, n: f"EXISTS ({w(n.this)})"),
    exp.In: ({"this", "expressions", "query"}, Writer._in),
    exp.Like: (_TWO | {"negate"}, Writer._like),
    exp.Escape: (_TWO, Writer._escape),
    exp.Case: ({"this", "ifs", "default"}, Writer._case),
    exp.Cast: ({"this", "to", "safe"}, lambda w, n: w.cast(n.this, n.args["to"])),
    exp.TryCast: ({"this", "to", "safe"}, lambda w, n: w.cast(n.this, n.args["to"], safe=True)),
    exp.Convert: ({"this", "expression", "style", "safe"}, lambda w, n: w._convert(n)),
    exp.Anonymous: ({"this", "expressions"}, Writer._anonymous),
    exp.GroupConcat: ({"this", "separator"}, Writer._joined),
    exp.Window: ({"this", "partition_by", "order", "spec", "over"}, Writer._window),
    exp.WindowSpec: ({"kind", "start", "start_side", "end", "end_side"}, Writer._spec),
    exp.Collate: (_TWO, Writer._collate),
    exp.Any: ({"this"}, lambda w, n: f"ANY {w.quantified(n.this)}"),
    exp.All: ({"this"}, lambda w, n: f"ALL {w.quantified(n.this)}"),
}  # fmt: skip
