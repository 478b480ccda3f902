"""SQL Server's own procedures: each is a function of the schema `sys`, or several where it gives several results.

Owns the way from a call to steps, and the lengths of the texts that come back. What a procedure does stands in
`library/procedures.sql`. Must not run them.
Source: Transact-SQL reference, "System stored procedures"; errors 201, 8144, 8145.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from keyless.providers.sql.engine import Columns, Event, SqlError
from keyless.providers.sql.postgres.transactions import Connection
from keyless.providers.sql.tsql.names import quoted
from keyless.providers.sql.tsql.plan import Action, Step
from keyless.providers.sql.types import Column, Kind, Parameter, Value

_FIND = """SELECT p.proname, p.proargnames, p.pronargdefaults, p.prorettype = 'void'::regtype,
    ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY AS a(t, o) ORDER BY o)
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  WHERE n.nspname = 'sys' AND (p.proname = $1 OR starts_with(p.proname, $1 || ';')) ORDER BY p.proname"""
_NAME_LENGTH = 128
_LENGTHS = {"REMARKS": 254, "COLUMN_DEF": 4000, "Text": 4000, "index_description": 210, "index_keys": 2078}


@dataclass(frozen=True)
class _Builtin:
    """One function: its parameters as T-SQL calls them, how many need no value, whether it gives rows."""

    name: str
    parameters: tuple[str, ...]
    optional: int
    silent: bool
    types: tuple[str, ...]


@dataclass(frozen=True)
class Called:
    """The steps of a call and the values that they take."""

    steps: tuple[Step, ...]
    values: Mapping[str, Value]


class Builtins:
    """The procedures of one session."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[str, tuple[_Builtin, ...]] = {}

    async def called(self, procedure: str, parameters: Sequence[Parameter]) -> Called | None:
        """What a call means, if it is one of these procedures; SqlError where its parameters do not fit."""
        name = bare(procedure)
        if not name.startswith(("sp_", "xp_")):
            return None
        if name not in self._known:
            found = await self._connection.execute(_FIND, [name])
            self._known[name] = tuple([_builtin(row) for row in await found.fetchall()])
        builtins = self._known[name]
        if not builtins:
            del self._known[name]  # or any name that is asked for would be kept
            return None
        given = _given(name, builtins[0], parameters)
        return Called(tuple(_step(builtin, given) for builtin in builtins), given)


def bare(procedure: str) -> str:
    """The name of a system procedure, as `[sys].sp_tables` or `db..sp_tables` or `dbo.sp_tables`; "" for others."""
    *schema, name = (part.strip("[]\"' ").lower() for part in procedure.split(";", maxsplit=1)[0].split("."))
    return name if not schema or schema[-1] in {"", "sys", "dbo"} else ""


def told(event: Event) -> Event:
    """What came of a call, with the lengths that its texts have in SQL Server."""
    return Columns(tuple(_measured(column) for column in event.columns)) if isinstance(event, Columns) else event


def _measured(column: Column) -> Column:
    if column.type.kind is not Kind.NVARCHAR or column.type.length is not None:
        return column
    return replace(column, type=replace(column.type, length=_LENGTHS.get(column.name, _NAME_LENGTH)))


def _builtin(row: Sequence[object]) -> _Builtin:
    name, names, optional, silent, types = row
    assert isinstance(types, list)
    parameters = names[: len(types)] if isinstance(names, list) else []
    return _Builtin(str(name), tuple(parameters), int(str(optional)), bool(silent), tuple(types))


def _given(name: str, builtin: _Builtin, parameters: Sequence[Parameter]) -> dict[str, Value]:
    """The values by the names of the parameters."""
    spelled = {parameter.lower(): parameter for parameter in builtin.parameters}
    values: dict[str, Value] = {}
    for place, parameter in enumerate(parameters):
        if parameter.name:
            found = spelled.get(parameter.name.lower())
            if found is None:
                raise SqlError(8145, f"{parameter.name} is not a parameter for procedure {name}.")
        elif place < len(builtin.parameters):
            found = builtin.parameters[place]
        else:
            raise SqlError(8144, f"Procedure or function {name} has too many arguments specified.")
        values[found] = parameter.value
    for needed in builtin.parameters[: len(builtin.parameters) - builtin.optional]:
        if needed not in values:
            raise SqlError(201, f"Procedure or function '{name}' expects parameter '{needed}', which was not supplied.")
    return values


def _step(builtin: _Builtin, given: Mapping[str, Value]) -> Step:
    kinds = dict(zip(builtin.parameters, builtin.types, strict=True))
    names = tuple(given)
    listed = ", ".join(f'"{name}" => ${place}::{kinds[name]}' for place, name in enumerate(names, 1))
    function = f"sys.{quoted(builtin.name)}({listed})"
    if builtin.silent:
        return Step(Action.CALL, f"SELECT {function}", names)
    return Step(Action.QUERY, f"SELECT * FROM {function}", names)
