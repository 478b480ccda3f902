"""Where the proxy sends a connection. Pure: a host, a port and what is known, and out comes the route.

Names that the lease claims go to the server and nowhere else. All others go as they would without keyless: through the
proxy that the user has set in the environment, unless the user's `NO_PROXY` exempts them.
"""

from __future__ import annotations

import ipaddress
from base64 import b64encode
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from keyless.launcher.lease import Claims
from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.secretstr import SecretStr


class ToServer:
    """To the keyless server."""


class Direct:
    """Straight to the host that was named."""


class Upstream(NamedTuple):
    """Through the user's own proxy; `authorization` is the value of the header for it."""

    host: str
    port: int
    authorization: SecretStr | None


Route = ToServer | Direct | Upstream

TO_SERVER = ToServer()
DIRECT = Direct()


class UserProxies(NamedTuple):
    """The user's own variables: a proxy's address for each kind of request, and the hosts that go without."""

    tunnels: str
    plain: str
    exempt: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.tunnels or self.plain)

    def __repr__(self) -> str:
        return "UserProxies(…)"  # the addresses may hold passwords


def user_proxies(environ: Mapping[str, str]) -> UserProxies:
    """Read the variables as curl does: lower case first."""

    def value(name: str) -> str:
        return environ.get(name.lower()) or environ.get(name) or ""

    exempt = value("NO_PROXY").lower().replace(",", " ").split()
    return UserProxies(
        value("HTTPS_PROXY") or value("ALL_PROXY"), value("HTTP_PROXY") or value("ALL_PROXY"), tuple(exempt)
    )


def route(host: str, port: int, *, plain: bool, claims: Claims, user: UserProxies) -> Route:
    """The way to `host` (lower case, without the root's dot) for a tunnel, or for a plain-HTTP request.

    Raises UNSUPPORTED when the user's proxy is of a kind that this one cannot speak with.
    """
    if is_claimed(host, claims):
        return TO_SERVER
    proxy = user.plain if plain else user.tunnels
    if not proxy or _is_loopback(host) or any(_matches(entry, host, port) for entry in user.exempt):
        return DIRECT
    return _upstream(proxy)


def is_claimed(host: str, claims: Claims) -> bool:
    """Whether the lease claims `host` for the server."""
    if host == claims.domain or host.endswith("." + claims.domain):
        return True
    return any(host.endswith(name[1:]) if name.startswith("*.") else host == name for name in claims.clouds)


def _matches(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        return _in_network(entry, host)
    name, colon, number = entry.rpartition(":")
    if colon and number.isdigit() and ":" not in name:
        if int(number) != port:
            return False
        entry = name
    name = entry.strip("[]").removeprefix("*").removeprefix(".").removesuffix(".")
    return bool(name) and (host == name or host.endswith("." + name))


def _in_network(entry: str, host: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _upstream(url: str) -> Upstream:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port or 80
        if parts.scheme != "http" or not host:
            raise ValueError
    except ValueError:
        raise KeylessError(
            ErrorKind.UNSUPPORTED,
            "The proxy in HTTPS_PROXY, HTTP_PROXY or ALL_PROXY is not an http:// address: set one that is, or none.",
        ) from None
    authorization = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = SecretStr("Basic " + b64encode(pair.encode()).decode())
    return Upstream(host, port, authorization)
