"""The answer to a request as a client reads it: columns, rows, messages and ends, from bytes as they come.

Owns where a token ends, so that a result of any length is read in little memory. Must not know what was asked.
Source: [MS-TDS] 2.2.7.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from keyless.providers.sql.engine import Columns, Done, Message, Rows
from keyless.providers.sql.tds.decoding import read_type
from keyless.providers.sql.tds.login_answer import read_message
from keyless.providers.sql.tds.reader import Malformed, Reader, TooShort
from keyless.providers.sql.tds.tokens import Change
from keyless.providers.sql.types import Column, Row, Value

#: The most bytes that one row may have.
LIMIT = 256 * 1024 * 1024
Event = Columns | Rows | Message | Done

_COLUMNS, _ROW, _ROW_WITH_NULLS = 0x81, 0xD1, 0xD2
_ERROR, _INFO = 0xAA, 0xAB
_DONE = frozenset({0xFD, 0xFE, 0xFF})
_RETURN_STATUS, _RETURN_VALUE, _SESSION_STATE = 0x79, 0xAC, 0xE4
_CHANGE = 0xE3
#: ORDER, TABNAME and COLINFO: of no use here, and of a length that they tell.
_LEFT_OUT = frozenset({0xA9, 0xA4, 0xA5})
_BEGUN, _ENDED = Change.BEGIN, frozenset({Change.COMMIT, Change.ROLLBACK})
_COUNTED = 0x10
_NO_COLUMNS = 0xFFFF
_NULLABLE, _IDENTITY = 0x01, 0x10
#: TEXT, NTEXT and IMAGE, which tell their table, and whose values have a pointer before them.
_POINTED = frozenset({0x22, 0x23, 0x63})


@dataclass(frozen=True)
class _Field:
    column: Column
    read: Callable[[Reader], Value]


class ResponseReader:
    """Reads one answer. `transaction` is the session's, as the answer leaves it; 0 for none."""

    def __init__(self, transaction: int = 0, limit: int = LIMIT) -> None:
        self.transaction = transaction
        self._limit = limit
        self._buffer = bytearray()
        self._enough = 0
        self._fields: tuple[_Field, ...] = ()

    def feed(self, data: bytes, *, last: bool) -> list[Event]:
        """What is whole by now; `last` where nothing follows. Raises Malformed, SqlError for a type not known."""
        self._buffer += data
        if len(self._buffer) < self._enough and not last:
            return []
        reader = Reader(bytes(self._buffer))
        events: list[Event] = []
        read = 0
        try:
            while reader.left:
                self._token(reader, events)
                read = len(self._buffer) - reader.left
        except TooShort:
            if last:
                raise
        del self._buffer[:read]
        if len(self._buffer) > self._limit:
            raise Malformed("a row is too large")
        # a long value is looked at again only when there is twice as much of it
        self._enough = 2 * len(self._buffer)
        return events

    def _token(self, reader: Reader, events: list[Event]) -> None:
        token = reader.u8()
        if token in (_ROW, _ROW_WITH_NULLS):
            self._row(reader, events, with_nulls=token == _ROW_WITH_NULLS)
        elif token == _COLUMNS:
            self._fields = _columns(reader)
            if self._fields:
                events.append(Columns(tuple(field.column for field in self._fields)))
        elif token in (_ERROR, _INFO):
            events.append(read_message(reader.take(reader.u16())))
        elif token == _CHANGE:
            self._changed(Reader(reader.take(reader.u16())))
        elif token in _DONE:
            events.append(_done(reader))
        else:
            _skip(token, reader)

    def _changed(self, reader: Reader) -> None:
        kind = reader.u8()
        if kind == _BEGUN:
            self.transaction = int.from_bytes(reader.take(reader.u8()), "little")
        elif kind in _ENDED:
            self.transaction = 0

    def _row(self, reader: Reader, events: list[Event], *, with_nulls: bool) -> None:
        fields = self._fields
        row: Row
        if with_nulls:
            nulls = int.from_bytes(reader.take((len(fields) + 7) // 8), "little")
            row = tuple(None if nulls >> at & 1 else field.read(reader) for at, field in enumerate(fields))
        else:
            row = tuple([field.read(reader) for field in fields])
        if events and isinstance(events[-1], Rows):
            assert isinstance(events[-1].rows, list)
            events[-1].rows.append(row)
        else:
            events.append(Rows([row]))


def _columns(reader: Reader) -> tuple[_Field, ...]:
    count = reader.u16()
    return () if count == _NO_COLUMNS else tuple(_column(reader) for _ in range(count))


def _column(reader: Reader) -> _Field:
    reader.u32()
    flags = reader.u16()
    pointed = reader.peek() in _POINTED
    declared = read_type(reader)
    if pointed:
        for _ in range(reader.u8()):
            reader.text()
    column = Column(reader.short_text(), declared.type, bool(flags & _NULLABLE), bool(flags & _IDENTITY))
    return _Field(column, _behind_pointer(declared.read) if pointed else declared.read)


def _behind_pointer(read: Callable[[Reader], Value]) -> Callable[[Reader], Value]:
    def behind(reader: Reader) -> Value:
        pointer = reader.u8()
        if not pointer:
            return None
        reader.take(pointer + 8)
        return read(reader)

    return behind


def _done(reader: Reader) -> Done:
    status, _, count = reader.u16(), reader.u16(), reader.u64()
    return Done(count if status & _COUNTED else None)


def _skip(token: int, reader: Reader) -> None:
    if token in _LEFT_OUT:
        reader.take(reader.u16())
    elif token == _SESSION_STATE:
        reader.take(reader.u32())
    elif token == _RETURN_STATUS:
        reader.take(4)
    elif token == _RETURN_VALUE:
        reader.take(2)
        reader.short_text()
        reader.take(7)
        read_type(reader).read(reader)
    else:
        raise Malformed("the answer has a token that is not known")
