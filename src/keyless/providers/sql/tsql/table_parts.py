"""The parts of a table's definition: columns, their types, and constraints.

Owns their grammar, and the comments that follow (`comments`). No I/O.
Source: Transact-SQL reference, "CREATE TABLE", "column_definition", "table_constraint".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.providers.sql.tsql import comments, types
from keyless.providers.sql.tsql.computed import Computed
from keyless.providers.sql.tsql.names import quoted
from keyless.providers.sql.tsql.plan import unsupported
from keyless.providers.sql.tsql.spelling import definition

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader

LENGTH = "keyless_length_"
CONSTRAINTS = [["CONSTRAINT"], ["PRIMARY"], ["UNIQUE"], ["FOREIGN"], ["CHECK"]]


class Made:
    """A table in the making: the comments on its parts, which follow its definition."""

    def __init__(self, table: str, name: str) -> None:
        self.table = table
        self.name = name
        self.comments: list[str] = []
        self.computed = Computed()
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


def column(reader: Reader, made: Made) -> str:
    """A column with its type and constraints."""
    name = reader.name()
    told: dict[str, str | bool] = {"name": name}
    sql = made.computed.read(reader, name, told) if reader.word("AS") else _stored(reader, made, name, told)
    sql += _column_constraints(reader, made, name, told)
    made.comments.append(comments.comment(f"COLUMN {made.table}.{quoted(name)}", told))
    return sql


def _stored(reader: Reader, made: Made, name: str, told: dict[str, str | bool]) -> str:
    written = read_type(reader)
    made.computed.beside(name, types.postgres(written))
    sql = f"{quoted(name)} {types.postgres(written)}"
    if written.kind in types.TEXTS | types.BINARIES and (length := types.sized(written).length) is not None:
        sql += f" CONSTRAINT {quoted(LENGTH + name)} CHECK (tsql.fits({quoted(name)}, {length}))"
    told["type"] = types.spelled(written)
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


def collation(reader: Reader) -> None:
    """The collation behind COLLATE: all that there is compares without case."""
    name = reader.ahead()
    reader.take()
    if "_CI_" not in name:
        raise unsupported(f"COLLATE {name}")


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
            node, written = reader.written(reader.value)
            sql += f" DEFAULT {reader.literal(node)}"
            told["default"] = definition(node, written)
            told["default_name"] = given or comments.constraint_name("DF", made.name, column, str(told["default"]))
        elif reader.word("COLLATE"):
            collation(reader)
        elif reader.ahead().split()[:1] in [*CONSTRAINTS, ["REFERENCES"]]:
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


def table_constraint(reader: Reader, made: Made, given: str = "") -> str:
    """A constraint of the table; `given` is its name, if that was read already."""
    if not given and reader.word("CONSTRAINT"):
        given = reader.name()
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
