"""Packets between a client and an upstream, both ways, until either ends.

Owns what is looked at: where each request begins, because that is when the login has to hold still, and that only
requests are sent. Attention, RESETCONNECTION and every token pass through as they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.gateway.channel import Channel
from keyless.providers.sql.tds import packets
from keyless.providers.sql.tds.packet_stream import PacketStream

#: What a client may send once it is logged in: no second login.
_REQUESTS = frozenset({packets.SQL_BATCH, packets.RPC, packets.ATTENTION, packets.BULK_LOAD, packets.TRANSACTION})


async def copy(client: Channel, upstream: Channel, check: Callable[[], None]) -> None:
    """Copy until an end; raises what ended it: Ended, Malformed, an error of a connection, or SqlError of `check`.

    Nothing is copied any more then, so that a last word can be said to the client.
    """
    ways = [
        asyncio.ensure_future(_requests(client, upstream, check)),
        asyncio.ensure_future(_answers(upstream, client)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        results = await asyncio.gather(*ways, return_exceptions=True)
    ends = [result for result in results if isinstance(result, Exception)]
    raise next((end for end in ends if isinstance(end, SqlError)), ends[0])


async def _requests(client: Channel, upstream: Channel, check: Callable[[], None]) -> None:
    stream = PacketStream(_REQUESTS)
    while True:
        found = stream.feed(await client.read())
        for packet in found:
            if packet.first and packet.type != packets.ATTENTION:
                check()
        await upstream.send(b"".join(packet.whole for packet in found))


async def _answers(upstream: Channel, client: Channel) -> None:
    while True:
        await client.send(await upstream.read())
