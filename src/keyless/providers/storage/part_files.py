"""Part files: sealed bytes under the name of their part, written so that a crash leaves all of a file or none.

Owns the folder and the order of write, flush and rename. Must not know what parts belong to. Everything here
blocks on the disk: it is called in a thread.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast

from keyless.store.sealing import PartSealer


class PartFiles:
    """The folder of part files, spread over 256 subfolders."""

    def __init__(self, folder: Path, sealer: PartSealer) -> None:
        self._folder = folder
        self._sealer = sealer

    def path(self, part_id: bytes) -> Path:
        """Where a part's file is, or would be."""
        name = part_id.hex()
        return self._folder / name[:2] / name

    def writer(self, part_id: bytes) -> PartWriter:
        """Begin a file; nothing touches the disk yet."""
        return PartWriter(self.path(part_id), part_id, self._sealer)

    def read(self, part_id: bytes, size: int, start: int, length: int) -> bytes:
        """Bytes of a part that has `size` in all; the caller keeps `length` small. Raises INTERNAL when damaged."""
        sealer = self._sealer
        first, last, skip = sealer.chunks_for_range(start, length, size)
        final = sealer.chunk_count(size) - 1
        with self.path(part_id).open("rb", buffering=0) as file:
            file.seek(sealer.sealed_offset(first))
            sealed = file.read((last + 1 - first) * sealer.chunk_sealed_size)
        data = sealer.decrypt_chunks(part_id, range(first, last + 1), final, sealed)
        # nobody changes these bytes any more: a copy of them would be all that `bytes` brought
        return cast("bytes", data if len(data) == length else data[skip : skip + length])

    def remove(self, part_ids: Iterable[bytes]) -> None:
        """Remove these parts' files, finished or not, and return once that is durable."""
        folders: set[Path] = set()
        for part_id in part_ids:
            path = self.path(part_id)
            for candidate in (path, _unfinished(path)):
                try:
                    candidate.unlink()
                    folders.add(path.parent)
                except FileNotFoundError:
                    continue
        for folder in folders:
            _sync_folder(folder)


class PartWriter:
    """One file on its way. `append` in order, then `finish`; or `discard` at any point before."""

    def __init__(self, path: Path, part_id: bytes, sealer: PartSealer) -> None:
        self._path = path
        self._id = part_id
        self._sealer = sealer
        self._index = 0
        self._sealed = bytearray()
        self._file: BinaryIO | None = None

    def append(self, data: bytes, *, last: bool) -> None:
        """Seal and write some chunks; only the last call may bring anything but whole ones."""
        file = self._file or self._create()
        needed = self._sealer.sealed_size(len(data))
        if len(self._sealed) < needed:
            self._sealed = bytearray(needed)
        size = self._sealer.encrypt_chunks(self._id, self._index, last, data, self._sealed)
        file.write(memoryview(self._sealed)[:size])
        self._index += self._sealer.chunk_count(len(data))

    def finish(self) -> None:
        """Make the file durable under its own name."""
        assert self._file is not None
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        _unfinished(self._path).rename(self._path)
        _sync_folder(self._path.parent)

    def discard(self) -> None:
        """Take away what was written; what cannot be taken away now is left to the collector."""
        if self._file is not None:
            with suppress(OSError):  # what was not written yet need not be
                self._file.close()
            with suppress(OSError):
                _unfinished(self._path).unlink(missing_ok=True)

    def _create(self) -> BinaryIO:
        folder = self._path.parent
        if not folder.is_dir():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sync_folder(folder.parent)
        self._file = open(_unfinished(self._path), "xb", opener=_private)  # noqa: SIM115
        return self._file


def _unfinished(path: Path) -> Path:
    return path.with_name(f"{path.name}.tmp")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
