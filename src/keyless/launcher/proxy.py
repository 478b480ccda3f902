"""The instance's proxy: takes each connection where its route leads. Owns the connections; decides nothing itself."""

from __future__ import annotations

import asyncio
import ipaddress
from contextlib import suppress

from keyless.launcher.lease import Address, Claims
from keyless.launcher.proxy_request import (
    ESTABLISHED,
    ProxyRequest,
    check_connected,
    connect_head,
    error_answer,
    forward_head,
    read_request,
)
from keyless.launcher.relay import AWAY, Endpoint, connect_to, patiently
from keyless.launcher.routes import ToServer, Upstream, UserProxies, route
from keyless.model.errors import ErrorKind, KeylessError, invalid

MAX_CONNECTIONS = 2048
CONNECT_SECONDS = 30.0


class Proxy:
    """Handles the connections of the proxy port.

    For an isolated program this machine's loopback, with other instances' ports, is out of bounds.
    """

    def __init__(self, server: Address, claims: Claims, user: UserProxies, *, isolated: bool = False) -> None:
        self._isolated = isolated
        self._server = server
        self._claims = claims
        self._user = user

    async def handle(self, client: Endpoint) -> None:
        """Read one request from `client` and connect it through; or say why not and close."""
        try:
            head = await client.read_head()
            if not head:
                client.transport.close()
                return
            request = read_request(head)
            upstream = await self._reach(request)
        except KeylessError as error:
            client.answer(error_answer(error))
            return
        if request.forward is None:
            client.transport.write(ESTABLISHED)
        client.join(upstream)

    async def _reach(self, request: ProxyRequest) -> Endpoint:
        """A connection to where the request goes, on which everything needed has been said."""
        host, port, forward = request
        way = route(host, port, plain=forward is not None, claims=self._claims, user=self._user)
        if isinstance(way, ToServer):
            if forward is not None:
                raise invalid(f"{host} answers https only: ask for an https:// address.")
            return await patiently(lambda: connect_to(*self._server), AWAY)
        proxy = way if isinstance(way, Upstream) else None
        endpoint = await _connect_soon(*(proxy[:2] if proxy else (host, port)))
        if self._isolated and proxy is None and _is_loopback(endpoint):
            endpoint.transport.abort()
            raise invalid(f"{host} is this machine itself, which an isolated program does not reach.")
        if forward is not None:
            endpoint.transport.write(forward_head(forward, proxy))
        elif proxy is not None:
            await _open_tunnel(endpoint, host, port, proxy)
        return endpoint


async def _open_tunnel(endpoint: Endpoint, host: str, port: int, proxy: Upstream) -> None:
    endpoint.transport.write(connect_head(host, port, proxy))
    try:
        check_connected(await endpoint.read_head(), proxy)
    except BaseException as error:
        endpoint.transport.abort()
        if isinstance(error, KeylessError) and error.kind is not ErrorKind.UNAVAILABLE:
            raise KeylessError(
                ErrorKind.UNAVAILABLE, f"The proxy {proxy.host}:{proxy.port} gave no sensible answer."
            ) from None
        raise


def _is_loopback(endpoint: Endpoint) -> bool:
    # what the kernel says it is connected to: a name, or an address in a strange form, may lead here as well
    address = ipaddress.ip_address(endpoint.transport.get_extra_info("peername")[0].partition("%")[0])
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


async def _connect_soon(host: str, port: int) -> Endpoint:
    reason = "it does not answer"
    with suppress(TimeoutError):
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await connect_to(host, port)
        except OSError as error:
            reason = error.strerror or reason
    raise KeylessError(ErrorKind.UNAVAILABLE, f"{host}:{port} cannot be reached: {reason}.")
