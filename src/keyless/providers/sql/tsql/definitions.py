"""CREATE, ALTER and DROP: schemas, tables, indexes, views.

Owns their grammar: sqlglot refuses or leaves out parts of it. No I/O.
Source: Transact-SQL reference, "CREATE TABLE", "ALTER TABLE", "CREATE INDEX".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.tsql import comments, principals, types
from keyless.providers.sql.tsql.names import fold, quoted, relation
from keyless.providers.sql.tsql.plan import Step, syntax, unsupported
from keyless.providers.sql.tsql.spelling import definition

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader

LENGTH = "keyless_length_"
_CONSTRAINTS = [["CONSTRAINT"], ["PRIMARY"], ["UNIQUE"], ["FOREIGN"], ["CHECK"]]


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
    if reader.word("USER"):
        return principals.create_user(reader)
    if reader.word("ROLE"):
        return principals.create_role(reader)
    if reader.word("VIEW"):
        return _create_view(reader)
    unique = reader.word("UNIQUE")
    if reader.ahead() in {"INDEX", "CLUSTERED INDEX", "NONCLUSTERED INDEX"}:
        clustered = reader.ahead() == "CLUSTERED INDEX"
        reader.take()
        return _create_index(reader, unique, clustered)
    raise unsupported(f"CREATE {reader.ahead()}")


def _create_view(reader: Reader) -> Step:
    view = reader.table_name()
    name = reader.writer().table(view)
    reader.need("AS")
    query = reader.query()
    if query is None:
        raise reader.error()
    told = {"name": view.name, "definition": reader.statement()}
    return _told(reader, f"CREATE VIEW {name} AS {reader.literal(query)}", comments.comment(f"VIEW {name}", told))


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
        if reader.ahead().split()[:1] in _CONSTRAINTS:
            parts.append(_table_constraint(reader, made))
        else:
            parts.append(_column(reader, made))
        if not reader.word(","):
            break
        if reader.ahead() == ")":
            break
    reader.need(")")
    told = comments.comment(f"TABLE {written}", {"name": name})
    return _told(reader, f"CREATE {head} ({', '.join(parts)})", told, *made.comments)


class Made:
    """A table in the making: the comments on its parts, which follow its definition."""

    def __init__(self, table: str, name: str) -> None:
        self.table = table
        self.name = name
        self.comments: list[str] = []
        self._taken: set[str] = set()

    def constraint(self, prefix: str, given: str, *about: str, **told: str | bool) -> str:
        """CONSTRAINT and its name, given or made up."""
        name, number = given or comments.constraint_name(prefix, self.name, *about), 0
        while not given and name in self._taken:
            number += 1
            name = comments.constraint_name(prefix, self.name, *about, str(number))
        self._taken.add(name)
        self.comments.append(comments.constraint(self.table, name, **told))
        return f" CONSTRAINT {quoted(name)}"


def _column(reader: Reader, made: Made) -> str:
    name = reader.name()
    if reader.ahead() == "AS":
        raise unsupported("A computed column")
    written = read_type(reader)
    sql = f"{quoted(name)} {types.postgres(written)}"
    if written.kind in types.TEXTS | types.BINARIES and (length := types.sized(written).length) is not None:
        sql += f" CONSTRAINT {quoted(LENGTH + name)} CHECK (tsql.fits({quoted(name)}, {length}))"
    told: dict[str, str | bool] = {"name": name, "type": types.spelled(written)}
    sql += _column_constraints(reader, made, name, told)
    made.comments.append(comments.comment(f"COLUMN {made.table}.{quoted(name)}", told))
    return sql


def read_type(reader: Reader) -> types.Written:
    """A type with its measures."""
    name = reader.ahead().lower()
    if not name:
        raise reader.error()
    reader.take()
    measures: list[int | None] = []
    if reader.word("("):
        while True:
            word = reader.ahead()
            if word != "MAX" and not word.isdigit():
                raise reader.error()
            measures.append(None if word == "MAX" else int(word))
            reader.take()
            if not reader.word(","):
                break
        reader.need(")")
    return types.named(name, tuple(measures), reader.line)


def _column_constraints(reader: Reader, made: Made, column: str, told: dict[str, str | bool]) -> str:
    sql = ""
    while reader.ahead() not in {",", ")", "", ";"}:
        given = reader.name() if reader.word("CONSTRAINT") else ""
        if reader.word("NOT", "NULL"):
            sql += " NOT NULL"
        elif reader.word("NULL"):
            sql += " NULL"
        elif reader.word("IDENTITY"):
            sql += _identity(reader)
        elif reader.word("DEFAULT"):
            node, written = reader.written(reader.expression)
            sql += f" DEFAULT {reader.literal(node)}"
            told["default"] = definition(node, written)
            told["default_name"] = given or comments.constraint_name("DF", made.name, column, str(told["default"]))
        elif reader.word("COLLATE"):
            collation = reader.ahead()
            reader.take()
            if "_CI_" not in collation:
                raise unsupported(f"COLLATE {collation}")
        elif reader.ahead().split()[:1] in [*_CONSTRAINTS, ["REFERENCES"]]:
            sql += _constraint(reader, made, given, column)
        else:
            break
    return sql


def _identity(reader: Reader) -> str:
    seed, step = "1", "1"
    if reader.word("("):
        seed = _integer(reader)
        reader.need(",")
        step = _integer(reader)
        reader.need(")")
    limits = f" MINVALUE {seed}" if int(step) > 0 else f" MAXVALUE {seed}"
    return f" GENERATED ALWAYS AS IDENTITY (START WITH {seed} INCREMENT BY {step}{limits})"


def _integer(reader: Reader) -> str:
    sign = "-" if reader.word("-") else ""
    word = reader.ahead()
    if not word.isdigit():
        raise reader.error()
    reader.take()
    return sign + word


def _table_constraint(reader: Reader, made: Made) -> str:
    given = reader.name() if reader.word("CONSTRAINT") else ""
    return _constraint(reader, made, given).strip()


def _constraint(reader: Reader, made: Made, given: str, column: str = "") -> str:
    """A constraint of the table, or of a column."""
    if reader.word("PRIMARY", "KEY") or reader.ahead() == "UNIQUE":
        primary = not reader.word("UNIQUE")
        clustered = reader.word("CLUSTERED")
        nonclustered = reader.word("NONCLUSTERED")
        listed = f" ({', '.join(reader.names(lambda: _key(reader)))})" if not column or reader.ahead() == "(" else ""
        prefix, kind = ("PK", " PRIMARY KEY") if primary else ("UQ", " UNIQUE NULLS NOT DISTINCT")
        named = made.constraint(
            prefix, given, "", listed or column, clustered=clustered or (primary and not nonclustered)
        )
        return named + kind + listed
    if reader.word("CHECK"):
        reader.need("(")
        node, written = reader.written(reader.expression)
        reader.need(")")
        said = definition(node, written)
        named = made.constraint("CK", given, column, said, definition=said, of_column=bool(column))
        return f"{named} CHECK ({reader.literal(node)})"
    sql = ""
    if reader.word("FOREIGN", "KEY") and not column:
        sql = f" FOREIGN KEY ({', '.join(quoted(name) for name in reader.names(reader.name))})"
    reader.need("REFERENCES")
    sql += f" REFERENCES {reader.table()}"
    if reader.ahead() == "(":
        sql += f" ({', '.join(quoted(name) for name in reader.names(reader.name))})"
    while reader.word("ON"):
        event = "DELETE" if reader.word("DELETE") else "UPDATE"
        if event == "UPDATE":
            reader.need("UPDATE")
        for action in ("NO ACTION", "CASCADE", "SET NULL", "SET DEFAULT"):
            if reader.word(*action.split()):
                sql += f" ON {event} {action}"
                break
        else:
            raise reader.error()
    return made.constraint("FK", given, column, sql) + sql


def _key(reader: Reader) -> str:
    name = quoted(reader.name())
    reader.word("ASC") or reader.word("DESC")
    return name


def alter(reader: Reader) -> Step:
    """ALTER …"""
    reader.need("ALTER")
    if reader.word("ROLE"):
        return principals.alter_role(reader)
    if reader.word("USER"):
        return principals.alter_user(reader)
    if reader.word("AUTHORIZATION"):
        return principals.alter_authorization(reader)
    if not reader.word("TABLE"):
        raise unsupported(f"ALTER {reader.ahead()}")
    named = reader.table_name()
    table = reader.writer().table(named)
    if reader.word("ADD"):
        made = Made(table, named.name)
        parts = []
        while True:
            if reader.ahead().split()[:1] in _CONSTRAINTS:
                parts.append("ADD " + _table_constraint(reader, made))
            else:
                parts.append("ADD COLUMN " + _column(reader, made))
            if not reader.word(","):
                break
        return _told(reader, f"ALTER TABLE {table} {', '.join(parts)}", *made.comments)
    if reader.word("DROP"):
        kind = "COLUMN" if reader.word("COLUMN") else "CONSTRAINT"
        if kind == "CONSTRAINT":
            reader.word("CONSTRAINT")
        exists = " IF EXISTS" if reader.word("IF", "EXISTS") else ""
        return reader.define(f"ALTER TABLE {table} DROP {kind}{exists} {quoted(reader.name())}")
    raise unsupported(f"ALTER TABLE … {reader.ahead()}")


def drop(reader: Reader) -> Step:
    """DROP …"""
    reader.need("DROP")
    for principal in ("USER", "ROLE"):
        if reader.word(principal):
            return principals.drop(reader, principal.lower())
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
