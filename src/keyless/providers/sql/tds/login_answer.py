"""The answer to LOGIN7, as a client reads it and as a relay hands it on.

Owns which of its tokens count. Source: [MS-TDS] 2.2.7 (tokens), 2.2.7.9 (ENVCHANGE 4 and 20), 2.2.7.14 (LOGINACK).
"""

from __future__ import annotations

from dataclasses import dataclass

from keyless.providers.sql.engine import Message
from keyless.providers.sql.tds import packets, tokens
from keyless.providers.sql.tds.login7 import FEDAUTH
from keyless.providers.sql.tds.reader import Malformed, Reader

_ERROR, _INFO, _LOGIN_ACK, _CHANGE, _FEATURES = 0xAA, 0xAB, 0xAD, 0xE3, 0xAE
#: Tokens with a length of four bytes; those with one of two are all the others of a login but DONE.
_LONG = frozenset({0xEE, 0xE4})
_SIZED = frozenset({_ERROR, _INFO, _LOGIN_ACK, _CHANGE, 0xED, 0xA9})
_DONE = frozenset({0xFD, 0xFE, 0xFF})
_ROUTING = 20
_LAST_FEATURE = 0xFF


@dataclass(frozen=True)
class Route:
    """Where a server sends its clients on to."""

    host: str
    port: int


@dataclass(frozen=True)
class LoginAnswer:
    """Whether somebody is logged in, and what came with it; `errors` where not. `tokens` are all, as they came."""

    acknowledged: bool
    errors: tuple[Message, ...]
    packet_size: int
    route: Route | None
    tokens: tuple[tuple[int, bytes], ...]


def read_login_answer(body: bytes) -> LoginAnswer:
    """The answer to LOGIN7; raises Malformed."""
    found = tuple(_split(body))
    errors = tuple(read_message(data) for token, data in found if token == _ERROR)
    size, route = packets.DEFAULT_SIZE, None
    for data in (data for token, data in found if token == _CHANGE):
        reader = Reader(data)
        kind = reader.u8()
        if kind == tokens.Change.PACKET_SIZE:
            size = _size(reader.short_text())
        elif kind == _ROUTING:
            route = _route(Reader(reader.take(reader.u16())))
    acknowledged = any(token == _LOGIN_ACK for token, _ in found) and not errors
    return LoginAnswer(acknowledged, errors, size, route, found)


def handed_on(answer: LoginAnswer, version: int) -> bytes:
    """The answer for a client that logged in with a token, and speaks `version` where the server speaks 7.4 or 8.0."""
    parts = []
    seen = False
    for token, data in answer.tokens:
        if token == _LOGIN_ACK:
            parts.append(_whole(token, _with_version(data, version)))
        elif token == _FEATURES:
            seen = True
            parts.append(tokens.features({FEDAUTH: b""})[:-1] + data)
        else:
            if token in _DONE and not seen:
                parts.append(tokens.features({FEDAUTH: b""}))
                seen = True
            parts.append(_whole(token, data))
    return b"".join(parts)


def read_message(data: bytes) -> Message:
    """ERROR or INFO."""
    reader = Reader(data)
    number, state, severity = reader.integer(4), reader.u8(), reader.u8()
    text = reader.text()
    reader.short_text()
    reader.short_text()
    return Message(number, text, severity, state, reader.u32())


def _split(body: bytes) -> list[tuple[int, bytes]]:
    reader = Reader(body)
    found = []
    while reader.left:
        token = reader.u8()
        if token in _DONE:
            data = reader.take(12)
        elif token == _FEATURES:
            data = _features(reader)
        elif token in _LONG:
            data = reader.take(reader.u32())
        elif token in _SIZED:
            data = reader.take(reader.u16())
        else:
            raise Malformed("the answer to the login has a token that does not belong there")
        found.append((token, data))
    return found


def _features(reader: Reader) -> bytes:
    data = b""
    while (name := reader.u8()) != _LAST_FEATURE:
        size = reader.u32()
        data += bytes((name,)) + size.to_bytes(4, "little") + reader.take(size)
    return data + b"\xff"


def _whole(token: int, data: bytes) -> bytes:
    if token in _DONE:
        return bytes((token,)) + data
    return bytes((token,)) + len(data).to_bytes(4 if token in _LONG else 2, "little") + data


def _with_version(data: bytes, version: int) -> bytes:
    spoken = int.from_bytes(data[1:5], "big")
    if spoken not in (tokens.TDS_7_4, tokens.TDS_8_0):
        return data
    return data[:1] + version.to_bytes(4, "big") + data[5:]


def _size(text: str) -> int:
    if not text.isdecimal() or not packets.MIN_SIZE <= int(text) <= packets.MAX_SIZE:
        raise Malformed("the size of packets is none that there is")
    return int(text)


def _route(reader: Reader) -> Route:
    if reader.u8() != 0:
        raise Malformed("the server sends its clients on by a protocol other than TCP")
    port = reader.u16()
    return Route(reader.text(), port)
