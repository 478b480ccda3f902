"""HTTP/1.1 on one connection: bytes to requests, and their answers back, in order.

Owns framing, pipelining, flow control both ways, the times that a client may take, and the end of the connection.
Must not decide anything about a request. httptools parses; a message that could be read in two ways ends the
connection.

Source: RFC 9112 (HTTP/1.1), RFC 9110 sections 7.8 and 10.1.1 (Upgrade, Expect).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import cast

import httptools

from keyless.http.alarm import Alarm
from keyless.http.answer import answer_head
from keyless.http.head import read_request
from keyless.http.hosts import Hosts
from keyless.http.incoming import Incoming
from keyless.http.message import Request, Response
from keyless.model.app import Lease
from keyless.model.errors import KeylessError

log = logging.getLogger("keyless.http")

KEEP_ALIVE_SECONDS = 75.0
#: How long a client may take to send a request's head, and how many bytes that may have.
HEAD_SECONDS = 30.0
MAX_HEAD = 64 * 1024
#: A body has to bring so many bytes in each such time in which the server takes them; else the client has gone, or
#: means harm.
BODY_SECONDS = 60.0
MIN_BODY = 1024
#: How much of a body waits for its handler before the client has to wait.
MAX_WAITING = 256 * 1024
_BUFFER = 256 * 1024
#: How long a client may take to read what lies ready for it.
READ_SECONDS = 300.0
#: How many requests a client may send before it has read an answer.
MAX_PIPELINED = 1000
#: How long a client may take to notice that its connection ends.
IDLE_SECONDS = 1.0
#: Up to this size a body is sent together with its head.
_SMALL = 16 * 1024
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_TEXT = {"Content-Type": "text/plain; charset=utf-8"}
_MALFORMED = Response(400, b"This is no request of HTTP/1.1 that can be read in one way only.\n", _TEXT)
_HEAD_TOO_LARGE = Response(431, b"", {})
_FAILED = Response(500, b"keyless failed on this request; see its log.\n", _TEXT)
_FULL = Response(503, b"Too many connections are open: try again soon.\n", {**_TEXT, "Retry-After": "5"})


@dataclass
class Service:
    """What all connections share. `new_id` names requests (`request_ids.py`)."""

    dispatch: Callable[[Request], Awaitable[Response]]
    hosts: Hosts
    new_id: Callable[[], str]
    #: Those that are open, and the requests that wait for something.
    connections: set[Http1] = field(default_factory=set)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    #: Where bytes arrive, of one connection after the other: each takes what is there before the next one reads.
    buffer: memoryview = field(default_factory=lambda: memoryview(bytearray(_BUFFER)))
    #: Set when the last connection has been closed.
    empty: asyncio.Event = field(default_factory=asyncio.Event)


class _Phase(Enum):
    """What a connection waits for."""

    IDLE = auto()
    HEAD = auto()
    BODY = auto()
    ANSWER = auto()


class _Exchange:
    """A request and what its answer has to know of it."""

    __slots__ = ("answer", "begun", "body", "chunks", "expects", "is_head", "last", "request")

    def __init__(self, body: Incoming, method: str) -> None:
        self.body = body
        self.is_head = method == "HEAD"
        #: Whether the client understands an answer in chunks.
        self.chunks = True
        #: Whether the connection ends with this.
        self.last = False
        #: Whether the client waits for a word before it sends the body.
        self.expects = False
        self.begun = False
        self.request: Request | None = None
        #: What is answered without asking anybody.
        self.answer: Response | None = None


class Http1(asyncio.BufferedProtocol):
    """One connection. Its requests carry `lease`; if there are too many connections already, it is told so."""

    def __init__(self, service: Service, lease: Lease | None = None, *, full: bool = False) -> None:
        self._service = service
        self._lease = lease
        self._full = full
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._peer = ""
        # what is being received
        self._phase = _Phase.HEAD
        self._target = b""
        self._fields: list[tuple[bytes, bytes]] = []
        self._in_head = self._head_begun = True
        self._receiving: _Exchange | None = None
        self._advanced = False
        self._idle_bytes = self._body_bytes = 0
        self._was_paused = self._reading_paused = False
        self._deaf = self._malformed = False
        self._arrival = Alarm(self._loop, self._late)
        # what is being answered
        self._waiting: deque[_Exchange] = deque()
        self._active: _Exchange | None = None
        self._writable: asyncio.Future[None] | None = None
        self._departure = Alarm(self._loop, self.abort)
        self._ending = False
        #: Nothing can be sent any more.
        self._gone = False

    # the transport's

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's does not say that it is one
        self._service.connections.add(self)
        peer = transport.get_extra_info("peername")
        self._peer = peer[0] if isinstance(peer, tuple) else ""
        self._arrival.set(HEAD_SECONDS)

    def get_buffer(self, _sizehint: int) -> memoryview:
        return self._service.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(self._service.buffer[:nbytes])

    def data_received(self, data: bytes | memoryview) -> None:
        """Take in bytes from the client."""
        if self._deaf:
            return
        self._advanced = False
        try:
            self._feed(data)
        except httptools.HttpParserError:
            self._refuse_the_rest()
        if self._receiving is not None:
            self._body_bytes += len(data)
        self._idle_bytes = 0 if self._advanced else self._idle_bytes + len(data)
        if self._idle_bytes > MAX_HEAD:
            self._break_off()
        else:
            self._go_on()

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()
        self._departure.set(READ_SECONDS)

    def resume_writing(self) -> None:
        self._departure.off()
        self._let_write()
        self._go_on()

    def connection_lost(self, _error: Exception | None) -> None:
        self._service.connections.discard(self)
        if not self._service.connections:
            self._service.empty.set()
        self._gone = self._deaf = True
        self._arrival.close()
        self._departure.close()
        self._waiting.clear()
        self._let_write()
        if self._receiving is not None:
            self._receiving.body.break_off()
        del self._parser  # which knows this connection

    def end(self) -> None:
        """Finish what is under way, then close."""
        self._ending = True
        if self._active is None and not self._waiting:
            self._hang_up()

    # the parser's

    def on_message_begin(self) -> None:
        self._target = b""
        self._fields = []
        self._head_begun = True

    def on_url(self, part: bytes) -> None:
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # trailers say nothing that counts
            self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        if len(self._waiting) > MAX_PIPELINED:
            self.abort()
            raise ValueError("too many requests at once")
        self._in_head = self._head_begun = False
        self._advanced = True
        parser, service = self._parser, self._service
        method = parser.get_method().decode("ascii")
        body = Incoming(self._loop, self._more)
        exchange = self._receiving = _Exchange(body, method)
        try:
            request = exchange.request = read_request(
                service.hosts, method, self._target, self._fields, body, service.new_id(), self._peer, self._lease
            )
        except KeylessError as error:
            exchange.answer = Response(400, f"{error.message}\n".encode(), {"Content-Type": "text/plain"})
        else:
            exchange.expects = request.headers.get("expect").lower() == "100-continue"
            if body.length != 0 and parser.should_upgrade():
                raise ValueError("what follows may be a body, or not")
        if self._full:
            exchange.answer, exchange.last = _FULL, True
        self._may_stay(exchange)
        self._waiting.append(exchange)

    def _may_stay(self, exchange: _Exchange) -> None:
        request, stays = exchange.request, self._parser.should_keep_alive()
        if (not stays or (request and "connection" in request.headers)) and self._parser.get_http_version() == "1.0":
            exchange.chunks = stays = False
        exchange.last = exchange.last or not stays

    def on_body(self, data: bytes) -> None:
        self._advanced = True
        assert self._receiving is not None
        self._receiving.body.feed(data)

    def on_message_complete(self) -> None:
        self._in_head = self._advanced = True
        exchange, self._receiving = self._receiving, None
        assert exchange is not None
        exchange.body.finish()
        self._deaf = exchange.last

    def _feed(self, data: bytes | memoryview) -> None:
        while data:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]  # an upgrade is declined by not mentioning it
            else:
                return

    # receiving

    def _go_on(self) -> None:
        """Do what can be done now: answer, read, wait."""
        if self._gone:
            return
        self._answer_next()
        if self._active is None and not self._waiting and (self._malformed or self._ending):
            if self._malformed:
                self._say(_MALFORMED)
            self._hang_up()
            return
        self._pause_or_read()
        self._watch()

    def _more(self) -> None:
        """A handler wants more of its body."""
        exchange = self._active
        if exchange is not None and exchange.expects and exchange.body.waits and not exchange.begun and not self._gone:
            exchange.expects = False
            self._transport.write(_CONTINUE)
        self._pause_or_read()

    def _pause_or_read(self) -> None:
        full = bool(self._waiting) or (self._receiving is not None and self._receiving.body.size > MAX_WAITING)
        if full:
            self._was_paused = True
        if full != self._reading_paused and not self._gone:
            self._reading_paused = full
            if full:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def _watch(self) -> None:
        """Set the time for what the connection waits for, if that has changed."""
        if self._receiving is not None:
            phase, seconds = _Phase.BODY, BODY_SECONDS
        elif self._head_begun and not self._reading_paused:
            phase, seconds = _Phase.HEAD, HEAD_SECONDS
        elif self._active is not None or self._waiting:
            phase, seconds = _Phase.ANSWER, 0.0
        else:
            phase, seconds = _Phase.IDLE, KEEP_ALIVE_SECONDS
        if phase is not self._phase:
            self._phase = phase
            if phase is not _Phase.ANSWER:
                self._arrival.set(seconds)
                self._body_bytes, self._was_paused = 0, self._reading_paused

    def _late(self) -> None:
        if self._phase is _Phase.ANSWER:
            return
        if self._phase is _Phase.IDLE:
            self._hang_up()
        elif self._phase is _Phase.BODY and (self._body_bytes >= MIN_BODY or self._was_paused):
            self._body_bytes, self._was_paused = 0, self._reading_paused
            self._arrival.set(BODY_SECONDS)
        else:
            self.abort()

    # answering

    def _answer_next(self) -> None:
        if self._active is None and self._waiting and self._writable is None:
            self._active = self._waiting.popleft()
            task = self._loop.create_task(self._answer(self._active))
            self._service.tasks.add(task)
            task.add_done_callback(self._service.tasks.discard)

    async def _answer(self, exchange: _Exchange) -> None:
        try:
            response = exchange.answer
            if response is None:
                assert exchange.request is not None
                response = await self._service.dispatch(exchange.request)
            if exchange.body.broken or self._gone:
                await _discard(response.body)
            elif isinstance(response.body, bytes):
                self._write_whole(exchange, response, response.body)
            else:
                await self._write_stream(exchange, response, response.body)
        except Exception as error:
            ident = exchange.request.request_id if exchange.request else "-"
            log.error("the answer to %s broke off: %s", ident, type(error).__name__)
            exchange.last = True
            if not exchange.begun:
                self._say(_FAILED)
        except asyncio.CancelledError:
            self.abort()
            raise
        finally:
            self._active = None
            exchange.body.throw_away()
            if exchange.last:
                self._close()
            self._go_on()

    def _write_whole(self, exchange: _Exchange, response: Response, body: bytes) -> None:
        # a HEAD answer says the length that the GET would have
        head = self._head(exchange, response, len(body) if response.length is None else response.length)
        if exchange.is_head:
            self._transport.write(head)
        elif len(body) <= _SMALL:
            self._transport.write(head + body)
        else:
            self._transport.writelines((head, body))

    async def _write_stream(self, exchange: _Exchange, response: Response, body: AsyncIterator[bytes]) -> None:
        left = response.length
        try:
            self._transport.write(self._head(exchange, response, left))
            if exchange.is_head:
                return
            async for chunk in body:
                if self._writable is not None:
                    await self._writable
                if self._gone:
                    return
                if left is not None:
                    left -= len(chunk)
                    if left < 0:
                        raise ValueError("a body longer than it said")
                    self._transport.write(chunk)
                elif exchange.chunks and chunk:
                    self._transport.writelines((b"%x\r\n" % len(chunk), chunk, b"\r\n"))
                else:
                    self._transport.write(chunk)
            if left:
                raise ValueError("a body shorter than it said")
            if left is None and exchange.chunks:
                self._transport.write(b"0\r\n\r\n")
        finally:
            await _discard(body)

    def _head(self, exchange: _Exchange, response: Response, length: int | None) -> bytes:
        if exchange.expects and not exchange.body.complete:
            exchange.last = True  # who was not told to go on may leave the body out, or send it after all
        if (length is None and not exchange.chunks) or (self._ending and not self._waiting):
            exchange.last = True
        head = answer_head(
            response.status,
            response.headers,
            int(time.time()),
            length=length,
            chunked=exchange.chunks and not exchange.is_head,
            close=exchange.last,
        )
        exchange.begun = True
        return head

    def _say(self, response: Response) -> None:
        """The last that this client is told."""
        assert isinstance(response.body, bytes)
        length = len(response.body)
        now = int(time.time())
        head = answer_head(response.status, response.headers, now, length=length, chunked=False, close=True)
        if not self._gone:
            self._transport.write(head + response.body)

    # the end

    def _refuse_the_rest(self) -> None:
        """Nothing more can be read; what was read whole is answered first."""
        if self._deaf:
            return  # what comes after the last request
        self._deaf = self._malformed = self._in_head = True
        self._head_begun = False
        broken, self._receiving = self._receiving, None
        if broken is not None:
            broken.body.break_off()
            if self._waiting and self._waiting[-1] is broken:
                self._waiting.pop()

    def _break_off(self) -> None:
        """The client sends and sends, and gets no further."""
        if self._in_head and self._active is None and not self._waiting:
            self._say(_HEAD_TOO_LARGE)
        self._hang_up()

    def _close(self) -> None:
        """Send what has been written, and then nothing more."""
        if not self._gone:
            self._gone = self._deaf = True
            self._waiting.clear()
            self._transport.close()

    def _hang_up(self) -> None:
        """Close, and do not wait for a client who may never say goodbye."""
        self._close()
        self._loop.call_later(IDLE_SECONDS, self.abort)

    def abort(self) -> None:
        """Close at once."""
        self._gone = self._deaf = True
        self._transport.abort()

    def _let_write(self) -> None:
        if self._writable is not None:
            self._writable.set_result(None)
            self._writable = None


async def _discard(body: bytes | AsyncIterator[bytes]) -> None:
    close = getattr(body, "aclose", None)
    if close is not None:
        await close()
