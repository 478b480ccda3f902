"""CREATE, ALTER and DROP SEQUENCE, and DBCC CHECKIDENT.

Owns their grammar. A sequence that says nothing of its bounds has those of its type, as in SQL Server. No I/O.
Source: Transact-SQL reference, "CREATE SEQUENCE", "ALTER SEQUENCE", "DROP SEQUENCE", "DBCC CHECKIDENT".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tsql.names import text
from keyless.providers.sql.tsql.plan import Step, unsupported

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader

# type: what PostgreSQL keeps it as, and its bounds
_TYPES = {
    "TINYINT": ("smallint", 0, 255),
    "SMALLINT": ("smallint", -(2**15), 2**15 - 1),
    "INT": ("int", -(2**31), 2**31 - 1),
    "BIGINT": ("bigint", -(2**63), 2**63 - 1),
}


def create(reader: Reader) -> Step:
    """What follows CREATE SEQUENCE."""
    name = reader.table()
    kept, least, most = _TYPES["BIGINT"]
    if reader.word("AS"):
        word = reader.take()
        if word not in _TYPES:
            raise unsupported(f"A sequence of type {word.lower()}")
        kept, least, most = _TYPES[word]
    start: int | None = None
    step, cycle = 1, ""
    while True:
        if reader.word("START", "WITH"):
            start = _integer(reader)
        elif reader.word("INCREMENT", "BY"):
            step = _integer(reader)
        elif reader.word("MINVALUE"):
            least = _integer(reader)
        elif reader.word("MAXVALUE"):
            most = _integer(reader)
        elif reader.word("CYCLE"):
            cycle = " CYCLE"
        elif reader.word("CACHE"):
            _size(reader)
        elif reader.word("NO"):
            if not any(reader.word(word) for word in ("MINVALUE", "MAXVALUE", "CYCLE", "CACHE")):
                raise reader.error()
        else:
            break
    if step == 0:
        raise SqlError(11700, "The increment of a sequence object cannot be zero.")
    begin = start if start is not None else (least if step > 0 else most)
    # how many numbers are kept at hand is not what they are: a session of PostgreSQL would keep them for itself
    bounds = f"MINVALUE {least} MAXVALUE {most}{cycle}"
    return reader.define(f"CREATE SEQUENCE {name} AS {kept} START WITH {begin} INCREMENT BY {step} {bounds}")


def alter(reader: Reader) -> Step:
    """What follows ALTER SEQUENCE."""
    name = reader.table()
    sql = ""
    while True:
        if reader.word("RESTART"):
            sql += f" RESTART WITH {_integer(reader)}" if reader.word("WITH") else " RESTART"
        elif reader.word("INCREMENT", "BY"):
            sql += f" INCREMENT BY {_integer(reader)}"
        elif reader.word("CYCLE"):
            sql += " CYCLE"
        elif reader.word("NO", "CYCLE"):
            sql += " NO CYCLE"
        else:
            break
    if not sql:
        raise unsupported(f"ALTER SEQUENCE … {reader.ahead()}")
    return reader.define(f"ALTER SEQUENCE {name}{sql}")


def drop(reader: Reader) -> Step:
    """What follows DROP SEQUENCE."""
    exists = "IF EXISTS " if reader.word("IF", "EXISTS") else ""
    names = [reader.table()]
    while reader.word(","):
        names.append(reader.table())
    return reader.define(f"DROP SEQUENCE {exists}{', '.join(names)}")


def dbcc(reader: Reader) -> Step:
    """DBCC CHECKIDENT ('table' [, RESEED [, value]])."""
    reader.need("DBCC")
    if not reader.word("CHECKIDENT"):
        raise unsupported(f"DBCC {reader.ahead()}")
    reader.need("(")
    table = reader.written(reader.expression)[0]
    value = "NULL"
    if reader.word(","):
        reader.need("RESEED")
        if reader.word(","):
            value = str(_integer(reader))
    reader.need(")")
    if reader.word("WITH"):
        reader.need("NO_INFOMSGS")
    return reader.define(f"SELECT tsql.checkident({reader.literal(table)}, {value})")


def _integer(reader: Reader) -> int:
    sign = -1 if reader.word("-") else 1
    word = reader.take()
    if not word.isdigit():
        raise SqlError(102, f"Incorrect syntax near '{text(word)[1:-1]}'.", severity=15)
    return sign * int(word)


def _size(reader: Reader) -> None:
    if reader.ahead().isdigit():
        reader.take()
