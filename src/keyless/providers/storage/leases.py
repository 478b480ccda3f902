"""Leases: the states that one goes through, and what may be done in each.

Owns the rules of acquiring, renewing, changing, releasing and breaking, and of using a leased blob or container.
Pure: the time is handed in, and a lease is a value.

Source: Azure Storage REST API, "Lease Blob" and "Lease Container", with their tables of states and outcomes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from math import ceil
from uuid import UUID

from keyless.model.errors import ErrorKind, KeylessError, conflict, invalid

INFINITE = -1
SHORTEST, LONGEST = 15, 60


class State(Enum):
    """What a lease is at a moment; the values are the protocol's own."""

    AVAILABLE = "available"
    LEASED = "leased"
    EXPIRED = "expired"
    BREAKING = "breaking"
    BROKEN = "broken"

    @property
    def locked(self) -> bool:
        """Whether the lease's ID is needed for a write."""
        return self in {State.LEASED, State.BREAKING}


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that was acquired. `until` is when it ends, or has been broken; None for one without end.

    `seconds` is its duration, `INFINITE` or 15 to 60. Times are Unix seconds.
    """

    id: str
    seconds: int
    until: float | None
    broken: bool = False

    @property
    def duration(self) -> str:
        """As the protocol says it."""
        return "infinite" if self.seconds == INFINITE else "fixed"


def state_of(lease: Lease | None, now: float) -> State:
    """The state of a lease; None stands for one that was never acquired, or was released."""
    if lease is None:
        return State.AVAILABLE
    over = lease.until is not None and now >= lease.until
    if lease.broken:
        return State.BROKEN if over else State.BREAKING
    return State.EXPIRED if over else State.LEASED


def read_lease_id(text: str, name: str) -> str:
    """A lease ID in its one form; raises INVALID, naming the header."""
    try:
        return str(UUID(text))
    except ValueError:
        raise invalid(f"The header {name} must be a GUID.", "InvalidHeaderValue") from None


def acquire(lease: Lease | None, now: float, proposed: str, seconds: int) -> Lease:
    """A new lease, or the same one for another duration; raises CONFLICT while it is somebody else's."""
    state = state_of(lease, now)
    if lease is not None and state.locked and lease.id != proposed:
        raise conflict("There is a lease already.", "LeaseAlreadyPresent")
    if state is State.BREAKING:
        raise conflict("The lease is being broken: acquire it when that is over.", "LeaseIsBreakingAndCannotBeAcquired")
    return Lease(proposed, seconds, _end(now, seconds))


def renew(lease: Lease | None, now: float, given: str) -> Lease:
    """The lease for its duration again, even after it has expired; raises CONFLICT."""
    mine = _mine(lease, given)
    if mine.broken:
        raise conflict("The lease was broken: acquire a new one.", "LeaseIsBrokenAndCannotBeRenewed")
    return replace(mine, until=_end(now, mine.seconds))


def change(lease: Lease | None, now: float, given: str, proposed: str) -> Lease:
    """The lease under another ID; raises CONFLICT."""
    state = state_of(lease, now)
    if lease is None or not state.locked:
        raise conflict("There is no lease to change.", "LeaseNotPresentWithLeaseOperation")
    if lease.id not in {given, proposed}:
        raise _mismatch()
    if state is State.BREAKING:
        raise conflict("The lease is being broken and cannot be changed.", "LeaseIsBreakingAndCannotBeChanged")
    return replace(lease, id=proposed)


def release(lease: Lease | None, given: str) -> Lease | None:
    """No lease any more: by its ID it may be given up in any state; raises CONFLICT."""
    _mine(lease, given)
    return None


def break_lease(lease: Lease | None, now: float, period: int | None) -> Lease:
    """The lease as it is being broken; raises CONFLICT if there is none.

    A lease with an end is broken at it, or after `period` if that is sooner; one without, after `period` or at once.
    """
    if lease is None:
        raise conflict("There is no lease to break.", "LeaseNotPresentWithLeaseOperation")
    asked = None if period is None else float(period)
    if lease.until is None:
        wait = asked or 0.0
    else:
        remaining = max(0.0, lease.until - now)
        wait = remaining if asked is None else min(remaining, asked)
    return replace(lease, broken=True, until=now + wait)


def seconds_left(lease: Lease, now: float) -> int:
    """Whole seconds until a lease that is being broken is at its end."""
    return 0 if lease.until is None else max(0, ceil(lease.until - now))


def check_read(lease: Lease | None, now: float, given: str, what: str) -> None:
    """Raise PRECONDITION if a lease ID comes with a request (else it is empty) and is not that of a lease in force.

    `what` is `Blob` or `Container`, as the codes of the protocol have it.
    """
    if not given:
        return
    locked = state_of(lease, now).locked
    if lease is not None and lease.id == given:
        if not locked:
            raise _precondition("The lease has ended: acquire it again.", "LeaseLost")
    elif locked:
        raise _precondition(
            "The lease ID of the request is not that of the lease.", f"LeaseIdMismatchWith{what}Operation"
        )
    else:
        raise _precondition("There is no lease: send no lease ID.", f"LeaseNotPresentWith{what}Operation")


def check_write(lease: Lease | None, now: float, given: str, what: str) -> None:
    """The same, and a lease in force makes its ID necessary."""
    if not given and state_of(lease, now).locked:
        raise _precondition("There is a lease: its ID has to come with the request.", "LeaseIdMissing")
    check_read(lease, now, given, what)


def after_write(lease: Lease | None, now: float) -> Lease | None:
    """What a write leaves of a lease: one that has ended cannot be renewed any more."""
    return lease if state_of(lease, now).locked else None


def _end(now: float, seconds: int) -> float | None:
    return None if seconds == INFINITE else now + seconds


def _mine(lease: Lease | None, given: str) -> Lease:
    if lease is None or lease.id != given:
        raise _mismatch()
    return lease


def _mismatch() -> KeylessError:
    return conflict("The lease ID of the request is not that of the lease.", "LeaseIdMismatchWithLeaseOperation")


def _precondition(message: str, code: str) -> KeylessError:
    return KeylessError(ErrorKind.PRECONDITION, message, code=code)
