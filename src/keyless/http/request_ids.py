"""Request IDs: GUIDs by which an answer, the audit log and the server's log name one request.

Owns making them. They have to differ, not to be unguessable: a number that is counted on from a random one costs a
tenth of a random GUID, which takes a system call.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from uuid import UUID

_NUMBERS = 1 << 48


def request_ids(random: Callable[[int], bytes]) -> Callable[[], str]:
    """A source of request IDs; `random` gives that many random bytes, and is asked once."""
    drawn = UUID(bytes=random(16), version=4)
    fixed, numbers = str(drawn)[:-12], count(drawn.node)
    return lambda: f"{fixed}{next(numbers) % _NUMBERS:012x}"
