"""Too much of something: the server cuts it off, keeps its memory, and goes on."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest
from tests.harness import ARM, STORAGE, VAULT, Owner
from tests.hostile.conftest import serves
from tests.hostile.wire import connection, read_answer, resident

MIB = 1024 * 1024
#: Far below what each test sends, or asks for; a reader who does not read costs some 6 MiB of buffers.
LIMIT = 80 * MIB
NAMES = {"vault": "kv-a.vault.keyless.localhost", "blob": "acca.blob.keyless.localhost"}
PUT = b"PUT /secrets/x?api-version=7.4 HTTP/1.1\r\nHost: kv-a.vault.keyless.localhost\r\n"


@pytest.fixture
def memory_stays(target: Owner) -> Iterator[None]:
    """The server's memory grows by less than this, whatever the test sends."""
    before = resident(target.server)
    yield
    grown = resident(target.server) - before
    assert grown < LIMIT, f"{grown // MIB} MiB"
    assert serves(target)


def pour(target: Owner, begin: bytes, piece: bytes) -> None:
    """Send `begin` and then `piece` again and again until the server hangs up, which must not take long."""
    deadline = time.monotonic() + 10
    with connection(target.server, NAMES["vault"]) as wire:
        wire.settimeout(5)
        with suppress(ConnectionError, ssl.SSLError):
            wire.sendall(begin)
            while time.monotonic() < deadline:
                wire.sendall(piece)
                time.sleep(0.005)
            raise AssertionError("the server goes on reading")


ENDLESS: dict[str, tuple[bytes, bytes]] = {
    "method": (b"", b"G" * 65536),
    "target": (b"GET /", b"a" * 65536),
    "header value": (b"GET / HTTP/1.1\r\nx: ", b"a" * 65536),
    "header name": (b"GET / HTTP/1.1\r\n", b"a" * 65536),
    "headers": (b"GET / HTTP/1.1\r\n", b"x: y\r\n" * 10_000),
    "empty lines": (b"", b"\r\n" * 32768),
    "trailers": (PUT + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"x: y\r\n" * 10_000),
    "a trailer": (PUT + b"Transfer-Encoding: chunked\r\n\r\n0\r\nx: ", b"a" * 65536),
    "chunk extension": (PUT + b"Transfer-Encoding: chunked\r\n\r\n5;", b"a" * 65536),
    "chunk size": (PUT + b"Transfer-Encoding: chunked\r\n\r\n", b"0" * 65536),
}


@pytest.mark.usefixtures("memory_stays")
@pytest.mark.parametrize("what", ENDLESS)
def test_what_does_not_end_is_cut_off(target: Owner, what: str) -> None:
    begin, piece = ENDLESS[what]
    pour(target, begin, piece)


@pytest.mark.usefixtures("memory_stays")
@pytest.mark.parametrize(
    ("name", "method", "path", "resource"),
    [
        ("kv-a.vault", "PUT", "/secrets/x?api-version=7.4", VAULT),
        ("acca.blob", "PUT", "/box/b?comp=blocklist", STORAGE),
        ("management", "PUT", "{group}/providers/Microsoft.Web/sites/app-a?api-version=1", ARM),
        ("login", "POST", "/common/oauth2/v2.0/token", ""),
    ],
)
@pytest.mark.parametrize("announced", [True, False])
def test_a_body_beyond_the_limit(
    target: Owner, name: str, method: str, path: str, resource: str, announced: bool
) -> None:
    def body() -> Iterator[bytes]:
        for _ in range(24):
            yield b" " * MIB

    content: bytes | Iterator[bytes] = b" " * 24 * MIB if announced else body()
    token = target.token(resource) if resource else None
    headers = {"x-ms-version": "2024-11-04"}
    answer = target.send(method, name, path.format(group=target.group), token, content=content, headers=headers)
    assert answer.status_code == 413, answer.text


@pytest.mark.usefixtures("memory_stays")
def test_an_upload_without_a_token_is_answered_and_thrown_away(target: Owner) -> None:
    headers = {"x-ms-version": "2024-11-04", "x-ms-blob-type": "BlockBlob"}
    for _ in range(3):
        answer = target.send("PUT", "acca.blob", "/box/flood", "a.b.c", content=b"x" * 32 * MIB, headers=headers)
        assert answer.status_code == 401


@pytest.mark.usefixtures("memory_stays")
def test_readers_who_do_not_read(target: Owner) -> None:
    target.blob("acca", "box/big", b"x" * 64 * MIB)
    token = target.token(STORAGE).encode()
    request = (
        b"GET /box/big HTTP/1.1\r\nHost: acca.blob.keyless.localhost\r\nx-ms-version: 2024-11-04\r\n"
        b"Authorization: Bearer " + token + b"\r\n\r\n"
    )
    with ExitStack() as stack:
        for _ in range(8):
            wire = stack.enter_context(connection(target.server, NAMES["blob"]))
            wire.sendall(request)
        time.sleep(1.0)
        assert serves(target)


@pytest.mark.usefixtures("memory_stays")
def test_many_connections_that_say_nothing(target: Owner) -> None:
    with ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(connection(target.server, NAMES["vault"])).sendall(b"GET /")
        assert serves(target)


@pytest.mark.usefixtures("memory_stays")
def test_requests_whose_answers_nobody_waits_for(target: Owner) -> None:
    """A client that sends and sends without reading is cut off."""
    one = b"GET /secrets HTTP/1.1\r\nHost: kv-a.vault.keyless.localhost\r\n\r\n"
    pour(target, b"", one * 2000)


LOL = b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + b"".join(
    b'<!ENTITY a%d "%s">' % (i, (b"&a%d;" % (i - 1) if i else b"&a;") * 10) for i in range(9)
)
DOCUMENTS: dict[str, Callable[[], bytes]] = {
    "a billion laughs": lambda: LOL + b"]><BlockList><Latest>&a8;</Latest></BlockList>",
    "an external entity": lambda: (
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><BlockList><Latest>&x;</Latest></BlockList>'
    ),
    "an external document type": lambda: b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><BlockList/>',
    "a parameter entity": lambda: b'<!DOCTYPE a [<!ENTITY % x SYSTEM "file:///etc/passwd">%x;]><BlockList/>',
    "very deep": lambda: b"<BlockList>" * 800_000,
    "many attributes": lambda: (
        b"<BlockList " + b" ".join(b'a%d="1"' % i for i in range(200_000)) + b"><x/></BlockList>"
    ),
    "a long attribute": lambda: b'<BlockList a="' + b"x" * 9 * MIB + b'" b=/>',
    "a long name": lambda: b"<" + b"a" * 9 * MIB + b"/>",
    "a long text": lambda: b"<BlockList><Latest>" + b"A" * 9 * MIB + b"</Latest></BlockList>",
    "a long comment": lambda: b"<BlockList><!--" + b"a-" * 4 * MIB + b"></BlockList>",
    "too many blocks": lambda: b"<BlockList>" + b"<Latest>YQ==</Latest>" * 50_001 + b"</BlockList>",
    "blocks that are not there": lambda: b"<BlockList>" + b"<Latest>YQ==</Latest>" * 50_000 + b"</BlockList>",
}


@pytest.mark.usefixtures("memory_stays")
@pytest.mark.parametrize("what", DOCUMENTS)
def test_hostile_block_lists(target: Owner, what: str) -> None:
    headers = {"x-ms-version": "2024-11-04"}
    begun = time.monotonic()
    answer = target.send(
        "PUT",
        "acca.blob",
        "/box/lists?comp=blocklist",
        target.token(STORAGE),
        content=DOCUMENTS[what](),
        headers=headers,
    )
    assert answer.status_code == 400, answer.text
    assert answer.headers["x-ms-error-code"] in {"InvalidXmlDocument", "BlockListTooLong", "InvalidBlockList"}
    assert "root:" not in answer.text
    assert time.monotonic() - begun < 5


def test_a_head_that_never_ends_is_given_up(target: Owner) -> None:
    """Slow clients hold a connection no longer than the head's time; here is only seen that they hold no one up."""
    with connection(target.server, NAMES["vault"]) as wire:
        for _ in range(5):
            wire.sendall(b"G")
            assert serves(target)
        wire.sendall(b" / HTTP/1.1\r\n\r\n")
        assert read_answer(wire) is not None
