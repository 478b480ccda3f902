"""The instance's identity endpoint: every connection goes over the lease to the server, which alone parses and answers.

There are two exceptions. When there is no server to ask, this port answers by itself, in the envelope of the
instance's shape. And in Azure Arc's shape it challenges each request with a key file first, because that is between
processes of this machine.
"""

from __future__ import annotations

import asyncio
import json

from keyless.launcher import arc
from keyless.launcher.arc_files import LIFE_SECONDS, KeyFiles
from keyless.launcher.keeper import Keeper
from keyless.launcher.relay import AWAY, Endpoint, patiently
from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.hosts import APP_SERVICE, APP_SERVICE_2017, CLOUD_SHELL, SERVICE_FABRIC

MAX_CONNECTIONS = 512


class IdentityPort:
    """Handles the connections of the identity port of an instance in a host of the shape `host`."""

    def __init__(self, keeper: Keeper, host: str) -> None:
        self._keeper = keeper
        self._host = host

    async def handle(self, client: Endpoint) -> None:
        """Connect `client` to the server, which may take a while when it restarts."""
        try:
            server = await patiently(self._keeper.open_identity, AWAY)
        except KeylessError as error:
            await self._refuse(client, error)
        else:
            client.join(server)

    async def _refuse(self, client: Endpoint, error: KeylessError) -> None:
        try:
            await client.read_head()  # closed with a request unread, the client might never see the answer
        except KeylessError:
            client.transport.close()
            return
        client.answer(refusal(self._host, error))


class ArcPort:
    """Handles the connections of an instance in Azure Arc's shape: one request each."""

    def __init__(self, keeper: Keeper, files: KeyFiles) -> None:
        self._keeper = keeper
        self._files = files

    async def handle(self, client: Endpoint) -> None:
        """Answer a request with a challenge, or pass it on to the server once its key has been looked at."""
        try:
            head = await client.read_head()
            if not head:
                client.transport.close()
                return
            asked = arc.read_head(head)
            if asked.wants_challenge:
                client.answer(arc.challenge(await self._make_file()))
                return
            if asked.key is not None and not await asyncio.to_thread(self._files.use, asked.key):
                client.answer(arc.refusal())
                return
            server = await patiently(self._keeper.open_identity, AWAY)
        except KeylessError as error:
            client.answer(refusal("", error))
            return
        # a second request on this connection would go past the challenge
        client.drop_input()
        server.transport.write(arc.single(head))
        client.join(server)

    async def _make_file(self) -> str:
        file = await asyncio.to_thread(self._files.make)
        loop = asyncio.get_running_loop()
        loop.call_later(LIFE_SECONDS, lambda: loop.run_in_executor(None, self._files.remove, file))
        return file.shown


def refusal(host: str, error: KeylessError) -> bytes:
    """The launcher's own answer, in the envelope of a shape."""
    # clients take 400 as "no identity here" and go on at once; 503 makes them try again
    status = "503 Service Unavailable" if error.kind is ErrorKind.UNAVAILABLE else "400 Bad Request"
    body = json.dumps(_envelope(host, int(status[:3]), error.message)).encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def _envelope(host: str, status: int, message: str) -> dict[str, object]:
    if host in (APP_SERVICE, APP_SERVICE_2017):
        return {"statusCode": status, "message": message}
    code = "temporarily_unavailable" if status == 503 else "invalid_request"
    if host in (CLOUD_SHELL, SERVICE_FABRIC):
        return {"error": {"code": code, "message": message}}
    return {"error": code, "error_description": message}
