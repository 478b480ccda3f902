"""One GET over HTTPS for a small public document of a foreign issuer.

Owns the connection: which address, which roots, how long, how much. Follows no redirect, uses no proxy, no cookie and
no compression, and keeps nothing. The connection goes to the very address that was judged (`addresses.py`), while the
certificate is checked against the name.

Source: RFC 9110, RFC 9112; RFC 9525 for the name, as Python's ssl checks it.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import h11

from keyless.authority.federation.addresses import LOOPBACK, choose, is_localhost
from keyless.model.errors import KeylessError, invalid
from keyless.model.federation import IssuerSettings

MAX_DOCUMENT = 256 * 1024
SECONDS = 5.0
_MAX_HEADERS = 16 * 1024
_CHUNK = 16 * 1024
_MAX_TRIED = 4

#: The addresses of a host, as texts; raises OSError.
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


@dataclass(frozen=True)
class Document:
    """What was at a URL, and what its `Cache-Control` says."""

    data: bytes
    cache_control: str = ""


async def resolve(host: str, port: int) -> Sequence[str]:
    """The system's resolver; names below `localhost` are never asked of a name server (RFC 6761)."""
    if is_localhost(host):
        return LOOPBACK
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


@dataclass(frozen=True)
class HttpsGet:
    """Fetches a document; raises INVALID with the end of a sentence: what went wrong."""

    resolve: Resolve = resolve
    seconds: float = SECONDS

    async def __call__(self, url: str, settings: IssuerSettings) -> Document:
        """What is at an https URL, with the roots and addresses that the issuer's settings allow."""
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
        try:
            async with asyncio.timeout(self.seconds):
                context = await asyncio.to_thread(_context, settings.ca_pem)
                addresses = choose(await self.resolve(host, port), allow_private=settings.allow_private)
                if not addresses:
                    raise _failed(f"{host} has no public address, and this issuer is not allowed a private one")
                reader, writer = await _connect(addresses, port, context, host)
                try:
                    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                    return await _exchange(reader, writer, parts.netloc, target)
                finally:
                    writer.transport.abort()
        except TimeoutError:
            raise _failed(f"{host} did not answer within {self.seconds:g} seconds") from None
        except ssl.SSLCertVerificationError:
            raise _failed(f"the certificate of {host} cannot be verified: name its authority with --ca") from None
        except (OSError, UnicodeError) as error:
            what = "no such name" if isinstance(error, socket.gaierror | UnicodeError) else "no connection"
            raise _failed(f"{host} cannot be reached ({what})") from None
        except h11.ProtocolError:
            raise _failed(f"{host} does not speak HTTP as it should") from None


async def _connect(
    addresses: Sequence[str], port: int, context: ssl.SSLContext, host: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    last: OSError = OSError()
    for address in addresses[:_MAX_TRIED]:
        try:
            return await asyncio.open_connection(address, port, ssl=context, server_hostname=host, limit=_CHUNK)
        except ssl.SSLError:
            raise
        except OSError as error:
            last = error
    raise last


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, authority: str, target: str
) -> Document:
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEADERS)
    asked = [("Host", authority), ("Accept", "application/json"), ("User-Agent", "keyless"), ("Connection", "close")]
    sent = connection.send(h11.Request(method="GET", target=target, headers=asked))
    assert sent is not None
    writer.write(sent + (connection.send(h11.EndOfMessage()) or b""))
    data, cache_control = b"", ""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_CHUNK))
        elif isinstance(event, h11.Response):
            _check_status(event)
            cache_control = _header(event, b"cache-control")
        elif isinstance(event, h11.Data):
            data += event.data
            if len(data) > MAX_DOCUMENT:
                raise _failed(f"its answer has more than {MAX_DOCUMENT} bytes")
        elif isinstance(event, h11.EndOfMessage):
            return Document(data, cache_control)


def _check_status(response: h11.Response) -> None:
    if 300 <= response.status_code < 400:
        raise _failed("it answers with a redirect, and none is followed: name the issuer as its tokens do")
    if response.status_code != 200:
        raise _failed(f"it answers with status {response.status_code}")
    if _header(response, b"content-encoding") not in {"", "identity"}:
        raise _failed("it compresses its answer, which nobody asked for")


def _header(response: h11.Response, name: bytes) -> str:
    return ", ".join(value.decode("latin-1") for found, value in response.headers if found == name).lower()


def _context(ca_pem: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_pem:
        context.load_verify_locations(cadata=ca_pem)
    return context


def check_roots(ca_pem: str) -> None:
    """Raise INVALID, likewise, unless these are certificates that can be trusted as roots."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=ca_pem)
    except (ssl.SSLError, ValueError, TypeError):
        raise _failed("the certificate authority has to be one or more certificates in PEM") from None


def _failed(why: str) -> KeylessError:
    """The end of a sentence; the caller says what was to be done."""
    return invalid(why, "IssuerUnusable")
