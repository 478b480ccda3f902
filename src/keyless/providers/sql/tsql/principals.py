"""CREATE, ALTER and DROP of users and roles, and who owns a schema.

Owns their grammar. Each becomes a call of a function in PostgreSQL, which asks who is connected. No I/O.
Source: Transact-SQL reference, "CREATE USER", "ALTER USER", "DROP USER", "CREATE ROLE", "ALTER ROLE", "DROP ROLE",
"ALTER AUTHORIZATION".
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlglot.tokenizer_core import TokenType

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tsql.names import fold, text
from keyless.providers.sql.tsql.plan import Action, Step, unsupported

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader

_LONGEST = 128


def call(reader: Reader, function: str, *arguments: str | bool | None) -> Step:
    """A step that calls a function of the `tsql` schema which administers."""
    written = ", ".join("NULL" if a is None else str(a).lower() if isinstance(a, bool) else text(a) for a in arguments)
    return Step(Action.ADMINISTER, f"SELECT tsql.{function}({written})", line=reader.line)


def principal(reader: Reader) -> str:
    """The name of a user or a role."""
    name = reader.name()
    if not 0 < len(name) <= _LONGEST or "\0" in name:
        raise SqlError(103, f"The identifier that starts with '{name[:20]}' is too long.", severity=15)
    return name


def create_user(reader: Reader) -> Step:
    """CREATE USER name FROM EXTERNAL PROVIDER [WITH OBJECT_ID = 'id', …], or WITH SID = 0x…, TYPE = E|X."""
    name = principal(reader)
    identity = ""
    if not reader.word("FROM", "EXTERNAL", "PROVIDER"):
        if reader.ahead() != "WITH":
            raise unsupported("CREATE USER without FROM EXTERNAL PROVIDER")
        identity = _options(reader)
        if not identity.startswith("sid:"):
            raise unsupported("CREATE USER without FROM EXTERNAL PROVIDER")
    elif reader.ahead() == "WITH":
        identity = _options(reader)
    return Step(Action.CREATE_USER, arguments=(name, identity.removeprefix("sid:")), line=reader.line)


def _options(reader: Reader) -> str:
    """The directory's ID of whom is meant, where the options name one."""
    found, kind = "", ""
    reader.need("WITH")
    while True:
        option = reader.ahead()
        reader.take()
        reader.need("=")
        if option == "DEFAULT_SCHEMA":
            _default_schema(reader)
        elif option == "OBJECT_ID":
            found = str(_guid(_taken(reader, TokenType.STRING)))
        elif option == "SID":
            found = "sid:" + str(_bytes(_taken(reader, TokenType.HEX_STRING)))
        elif option == "TYPE":
            kind = reader.name().upper()
        else:
            raise unsupported(f"CREATE USER … WITH {option}")
        if not reader.word(","):
            break
    if (kind or found.startswith("sid:")) and (kind not in {"E", "X"} or not found.startswith("sid:")):
        raise unsupported("CREATE USER … WITH SID without TYPE = E or X")
    return found


def _default_schema(reader: Reader) -> None:
    schema = reader.name()
    if fold(schema) != "dbo":
        raise unsupported(f"DEFAULT_SCHEMA = {schema}: every user's is dbo, and another one")


def _taken(reader: Reader, kind: TokenType) -> str:
    current = reader.parser._curr
    if current is None or current.token_type is not kind:
        raise reader.error()
    reader.take()
    return current.text


def _guid(written: str) -> UUID:
    try:
        return UUID(written)
    except ValueError:
        raise SqlError(33130, "OBJECT_ID is the object ID of a principal in the directory.") from None


def _bytes(digits: str) -> UUID:
    # a uniqueidentifier as binary: its first three groups have their bytes the other way round
    if len(digits) != 32:
        raise SqlError(15419, "Supplied parameter sid should be binary(16).")
    return UUID(bytes_le=bytes.fromhex(digits))


def alter_user(reader: Reader) -> Step:
    """ALTER USER name WITH NAME = new | DEFAULT_SCHEMA = dbo."""
    name, new = principal(reader), None
    reader.need("WITH")
    while True:
        option = reader.ahead()
        reader.take()
        reader.need("=")
        if option == "NAME":
            new = principal(reader)
        elif option == "DEFAULT_SCHEMA":
            _default_schema(reader)
        else:
            raise unsupported(f"ALTER USER … WITH {option}")
        if not reader.word(","):
            return call(reader, "rename_principal", "user", name, new)


def drop(reader: Reader, kind: str) -> Step:
    """DROP USER|ROLE [IF EXISTS] name."""
    exists = reader.word("IF", "EXISTS")
    return call(reader, "drop_principal", kind, principal(reader), exists)


def create_role(reader: Reader) -> Step:
    """CREATE ROLE name [AUTHORIZATION owner]."""
    name = principal(reader)
    owner = principal(reader) if reader.word("AUTHORIZATION") else None
    return call(reader, "create_role", name, owner)


def alter_role(reader: Reader) -> Step:
    """ALTER ROLE role ADD|DROP MEMBER principal, or WITH NAME = new."""
    role = principal(reader)
    if reader.word("WITH"):
        reader.need("NAME")
        reader.need("=")
        return call(reader, "rename_principal", "role", role, principal(reader))
    verb = "ADD" if reader.word("ADD") else "DROP"
    if verb == "DROP":
        reader.need("DROP")
    reader.need("MEMBER")
    return call(reader, "change_member", role, verb, principal(reader))


def alter_authorization(reader: Reader) -> Step:
    """ALTER AUTHORIZATION ON SCHEMA::name|ROLE::name TO principal."""
    reader.need("ON")
    kind = reader.ahead()
    if kind not in {"SCHEMA", "ROLE"}:
        raise unsupported(f"ALTER AUTHORIZATION ON {kind}")
    reader.take()
    reader.need("::")
    name = reader.name()
    reader.need("TO")
    return call(reader, "give_schema" if kind == "SCHEMA" else "give_role",
                fold(name) if kind == "SCHEMA" else name, principal(reader))  # fmt: skip
