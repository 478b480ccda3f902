"""The file with the assertion about this instance. Owns writing it.

It is replaced, never written to: a program that reads it at any moment reads a whole one.
"""

from __future__ import annotations

import os
from contextlib import suppress

from keyless.launcher.sources import TOKEN_FILE


def write_token(folder: str, assertion: str, owner: tuple[int, int]) -> None:
    """Put an assertion into the file, for that user and group; raises OSError."""
    path = os.path.join(folder, TOKEN_FILE)
    new = f"{path}.new"
    with suppress(FileNotFoundError):
        os.unlink(new)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o400)
    with open(descriptor, "w", encoding="ascii") as file:
        if owner != (os.geteuid(), os.getegid()):
            os.fchown(descriptor, *owner)
        file.write(assertion)
    os.replace(new, path)
