"""The instance's identity endpoint: every connection goes over the lease to the server, which alone parses and answers.

Only when there is no server to ask does this port answer by itself, in App Service's envelope.
"""

from __future__ import annotations

import json

from keyless.launcher.keeper import Keeper
from keyless.launcher.relay import AWAY, Endpoint, patiently
from keyless.model.errors import ErrorKind, KeylessError

MAX_CONNECTIONS = 512


class IdentityPort:
    """Handles the connections of the identity port."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    async def handle(self, client: Endpoint) -> None:
        """Connect `client` to the server, which may take a while when it restarts."""
        try:
            server = await patiently(self._keeper.open_identity, AWAY)
        except KeylessError as error:
            await _refuse(client, error)
        else:
            client.join(server)


async def _refuse(client: Endpoint, error: KeylessError) -> None:
    try:
        await client.read_head()  # closed with a request unread, the client might never see the answer
    except KeylessError:
        client.transport.close()
        return
    # clients take 400 as "no identity here" and go on at once; 503 makes them try again
    status = "503 Service Unavailable" if error.kind is ErrorKind.UNAVAILABLE else "400 Bad Request"
    body = json.dumps({"statusCode": int(status[:3]), "message": error.message}).encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    client.answer(head.encode() + body)
