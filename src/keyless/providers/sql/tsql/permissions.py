"""GRANT, DENY and REVOKE.

Owns their grammar. What they mean is decided in PostgreSQL, by `tsql.change_permissions`. No I/O.
Source: Transact-SQL reference, "GRANT", "DENY", "REVOKE", "GRANT Object Permissions", "GRANT Schema Permissions",
"GRANT Database Permissions".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tsql.names import fold, text
from keyless.providers.sql.tsql.plan import Action, Step, unsupported
from keyless.providers.sql.tsql.principals import principal

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader

_DATA = ("SELECT", "INSERT", "UPDATE", "DELETE", "REFERENCES")
_ON_ALL = (
    *_DATA, "EXECUTE", "ALTER", "CONTROL", "VIEW DEFINITION", "TAKE OWNERSHIP",
)  # fmt: skip
_ON_DATABASE = (
    "CONNECT", "CREATE TABLE", "CREATE VIEW", "CREATE PROCEDURE", "CREATE FUNCTION", "CREATE SCHEMA", "CREATE ROLE",
    "CREATE TYPE", "CREATE SYNONYM", "CREATE SEQUENCE", "ALTER ANY SCHEMA", "ALTER ANY ROLE", "ALTER ANY USER",
)  # fmt: skip
# the longer ones first: ALTER ANY SCHEMA is not ALTER
_KNOWN = sorted((*_ON_ALL, *_ON_DATABASE), key=len, reverse=True)
_ALL_ON_DATABASE = ("CREATE TABLE", "CREATE VIEW", "CREATE PROCEDURE", "CREATE FUNCTION")
_CLASSES = ("SCHEMA", "OBJECT", "DATABASE")

Listed = list[tuple[str, list[str]]]


def grant(reader: Reader) -> Step:
    """GRANT permissions [ON thing] TO principals [WITH GRANT OPTION]."""
    reader.need("GRANT")
    return _change(reader, "GRANT", "TO")


def deny(reader: Reader) -> Step:
    """DENY permissions [ON thing] TO principals [CASCADE]."""
    reader.need("DENY")
    return _change(reader, "DENY", "TO")


def revoke(reader: Reader) -> Step:
    """REVOKE [GRANT OPTION FOR] permissions [ON thing] FROM principals [CASCADE]."""
    reader.need("REVOKE")
    return _change(reader, "UNOPTION" if reader.word("GRANT", "OPTION", "FOR") else "REVOKE", "FROM")


def _change(reader: Reader, verb: str, preposition: str) -> Step:
    listed = _permissions(reader)
    kind, schema, name = "DATABASE", "", ""
    if reader.word("ON"):
        kind, schema, name = _thing(reader)
        if reader.ahead() == "(":
            columns = _columns(reader)
            listed = [(permission, own or columns) for permission, own in listed]
    listed = _expanded(listed, kind)
    if not reader.word(preposition) and not (preposition == "FROM" and reader.word("TO")):
        raise reader.error()
    to = [principal(reader)]
    while reader.word(","):
        to.append(principal(reader))
    option = verb == "GRANT" and reader.word("WITH", "GRANT", "OPTION")
    cascade = verb != "GRANT" and reader.word("CASCADE")
    if reader.ahead() == "AS":
        raise unsupported(f"{verb} … AS")
    arguments = ", ".join([
        text(verb), f"{text(json.dumps(listed, ensure_ascii=False))}::jsonb", text(kind), text(schema),
        text(name) if name else "NULL", f"ARRAY[{', '.join(map(text, to))}]", str(option).lower(), str(cascade).lower(),
    ])  # fmt: skip
    return Step(Action.ADMINISTER, f"SELECT tsql.change_permissions({arguments})", line=reader.line)


def _permissions(reader: Reader) -> Listed:
    listed = [_permission(reader)]
    while reader.word(","):
        listed.append(_permission(reader))
    return listed


def _permission(reader: Reader) -> tuple[str, list[str]]:
    if reader.word("ALL"):
        reader.word("PRIVILEGES")
        return "ALL", _columns(reader) if reader.ahead() == "(" else []
    if reader.word("EXEC"):
        return "EXECUTE", []
    for known in _KNOWN:
        if reader.word(*known.split()):
            return known, _columns(reader) if reader.ahead() == "(" else []
    raise unsupported(f"The permission {reader.ahead()}")


def _columns(reader: Reader) -> list[str]:
    return reader.names(lambda: fold(reader.name()))


def _thing(reader: Reader) -> tuple[str, str, str]:
    """Its class, and its name: a schema's or a database's alone, an object's behind its schema's."""
    kind = reader.ahead()
    ahead = reader.parser._next
    if ahead is None or ahead.text != "::":
        return _object(reader)
    if kind not in _CLASSES:
        raise unsupported(f"A permission ON {kind}")
    reader.take()
    reader.need("::")
    if kind == "OBJECT":
        return _object(reader)
    name = reader.name()
    # a session has one database only, so a name that is written here is that one's, or PostgreSQL says so
    return (kind, fold(name), "") if kind == "SCHEMA" else (kind, name, "")


def _object(reader: Reader) -> tuple[str, str, str]:
    table = reader.table_name()
    if isinstance(table.this, exp.Identifier) and (table.this.args.get("temporary") or table.this.args.get("global_")):
        raise SqlError(4606, "Granted or revoked privileges are not compatible with a temporary table.")
    reader.writer().table(table)
    return "OBJECT", fold(table.db) if table.db else "dbo", fold(table.name)


def _expanded(listed: Listed, kind: str) -> Listed:
    """ALL is what it was in older versions: not all that there is."""
    found: Listed = []
    for permission, columns in listed:
        if permission != "ALL":
            found.append((permission, columns))
        elif kind == "SCHEMA":
            raise SqlError(
                4623, "The all permission has been deprecated and is not available for this class of entity."
            )
        else:
            all_ = (
                _ALL_ON_DATABASE if kind == "DATABASE" else ("SELECT", "REFERENCES", "UPDATE") if columns else ("ALL",)
            )
            found += [(one, columns) for one in all_]
    return found
