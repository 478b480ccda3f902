"""The way into an upstream: TCP, TLS in either of its two places, and LOGIN7 with a user and a password.

Owns what goes wrong on that way. A password goes only to who has proved the upstream's name in TLS. A server that sends
its clients on, as Azure SQL does, is followed.
Source: [MS-TDS] 3.2.5 (client details), 2.2.7.9 (ENVCHANGE 20, routing).
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, replace

from keyless.model.secretstr import SecretStr
from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.gateway.channel import Channel, Ended
from keyless.providers.sql.gateway.sockets import keep_alive
from keyless.providers.sql.gateway.tls import Tls
from keyless.providers.sql.tds import packets, prelogin_request
from keyless.providers.sql.tds.login7_request import LoginRequest, write_login7
from keyless.providers.sql.tds.login_answer import LoginAnswer, read_login_answer
from keyless.providers.sql.tds.reader import Malformed
from keyless.providers.sql.tds.tokens import TDS_7_4, TDS_8_0
from keyless.providers.sql.upstreams import Upstream

#: Less than drivers wait by themselves, so that they show why.
SECONDS = 10.0
MAX_ROUTES = 3
_UNREACHABLE, _LOGIN_FAILED = 40_613, 18_456


@dataclass(frozen=True)
class Opened:
    """A connection whose login has been answered."""

    channel: Channel
    answer: LoginAnswer


async def log_in(
    upstream: Upstream, context: ssl.SSLContext, user: str, password: SecretStr, asked: LoginRequest
) -> Opened:
    """Connect, and log in as the client asked to, but as this user; raises SqlError where there is no answer."""
    at = upstream
    try:
        async with asyncio.timeout(SECONDS):
            for _ in range(MAX_ROUTES + 1):
                opened = await _log_in(at, context, user, password, asked)
                if opened.answer.route is None:
                    return opened
                await opened.channel.close(0)
                at = replace(upstream, host=opened.answer.route.host, port=opened.answer.route.port)
    except ssl.SSLCertVerificationError as error:
        raise SqlError(
            _LOGIN_FAILED,
            f"The certificate of the upstream {at} is not to be trusted ({error.verify_message}): name its authority"
            " with `keyless sql create --upstream-ca`.",
            severity=14,
        ) from None
    except (ssl.SSLError, Malformed, Ended):
        raise _unreachable(at, "does not speak SQL Server's protocol over TLS") from None
    except TimeoutError:
        raise _unreachable(at, "does not answer in time") from None
    except OSError as error:
        raise _unreachable(at, f"cannot be reached ({error.strerror or 'its name is not known'})") from None
    raise _unreachable(upstream, "sends its clients on without end")


async def _log_in(at: Upstream, context: ssl.SSLContext, user: str, password: SecretStr, asked: LoginRequest) -> Opened:
    reader, writer = await asyncio.open_connection(at.host, at.port)
    keep_alive(writer.get_extra_info("socket"))
    channel = Channel(reader, writer, packets.REPLIES)
    try:
        await _encrypt(channel, at, context)
        request = replace(asked, server=at.host, user=user, password=password, version=_version(at, asked))
        await channel.send(packets.message(packets.LOGIN7, write_login7(request)))
        answer = read_login_answer((await channel.receive()).body)
    except BaseException:
        await channel.close(0)
        raise
    return Opened(channel, answer)


async def _encrypt(channel: Channel, at: Upstream, context: ssl.SSLContext) -> None:
    tls = Tls(context, at.host)
    if at.strict:
        await channel.encrypt_first(tls)
    await channel.send(packets.message(packets.PRELOGIN, prelogin_request.ask(strict=at.strict, token=False)))
    answer = (await channel.receive()).body
    if at.strict:
        return
    if not prelogin_request.is_encrypted(answer):
        raise Malformed("it does not encrypt")
    await channel.encrypt_within(tls)


def _version(at: Upstream, asked: LoginRequest) -> int:
    """The client's, if it is older than what goes with the way that TLS is done there."""
    if asked.version != TDS_8_0 and asked.version < TDS_7_4:
        return asked.version
    return TDS_8_0 if at.strict else TDS_7_4


def _unreachable(at: Upstream, why: str) -> SqlError:
    return SqlError(_UNREACHABLE, f"The upstream {at} {why}: see to it, then connect again.", severity=17)
