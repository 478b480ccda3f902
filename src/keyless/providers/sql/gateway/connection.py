"""The life of one connection: greeting, login, requests, end.

Owns the order of messages until somebody is known; `requests` has what follows. Source: [MS-TDS] 3.3 (server details).
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from contextlib import ExitStack

from keyless.model.secretstr import SecretStr
from keyless.providers.sql.engine import Engine, SqlError
from keyless.providers.sql.gateway.channel import Channel, Contexts, Ended
from keyless.providers.sql.gateway.limits import Room
from keyless.providers.sql.gateway.logins import Admitted, Logins, Relayed, no_password
from keyless.providers.sql.gateway.requests import STOP_SECONDS, Requests
from keyless.providers.sql.gateway.tls import Tls
from keyless.providers.sql.relay.copying import copy
from keyless.providers.sql.tds import collations, packets, prelogin, tokens
from keyless.providers.sql.tds.login7 import OLDEST, FedAuth, Login7, read_login7, read_token
from keyless.providers.sql.tds.login7_request import read_request
from keyless.providers.sql.tds.login_answer import handed_on
from keyless.providers.sql.tds.packets import Message
from keyless.providers.sql.tds.reader import Malformed
from keyless.providers.sql.tds.tokens import Change, Done, Status

log = logging.getLogger("keyless.sql")

_FEATURE_FEDAUTH, _FEATURE_UTF8 = 0x02, 0x0A


class Connection:
    """One client."""

    def __init__(self, channel: Channel, contexts: Contexts, logins: Logins, engine: Engine, room: Room) -> None:
        self._channel = channel
        self._contexts = contexts
        self._logins = logins
        self._engine = engine
        self._room = room
        self._places = ExitStack()
        self._size = packets.DEFAULT_SIZE

    async def run(self) -> None:
        """From beginning to end; what the other end does wrong ends it."""
        with self._places:
            await self._run()

    async def _run(self) -> None:
        try:
            async with asyncio.timeout(self._room.limits.login_seconds):
                admitted = await self._enter()
            if admitted is not None:
                try:
                    await self._serve(admitted)
                finally:
                    await _leave(admitted)
        except (Malformed, ssl.SSLError) as error:
            log.info("a connection ended: %s", error)
        except (Ended, OSError, TimeoutError):
            pass

    async def _enter(self) -> Admitted | Relayed | None:
        strict = await self._channel.begin(self._contexts)
        asked = prelogin.read_prelogin((await self._expect(packets.PRELOGIN)).body)
        answer, goes_on = prelogin.answer(asked, strict=strict)
        await self._send(answer)
        if not goes_on:
            return None
        if not strict:
            await self._channel.encrypt_within(Tls(self._contexts.within))
        body = (await self._expect(packets.LOGIN7)).body
        login = read_login7(body)
        try:
            admitted = await self._admit(login, body)
        except SqlError as error:
            await self._refuse(login, error)
            return None
        try:
            self._known()
            if isinstance(admitted, Relayed):
                await self._send(handed_on(admitted.opened.answer, _spoken(login, strict=strict)))
            else:
                await self._welcome(login, admitted, strict=strict)
        except BaseException:
            await _leave(admitted)
            raise
        return admitted

    def _known(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._room.leave(task)
        self._channel.known()

    async def _serve(self, admitted: Admitted | Relayed) -> None:
        if isinstance(admitted, Admitted):
            await Requests(self._channel, admitted, self._size).serve()
            return
        try:
            await copy(self._channel, admitted.opened.channel, admitted.check)
        except SqlError as error:  # the login does not hold any more
            await self._send(_failure(error, admitted.server))

    async def _admit(self, login: Login7, body: bytes) -> Admitted | Relayed:
        if login.fedauth is None or (login.version < OLDEST and login.version != tokens.TDS_8_0):
            raise no_password(login.user)
        token = login.token or await self._asked_token(login)
        self._places.enter_context(self._room.session())
        return await self._logins.admit(self._engine, login, token, read_request(body))

    async def _asked_token(self, login: Login7) -> SecretStr:
        """The token of a client that first wants to know where to get it."""
        assert login.fedauth is FedAuth.ADAL
        await self._send(tokens.fedauth_info(*self._logins.authority(login)))
        return read_token((await self._expect(packets.FEDAUTH_TOKEN)).body)

    async def _refuse(self, login: Login7, error: SqlError) -> None:
        await self._send(_failure(error, login.server))

    async def _welcome(self, login: Login7, admitted: Admitted, *, strict: bool) -> None:
        database = login.database or "master"
        collation = collations.UTF8 if login.utf8 else collations.LATIN1
        size = packets.agreed_size(login.packet_size)
        acknowledged = {_FEATURE_FEDAUTH: b""} | ({_FEATURE_UTF8: b"\x01"} if login.utf8 else {})
        server = admitted.server
        parts = (
            tokens.text_change(Change.DATABASE, database, "master"),
            tokens.said(5701, 2, 0, f"Changed database context to '{database}'.", server, 1),
            tokens.bytes_change(Change.COLLATION, collation),
            tokens.text_change(Change.LANGUAGE, "us_english"),
            tokens.said(5703, 1, 0, "Changed language setting to us_english.", server, 1),
            tokens.login_ack(_spoken(login, strict=strict)),
            tokens.text_change(Change.PACKET_SIZE, str(size), str(packets.DEFAULT_SIZE)),
            tokens.features(acknowledged),
            tokens.done(Done.DONE, Status.FINAL),
        )
        await self._send(b"".join(parts))
        self._size = size

    async def _expect(self, kind: int) -> Message:
        message = await self._channel.receive()
        if message.type != kind:
            raise Malformed("another message was expected")
        return message

    async def _send(self, body: bytes) -> None:
        await self._channel.send(packets.message(packets.REPLY, body, self._size))


async def _leave(admitted: Admitted | Relayed) -> None:
    if isinstance(admitted, Admitted):
        await admitted.session.close()
    else:
        await admitted.opened.channel.close(STOP_SECONDS)


def _failure(error: SqlError, server: str) -> bytes:
    said = tokens.said(error.number, error.state, error.severity, error.message, server, error.line)
    return said + tokens.done(Done.DONE, Status.ERROR)


def _spoken(login: Login7, *, strict: bool) -> int:
    """The version that LOGINACK tells."""
    return tokens.TDS_8_0 if strict and login.version == tokens.TDS_8_0 else tokens.TDS_7_4
