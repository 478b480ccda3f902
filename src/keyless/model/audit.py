"""What the audit log keeps, and the port to it.

Owns the record's shape. Must hold who, what, where and why; never a token, a secret or a value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass  # not frozen: one is made for every request, and that would make it three times as dear
class AuditEvent:
    """One decision: who wanted what, where, and why it was allowed or denied."""

    request_id: str
    surface: str
    operation: str
    scope: str
    action: str
    principal_id: str
    principal_name: str
    decision: str  # "allowed" or "denied"
    reason: str


class Audit(Protocol):
    """Where decisions are kept. See `store/audit.py`."""

    async def decision(self, event: AuditEvent, *, durable: bool) -> None:
        """Keep the event; if `durable`, return only when it is on the disk. Raises UNAVAILABLE if it cannot."""
        ...

    def outcome(self, event: AuditEvent, status: int) -> None:
        """Note how a change that was allowed ended."""
        ...
