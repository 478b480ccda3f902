"""Messages as a client writes them, for tests that want other bytes than a driver sends."""

from __future__ import annotations

import socket
import ssl
import struct

from keyless.providers.sql.tds import encoding, packets, reader
from keyless.providers.sql.types import SqlType, Value

HEADERS = bytes.fromhex("16000000120000000200") + bytes(8) + b"\x01\0\0\0"
PRELOGIN = bytes((0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xFF)) + bytes(6) + b"\x01"


def login7(
    *, token: str = "", workflow: int = 0, server: str = "localhost", database: str = "", user: str = "", size: int = 0
) -> bytes:
    """A LOGIN7: with a token, with the wish to be told where to get one (`workflow`), or with neither."""
    names = {36: "host", 40: user, 48: "tests", 52: server, 68: database}
    feature = b""
    if token:
        data = token.encode("utf-16-le")
        feature = struct.pack("<BIBI", 2, 5 + len(data), 2, len(data)) + data
    elif workflow:
        feature = struct.pack("<BIBB", 2, 2, 4, workflow)
    head = bytearray(94)
    head[4:12] = struct.pack("<II", 0x74000004, size)
    tail = b""
    for at, text in names.items():
        head[at : at + 4] = struct.pack("<HH", 94 + len(tail), len(text))
        tail += text.encode("utf-16-le")
    if feature:
        head[27] = 0x10
        head[56:60] = struct.pack("<HH", 94 + len(tail), 4)
        tail += (94 + len(tail) + 4).to_bytes(4, "little") + feature + b"\xff"
    head[0:4] = (94 + len(tail)).to_bytes(4, "little")
    return bytes(head) + tail


def rpc(procedure: str, *parameters: tuple[str, SqlType, Value]) -> bytes:
    """A procedure call by name."""
    body = HEADERS + reader.text(procedure) + bytes(2)
    for name, declared, value in parameters:
        body += reader.short_text(name) + b"\x00" + encoding.type_info(declared) + encoding.writer(declared)(value)
    return body


class Client:
    """A strict connection, on which any bytes can be sent."""

    def __init__(self, port: int, ca: str) -> None:
        context = ssl.create_default_context(cafile=ca)
        context.set_alpn_protocols(["tds/8.0"])
        plain = socket.create_connection(("127.0.0.1", port), timeout=15)
        self.socket = context.wrap_socket(plain, server_hostname="localhost")
        self.protocol = self.socket.selected_alpn_protocol()
        self.ask(packets.PRELOGIN, PRELOGIN)

    def send(self, kind: int, body: bytes) -> None:
        self.socket.sendall(packets.message(kind, body))

    def ask(self, kind: int, body: bytes) -> bytes:
        """Send a message, and the body of the answer; b"" where the connection has ended."""
        self.send(kind, body)
        return self.answer()

    def answer(self) -> bytes:
        body, last = b"", 0
        while not last:
            head = self._exactly(8)
            if not head:
                return b""
            body += self._exactly(int.from_bytes(head[2:4], "big") - 8)
            last = head[1] & 1
        return body

    def batch(self, text: str) -> bytes:
        return self.ask(packets.SQL_BATCH, HEADERS + text.encode("utf-16-le"))

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            try:
                part = self.socket.recv(count - len(data))
            except (ConnectionError, ssl.SSLError):
                return b""
            if not part:
                return b""
            data += part
        return data

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def error_in(body: bytes) -> tuple[int, str]:
    """The number and the text of an answer's first error; (0, "") where there is none."""
    at = body.find(b"\xaa")
    while at >= 0:
        size = int.from_bytes(body[at + 1 : at + 3], "little")
        if 12 < size <= len(body) - at - 3:
            number = int.from_bytes(body[at + 3 : at + 7], "little", signed=True)
            return number, reader.Reader(body, at + 9).text()
        at = body.find(b"\xaa", at + 1)
    return 0, ""
