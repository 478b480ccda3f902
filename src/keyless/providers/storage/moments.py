"""The times that name snapshots and versions of a blob: `2026-03-01T12:00:00.0000000Z`.

Owns their reading and writing. Pure. A moment is a count of 100 nanoseconds since 1970.

Source: Azure Storage REST API, "Snapshot Blob" (opaque DateTime values), "Versioning for the Blob service".
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from keyless.model.errors import invalid

PER_SECOND = 10_000_000
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{7})Z", re.ASCII)


def moment_of(now: float) -> int:
    """The moment of a Unix time."""
    return int(now * PER_SECOND)


def moment_text(moment: int) -> str:
    """As clients carry it."""
    seconds, rest = divmod(moment, PER_SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:07}Z"


def read_moment(text: str, name: str) -> int:
    """What `moment_text` wrote; raises INVALID, naming the query parameter."""
    found = _MOMENT.fullmatch(text)
    try:
        if found and found[1] > "1970":
            seconds = int(datetime.fromisoformat(f"{found[1]}+00:00").timestamp())
            return seconds * PER_SECOND + int(found[2])
    except ValueError:
        pass
    raise invalid(
        f"The query parameter {name} must be a time such as 2026-03-01T12:00:00.0000000Z.", "InvalidQueryParameterValue"
    )
