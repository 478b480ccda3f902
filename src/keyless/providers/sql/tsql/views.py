"""CREATE and ALTER VIEW.

Owns their grammar. A view's columns are PostgreSQL's to tell, so the comments on them are written when it is made.
No I/O. Source: Transact-SQL reference, "CREATE VIEW", "ALTER VIEW".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tsql import comments, procedures
from keyless.providers.sql.tsql.blocks import Statement, View
from keyless.providers.sql.tsql.columns import result_names
from keyless.providers.sql.tsql.names import fold, quoted, relation, text
from keyless.providers.sql.tsql.plan import Action, Step, unsupported

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader

_CHANGE_NOTHING = {"SCHEMABINDING", "VIEW_METADATA"}


def define(reader: Reader, mode: str) -> list[Statement]:
    """CREATE, ALTER or CREATE OR ALTER VIEW, from the name on."""
    start = reader.parser._index - 1
    schema, name = procedures.named(reader)
    full = relation(name, schema)
    listed = reader.names(reader.name) if reader.ahead() == "(" else []
    options(reader, _CHANGE_NOTHING, "VIEW")
    reader.need("AS")
    query = reader.query()
    if query is None:
        raise reader.error()
    sql = selected(reader, query, f"View '{name}'", bool(listed))
    names = tuple(listed) or result_names(query)
    columns = f" ({', '.join(quoted(column) for column in listed)})" if listed else ""
    check = " WITH CASCADED CHECK OPTION" if reader.word("WITH", "CHECK", "OPTION") else ""
    definition = procedures.definition_text(reader, start)
    told = comments.json_of({"name": name, "definition": definition})
    parts = (mode, fold(schema), fold(name), f"{columns} AS {sql}{check}", told)
    step = Step(
        Action.DEFINE,
        f"SELECT tsql.define_view({', '.join(text(part) for part in parts)}",
        line=reader.line,
    )
    return [View(step, Step(Action.QUERY, sql, names=names, line=reader.line), full)]


def options(reader: Reader, harmless: set[str], kind: str) -> None:
    """WITH and options that change nothing here."""
    if not reader.word("WITH"):
        return
    while True:
        if reader.ahead() not in harmless:
            raise unsupported(f"CREATE {kind} … WITH {reader.ahead()}")
        reader.take()
        if not reader.word(","):
            return


def selected(reader: Reader, query: exp.Expr, what: str, named: bool) -> str:
    """The query of a view or of a function that is a table."""
    if query.args.get("order") and not query.args.get("limit") and not query.args.get("offset"):
        message = (
            "The ORDER BY clause is invalid in views, inline functions, derived tables, subqueries, and common table"
            " expressions, unless TOP, OFFSET or FOR XML is also specified."
        )
        raise SqlError(1033, message, severity=15)
    if not named and "" in result_names(query):
        number = result_names(query).index("") + 1
        message = f"{what}: Create View or Function failed because no column name was specified for column {number}."
        raise SqlError(4511, message)
    writer = reader.writer()
    sql = writer(query)
    if writer.parameters:
        raise unsupported(f"{writer.parameters[0]} in a view")
    if 'pg_temp."' in sql:
        raise SqlError(4508, f"{what}: Views or functions are not allowed on temporary tables.")
    return sql
