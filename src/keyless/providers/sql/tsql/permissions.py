"""CREATE USER, ALTER ROLE, GRANT and REVOKE.

Owns their grammar. Who they stand for is the engine's to know: a user is written as `{user:name}`. No I/O.
Source: Transact-SQL reference, "CREATE USER", "ALTER ROLE", "GRANT Object Permissions".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.providers.sql.tsql.names import quoted
from keyless.providers.sql.tsql.plan import Action, Step, unsupported

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader

ROLES = ("db_owner", "db_datareader", "db_datawriter", "db_ddladmin")
_PRIVILEGES = {"SELECT", "INSERT", "UPDATE", "DELETE", "REFERENCES"}


def create_user(reader: Reader) -> Step:
    """CREATE USER [name] FROM EXTERNAL PROVIDER."""
    name = reader.name()
    if not reader.word("FROM", "EXTERNAL", "PROVIDER"):
        raise unsupported("CREATE USER without FROM EXTERNAL PROVIDER")
    if reader.ahead() == "WITH":
        raise unsupported("CREATE USER … WITH")
    return Step(Action.CREATE_USER, arguments=(name,), line=reader.line)


def alter_role(reader: Reader) -> Step:
    """ALTER ROLE role ADD|DROP MEMBER user."""
    role = reader.name().lower()
    if role not in ROLES:
        raise unsupported(f"The role {role}")
    verb = "ADD" if reader.word("ADD") else "DROP"
    if verb == "DROP":
        reader.need("DROP")
    reader.need("MEMBER")
    return Step(Action.MEMBER, arguments=(role, verb, reader.name()), line=reader.line)


def grant(reader: Reader) -> Step:
    """GRANT privileges ON object TO users."""
    reader.need("GRANT")
    return _change(reader, "GRANT", "TO")


def revoke(reader: Reader) -> Step:
    """REVOKE privileges ON object FROM users."""
    reader.need("REVOKE")
    return _change(reader, "REVOKE", "FROM")


def _change(reader: Reader, verb: str, preposition: str) -> Step:
    privileges = [_privilege(reader)]
    while reader.word(","):
        privileges.append(_privilege(reader))
    reader.need("ON")
    if reader.word("SCHEMA"):
        raise unsupported(f"{verb} ON SCHEMA")
    if reader.word("OBJECT"):
        reader.need(":")
        reader.need(":")
    table = reader.table()
    if not reader.word(preposition) and not (verb == "REVOKE" and reader.word("TO")):
        raise reader.error()
    users = [reader.name()]
    while reader.word(","):
        users.append(reader.name())
    if reader.ahead() in {"WITH", "CASCADE", "AS"}:
        raise unsupported(f"{verb} … {reader.ahead()}")
    sql = f"{verb} {', '.join(privileges)} ON TABLE {table} {preposition} "
    return Step(Action.DEFINE, sql, arguments=tuple(users), line=reader.line)


def _privilege(reader: Reader) -> str:
    word = reader.ahead()
    if word not in _PRIVILEGES:
        raise unsupported(f"The permission {word}")
    reader.take()
    if reader.ahead() == "(":
        raise unsupported("A permission on columns")
    return word


__all__ = ["ROLES", "alter_role", "create_user", "grant", "quoted", "revoke"]
