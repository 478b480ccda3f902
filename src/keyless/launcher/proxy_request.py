"""What clients ask of the proxy, and what it says to them and to the next proxy. Sans-IO: header blocks in and out.

Source: RFC 9110, 9.3.6 (CONNECT) and 7.6 (message forwarding); RFC 9112, 3.2 (forms of the target).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from keyless.launcher.routes import Upstream
from keyless.model.errors import ErrorKind, KeylessError, invalid

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"

_REQUEST_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~]+) HTTP/1\.[01]")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\0\r\n]*)")
_AUTHORITY = re.compile(r"(?P<host>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?")
_ABSOLUTE = re.compile(r"http://(?:[^/?#@]*@)?([^/?#@]+)([/?][^#]*)?", re.IGNORECASE)

#: They are between the client and this proxy only.
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "proxy-authorization", "proxy-connection", "upgrade", "host"})


class ProxyRequest(NamedTuple):
    """Where a client wants to go: a tunnel, or one plain-HTTP request to be forwarded (then `forward` is there)."""

    host: str
    port: int
    forward: Forward | None


class Forward(NamedTuple):
    """A request in parts: `target` is in origin form, `headers` are its end-to-end ones as lines."""

    method: str
    target: str
    authority: str
    headers: tuple[str, ...]


def read_request(head: bytes) -> ProxyRequest:
    """Read a header block; raises `invalid` for what is no request to a proxy."""
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    matched = _REQUEST_LINE.fullmatch(first)
    headers = [_HEADER.fullmatch(line) for line in lines]
    if matched is None or None in headers:
        raise invalid("This is not an HTTP/1.1 request.")
    method, target = matched.groups()
    if method == "CONNECT":
        return ProxyRequest(*_host_and_port(target, None), None)
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        raise invalid("This is a proxy: ask it with CONNECT HOST:PORT, or for an http:// address.")
    authority, rest = absolute[1], absolute[2] or "/"
    pairs = [(found[1], found[2]) for found in headers if found is not None]
    named = {name.strip().lower() for key, value in pairs if key.lower() == "connection" for name in value.split(",")}
    kept = tuple(f"{name}: {value}" for name, value in pairs if name.lower() not in _HOP_BY_HOP | named)
    return ProxyRequest(
        *_host_and_port(authority, 80), Forward(method, rest if rest[0] == "/" else "/" + rest, authority, kept)
    )


def forward_head(forward: Forward, upstream: Upstream | None) -> bytes:
    """The header block of the one request that is sent on; to another proxy it names the whole address."""
    target = f"http://{forward.authority}{forward.target}" if upstream else forward.target
    return _block(
        f"{forward.method} {target} HTTP/1.1",
        f"Host: {forward.authority}",
        *forward.headers,
        *_authorization(upstream),
        "Connection: close",
    )


def connect_head(host: str, port: int, upstream: Upstream) -> bytes:
    """Ask another proxy for a tunnel."""
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return _block(f"CONNECT {authority} HTTP/1.1", f"Host: {authority}", *_authorization(upstream))


def check_connected(head: bytes, upstream: Upstream) -> None:
    """Raise UNAVAILABLE unless the other proxy's answer says that the tunnel is there."""
    first = head.partition(b"\r\n")[0].decode("latin-1")
    if not re.match(r"HTTP/1\.[01] 2[0-9][0-9]\b", first):
        said = "".join(c for c in first if c.isprintable())[:100]
        raise KeylessError(
            ErrorKind.UNAVAILABLE, f"The proxy {upstream.host}:{upstream.port} refused the connection: {said!r}."
        )


def error_answer(error: KeylessError) -> bytes:
    """The proxy's own answer when it cannot do what was asked."""
    bad = error.kind in (ErrorKind.INVALID, ErrorKind.TOO_LARGE)
    body = f"keyless: {error.message}\n".encode()
    head = _block(
        f"HTTP/1.1 {'400 Bad Request' if bad else '502 Bad Gateway'}",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Length: {len(body)}",
        "Connection: close",
    )
    return head + body


def _host_and_port(authority: str, default: int | None) -> tuple[str, int]:
    matched = _AUTHORITY.fullmatch(authority)
    port = int(matched["port"] or default or 0) if matched else 0
    # names are compared, so each has one spelling; the root's dot says nothing
    host = matched["host"].strip("[]").lower().removesuffix(".") if matched else ""
    if not host or not 0 < port < 65536:
        raise invalid("The request names no host and port that this proxy understands.")
    return host, port


def _authorization(upstream: Upstream | None) -> tuple[str, ...]:
    if upstream is None or upstream.authorization is None:
        return ()
    return (f"Proxy-Authorization: {upstream.authorization.reveal()}",)


def _block(*lines: str) -> bytes:
    return "\r\n".join((*lines, "", "")).encode("latin-1", "replace")
