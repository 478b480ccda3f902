"""CREATE, ALTER and DROP: schemas, tables, indexes, views.

Owns their grammar: sqlglot refuses or leaves out parts of it. No I/O.
Source: Transact-SQL reference, "CREATE TABLE", "ALTER TABLE", "CREATE INDEX".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.tsql import comments, principals, sequences
from keyless.providers.sql.tsql.alter_table import alter_table
from keyless.providers.sql.tsql.names import fold, quoted, relation
from keyless.providers.sql.tsql.plan import Step, syntax, unsupported
from keyless.providers.sql.tsql.spelling import definition
from keyless.providers.sql.tsql.table_parts import CONSTRAINTS, Made, column, table_constraint

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader


def create(reader: Reader) -> Step:
    """CREATE …"""
    reader.need("CREATE")
    if reader.word("TABLE"):
        return _create_table(reader)
    if reader.word("SCHEMA"):
        name = reader.name()
        relation("x", name)
        told = comments.comment(f"SCHEMA {quoted(name)}", {"name": name})
        if reader.word("AUTHORIZATION"):
            return principals.call(reader, "create_schema", fold(name), principals.principal(reader), told)
        return _told(reader, f"CREATE SCHEMA {quoted(name)}", told)
    if reader.word("SEQUENCE"):
        return sequences.create(reader)
    if reader.word("USER"):
        return principals.create_user(reader)
    if reader.word("ROLE"):
        return principals.create_role(reader)
    unique = reader.word("UNIQUE")
    if reader.ahead() in {"INDEX", "CLUSTERED INDEX", "NONCLUSTERED INDEX"}:
        clustered = reader.ahead() == "CLUSTERED INDEX"
        reader.take()
        return _create_index(reader, unique, clustered)
    raise unsupported(f"CREATE {reader.ahead()}")


def _told(reader: Reader, *statements: str) -> Step:
    """A definition and the comments on what it made."""
    return reader.define(";\n".join(statements))


def _create_index(reader: Reader, unique: bool, clustered: bool) -> Step:
    name = reader.name()
    reader.need("ON")
    table = reader.table_name()
    columns = reader.names(lambda: _indexed(reader))
    kind = "UNIQUE INDEX" if unique else "INDEX"
    sql = f"CREATE {kind} {_index_name(table, name)} ON {reader.writer().table(table)} ({', '.join(columns)})"
    if reader.word("INCLUDE"):
        sql += f" INCLUDE ({', '.join(quoted(column) for column in reader.names(reader.name))})"
    if unique:
        sql += " NULLS NOT DISTINCT"
    told: dict[str, str | bool] = {"name": name, "clustered": clustered}
    if (where := reader.where()) is not None:
        sql += f" WHERE {reader.literal(where)}"
        told["filter"] = definition(where, where.sql("tsql"))
    schema = reader.writer().table(table).split(".")[0]
    return _told(reader, sql, comments.comment(f"INDEX {schema}.{_index_name(table, name)}", told))


def _index_name(table: exp.Table, name: str) -> str:
    # an index's name belongs to its table in SQL Server, to the schema in PostgreSQL
    return quoted(f"{table.name}.{name}")


def _indexed(reader: Reader) -> str:
    column = quoted(reader.name())
    if reader.word("DESC"):
        return f"{column} DESC NULLS LAST"
    reader.word("ASC")
    return f"{column} ASC NULLS FIRST"


def _create_table(reader: Reader) -> Step:
    table = reader.table_name()
    temporary = bool(table.this.args.get("temporary"))
    written, name = reader.writer().table(table), ("#" if temporary else "") + table.name
    head = f"TEMPORARY TABLE {quoted(name)}" if temporary else f"TABLE {written}"
    step = table_body(reader, written, name, head)
    if reader.word("ON"):
        reader.name()
    return step


def table_body(reader: Reader, written: str, name: str, head: str) -> Step:
    """The columns and constraints of a table; `written` is its name in PostgreSQL, `head` what makes it."""
    reader.need("(")
    made = Made(written, name.removeprefix("#"))
    parts = []
    while True:
        if reader.ahead().split()[:1] in CONSTRAINTS:
            parts.append(table_constraint(reader, made))
        else:
            parts.append(column(reader, made))
        if not reader.word(","):
            break
        if reader.ahead() == ")":
            break
    reader.need(")")
    told = comments.comment(f"TABLE {written}", {"name": name})
    sql = made.computed.defined(f"CREATE {head} ({', '.join(parts)})")
    return _told(reader, sql, told, *made.comments)


def alter(reader: Reader) -> Step:
    """ALTER …"""
    reader.need("ALTER")
    if reader.word("ROLE"):
        return principals.alter_role(reader)
    if reader.word("USER"):
        return principals.alter_user(reader)
    if reader.word("AUTHORIZATION"):
        return principals.alter_authorization(reader)
    if reader.word("SEQUENCE"):
        return sequences.alter(reader)
    if not reader.word("TABLE"):
        raise unsupported(f"ALTER {reader.ahead()}")
    return alter_table(reader)


def drop(reader: Reader) -> Step:
    """DROP …"""
    reader.need("DROP")
    for principal in ("USER", "ROLE"):
        if reader.word(principal):
            return principals.drop(reader, principal.lower())
    if reader.word("SEQUENCE"):
        return sequences.drop(reader)
    for kind in ("TABLE", "VIEW", "SCHEMA", "INDEX"):
        if reader.word(kind):
            break
    else:
        raise unsupported(f"DROP {reader.ahead()}")
    exists = " IF EXISTS" if reader.word("IF", "EXISTS") else ""
    if kind == "SCHEMA":
        name = reader.name()
        if fold(name).startswith(("pg_", "tsql", "dbo", "public", "information_schema")):
            raise syntax(name)
        return reader.define(f"DROP SCHEMA{exists} {quoted(name)}")
    if kind == "INDEX":
        index = reader.name()
        reader.need("ON")
        table = reader.table_name()
        schema = reader.writer().table(table).split(".")[0]
        return reader.define(f"DROP INDEX{exists} {schema}.{_index_name(table, index)}")
    tables = [reader.table()]
    while reader.word(","):
        tables.append(reader.table())
    return reader.define(f"DROP {kind}{exists} {', '.join(tables)}")


def truncate(reader: Reader) -> Step:
    """TRUNCATE TABLE name."""
    reader.need("TRUNCATE", "TABLE")
    return principals.call(reader, "truncate_table", reader.table())
