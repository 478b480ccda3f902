"""An answer: from an engine's events to tokens, in packets, as fast as the client takes them.

Owns the order of tokens: every DONE says whether more follows, so each waits for what comes next.
Source: [MS-TDS] 2.2.7.6 to 2.2.7.8 (DONE, DONEINPROC, DONEPROC), 2.2.4 (grammar of answers).
"""

from __future__ import annotations

from keyless.providers.sql import engine
from keyless.providers.sql.engine import Command, Event, SqlError
from keyless.providers.sql.gateway.channel import Channel
from keyless.providers.sql.tds import encoding, packets, tokens
from keyless.providers.sql.tds.packets import PacketWriter
from keyless.providers.sql.tds.rows import RowWriter, row_writer
from keyless.providers.sql.tds.tokens import Done, Status
from keyless.providers.sql.types import Parameter

_FATAL = 20
_COMMANDS = {
    Command.OTHER: 0,
    Command.SELECT: 0xC1,
    Command.INSERT: 0xC3,
    Command.DELETE: 0xC4,
    Command.UPDATE: 0xC5,
    Command.CREATE_TABLE: 0xC6,
    Command.DROP_TABLE: 0xC7,
    Command.ALTER_TABLE: 0xD8,
    Command.MERGE: 0x117,
}


class Answer:
    """The answer to one request. `server` is the name that errors come from, `session` tells of its transaction."""

    def __init__(self, channel: Channel, size: int, server: str, told: int, session: engine.Session) -> None:
        """`told` is the transaction that the client knows of; 0 for none."""
        self._channel = channel
        self._packets = PacketWriter(packets.REPLY, size)
        self._server = server
        self._session = session
        self._rows: RowWriter | None = None
        self._held: tuple[Done, int, int, int] | None = None
        self._failed = False
        self._silent = False
        self.told = told
        #: Whether an error was said that ends the session.
        self.fatal = False
        self.status: int | None = None
        self.outputs: list[Parameter] = []

    async def event(self, event: Event, kind: Done) -> None:
        """Something the engine gave; `kind` is the token that ends a statement here."""
        match event:
            case engine.Rows():
                assert self._rows is not None, "an engine gives columns before rows"
                await self._add(self._rows.rows(event.rows))
            case engine.Columns():
                self._rows = row_writer(event.columns)
                await self._add(encoding.column_metadata(event.columns))
            case engine.Done():
                counted = Status.FINAL if event.count is None else Status.COUNT
                await self.done(kind, counted, _COMMANDS[event.command], event.count or 0)
            case engine.Message():
                await self._say(event.number, event.state, event.severity, event.message, event.line)
            case engine.Output():
                self.outputs.append(event.parameter)
            case engine.ReturnStatus():
                self.status = event.status

    async def error(self, error: SqlError) -> None:
        """An error."""
        await self._say(error.number, error.state, error.severity, error.message, error.line)

    async def token(self, data: bytes) -> None:
        """A token that comes from nowhere but the gateway."""
        await self._add(data)

    async def done(self, kind: Done, status: int = Status.FINAL, command: int = 0, count: int = 0) -> None:
        """The end of something; an error since the last such end shows in it."""
        await self._release(Status.MORE)
        self._held = kind, status | (Status.ERROR if self._failed else 0), command, count
        self._failed = False

    async def end(self) -> None:
        """The end of the whole answer; nothing more may be added."""
        await self._release(Status.FINAL)
        await self._channel.send(self._packets.end())

    def silence(self) -> None:
        """Leave out whatever is still to come, but not the end."""
        self._silent = True

    async def _say(self, number: int, state: int, severity: int, text: str, line: int) -> None:
        self._failed |= severity > 10
        self.fatal |= severity >= _FATAL
        await self._add(tokens.said(number, state, severity, text, self._server, line))

    async def _add(self, data: bytes) -> None:
        if not self._silent:
            await self._release(Status.MORE)
            await self._send(data)

    async def _release(self, more: Status) -> None:
        """Say what was held back, now that it is known whether more follows."""
        changed = b""
        now = self._session.transaction
        if now != self.told:
            changed = tokens.transaction_change(self.told, now, committed=self._session.committed)
            self.told = now
        held, self._held = self._held, None
        if held:
            kind, status, command, count = held
            within = Status.IN_TRANSACTION if now and kind is not Done.IN_PROCEDURE else Status.FINAL
            changed += tokens.done(kind, status | within | more, command, count)
        await self._send(changed)

    async def _send(self, data: bytes) -> None:
        if data:
            await self._channel.send(self._packets.add(data))
