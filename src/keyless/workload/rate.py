"""How often one instance may ask: a token bucket for each key.

Owns counting. Pure but for its own memory, which is bounded.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from keyless.model.clock import Clock

MAX_KEYS = 20_000


@dataclass
class RateLimit:
    """Allows `per_second` on average, and as many at once after a pause."""

    per_second: float
    clock: Clock
    _buckets: dict[Hashable, tuple[float, float]] = field(default_factory=dict)

    def allows(self, key: Hashable) -> bool:
        """Count one request; False when it is over the rate."""
        now = self.clock()
        left, since = self._buckets.pop(key, (self.per_second, now))
        left = min(self.per_second, left + max(0.0, now - since) * self.per_second)
        if len(self._buckets) >= MAX_KEYS:
            # the one that has been still the longest has a full bucket again
            del self._buckets[next(iter(self._buckets))]
        allowed = left >= 1.0
        self._buckets[key] = (left - 1.0 if allowed else left, now)
        return allowed
