"""Bad days, for those who asked for one: what an instance meets that was started with `keyless run --fault`.

Owns which of its requests for a token are refused or delayed, and how soon its tokens end. The same requests get the
same trouble each time: they are counted for each instance, from the server's start. An instance without faults is
never troubled.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from keyless.model.app import Lease
from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.hosts import EXPIRE_SOON, SLOW, THROTTLE, UNAVAILABLE
from keyless.workload.instances import MAX_INSTANCES

#: Of so many requests the first is throttled.
THROTTLED_OF = 3
RETRY_AFTER = 1
#: How long an answer is held back, in seconds.
SLOW_SECONDS = 3.0
#: How long a token lives that ends soon, in seconds: clients renew it in its last five minutes.
SHORT_LIFE = 360


@dataclass
class Faults:
    """Troubles instances. `sleep` waits for some seconds."""

    sleep: Callable[[float], Awaitable[None]]
    _counts: dict[str, int] = field(default_factory=dict)

    async def trouble(self, lease: Lease) -> None:
        """What one request for a token meets: nothing, a delay, or UNAVAILABLE, INTERNAL or THROTTLED."""
        if not lease.faults:
            return
        count = self._counted(lease.id)
        if SLOW in lease.faults:
            await self.sleep(SLOW_SECONDS)
        if UNAVAILABLE in lease.faults and count <= 2:
            kind = ErrorKind.UNAVAILABLE if count == 1 else ErrorKind.INTERNAL
            raise KeylessError(kind, _because(UNAVAILABLE))
        if THROTTLE in lease.faults and count % THROTTLED_OF == 1:
            raise KeylessError(ErrorKind.THROTTLED, _because(THROTTLE), retry_after=RETRY_AFTER)

    def _counted(self, lease_id: str) -> int:
        count = self._counts.pop(lease_id, 0) + 1
        if len(self._counts) >= MAX_INSTANCES:
            del self._counts[next(iter(self._counts))]
        self._counts[lease_id] = count
        return count


def longest_life(lease: Lease) -> int | None:
    """How long the instance's tokens may live at most, in seconds; None where only the server's setting says."""
    return SHORT_LIFE if EXPIRE_SOON in lease.faults else None


def _because(fault: str) -> str:
    return f"This instance was started with `--fault {fault}`: try again."
