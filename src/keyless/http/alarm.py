"""A deadline that moves with every request, and mostly is not reached.

Owns one timer of the event loop. To move the deadline further away, which is what nearly always happens, touches no
timer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf


class Alarm:
    """Calls `ring` when the time that was set last is over."""

    __slots__ = ("_at", "_loop", "_ring", "_timer", "_timer_at")

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        self._loop = loop
        self._ring = ring
        self._at = self._timer_at = inf
        self._timer: asyncio.TimerHandle | None = None

    def set(self, seconds: float) -> None:
        """Ring in so many seconds, and not when it was said before."""
        self._at = self._loop.time() + seconds
        if self._at < self._timer_at:
            self._start()

    def off(self) -> None:
        """Do not ring."""
        self._at = inf

    def close(self) -> None:
        """Never ring again."""
        self._at = inf
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = self._loop.call_at(self._at, self._due), self._at

    def _due(self) -> None:
        self._timer, self._timer_at = None, inf
        if self._at == inf:
            return
        if self._at > self._loop.time():
            self._start()
            return
        self._at = inf
        self._ring()
