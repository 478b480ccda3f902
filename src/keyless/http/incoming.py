"""A request's body as it arrives: between a connection that has it and a handler that asks for it.

Owns what has come and was not asked for yet. Must not know HTTP's framing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from keyless.http.message import Body
from keyless.model.errors import invalid


class Incoming(Body):
    """One body. `more` is called when a handler waits, and when it has taken what there was."""

    __slots__ = ("_loop", "_more", "_parts", "_thrown_away", "_waiter", "broken", "complete", "size")

    def __init__(self, loop: asyncio.AbstractEventLoop, more: Callable[[], None]) -> None:
        super().__init__()
        self._loop = loop
        self._more = more
        self._parts: list[bytes] = []
        self._waiter: asyncio.Future[None] | None = None
        self._thrown_away = False
        #: How many bytes wait here.
        self.size = 0
        self.complete = False
        #: The client broke off in the middle of it.
        self.broken = False

    # for the connection

    def feed(self, data: bytes) -> None:
        if not self._thrown_away:
            self._parts.append(data)
            self.size += len(data)
            self._wake()

    def finish(self) -> None:
        self.complete = True
        self._wake()

    def break_off(self) -> None:
        self.broken = not self.complete
        self._wake()

    def throw_away(self) -> None:
        """Nobody will ask for the rest."""
        self._thrown_away = True
        self._parts.clear()
        self.size = 0

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # for the handler

    @property
    def waits(self) -> bool:
        """Whether a handler waits for what has not come."""
        return self._waiter is not None

    async def stream(self) -> AsyncIterator[bytes]:
        while True:
            if self._parts:
                parts, self._parts, self.size = self._parts, [], 0
                self._more()
                for part in parts:
                    yield part
            elif self.complete:
                return
            elif self.broken:
                raise invalid("The client broke off in the middle of the body.")
            else:
                self._waiter = self._loop.create_future()
                self._more()
                try:
                    await self._waiter
                finally:
                    self._waiter = None
