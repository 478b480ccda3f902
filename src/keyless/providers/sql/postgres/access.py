"""Where PostgreSQL is and how it is entered: the embedded one, and the operator's own.

Owns what the engine asks of either. Must not import PostgreSQL's driver: it is wanted before that is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from keyless.model.secretstr import SecretStr


@dataclass(frozen=True)
class Access:
    """How to reach it. `conninfo` is libpq's, without the names of user and database, and without a password.

    `secret` is what the passwords of our roles are made of; without one, whoever reaches it may be any role. `alone`
    says that nobody else has databases in there.
    """

    conninfo: str
    administrator: str
    secret: SecretStr | None = None
    alone: bool = True


class Server(Protocol):
    """PostgreSQL, running."""

    @property
    def access(self) -> Access:
        """How to reach it."""
        ...

    @property
    def alive(self) -> bool:
        """Whether it has not ended, as far as is known."""
        ...

    async def ended(self, within: float) -> bool:
        """Whether it ends by itself within so many seconds."""
        ...

    async def stop(self) -> None:
        """End it, if it is ours to end."""
        ...


class Place(Protocol):
    """Where PostgreSQL is, running or not."""

    @property
    def alone(self) -> bool:
        """As in `Access`."""
        ...

    async def start(self) -> Server:
        """Have it run; raises KeylessError where it cannot."""
        ...

    def is_backed_up(self) -> bool:
        """Whether there is something here that belongs into a backup."""
        ...

    async def back_up(self, server: Server, folder: Path) -> None:
        """Put a copy of all that is in it into a folder that is not there yet."""
        ...
