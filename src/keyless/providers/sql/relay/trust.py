"""How TLS is done with each upstream: whose signature counts, and which versions.

Owns keeping that for a while, because reading the system's roots takes longer than all the rest of a login.
"""

from __future__ import annotations

import asyncio
import ssl

from keyless.model.clock import Clock
from keyless.providers.sql.upstreams import Upstream

#: Roots that were added to the system count after so many seconds.
SECONDS = 300
_MAX = 64


class Trust:
    """A context for each upstream."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: dict[Upstream, tuple[float, ssl.SSLContext]] = {}

    async def of(self, upstream: Upstream) -> ssl.SSLContext:
        """The upstream's context; it checks certificate and name."""
        made, context = self._held.get(upstream, (0.0, None))
        if context is None or not 0 <= self._clock() - made < SECONDS:
            context = await asyncio.to_thread(_context, upstream)
            self._held.pop(upstream, None)
            if len(self._held) >= _MAX:
                del self._held[next(iter(self._held))]
            self._held[upstream] = self._clock(), context
        return context


def _context(upstream: Upstream) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=upstream.authority or None)
    if upstream.strict:
        context.set_alpn_protocols(["tds/8.0"])
    else:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context
