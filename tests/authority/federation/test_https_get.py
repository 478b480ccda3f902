"""Fetching from a real server with a private authority: what is taken, and every way in which it may misbehave."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Iterator, Sequence

import pytest

from keyless.authority.federation.https_get import MAX_DOCUMENT, HttpsGet, check_roots
from keyless.model.errors import KeylessError
from keyless.model.federation import IssuerSettings
from tests.issuers import CONFIGURATION, Answer, Authority, IssuerServer, issuer_server

GET = HttpsGet()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IssuerServer]:
    with issuer_server(tmp_path_factory.mktemp("issuer")) as running:
        yield running


@pytest.fixture
def server(shared: IssuerServer) -> Iterator[IssuerServer]:
    yield shared
    shared.answers.clear()
    shared.asked.clear()


def settings(server: IssuerServer, *, ca: bool = True, private: bool = True) -> IssuerSettings:
    return IssuerSettings(server.issuer.url, None, server.ca_pem if ca else "", private)


async def get(server: IssuerServer, path: str, fetch: HttpsGet = GET) -> bytes:
    return (await fetch(server.issuer.url + path, settings(server))).data


async def test_what_is_there(server: IssuerServer) -> None:
    server.answers["/a?b=c"] = Answer(b"{}", headers={"Cache-Control": "max-age=7", "X": "y"})
    document = await GET(f"{server.issuer.url}/a?b=c", settings(server))
    assert (document.data, document.cache_control) == (b"{}", "max-age=7")
    assert json.loads(await get(server, CONFIGURATION)) == server.issuer.configuration()
    assert server.asked == ["/a?b=c", CONFIGURATION]


async def test_chunks_and_answers_that_end_with_the_connection(server: IssuerServer) -> None:
    head = b"HTTP/1.1 200 OK\r\n"
    server.answers["/chunks"] = Answer(raw=head + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    server.answers["/open"] = Answer(raw=head + b"\r\nabc")
    assert await get(server, "/chunks") == b"abcde"
    assert await get(server, "/open") == b"abc"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(server: IssuerServer, status: int) -> None:
    server.answers["/a"] = Answer(status=status, headers={"Location": f"{server.issuer.url}/b"})
    with pytest.raises(KeylessError, match="redirect"):
        await get(server, "/a")
    assert server.asked == ["/a"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(status=404), "status 404"),
        (Answer(status=500), "status 500"),
        (Answer(gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"}), "compresses"),
        (Answer(b"x" * (MAX_DOCUMENT + 1)), "more than 262144 bytes"),
        (Answer(raw=b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (MAX_DOCUMENT + 1)), "more than 262144 bytes"),
        (Answer(raw=b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40_000 + b"\r\n\r\n"), "does not speak HTTP"),
        (Answer(raw=b"SSH-2.0-OpenSSH\r\n\r\n"), "does not speak HTTP"),
        (Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"), "does not speak HTTP|cannot be reached"),
        (Answer(raw=b""), "does not speak HTTP|cannot be reached"),
        (Answer(raw=b"HTTP/1.1 100 Continue\r\n\r\n" * 3), "does not speak HTTP|cannot be reached"),
    ],
)
async def test_answers_that_are_not_taken(server: IssuerServer, answer: Answer, why: str) -> None:
    server.answers["/a"] = answer
    with pytest.raises(KeylessError, match=why):
        await get(server, "/a")


async def test_a_slow_one_is_given_up_and_nothing_else_waits_for_it(server: IssuerServer) -> None:
    server.answers["/a"] = Answer(b"{}", seconds=2)
    begun, longest = time.monotonic(), 0.0
    task = asyncio.create_task(get(server, "/a", HttpsGet(seconds=0.5)))
    while not task.done():
        before = time.monotonic()
        await asyncio.sleep(0.01)
        longest = max(longest, time.monotonic() - before)
    with pytest.raises(KeylessError, match=r"within 0\.5 seconds"):
        await task
    assert time.monotonic() - begun < 1.5
    assert longest < 0.4


async def test_a_silent_one_is_given_up(server: IssuerServer) -> None:
    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5)
        writer.close()

    listening = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    with pytest.raises(KeylessError, match="within"):
        await HttpsGet(seconds=0.3)(f"https://issuer.localhost:{port}/", settings(server))
    listening.close()


# whom to trust, and where


async def test_a_private_authority_is_trusted_only_where_it_was_named(server: IssuerServer) -> None:
    with pytest.raises(KeylessError, match=r"certificate of issuer\.localhost cannot be verified"):
        await GET(server.issuer.url + CONFIGURATION, settings(server, ca=False))
    stranger = IssuerSettings(server.issuer.url, None, Authority().pem, True)
    with pytest.raises(KeylessError, match="cannot be verified"):
        await GET(server.issuer.url + CONFIGURATION, stranger)
    assert server.asked == []


async def test_a_certificate_for_another_name_is_refused(server: IssuerServer) -> None:
    url = f"https://other.localhost:{server.port}{CONFIGURATION}"
    with pytest.raises(KeylessError, match=r"certificate of other\.localhost"):
        await GET(url, settings(server))
    assert server.asked == []


@pytest.mark.parametrize(
    "host",
    [
        *("issuer.localhost", "issuer.localhost.", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1"),
        *("[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "10.0.0.1", "169.254.169.254", "0.0.0.0"),
    ],
)
async def test_private_addresses_are_not_connected_to(server: IssuerServer, host: str) -> None:
    with pytest.raises(KeylessError, match="no public address"):
        await GET(f"https://{host}:{server.port}{CONFIGURATION}", settings(server, private=False))
    assert server.asked == []


async def test_a_name_that_changes_its_address_gains_nothing(
    server: IssuerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address that was judged is the one that is connected to: the name is looked up once."""
    told, connected = [["8.8.8.8"], ["127.0.0.1"]], list[str]()

    async def rebinding(_host: str, _port: int) -> Sequence[str]:
        return told.pop(0)

    async def connect(address: str, *_rest: object, **_named: object) -> tuple[object, object]:
        connected.append(address)
        raise OSError

    monkeypatch.setattr(asyncio, "open_connection", connect)
    fetch = HttpsGet(rebinding)
    with pytest.raises(KeylessError, match="cannot be reached"):
        await fetch(server.issuer.url, settings(server, private=False))
    with pytest.raises(KeylessError, match="no public address"):
        await fetch(server.issuer.url, settings(server, private=False))
    assert connected == ["8.8.8.8"]


async def test_of_mixed_addresses_only_public_ones_are_tried(
    server: IssuerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected = list[str]()

    async def mixed(_host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.1", "8.8.8.8", "10.0.0.1", "8.8.4.4", *(f"9.9.9.{n}" for n in range(100))]

    async def connect(address: str, *_rest: object, **_named: object) -> tuple[object, object]:
        connected.append(address)
        raise OSError

    monkeypatch.setattr(asyncio, "open_connection", connect)
    with pytest.raises(KeylessError, match="cannot be reached"):
        await HttpsGet(mixed)(server.issuer.url, settings(server, private=False))
    assert connected == ["8.8.8.8", "8.8.4.4", "9.9.9.0", "9.9.9.1"]


async def test_the_next_address_is_tried(server: IssuerServer) -> None:
    async def two(_host: str, _port: int) -> Sequence[str]:
        return ["::1", "127.0.0.1"]  # the server listens at the second one

    assert await get(server, CONFIGURATION, HttpsGet(two))


async def test_names_that_are_none(server: IssuerServer) -> None:
    for host in ("no-such-name.invalid", "x" * 70 + ".example.com", "a..example.com"):
        with pytest.raises(KeylessError, match="cannot be reached"):
            await GET(f"https://{host}/", settings(server))


async def test_proxies_of_the_environment_are_not_used(server: IssuerServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert await get(server, CONFIGURATION)


def test_what_is_no_certificate_authority() -> None:
    check_roots(Authority().pem)
    for wrong in ("nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "\u00e4"):
        with pytest.raises(KeylessError, match="PEM"):
            check_roots(wrong)
