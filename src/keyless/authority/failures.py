"""How often somebody may fail to prove itself: against guessing.

Owns the count. What is counted, a client at an address or a person's name, is the caller's choice of a key; a key that
nobody can make others fail under locks nobody out.

Source: NIST SP 800-63B, section 5.2.2 (rate limiting).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from keyless.model.clock import Clock
from keyless.model.errors import ErrorKind, KeylessError

MAX_KEYS = 10_000


@dataclass
class Failures:
    """At most `limit` failures for each key in a window of `seconds`, which begins with the first."""

    clock: Clock
    limit: int = 10
    seconds: float = 60.0
    _counts: dict[str, tuple[float, int]] = field(default_factory=dict, repr=False)

    def check(self, key: str) -> None:
        """Raise THROTTLED if this key has failed too often."""
        ends, count = self._current(key)
        if count >= self.limit:
            wait = max(1, int(ends - self.clock()) + 1)
            raise KeylessError(
                ErrorKind.THROTTLED, f"Too many failed attempts: try again in {wait} seconds.", retry_after=wait
            )

    def add(self, key: str) -> None:
        """Count a failure. Beyond `MAX_KEYS` keys the oldest one is forgotten."""
        ends, count = self._current(key)
        self._counts.pop(key, None)
        while len(self._counts) >= MAX_KEYS:
            del self._counts[next(iter(self._counts))]
        self._counts[key] = (ends, count + 1)

    def forget(self, key: str) -> None:
        """It has succeeded."""
        self._counts.pop(key, None)

    def _current(self, key: str) -> tuple[float, int]:
        now = self.clock()
        ends, count = self._counts.get(key, (0.0, 0))
        return (ends, count) if ends > now else (now + self.seconds, 0)
