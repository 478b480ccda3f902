"""FOR JSON and FOR XML: a query's rows as one text.

Owns their shape; what is not here is refused by name. The keys come from the names in the list, so `*` has none.
No I/O.
Source: Transact-SQL reference, "SELECT - FOR Clause", "Format query results as JSON with FOR JSON", "FOR XML".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.tsql import calls, user_calls
from keyless.providers.sql.tsql.columns import result_names
from keyless.providers.sql.tsql.names import text
from keyless.providers.sql.tsql.plan import Methods, unsupported

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.parts import Parts
    from keyless.providers.sql.tsql.writer import Writer

_ALL_TEXT = {".", "text()[1]", "./text()[1]", "(./text())[1]", "(text())[1]", ".[1]"}
Tree = dict[str, "str | Tree"]


def written(writer: Writer, node: Parts, clause: exp.Expr) -> str:
    """A query with FOR behind it: one row of one text; none if there are no rows."""
    parts = writer.parts(clause)
    options: dict[str, str | None] = {}
    for option in parts.expressions:
        word = writer.parts(option)
        inside = word.this
        if isinstance(inside, exp.Var):
            options[word.name.upper()] = None
        else:
            pair = writer.parts(inside)
            said = pair.args.get("expression")
            options[pair.name.upper()] = None if said is None else pair.text("expression")
    kind = parts.text("kind").upper()
    inner = writer.select(node)
    names = result_names(node.node)
    columns = [f'"~c{number}"' for number in range(len(names))]
    rows = f'({inner}) AS "~rows" ({", ".join(columns)})'
    if None in names:
        raise unsupported(f"FOR {kind} with *")
    known = [name or "" for name in names]
    raw = [calls.gives_json(part) for part in node.node.expressions]
    if kind == "JSON":
        return _json(options, known, columns, raw, rows, node)
    if kind == "XML":
        return _xml(options, known, columns, rows)
    raise unsupported(f"FOR {kind}")


def _json(
    options: dict[str, str | None], names: list[str], columns: list[str], raw: list[bool], rows: str, node: Parts
) -> str:
    form = "PATH" if options.pop("PATH", "") is None else "AUTO" if options.pop("AUTO", "") is None else ""
    if not form or (form == "AUTO" and (node.node.args.get("joins") or not node.node.args.get("from_"))):
        raise unsupported("FOR JSON AUTO of several tables, or without one,")
    nulls = options.pop("INCLUDE_NULL_VALUES", "") is None
    bare = options.pop("WITHOUT_ARRAY_WRAPPER", "") is None
    root = options.pop("ROOT", "")
    if options:
        raise unsupported(f"FOR JSON … {next(iter(options))}")
    tree: Tree = {}
    for name, column, is_json in zip(names, columns, raw, strict=True):
        if not name:
            raise unsupported("FOR JSON with a column without a name")
        inside = tree
        *outer, last = name.split(".") if form == "PATH" else [name]
        for key in outer:
            below = inside.setdefault(key, {})
            if not isinstance(below, dict):
                raise unsupported("FOR JSON with a name that is also the beginning of another one")
            inside = below
        if last in inside:
            raise unsupported("FOR JSON with the same name twice")
        inside[last] = f"coalesce({column}, 'null')" if is_json else f"tsql.json_of({column})"
    whole = f"string_agg({_object(tree, nulls)}, ',')"
    sql = whole if bare else f"'[' || {whole} || ']'"
    if root is None or root:
        sql = f"""'{{' || tsql.json_of({text(root or "root")}::tsql.citext) || ':' || {sql} || '}}'"""
    return f"SELECT ({sql})::tsql.citext FROM {rows} HAVING count(*) > 0"


def _object(tree: Tree, nulls: bool) -> str:
    members = []
    for key, value in tree.items():
        named = f"tsql.json_of({text(key)}::tsql.citext) || ':' || "
        if isinstance(value, dict):
            inside = _object(value, nulls)
            members.append(f"{named}{inside}" if nulls else f"{named}nullif({inside}, '{{}}')")
        else:
            members.append(f"{named}{value}" if nulls else f"{named}nullif({value}, 'null')")
    return f"'{{' || concat_ws(',', {', '.join(members)}) || '}}'"


def _xml(options: dict[str, str | None], names: list[str], columns: list[str], rows: str) -> str:
    is_path, is_raw = "PATH" in options, "RAW" in options
    element = options.pop("PATH", None) if is_path else options.pop("RAW", None)
    element = "row" if element is None else element
    root = options.pop("ROOT", "")
    options.pop("TYPE", None)
    if options or is_path == is_raw:
        raise unsupported(f"FOR XML {next(iter(options), 'AUTO')}")
    attributes, content = [], []
    for name, column in zip(names, columns, strict=True):
        value = f"tsql.xml_of({column})"
        if is_raw or name.startswith("@"):
            if not name.strip("@") or not element:
                raise unsupported("An attribute in FOR XML without a name, or without an element,")
            attributes.append(f"' {_tag(name.strip('@'))}=\"' || {value} || '\"'")
        elif name in {"", "*", "text()", "data()"}:
            content.append(value)
        else:
            content.append(f"'<{_tag(name)}>' || {value} || '</{_tag(name)}>'")
    inside = f"concat({', '.join(content)})" if content else "''"
    if element:
        opening = f"concat('<{_tag(element)}'{''.join(f', {part}' for part in attributes)})"
        inside = f"{opening} || CASE WHEN {inside} = '' THEN '/>' ELSE '>' || {inside} || '</{_tag(element)}>' END"
    sql = f"string_agg({inside}, '')"
    if root is None or root:
        sql = f"'<{_tag(root or 'root')}>' || {sql} || '</{_tag(root or 'root')}>'"
    return f"SELECT ({sql})::tsql.citext FROM {rows} HAVING count(*) > 0"


def _dot(writer: Writer, node: Parts) -> str:
    """A user's function, or all text of an XML: `(SELECT … FOR XML PATH(''), TYPE).value('.', 'nvarchar(max)')`."""
    call = node.expression
    if isinstance(call, exp.Identifier) and isinstance(node.this, exp.Identifier):
        return f"{writer(node.this)}.{writer(call)}"
    if isinstance(call, exp.Anonymous) and isinstance(node.this, exp.Identifier):
        return user_calls.called(writer, writer.parts(node.this).text("this"), call)
    inside = node.this.this if isinstance(node.this, exp.Subquery) else None
    if not isinstance(call, exp.Anonymous) or not isinstance(inside, exp.Select) or not inside.args.get("for_"):
        raise unsupported("A method of a value")
    parts = writer.parts(call)
    arguments = [writer.parts(argument).name for argument in parts.expressions]
    if parts.name.lower() != "value" or len(arguments) != 2 or arguments[0] not in _ALL_TEXT:
        raise unsupported(f"The method {parts.name} in this form")
    if arguments[1].replace(" ", "").lower() not in {"nvarchar(max)", "varchar(max)"}:
        raise unsupported(f"The method value with the type {arguments[1][:40]}")
    return f"tsql.xml_text({writer(node.this)})"


def _tag(name: str) -> str:
    if not all(letter.isalnum() or letter in "_-." for letter in name) or not (name[0].isalpha() or name[0] == "_"):
        raise unsupported(f"The name {name[:40]} in FOR XML")
    return name


METHODS: Methods = {exp.Dot: _dot}
