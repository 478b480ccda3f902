"""Runs a program, one instruction after the other, and says how each ended.

Owns the order of things: jumps, TRY and CATCH, which errors end what, and that everything can be stopped. What an
instruction does stands in `running` (PostgreSQL's part), `calls`, `cursor_rows` and `table_variables`.
Source: Transact-SQL reference, "Control-of-Flow Language", "TRY...CATCH", "SET XACT_ABORT".
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import psycopg

from keyless.providers.sql.engine import Done, Events, Message, SqlError
from keyless.providers.sql.postgres import sayings
from keyless.providers.sql.postgres.denials import REFUSED, explained
from keyless.providers.sql.postgres.errors import translated
from keyless.providers.sql.postgres.frames import Frame
from keyless.providers.sql.postgres.outcomes import Failure, Reach, reach
from keyless.providers.sql.postgres.transactions import doomed
from keyless.providers.sql.tsql.blocks import (
    Cursor,
    CursorVerb,
    Execute,
    ExecuteText,
    Expression,
    Fetch,
    InsertExecute,
    Print,
    Raise,
    Select,
    Set,
    Throw,
    View,
    Wait,
)
from keyless.providers.sql.tsql.certain import Uncertain
from keyless.providers.sql.tsql.flow import Branch, Enter, Finish, Instruction, Jump, LeaveCatch, LeaveTry
from keyless.providers.sql.tsql.plan import Action, Step
from keyless.providers.sql.types import Value

if TYPE_CHECKING:
    from keyless.providers.sql.postgres.workings import Workings

_FATAL = 20
_QUIET_ROUNDS = 100
_LARGEST = 1 << 25


class Interpreter:
    """Runs the programs of one session."""

    def __init__(self, workings: Workings) -> None:
        self._work = workings
        self._settings = workings.settings
        self._transactions = workings.transactions
        self._stopped = asyncio.Event()
        self._rounds = 0

    def begin(self) -> None:
        """A request begins."""
        self._stopped.clear()

    def stop(self) -> None:
        """What runs is to end soon."""
        self._stopped.set()

    async def batch(self, frame: Frame) -> Events:
        """Run a batch from its beginning to its end."""
        lost = False
        try:
            async with aclosing(self.run(frame)) as events:
                async for event in events:
                    yield event
        finally:
            if self._transactions.doomed:
                lost = True
                await self._transactions.give_up()
        if lost:
            raise SqlError(
                3998, "Uncommittable transaction is detected at the end of the batch. The transaction is rolled back."
            )

    async def run(self, frame: Frame) -> Events:
        """Run a frame. Raises Failure, for whoever is around."""
        frame.caught = len(self._settings.caught)
        code = frame.program.code
        try:
            await self._work.tables.create(frame)
            while frame.at < len(code):
                instruction = code[frame.at]
                frame.at += 1
                await self._pause()
                try:
                    async with aclosing(self._do(instruction, frame)) as events:
                        async for event in events:
                            yield event
                except (psycopg.Error, SqlError) as error:
                    said = await self._failed(await self._failure(error, instruction, frame), instruction, frame)
                    for event in said:
                        yield event
        finally:
            del self._settings.caught[frame.caught :]
            with suppress(psycopg.Error):
                await self._work.tables.drop(frame)

    async def _pause(self) -> None:
        """Others get their turn, even where no instruction waits for anything."""
        self._rounds += 1
        if self._rounds % _QUIET_ROUNDS == 0:
            await asyncio.sleep(0)
        self._check()

    def _check(self) -> None:
        if self._stopped.is_set():
            raise Failure(SqlError(3621, "The statement has been terminated."), Reach.BATCH, "")

    async def _do(self, instruction: Instruction, frame: Frame) -> Events:
        match instruction:
            case Jump():
                frame.jump(instruction.target, instruction.tries)
                del self._settings.caught[frame.caught + instruction.catches :]
                return
            case Enter():
                frame.tries.append(instruction)
                return
            case LeaveTry():
                frame.tries.pop()
                return
            case LeaveCatch():
                self._settings.caught.pop()
                return
            case Branch():
                if not await self.value(instruction.condition, frame):
                    frame.at = instruction.target
                self._settings.count = 0
            case Finish():
                if instruction.value is not None:
                    found = await self.value(instruction.value, frame)
                    frame.status = found if isinstance(found, int) else 0
                frame.at = len(frame.program.code)
            case Set():
                self.assign(frame, instruction.name, await self.value(instruction.value, frame))
                self._settings.count = 1
                yield Done()
            case Select():
                await self._select(instruction, frame)
                yield Done()
            case Step():
                async with aclosing(self._step(instruction, frame)) as events:
                    async for event in events:
                        yield event
            case Print():
                text = await self.value(instruction.value, frame)
                # no Done: a client takes each for a result, and what is said belongs to the one that follows
                yield Message(0, sayings.printed(text), line=instruction.line)
                self._settings.count = 0
            case Raise():
                async with aclosing(self._raise(instruction, frame)) as events:
                    async for event in events:
                        yield event
            case Throw():
                await self._throw(instruction, frame)
            case Wait():
                await self._wait(instruction, frame)
                yield Done()
            case _:
                async with aclosing(self._other(instruction, frame)) as events:
                    async for event in events:
                        yield event
        self._settings.error = 0

    async def _other(
        self,
        instruction: Execute | ExecuteText | InsertExecute | Cursor | CursorVerb | Fetch | View,
        frame: Frame,
    ) -> Events:
        work = self._work
        match instruction:
            case Execute() | ExecuteText():
                found = work.calls.execute(instruction, frame)
            case InsertExecute():
                found = work.calls.insert(instruction, frame)
            case Cursor() | CursorVerb() | Fetch():
                found = work.cursors.do(instruction, frame)
            case View():
                found = work.modules.define(instruction)
        async with aclosing(found) as events:
            async for event in events:
                yield event

    async def value(self, expression: Expression, frame: Frame) -> Value:
        """The value of an expression; PostgreSQL computes it where it is not certain."""
        if expression.certain is not None:
            with suppress(Uncertain):
                return expression.certain(lambda name: self._look(name, frame))
        row, _ = await self._work.runner.last(expression.step, frame.values)
        return None if row is None else row[0]

    def assign(self, frame: Frame, name: str, value: Value) -> None:
        """A variable gets a value that is one of its type."""
        if isinstance(value, str | bytes) and len(value) > _LARGEST:
            raise SqlError(701, f"A variable holds at most {_LARGEST} characters or bytes here.", severity=17)
        frame.values[name] = value

    def _look(self, name: str, frame: Frame) -> Value:
        return frame.values[name] if name in frame.values else self._settings.value(name)

    async def _step(self, step: Step, frame: Frame) -> Events:
        if self._transactions.doomed and _writes(step):
            raise doomed()
        if step.action is Action.ROLLBACK:
            await self._work.tables.rescue(frame)
        async with aclosing(self._work.runner.run(step, frame.values)) as events:
            async for event in events:
                yield event
        if step.action is Action.ROLLBACK:
            await self._work.tables.restore(frame)

    async def _select(self, select: Select, frame: Frame) -> None:
        row, count = await self._work.runner.last(select.step, frame.values)
        if count > 1 and select.itself:
            message = (
                "SELECT @variable = with that variable in its own value is not supported by this server where there is"
                " more than one row: use an aggregate such as STRING_AGG or SUM."
            )
            raise SqlError(40510, message)
        self._settings.count = count
        if row is not None:
            for name, value in zip(select.names, row, strict=True):
                self.assign(frame, name, value)

    async def _raise(self, instruction: Raise, frame: Frame) -> Events:
        parts = [await self.value(part, frame) for part in instruction.parts]
        error = sayings.raised(parts, administrator=self._settings.administrator, line=instruction.line)
        if error.severity > 10:
            level = Reach.BATCH if error.severity >= _FATAL else Reach.STATEMENT
            raise Failure(error, level, frame.procedure, raised=True)
        self._settings.count = 0
        yield Message(error.number, error.message, error.severity, error.state, error.line)

    async def _throw(self, instruction: Throw, frame: Frame) -> None:
        if instruction.parts:
            parts = [await self.value(part, frame) for part in instruction.parts]
            raise Failure(sayings.thrown(parts, line=instruction.line), Reach.BATCH, frame.procedure)
        if len(self._settings.caught) <= frame.caught:
            raise SqlError(
                10704,
                "To rethrow an error, a THROW statement must be used inside a CATCH block. Insert the THROW statement"
                " inside a CATCH block, or add error parameters to the THROW statement.",
            )
        caught = self._settings.caught[-1]
        raise Failure(caught, Reach.BATCH, caught.procedure)

    async def _wait(self, instruction: Wait, frame: Frame) -> None:
        text = await self.value(instruction.time, frame)
        seconds = _seconds(str(text or ""))
        self._settings.count = 0
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), seconds)
        self._check()

    async def _failure(self, error: psycopg.Error | SqlError, instruction: Instruction, frame: Frame) -> Failure:
        if isinstance(error, Failure):
            return error
        step = instruction.step if isinstance(instruction, Select | View) else instruction
        line = 1 if isinstance(step, Enter | LeaveTry | LeaveCatch) else step.line
        if isinstance(error, psycopg.Error):
            dropping = isinstance(step, Step) and step.sql.startswith("DROP")
            found = translated(error, line, dropping=dropping)
            if error.sqlstate == REFUSED and isinstance(step, Step):
                found = await explained(self._work.connection, self._transactions, error, step) or found
        else:
            found = error
            found.line = line
        return Failure(found, reach(found), frame.procedure)

    async def _failed(self, failure: Failure, instruction: Instruction, frame: Frame) -> list[Message | Done]:
        """Go on where it says, or raise it."""
        settings, transactions = self._settings, self._transactions
        settings.error, settings.count = failure.number, 0
        inner = isinstance(instruction, Execute | ExecuteText | InsertExecute) and failure.reach is Reach.PROCEDURE
        if self._stopped.is_set() or failure.severity >= _FATAL:
            raise failure
        how = Reach.STATEMENT if inner else failure.reach
        aborts = settings.xact_abort and not failure.raised
        if how is not Reach.PROCEDURE and frame.protected:
            if transactions.depth and (how is Reach.TRANSACTION or aborts):
                transactions.doom()
            if not frame.tries:
                raise failure
            entered = frame.tries.pop()
            frame.at = entered.handler
            settings.caught[frame.caught + entered.catches :] = [failure]
            return []
        if how is Reach.TRANSACTION or (aborts and how is not Reach.PROCEDURE):
            await transactions.give_up()
        last = frame.outer is None and frame.at >= len(frame.program.code)
        if how is not Reach.STATEMENT or aborts or last:
            raise failure
        said = Message(failure.number, failure.message, failure.severity, failure.state, failure.line)
        return [said, Done()]


def _writes(step: Step) -> bool:
    if step.action is Action.QUERY:
        return " RETURNING " in step.sql
    return step.action not in {Action.ROLLBACK, Action.SET} and "pg_temp." not in step.sql[:40]


def _seconds(text: str) -> float:
    """How long a delay of WAITFOR is."""
    for form in ("%H:%M:%S.%f", "%H:%M:%S", "%H:%M"):
        with suppress(ValueError):
            at = datetime.strptime(text.strip(), form)
            return timedelta(
                hours=at.hour, minutes=at.minute, seconds=at.second, microseconds=at.microsecond
            ).total_seconds()
    raise SqlError(148, f"Incorrect time syntax in time string '{text[:40]}' used with WAITFOR.", severity=15)
