"""A port inside, for HTTPS or SQL: what connects to a claimed name reaches the server. Copies bytes; TLS ends there."""

from __future__ import annotations

from keyless.launcher.lease import Address
from keyless.launcher.relay import AWAY, Endpoint, connect_to, patiently
from keyless.model.errors import KeylessError

MAX_CONNECTIONS = 2048


class ServerPort:
    """Handles the connections of a port that stands for the server."""

    def __init__(self, server: Address) -> None:
        self._server = server

    async def handle(self, client: Endpoint) -> None:
        """Connect `client` to the server, which may take a while when it restarts."""
        try:
            server = await patiently(lambda: connect_to(*self._server), AWAY)
        except KeylessError:
            client.transport.abort()
        else:
            client.join(server)
