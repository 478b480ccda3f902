"""The instance as a resource provider: a backup of the whole of it.

Owns this REST operation: the answer to a POST is the archive, as a stream. Must not know what is in it. The cloud has
nothing of the kind; there, its operator makes the backups.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from keyless.http.message import Response
from keyless.http.surface import Call, Operation
from keyless.management.arm import ArmPath, at_subscription
from keyless.model.access import Permission, Requirement
from keyless.model.errors import not_found
from keyless.store.backup import Backup

NAMESPACE = "Keyless.Instance"
_BACKUP = f"{NAMESPACE}/backup/action"


@dataclass(frozen=True)
class InstanceRouter:
    """Serves `{subscription}/providers/Keyless.Instance/backup`."""

    backup: Callable[[], Awaitable[Backup]]

    def route(self, method: str, path: ArmPath) -> Operation:
        """See `management.surface.Router`."""
        if (method, tuple(word.lower() for word in path.rest)) != ("POST", ("backup",)):
            raise not_found(f"There is no {method} {NAMESPACE}/{'/'.join(path.rest)} here.", "InvalidResourceType")
        needed = Requirement(at_subscription(path).scope, (Permission(_BACKUP),))
        # it changes nothing; but that somebody took everything with them is known before they have it
        return Operation(_BACKUP, self._backup, (needed,), changes=True)

    async def _backup(self, _call: Call) -> Response:
        archive = await self.backup()
        return Response(200, archive, {"Content-Type": "application/octet-stream"}, length=archive.size)
