"""The little of the DNS that names in a namespace need: a question as bytes, an answer as bytes. Sans-IO.

Source: RFC 1035, 4.1 (messages) and 4.2.2 (over TCP); RFC 6895 (codes).
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from typing import NamedTuple

from keyless.model.errors import invalid

#: Bytes of a message over UDP that we take; over TCP its own two bytes of length are the limit.
MAX_DATAGRAM = 4096

SERVER_FAILURE = 2
REFUSED = 5

A = 1
_ANY = 255
_INTERNET = 1
_TTL = 60

_HEADER = struct.Struct("!HHHHHH")  # ID, flags, and how many questions, answers, authorities and additional records
_KIND = struct.Struct("!HH")  # type and class
_RECORD = struct.Struct("!HHHIH")  # name (a pointer), type, class, seconds to live, length
_LENGTH = struct.Struct("!H")
_IS_ANSWER, _OPERATION = 0x8000, 0x7800
_AUTHORITATIVE, _RECURSION_WANTED, _RECURSION_AVAILABLE = 0x0400, 0x0100, 0x0080
_TO_THE_QUESTION = 0xC000 + _HEADER.size


class Query(NamedTuple):
    """One question; `name` is in lower case without the root's dot, `raw` the question as it was sent."""

    id: int
    flags: int
    name: str
    type: int
    raw: bytes


def read_query(message: bytes) -> Query:
    """A standard query with one question; raises `invalid` for anything else."""
    try:
        number, flags, questions, *_ = _HEADER.unpack_from(message)
        name, end = _read_name(message, _HEADER.size)
        kind, network = _KIND.unpack_from(message, end)
    except (struct.error, IndexError):
        raise _not_understood() from None
    if flags & (_IS_ANSWER | _OPERATION) or questions != 1 or network not in (_INTERNET, _ANY):
        raise _not_understood()
    return Query(number, flags, name, kind, message[_HEADER.size : end + _KIND.size])


def answer(query: Query, addresses: Sequence[str]) -> bytes:
    """The IPv4 addresses of the name that was asked for; for other types of records, that there are none."""
    found = addresses if query.type in (A, _ANY) else ()
    records = [_RECORD.pack(_TO_THE_QUESTION, A, _INTERNET, _TTL, 4) + socket.inet_aton(one) for one in found]
    return _head(query, _AUTHORITATIVE, len(records)) + query.raw + b"".join(records)


def failure(query: Query, code: int) -> bytes:
    """No answer: `code` says why."""
    return _head(query, code, 0) + query.raw


def answers(message: bytes, query: Query) -> bool:
    """Whether a message from a server is the answer to `query`."""
    try:
        number, flags, questions, *_ = _HEADER.unpack_from(message)
    except struct.error:
        return False
    asked = message[_HEADER.size : _HEADER.size + len(query.raw)]
    # a server that understood nothing may leave the question out
    return number == query.id and bool(flags & _IS_ANSWER) and (questions == 0 or asked.lower() == query.raw.lower())


def frame(message: bytes) -> bytes:
    """A message as it goes over TCP."""
    return _LENGTH.pack(len(message)) + message


def length_of(start: bytes) -> int:
    """How long the message is that follows the first two bytes over TCP."""
    (length,) = _LENGTH.unpack(start)
    return int(length)


def _head(query: Query, flags: int, records: int) -> bytes:
    echoed = query.flags & _RECURSION_WANTED
    return _HEADER.pack(query.id, _IS_ANSWER | _RECURSION_AVAILABLE | echoed | flags, 1, records, 0, 0)


def _read_name(message: bytes, at: int) -> tuple[str, int]:
    """The name that begins at `at`, and where it ends; pointers have no place in a question."""
    labels: list[str] = []
    while length := message[at]:
        if length > 63 or len(labels) > 127:
            raise _not_understood()
        label = message[at + 1 : at + 1 + length]
        # a dot within a label would make two names alike
        if len(label) < length or b"." in label:
            raise _not_understood()
        labels.append(label.decode("latin-1"))
        at += 1 + length
    return ".".join(labels).lower(), at + 1


def _not_understood() -> Exception:
    return invalid("This is not a DNS query with one question.")
