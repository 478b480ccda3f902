"""What is not HTTP, or not good HTTP: a 4xx or a closed connection, and the server goes on."""

from __future__ import annotations

import socket
from contextlib import suppress

import pytest
from tests.harness import STORAGE, VAULT, Owner
from tests.hostile.conftest import serves
from tests.hostile.wire import Answer, answers, connection, read_all, read_answer

NAME = "kv-a.vault.keyless.localhost"
HOST = b"Host: " + NAME.encode() + b"\r\n"
END = b"Connection: close\r\n\r\n"
GET = b"GET /secrets/s?api-version=7.4 HTTP/1.1\r\n"
PUT = b"PUT /secrets/x?api-version=7.4 HTTP/1.1\r\n" + HOST

#: name → bytes
NOT_HTTP: dict[str, bytes] = {
    "nothing": b"",
    "zeros": bytes(1000),
    "random bytes": bytes(range(256)) * 8,
    "a line": b"hello\r\n\r\n",
    "TLS in TLS": bytes.fromhex("16030100c8010000c40303") + bytes(200),
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n",
    "SMTP": b"EHLO example.org\r\nMAIL FROM:<a@b>\r\n",
    "TDS prelogin": bytes.fromhex("1201002f0000010000001a00060100200001"),
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
    "HTTP/9.9": b"GET / HTTP/9.9\r\n" + HOST + END,
    "no version": b"GET /secrets\r\n" + HOST + END,
    "version in lower case": b"GET / http/1.1\r\n" + HOST + END,
    "method in lower case": b"get / HTTP/1.1\r\n" + HOST + END,
    "a method of our own": b"SECRETS / HTTP/1.1\r\n" + HOST + END,
    "a long method": b"G" * 5000 + b" / HTTP/1.1\r\n" + HOST + END,
    "a blank in the target": b"GET /a b HTTP/1.1\r\n" + HOST + END,
    "a tab for a blank": b"GET\t/ HTTP/1.1\r\n" + HOST + END,
    "a target without a slash": b"GET secrets HTTP/1.1\r\n" + HOST + END,
    "an empty target": b"GET  HTTP/1.1\r\n" + HOST + END,
    "NUL in the target": b"GET /a\x00b HTTP/1.1\r\n" + HOST + END,
    "bytes in the target": b"GET /\xff\xfe HTTP/1.1\r\n" + HOST + END,
    "bytes in the query": b"GET /?\xff=\xfe HTTP/1.1\r\n" + HOST + END,
    "CONNECT": b"CONNECT kv-a.vault.azure.net:443 HTTP/1.1\r\n" + HOST + END,
    "a bad absolute target": b"GET https://[ HTTP/1.1\r\n" + HOST + END,
    "a port too many": b"GET https://a:99999999/ HTTP/1.1\r\n" + HOST + END,
    "no colon": GET + b"Host kv-a\r\n" + END,
    "a blank before the colon": GET + HOST + b"Accept : x\r\n" + END,
    "an empty name": GET + HOST + b": x\r\n" + END,
    "NUL in a name": GET + HOST + b"a\x00b: x\r\n" + END,
    "NUL in a value": GET + HOST + b"a: x\x00y\r\n" + END,
    "a folded line": GET + HOST + b"a: x\r\n y\r\n" + END,
    "a bare CR": GET + HOST + b"a: x\ry: z\r\n" + END,
    "a folded first line": GET + b" " + HOST + END,
    "a name in quotes": GET + HOST + b'"a": x\r\n' + END,
    "no host": GET + END,
    "an empty host": GET + b"Host: \r\n" + END,
    "two hosts": GET + HOST + b"Host: acca.blob.keyless.localhost\r\n" + END,
    "a host with a user": GET + b"Host: me@" + NAME.encode() + b"\r\n" + END,
    "a host with a path": GET + b"Host: " + NAME.encode() + b"/x\r\n" + END,
    "a host with a blank": GET + b"Host: kv-a .vault.keyless.localhost\r\n" + END,
    "a host with bytes": GET + b"Host: kv-\xff.vault.keyless.localhost\r\n" + END,
    "a port that is none": GET + b"Host: " + NAME.encode() + b":x\r\n" + END,
    "a negative port": GET + b"Host: " + NAME.encode() + b":-1\r\n" + END,
    "a high port": GET + b"Host: " + NAME.encode() + b":65536\r\n" + END,
    "a port of 5000 digits": GET + b"Host: " + NAME.encode() + b":" + b"1" * 5000 + b"\r\n" + END,
    "half an IPv6 address": GET + b"Host: [::1\r\n" + END,
    "an empty IPv6 address": GET + b"Host: []:8443\r\n" + END,
    "another name": GET + b"Host: example.org\r\n" + END,
    "the name alone": GET + b"Host: vault.keyless.localhost\r\n" + END,
    "no name before the dot": GET + b"Host: .vault.keyless.localhost\r\n" + END,
    "a long name": GET + b"Host: " + b"a" * 3000 + b".vault.keyless.localhost\r\n" + END,
    "200 headers": GET + HOST + b"".join(b"x-%d: y\r\n" % i for i in range(200)) + END,
    "5000 headers": GET + HOST + b"".join(b"x-%d: y\r\n" % i for i in range(5000)) + END,
    "a header of 40 KB": GET + HOST + b"x: " + b"y" * 40_000 + b"\r\n" + END,
    "a header of 1 MB": GET + HOST + b"x: " + b"y" * 1_000_000 + b"\r\n" + END,
    "a name of 1 MB": GET + HOST + b"y" * 1_000_000 + b": x\r\n" + END,
    "a target of 10 KB": b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\n" + HOST + END,
    "a target of 1 MB": b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\n" + HOST + END,
    "a query of 1000 fields": b"GET /?" + b"a=b&" * 1000 + b" HTTP/1.1\r\n" + HOST + END,
    "a query that is not UTF-8": b"GET /?a=%ff HTTP/1.1\r\n" + HOST + END,
    "length and chunks": PUT + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" + END + b"0\r\n\r\n",
    "chunks and length": PUT + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" + END + b"0\r\n\r\n",
    "two lengths": PUT + b"Content-Length: 5\r\nContent-Length: 6\r\n" + END + b"hello",
    "the same length twice": PUT + b"Content-Length: 5\r\nContent-Length: 5\r\n" + END + b"hello",
    "a list of lengths": PUT + b"Content-Length: 5, 5\r\n" + END + b"hello",
    "a length with a sign": PUT + b"Content-Length: +5\r\n" + END + b"hello",
    "a negative length": PUT + b"Content-Length: -5\r\n" + END + b"hello",
    "a hexadecimal length": PUT + b"Content-Length: 0x5\r\n" + END + b"hello",
    "a length of 2^64": PUT + b"Content-Length: 18446744073709551616\r\n" + END,
    "a length of 5000 digits": PUT + b"Content-Length: " + b"9" * 5000 + b"\r\n" + END,
    "an empty length": PUT + b"Content-Length: \r\n" + END,
    "gzip": PUT + b"Transfer-Encoding: gzip\r\n" + END + b"hello",
    "chunked, gzip": PUT + b"Transfer-Encoding: chunked, gzip\r\n" + END + b"0\r\n\r\n",
    "chunked twice": PUT + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" + END + b"0\r\n\r\n",
    "xchunked": PUT + b"Transfer-Encoding: xchunked\r\n" + END + b"0\r\n\r\n",
    "a chunk size that is none": PUT + b"Transfer-Encoding: chunked\r\n" + END + b"zz\r\nhello\r\n0\r\n\r\n",
    "a negative chunk": PUT + b"Transfer-Encoding: chunked\r\n" + END + b"-5\r\nhello\r\n0\r\n\r\n",
    "a chunk of 2^68": PUT + b"Transfer-Encoding: chunked\r\n" + END + b"fffffffffffffffff\r\nhello",
    "a chunk without its end": PUT + b"Transfer-Encoding: chunked\r\n" + END + b"5\r\nhelloworld\r\n0\r\n\r\n",
    "a chunk with a blank": PUT + b"Transfer-Encoding: chunked\r\n" + END + b" 5\r\nhello\r\n0\r\n\r\n",
    "HTTP/1.0 in chunks": PUT.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "WebSocket": GET + HOST + b"Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n",
    "h2c": GET + HOST + b"Connection: Upgrade, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n\r\n",
    "an expectation": PUT + b"Expect: 200-ok\r\nContent-Length: 5\r\n" + END + b"hello",
}


@pytest.mark.parametrize("name", NOT_HTTP)
def test_bytes(target: Owner, name: str) -> None:
    with connection(target.server, NAME) as wire:
        with suppress(ConnectionError):  # refused in the middle of it
            wire.sendall(NOT_HTTP[name])
        found = answers(read_all(wire, 2.0))
    assert all(400 <= answer.status < 500 for answer in found), (found, [answer.body for answer in found])
    assert serves(target)


def test_a_request_to_one_surface_never_reaches_another(target: Owner) -> None:
    """The Host header decides, not the target's form nor the name in the TLS handshake."""
    token = target.token(VAULT).encode()
    lines = b"GET https://acca.blob.keyless.localhost/secrets/s?api-version=7.4 HTTP/1.1\r\n" + HOST
    with connection(target.server, "management.keyless.localhost") as wire:
        wire.sendall(lines + b"Authorization: Bearer " + token + b"\r\n" + END)
        answer = read_answer(wire)
    assert answer is not None
    assert answer.status == 200


def test_plain_http_to_the_tls_port(target: Owner) -> None:
    with socket.create_connection(("127.0.0.1", target.server.port), 5) as plain:
        plain.sendall(GET + HOST + END)
        assert b"HTTP/1.1 2" not in read_all(plain, 2.0)
    assert serves(target)


def _put(target: Owner, body: bytes, length: bytes, path: bytes = b"/secrets/half?api-version=7.4") -> Answer | None:
    """A PUT with the owner's token that announces more than it sends, and then hangs up its half."""
    token = target.token(VAULT if b"secrets" in path else STORAGE).encode()
    host = NAME if b"secrets" in path else "acca.blob.keyless.localhost"
    head = b"PUT " + path + b" HTTP/1.1\r\nHost: " + host.encode() + b"\r\nAuthorization: Bearer " + token + b"\r\n"
    head += b"x-ms-version: 2024-11-04\r\nx-ms-blob-type: BlockBlob\r\n"
    with connection(target.server, host) as wire:
        wire.sendall(head + length + b"\r\n\r\n" + body)
        if length.startswith(b"Content-Length"):
            return None  # gone in the middle of the body
        return read_answer(wire, 2.0)


@pytest.mark.parametrize("length", [b"Content-Length: 1000000", b"Content-Length: 300", b"Content-Length: 70000"])
@pytest.mark.parametrize("path", [b"/secrets/half?api-version=7.4", b"/box/half"])
def test_a_body_that_breaks_off_stores_nothing(target: Owner, path: bytes, length: bytes) -> None:
    for body in (b"", b'{"value":', b'{"value":"x"}', b'{"value":"x"}' + b" " * 200, b"x" * 69_999):
        if len(body) < int(length.split()[1]):
            assert _put(target, body, length, path) is None
    secret = target.send("GET", "kv-a.vault", "/secrets/half?api-version=7.4", target.token(VAULT))
    assert secret.status_code == 404
    blob = target.send("GET", "acca.blob", "/box/half", target.token(STORAGE), headers={"x-ms-version": "2024-11-04"})
    assert blob.status_code == 404


def test_chunks_that_break_off_store_nothing(target: Owner) -> None:
    for body in (b"5\r\nhel", b"zz\r\n", b"5\r\nhello\r\n", b"5\r\nhello\r\nzz\r\n"):
        answer = _put(target, body, b"Transfer-Encoding: chunked", b"/box/half") if b"zz" in body else None
        assert answer is None or 400 <= answer.status < 500
    blob = target.send("GET", "acca.blob", "/box/half", target.token(STORAGE), headers={"x-ms-version": "2024-11-04"})
    assert blob.status_code == 404


def test_many_requests_in_one_breath(target: Owner) -> None:
    token = target.token(VAULT).encode()
    one = GET + HOST + b"Authorization: Bearer " + token + b"\r\n\r\n"
    with connection(target.server, NAME) as wire:
        wire.sendall(one * 200 + one.replace(b"\r\n\r\n", b"\r\n" + END))
        found = answers(read_all(wire))
    assert [answer.status for answer in found] == [200] * 201


def test_byte_by_byte(target: Owner) -> None:
    token = target.token(VAULT).encode()
    with connection(target.server, NAME) as wire:
        for byte in GET + HOST + b"Authorization: Bearer " + token + b"\r\n" + END:
            wire.sendall(bytes([byte]))
        answer = read_answer(wire)
    assert answer is not None
    assert answer.status == 200
