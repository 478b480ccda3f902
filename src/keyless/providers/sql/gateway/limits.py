"""How many there may be at once: connections that have not logged in, and sessions.

Owns counting them. Whoever has not logged in holds up nobody: where there are too many, the one that has been at it
longest makes room. A session beyond the limit is refused with SQL Server's number for it, at which drivers try again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from keyless.providers.sql.engine import SqlError

_SESSION_LIMIT = 10_928


@dataclass(frozen=True)
class Limits:
    """`login_seconds` are those from the first byte to the answer to LOGIN7."""

    sessions: int = 200
    strangers: int = 256
    login_seconds: float = 30.0

    @property
    def connections(self) -> int:
        """How many may be open, those that are about to end included."""
        return self.sessions + 2 * self.strangers


@dataclass
class Room:
    """What of the limits is taken."""

    limits: Limits
    _strangers: dict[asyncio.Task[None], None] = field(default_factory=dict)
    _sessions: int = 0

    def enter(self, task: asyncio.Task[None]) -> None:
        """A connection begins, served by this task."""
        if len(self._strangers) >= self.limits.strangers:
            longest = next(iter(self._strangers))
            self.leave(longest)
            longest.cancel()
        self._strangers[task] = None

    def leave(self, task: asyncio.Task[None]) -> None:
        """It has logged in, or has ended."""
        self._strangers.pop(task, None)

    @contextmanager
    def session(self) -> Iterator[None]:
        """The place of a session; raises SqlError where there is none."""
        if self._sessions >= self.limits.sessions:
            limit = self.limits.sessions
            message = f"Resource ID : 2. The session limit for the server is {limit} and has been reached: try later."
            raise SqlError(_SESSION_LIMIT, message)
        self._sessions += 1
        try:
            yield
        finally:
            self._sessions -= 1
