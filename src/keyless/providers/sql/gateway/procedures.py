"""The procedures that drivers call to run anything at all; others go to the engine.

Owns the prepared statements of a session. Must not know packets.
Source: Transact-SQL reference, "System stored procedures": `sp_executesql`, `sp_prepare`, `sp_execute`, `sp_prepexec`,
`sp_prepexecrpc`, `sp_unprepare`, `sp_describe_first_result_set`, `sp_describe_undeclared_parameters`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from keyless.providers.sql import datatype_info
from keyless.providers.sql.engine import Columns, Events, Rows, Session, SqlError
from keyless.providers.sql.engine import Done as Ended
from keyless.providers.sql.gateway import describing
from keyless.providers.sql.gateway.answers import Answer
from keyless.providers.sql.gateway.declarations import bind, read_declarations
from keyless.providers.sql.tds.encoding import column_metadata, return_value
from keyless.providers.sql.tds.requests import Call
from keyless.providers.sql.tds.tokens import Done, return_status
from keyless.providers.sql.types import Column, Kind, Parameter, Row, SqlType, Value

MAX_PREPARED = 4096
_RETURN_METADATA = 1


@dataclass(frozen=True)
class _Prepared:
    """A statement with its declared parameters, or (`procedure`) the name of a procedure."""

    text: str
    declared: tuple[Parameter, ...]
    procedure: bool = False


class Procedures:
    """The procedure calls of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._prepared: dict[int, _Prepared] = {}
        self._last = 0
        self._own: dict[str, Callable[[_Arguments, Answer], Awaitable[None]]] = {
            "sp_executesql": self._executesql,
            "sp_prepare": self._prepare,
            "sp_execute": self._execute,
            "sp_prepexec": self._prepexec,
            "sp_prepexecrpc": self._prepexecrpc,
            "sp_unprepare": self._unprepare,
            "sp_describe_first_result_set": self._describe,
            "sp_describe_undeclared_parameters": self._describe_parameters,
            "sp_reset_connection": self._reset,
            "sp_datatype_info": self._datatype_info,
            "sp_datatype_info_90": self._datatype_info,
            "sp_datatype_info_100": self._datatype_info,
        }

    def forget(self) -> None:
        """Drop what was prepared: the session is as new."""
        self._prepared.clear()

    async def call(self, call: Call, answer: Answer) -> None:
        """Do one call, and say how it ended; an error is said as well."""
        arguments = _Arguments(call)
        name = _bare(call.procedure)
        answer.status, answer.outputs = 0, []
        try:
            if name.startswith("sp_cursor"):
                raise SqlError(
                    16_902, f"{name}: there are no server cursors; let the client read the rows as they come."
                )
            own = self._own.get(name)
            if own is not None:
                await own(arguments, answer)
            else:
                await _play(self._session.call(call.procedure, call.parameters), answer)
        except SqlError as error:
            await answer.error(error)
            answer.status, answer.outputs = error.number, []
        await self._end(arguments, answer)

    async def _end(self, arguments: _Arguments, answer: Answer) -> None:
        await answer.token(return_status(answer.status or 0))
        for output, place in zip(answer.outputs, arguments.places(answer.outputs), strict=True):
            await answer.token(return_value(output, place))
        await answer.done(Done.PROCEDURE)

    async def _executesql(self, arguments: _Arguments, answer: Answer) -> None:
        text = arguments.text("stmt", 0)
        statement = _Prepared(text, read_declarations(arguments.text("params", 1, needed=False)))
        await self._run(statement, arguments, 2, answer)

    async def _run(self, statement: _Prepared, arguments: _Arguments, after: int, answer: Answer) -> None:
        given = arguments.after(after)
        arguments.note(after, statement.declared)
        if statement.procedure:
            await _play(self._session.call(statement.text, given), answer)
            return
        await _play(self._session.run(statement.text, bind(statement.declared, given, statement.text)), answer)

    async def _prepare(self, arguments: _Arguments, answer: Answer) -> None:
        statement = _statement(arguments)
        handle = self._keep(statement)
        if arguments.number("options", 3) & _RETURN_METADATA:
            columns = await self._session.describe(statement.text, statement.declared)
            if columns:
                await answer.token(column_metadata(columns))
                await answer.done(Done.IN_PROCEDURE)
        answer.outputs = [arguments.handle(handle)]

    async def _prepexec(self, arguments: _Arguments, answer: Answer) -> None:
        await self._keep_and_run(_statement(arguments), arguments, 3, answer)

    async def _prepexecrpc(self, arguments: _Arguments, answer: Answer) -> None:
        statement = _Prepared(arguments.text("RpcCall", 1), (), procedure=True)
        await self._keep_and_run(statement, arguments, 2, answer)

    async def _keep_and_run(self, statement: _Prepared, arguments: _Arguments, after: int, answer: Answer) -> None:
        self._prepared.pop(arguments.number("handle", 0), None)  # a client may replace one that it has
        handle = self._keep(statement)
        try:
            await self._run(statement, arguments, after, answer)
        except SqlError as error:
            # the statement stays prepared, and its handle is told
            await answer.error(error)
            answer.status = error.number
        answer.outputs = [arguments.handle(handle), *answer.outputs]

    async def _execute(self, arguments: _Arguments, answer: Answer) -> None:
        await self._run(self._find(arguments), arguments, 1, answer)

    async def _unprepare(self, arguments: _Arguments, _answer: Answer) -> None:
        self._find(arguments)
        del self._prepared[arguments.number("handle", 0)]

    def _keep(self, statement: _Prepared) -> int:
        if len(self._prepared) >= MAX_PREPARED:
            raise SqlError(
                701, f"A session has at most {MAX_PREPARED} prepared statements: unprepare some.", severity=17
            )
        self._last += 1
        self._prepared[self._last] = statement
        return self._last

    def _find(self, arguments: _Arguments) -> _Prepared:
        handle = arguments.number("handle", 0)
        if handle not in self._prepared:
            raise SqlError(8179, f"Could not find prepared statement with handle {handle}.")
        return self._prepared[handle]

    async def _describe(self, arguments: _Arguments, answer: Answer) -> None:
        declared = read_declarations(arguments.text("params", 1, needed=False))
        columns = await self._session.describe(arguments.text("tsql", 0), declared)
        await _table(describing.RESULT, describing.result_rows(columns), answer)

    async def _describe_parameters(self, arguments: _Arguments, answer: Answer) -> None:
        declared = read_declarations(arguments.text("params", 1, needed=False))
        found = await self._session.describe_parameters(arguments.text("tsql", 0), declared)
        await _table(describing.PARAMETERS, describing.parameter_rows(found), answer)

    async def _reset(self, _arguments: _Arguments, _answer: Answer) -> None:
        self.forget()
        await self._session.reset(keep_transaction=False)

    async def _datatype_info(self, arguments: _Arguments, answer: Answer) -> None:
        version = arguments.number("ODBCVer", 1) or 2
        await _table(datatype_info.COLUMNS, datatype_info.rows(arguments.number("data_type", 0), version), answer)


class _Arguments:
    """The parameters of a call, found by name or by place."""

    def __init__(self, call: Call) -> None:
        self._procedure = call.procedure
        self._given = call.parameters
        self._noted: dict[str, int] = {}

    def text(self, name: str, place: int, *, needed: bool = True) -> str:
        """A text; "" where it is missing and not needed."""
        value = self._value(name, place, any_name=True)
        if isinstance(value, str):
            return value
        if needed or value is not None:
            raise SqlError(214, f"Procedure expects parameter '@{name}' of type 'ntext/nchar/nvarchar'.")
        return ""

    def number(self, name: str, place: int) -> int:
        """A whole number; 0 where it is missing."""
        value = self._value(name, place)
        if value is not None and not isinstance(value, int):
            raise SqlError(214, f"Procedure expects parameter '@{name}' of type 'int'.")
        return value or 0

    def after(self, count: int) -> Sequence[Parameter]:
        """The parameters after the procedure's own."""
        return self._given[count:]

    def handle(self, handle: int) -> Parameter:
        """The first parameter, which gives the handle back."""
        return replace(self._given[0], type=SqlType(Kind.INT), value=handle, output=True)

    def note(self, after: int, declared: Sequence[Parameter]) -> None:
        """The parameters behind `after` that have no name stand for those that a statement declares, in order."""
        for place, (given, parameter) in enumerate(zip(self._given[after:], declared, strict=False), after):
            if not given.name:
                self._noted[parameter.name.lower()] = place

    def places(self, outputs: Sequence[Parameter]) -> list[int]:
        """Where in the call each output stands; those without a name come in the order of the call."""
        named = self._noted | {given.name.lower(): place for place, given in enumerate(self._given) if given.name}
        unnamed = iter([place for place, given in enumerate(self._given) if given.output and not given.name])
        return [named.get(output.name.lower(), 0) if output.name else next(unnamed, 0) for output in outputs]

    def _value(self, name: str, place: int, *, any_name: bool = False) -> Value:
        """`any_name`: drivers call a statement's text as they like, and only its place counts."""
        for parameter in self._given:
            if parameter.name.lower() == f"@{name.lower()}":
                return parameter.value
        if place < len(self._given) and (any_name or not self._given[place].name):
            return self._given[place].value
        return None


def _bare(procedure: str) -> str:
    """A procedure's name without its schema, in lower case; that of a user's own schema stays as it is."""
    *schema, name = (part.strip("[]\"'").lower() for part in procedure.strip().split("."))
    return name if not schema or schema[-1] in ("", "sys", "dbo") else ".".join((*schema, name))


def _statement(arguments: _Arguments) -> _Prepared:
    declared = read_declarations(arguments.text("params", 1, needed=False))
    return _Prepared(arguments.text("stmt", 2), declared)


async def _play(events: Events, answer: Answer) -> None:
    try:
        async for event in events:
            await answer.event(event, Done.IN_PROCEDURE)
    finally:
        await events.aclose()


async def _table(columns: tuple[Column, ...], rows: Sequence[Row], answer: Answer) -> None:
    for event in (Columns(columns), Rows(rows), Ended(len(rows))):
        await answer.event(event, Done.IN_PROCEDURE)
