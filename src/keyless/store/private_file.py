"""Files that only their owner may read, written so that a crash leaves the old file or the new one.

Owns the order of write, flush and rename. Must not know what the files hold. Every function blocks on the
disk: from the event loop, call it in a thread.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def write_private(path: Path, data: bytes) -> None:
    """Put `data` into `path` with mode 0600, in place of what was there."""
    _write(path, data, os.replace)


def create_private(path: Path, data: bytes) -> None:
    """Put `data` into `path` with mode 0600; FileExistsError if anything is there already."""
    # A link, unlike a rename, refuses to take the place of another file.
    _write(path, data, os.link)


def _write(path: Path, data: bytes, publish: Callable[[str, Path], None]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        publish(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
