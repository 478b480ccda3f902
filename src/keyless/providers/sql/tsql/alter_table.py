"""ALTER TABLE.

Owns its grammar. Where PostgreSQL would do more than was said (a column's constraints go with it), or has to know
what stands there (a default by its name), a function of the library does it. No I/O.
Source: Transact-SQL reference, "ALTER TABLE".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from keyless.providers.sql.tsql import comments, types
from keyless.providers.sql.tsql.names import fold, text
from keyless.providers.sql.tsql.plan import Step, unsupported
from keyless.providers.sql.tsql.spelling import definition
from keyless.providers.sql.tsql.table_parts import CONSTRAINTS, Made, collation, column, read_type, table_constraint

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader


def alter_table(reader: Reader) -> Step:
    """What follows ALTER TABLE."""
    named = reader.table_name()
    made = Made(reader.writer().table(named), named.name)
    if reader.word("ALTER", "COLUMN"):
        return reader.define(_retyped(reader, made))
    if reader.word("DROP"):
        return reader.define(";\n".join(_dropped(reader, made)))
    checked = reader.word("WITH", "CHECK")
    if not checked and reader.ahead() == "WITH":
        raise unsupported("ALTER TABLE … WITH NOCHECK")
    reader.need("ADD")
    return reader.define(";\n".join([*_added(reader, made), *made.comments]))


def _retyped(reader: Reader, made: Made) -> str:
    name = reader.name()
    if reader.ahead() in {"ADD", "DROP"}:
        raise unsupported(f"ALTER COLUMN … {reader.ahead()}")
    written = read_type(reader)
    if reader.word("COLLATE"):
        collation(reader)
    nullable = not reader.word("NOT", "NULL")
    if nullable:
        reader.word("NULL")
    length = types.sized(written).length if written.kind in types.TEXTS | types.BINARIES else None
    limit = "NULL" if length is None else str(length)
    arguments = f"{text(types.postgres(written))}, {text(types.spelled(written))}, {limit}, {nullable}"
    return f"SELECT tsql.retype({text(made.table)}, {text(fold(name))}, {arguments})"


def _added(reader: Reader, made: Made) -> list[str]:
    parts, defaults = [], []
    while True:
        given = reader.name() if reader.word("CONSTRAINT") else ""
        if reader.word("DEFAULT"):
            defaults.append(_default(reader, made, given))
        elif given or reader.ahead().split()[:1] in CONSTRAINTS:
            parts.append("ADD " + table_constraint(reader, made, given))
        else:
            parts.append("ADD COLUMN " + column(reader, made))
        if not reader.word(","):
            break
    added = made.computed.defined(f"ALTER TABLE {made.table} {', '.join(parts)}", made.table)
    return [added] * bool(parts) + defaults


def _default(reader: Reader, made: Made, given: str) -> str:
    node, written = reader.written(reader.value)
    reader.need("FOR")
    name = reader.name()
    if reader.ahead() == "WITH":
        raise unsupported("DEFAULT … WITH VALUES")
    said = definition(node, written)
    told = {"default": said, "default_name": given or comments.constraint_name("DF", made.name, name, said)}
    arguments = f"{text(reader.literal(node))}, {text(json.dumps(told, ensure_ascii=False))}"
    return f"SELECT tsql.add_default({text(made.table)}, {text(fold(name))}, {arguments})"


def _dropped(reader: Reader, made: Made) -> list[str]:
    statements = []
    kind = "constraint"
    while True:
        if reader.word("COLUMN"):
            kind = "column"
        elif reader.word("CONSTRAINT"):
            kind = "constraint"
        exists = reader.word("IF", "EXISTS")
        name = reader.name()
        wanted = text(fold(name)) if kind == "column" else f"{text(name)}, {text(fold(name))}"
        statements.append(f"SELECT tsql.drop_{kind}({text(made.table)}, {wanted}, {exists})")
        if not reader.word(","):
            return statements
