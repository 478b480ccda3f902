"""The requests of a session: one after the other, each answered whole, and the attention that may come in between.

Owns the order of requests and answers. What a request says is `procedures`' and the engine's.
Source: [MS-TDS] 3.3.5.7 to 3.3.5.9 (server: logged in, client request execution, attention).
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import struct
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TypeVar

from keyless.providers.sql.engine import Done as Ending
from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.gateway import bulk
from keyless.providers.sql.gateway.answers import Answer
from keyless.providers.sql.gateway.channel import Channel, Ended
from keyless.providers.sql.gateway.logins import Admitted
from keyless.providers.sql.gateway.procedures import Procedures
from keyless.providers.sql.tds import packets, tokens
from keyless.providers.sql.tds.packets import Message
from keyless.providers.sql.tds.reader import Malformed
from keyless.providers.sql.tds.requests import (
    TransactionRequest,
    Work,
    read_batch,
    read_calls,
    read_transaction_request,
)
from keyless.providers.sql.tds.tokens import Change, Done, Status

_T = TypeVar("_T")

log = logging.getLogger("keyless.sql")

#: How long an engine may take to stop, and a client to take the last of what it is sent.
STOP_SECONDS = 5.0
#: A message of this size is read in a thread of its own: it may consist of very many small parts.
_LARGE = 256 * 1024
_MALFORMED = 4002
_OVERFLOW = 8115
_INTERNAL = 596


class Requests:
    """The requests of a session, of which one is answered at a time.

    One task reads all along, because what comes in the middle of an answer may be an attention, or the end.
    """

    def __init__(self, channel: Channel, admitted: Admitted, size: int) -> None:
        self._channel = channel
        self._admitted = admitted
        self._session = admitted.session
        self._size = size
        self._procedures = Procedures(admitted.session)
        self._told = 0
        self._bulk = ""
        self._waiting: asyncio.Queue[Message | None] = asyncio.Queue(1)
        self._requests_waiting = 0
        self._answer_now: Answer | None = None
        self._interrupted = False
        self._lost: Exception | None = None

    async def serve(self) -> None:
        """One after the other, until the client goes or the session is over."""
        serving = asyncio.current_task()
        assert serving is not None
        reading = asyncio.create_task(self._read(serving))
        try:
            goes_on = True
            while goes_on and (message := await self._next()) is not None:
                goes_on = message.ignored or await self._do(message)
        except asyncio.CancelledError:
            if self._lost is None:
                raise
            serving.uncancel()  # it was the reading task that wanted this end
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        if self._lost is not None:
            raise self._lost

    async def _next(self) -> Message | None:
        message = await self._waiting.get()
        if message is not None:
            self._requests_waiting -= _asks(message)
        return message

    async def _read(self, serving: asyncio.Task[None]) -> None:
        """Hand on what comes, one message ahead of the answer at most."""
        try:
            while True:
                message = await self._channel.receive()
                if message.type == packets.ATTENTION and (self._answer_now is not None or self._requests_waiting):
                    await self._interrupt(serving)
                else:
                    self._requests_waiting += _asks(message)
                    await self._waiting.put(message)
        except Exception as error:
            self._lost = error
            if self._answer_now is not None:
                await self._session.cancel()
                serving.cancel()
            else:
                await self._waiting.put(None)

    async def _interrupt(self, serving: asyncio.Task[None]) -> None:
        """Have the engine stop; one that does not loses the session."""
        self._interrupted = True
        answer = self._answer_now
        if answer is not None:
            answer.silence()
            asyncio.get_running_loop().call_later(STOP_SECONDS, self._give_up, answer, serving)
            await self._session.cancel()

    def _give_up(self, answer: Answer, serving: asyncio.Task[None]) -> None:
        if self._answer_now is answer:
            self._lost = Ended()
            serving.cancel()

    async def _do(self, message: Message) -> bool:
        """Answer one request; whether the session goes on."""
        if message.type == packets.ATTENTION:
            await self._attended()
            return True
        answer = Answer(self._channel, self._size, self._admitted.server, self._told, self._session)
        self._answer_now = answer
        try:
            if self._interrupted:
                answer.silence()
                await answer.end()
            else:
                await self._answer(message, answer)
        finally:
            self._answer_now = None
        self._told = answer.told
        if self._interrupted:
            self._interrupted = False
            await self._attended()
        return not answer.fatal

    async def _attended(self) -> None:
        """Say that the attention was noticed: in a message of its own, or one driver waits for it in vain."""
        await self._channel.send(packets.message(packets.REPLY, tokens.done(Done.DONE, Status.ATTENTION), self._size))

    async def _answer(self, message: Message, answer: Answer) -> None:
        """Answer one request; every failure is said within the answer."""
        try:
            self._admitted.check()
            if message.reset:
                self._procedures.forget()
                await self._session.reset(keep_transaction=message.keep_transaction)
                await answer.token(tokens.bytes_change(Change.RESET))
            await self._handle(message, answer)
        except SqlError as error:
            await self._failed(answer, error)
        except Malformed as error:
            await self._failed(answer, SqlError(_MALFORMED, f"The request is not understood: {error}.", severity=20))
        except (OverflowError, ValueError, struct.error):
            await self._failed(answer, SqlError(_OVERFLOW, "A value of the result does not fit into its type."))
        except (Ended, OSError, ssl.SSLError):
            raise
        except Exception as error:
            # its text may quote what it failed on
            log.error("a request failed: %s", type(error).__name__, exc_info=log.isEnabledFor(logging.DEBUG))
            await self._failed(answer, SqlError(_INTERNAL, "The server failed at this request.", severity=20))
        await answer.end()

    async def _failed(self, answer: Answer, error: SqlError) -> None:
        await answer.error(error)
        await answer.done(Done.DONE, Status.ERROR)

    async def _handle(self, message: Message, answer: Answer) -> None:
        match message.type:
            case packets.SQL_BATCH:
                text = await _read(read_batch, message.body)
                if bulk.begins(text):
                    self._bulk = text
                    await answer.done(Done.DONE)
                else:
                    await self._batch(text, answer)
            case packets.RPC:
                for call in await _read(read_calls, message.body):
                    await self._procedures.call(call, answer)
            case packets.TRANSACTION:
                await self._transaction(read_transaction_request(message.body), answer)
            case packets.BULK_LOAD:
                statement, self._bulk = self._bulk, ""
                async with aclosing(self._parts(message)) as parts:
                    try:
                        await bulk.load(self._session, statement, parts, answer)
                    except (SqlError, Malformed, ValueError):
                        async for _ in parts:  # the client reads no answer before it has sent all
                            pass
                        raise
            case _:
                raise Malformed("that message has no place after the login")

    async def _parts(self, message: Message) -> AsyncGenerator[Message, None]:
        """A message that loads rows, as it comes."""
        yield message
        while not message.last:
            message = await self._next_part()
            yield message

    async def _next_part(self) -> Message:
        message = await self._next()
        if message is None:
            raise Ended
        return message

    async def _batch(self, text: str, answer: Answer) -> None:
        events = self._session.run(text)
        ended = False
        try:
            async for event in events:
                await answer.event(event, Done.DONE)
                ended = isinstance(event, Ending)
        finally:
            await events.aclose()
        if not ended:
            await answer.done(Done.DONE)

    async def _transaction(self, asked: TransactionRequest, answer: Answer) -> None:
        match asked.work:
            case Work.BEGIN:
                await self._session.begin(asked.isolation, asked.begin_name)
            case Work.COMMIT:
                await self._session.commit(asked.name)
            case Work.ROLLBACK:
                await self._session.rollback(asked.name)
            case Work.SAVE:
                await self._session.save(asked.name)
        if asked.begin:
            await self._session.begin(asked.isolation, asked.begin_name)
        await answer.done(Done.DONE)


def _asks(message: Message) -> bool:
    """Whether it is a request that an attention may stop; one that its client has taken back is none."""
    return message.type != packets.ATTENTION and not message.ignored


async def _read(read: Callable[[bytes], _T], body: bytes) -> _T:
    return await asyncio.to_thread(read, body) if len(body) > _LARGE else read(body)
