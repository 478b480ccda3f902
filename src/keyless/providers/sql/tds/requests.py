"""What a client asks for once it is logged in: batches, procedure calls, the transaction manager.

Owns the layout of those messages. Must not know what any procedure does.
Source: [MS-TDS] 2.2.6.6 (RPC), 2.2.6.7 (SQLBatch), 2.2.6.9 (transaction manager), 2.2.5.3 (ALL_HEADERS).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from keyless.providers.sql.engine import Isolation
from keyless.providers.sql.tds.decoding import read_type
from keyless.providers.sql.tds.reader import Malformed, Reader, utf16
from keyless.providers.sql.types import Parameter

#: The most parameters that SQL Server takes.
MAX_PARAMETERS = 2100
MAX_CALLS = 1000
_BY_NUMBER = 0xFFFF
_OUTPUT, _ENCRYPTED = 0x01, 0x08
_NEXT = frozenset({0xFE, 0xFF})
_PROCEDURES = {
    10: "sp_executesql",
    11: "sp_prepare",
    12: "sp_execute",
    13: "sp_prepexec",
    14: "sp_prepexecrpc",
    15: "sp_unprepare",
    1: "sp_cursor",
    2: "sp_cursoropen",
    3: "sp_cursorprepare",
    4: "sp_cursorexecute",
    5: "sp_cursorprepexec",
    6: "sp_cursorunprepare",
    7: "sp_cursorfetch",
    8: "sp_cursoroption",
    9: "sp_cursorclose",
}


@dataclass(frozen=True)
class Call:
    """One procedure call; what was called by its number has its name."""

    procedure: str
    parameters: tuple[Parameter, ...]


class Work(IntEnum):
    """The requests to the transaction manager; others are of distributed transactions."""

    BEGIN = 5
    COMMIT = 7
    ROLLBACK = 8
    SAVE = 9


@dataclass(frozen=True)
class TransactionRequest:
    """What to do with the transaction; `begin` asks for a new one right after it has ended."""

    work: Work
    name: str = ""
    begin: bool = False
    isolation: Isolation = Isolation.UNCHANGED
    begin_name: str = ""


def read_batch(body: bytes) -> str:
    """The text of a batch."""
    reader = Reader(body)
    _skip_headers(reader)
    return utf16(reader.rest())


def write_batch(text: str, transaction: int = 0) -> bytes:
    """A batch, within a transaction or outside of one (0)."""
    headers = (18).to_bytes(4, "little") + b"\x02\x00" + transaction.to_bytes(8, "little") + (1).to_bytes(4, "little")
    return (len(headers) + 4).to_bytes(4, "little") + headers + text.encode("utf-16-le", "surrogatepass")


def read_calls(body: bytes) -> list[Call]:
    """The procedure calls of a message; raises Malformed, or SqlError for a parameter's type that is not to be had."""
    reader = Reader(body)
    _skip_headers(reader)
    calls = [_call(reader)]
    while reader.left:
        reader.u8()
        if len(calls) >= MAX_CALLS:
            raise Malformed("there are too many calls in one message")
        calls.append(_call(reader))
    return calls


def read_transaction_request(body: bytes) -> TransactionRequest:
    """A request to the transaction manager."""
    reader = Reader(body)
    _skip_headers(reader)
    try:
        work = Work(reader.u16())
    except ValueError:
        raise Malformed("there are no distributed transactions here") from None
    if work is Work.BEGIN:
        isolation = _isolation(reader)
        return TransactionRequest(work, isolation=isolation, begin_name=_name(reader, last=True))
    if work is Work.SAVE:
        return TransactionRequest(work, _name(reader, last=True))
    name = _name(reader, last=False)
    if not reader.u8() & 1:
        return TransactionRequest(work, name)
    return TransactionRequest(work, name, True, _isolation(reader), _name(reader, last=True))


def _skip_headers(reader: Reader) -> None:
    total = reader.u32()
    if total < 4:
        raise Malformed("the headers of a request break off")
    reader.take(total - 4)


def _call(reader: Reader) -> Call:
    length = reader.u16()
    if length == _BY_NUMBER:
        number = reader.u16()
        if number not in _PROCEDURES:
            raise Malformed("a procedure is called by a number that there is not")
        procedure = _PROCEDURES[number]
    else:
        procedure = reader.characters(length)
    reader.u16()
    parameters: list[Parameter] = []
    while reader.left and reader.peek() not in _NEXT:
        if len(parameters) >= MAX_PARAMETERS:
            raise Malformed("there are too many parameters")
        parameters.append(_parameter(reader))
    return Call(procedure, tuple(parameters))


def _parameter(reader: Reader) -> Parameter:
    name, status = reader.short_text(), reader.u8()
    if status & _ENCRYPTED:
        raise Malformed("encrypted columns are not to be had here")
    declared = read_type(reader)
    return Parameter(name, declared.type, declared.read(reader), bool(status & _OUTPUT))


def _isolation(reader: Reader) -> Isolation:
    try:
        return Isolation(reader.u8())
    except ValueError:
        raise Malformed("there is no such isolation level") from None


def _name(reader: Reader, *, last: bool) -> str:
    """A name; its length counts bytes, but some clients count characters, which shows where nothing follows."""
    length = reader.u8()
    if last and reader.left == 2 * length:
        return reader.characters(length)
    return utf16(reader.take(length))
