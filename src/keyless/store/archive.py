"""Files into one sealed stream, and out of it again, in flat memory.

Owns the order of members within the stream. Must not know what the files are, nor who asks. Everything here blocks
on the disk. The plaintext is, for each member,

    length of its name (2 bytes) ‖ size (8) ‖ name (UTF-8) ‖ content

and it ends with ten bytes of zero.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from keyless.model.errors import ErrorKind, KeylessError
from keyless.store.private_file import sync_folder
from keyless.store.sealing import MasterKey
from keyless.store.sealing.archive import (
    CHUNK_BYTES,
    MAX_HEAD,
    SEALED_CHUNK_BYTES,
    ArchiveSealer,
    new_head,
    split_head,
    torn,
)
from keyless.store.sealing.master_key import Random

#: How much one step reads, seals or writes; a whole number of chunks.
PIECE_BYTES = 16 * CHUNK_BYTES
_ENTRY = struct.Struct(">HQ")
_END = _ENTRY.pack(0, 0)
_MAX_NAME = 256
#: Folders and files as a data folder has them: none is hidden, none lies elsewhere.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*){0,3}")


@dataclass(frozen=True, slots=True)
class Member:
    """A file that does not change, and its path in the archive."""

    name: str
    file: Path


class ArchiveWriter:
    """One archive. `members` is called twice, and has to give the same both times."""

    def __init__(
        self, master: MasterKey, instance: str, random: Random, members: Callable[[], Iterable[Member]]
    ) -> None:
        """Raises INTERNAL if one of the members is missing."""
        self._head = new_head(master, instance, random)
        self._sealer = ArchiveSealer(master, self._head)
        self._members = members
        plain = len(_END) + sum(_ENTRY.size + len(member.name.encode()) + _size(member) for member in members())
        #: How many bytes the archive will have.
        self.size = len(self._head) + plain + (SEALED_CHUNK_BYTES - CHUNK_BYTES) * -(-plain // CHUNK_BYTES)

    def pieces(self) -> Generator[bytes]:
        """The archive, about `PIECE_BYTES` at a time."""
        yield self._head
        index, held = 0, b""
        for block in self._plaintext():
            held += block
            # one byte at least stays here: which chunk is the last shows only at the end
            ready = (len(held) - 1) // PIECE_BYTES * PIECE_BYTES
            if ready > 0:
                yield self._sealed(held[:ready], index, last=False)
                held = held[ready:]
                index += ready // CHUNK_BYTES
        yield self._sealed(held, index, last=True)

    def _sealed(self, plain: bytes, index: int, *, last: bool) -> bytes:
        return b"".join(
            self._sealer.seal(index + number, last and at + CHUNK_BYTES >= len(plain), plain[at : at + CHUNK_BYTES])
            for number, at in enumerate(range(0, len(plain), CHUNK_BYTES))
        )

    def _plaintext(self) -> Iterator[bytes]:
        for member in self._members():
            name = member.name.encode()
            with member.file.open("rb") as file:
                size = left = os.fstat(file.fileno()).st_size
                yield _ENTRY.pack(len(name), size) + name
                while left:
                    block = file.read(min(left, PIECE_BYTES))
                    if not block:
                        raise KeylessError(ErrorKind.INTERNAL, f"{member.name} became shorter while it was read.")
                    left -= len(block)
                    yield block
        yield _END


def read_archive(file: BinaryIO, master_of: Callable[[str], MasterKey], folder: Path) -> None:
    """Put the members of an archive into `folder`, durably; `master_of` gives the master key of an instance.

    What is in the folder counts only when this has returned: an error may come after the last member but one.
    Raises what `master_of` and `sealing.archive` do; OSError when the folder cannot be written.
    """
    plain = _Plaintext(file, master_of)
    folders = {folder}
    while True:
        name_size, size = _ENTRY.unpack(plain.read(_ENTRY.size))
        if not name_size:
            break
        name = plain.read(min(name_size, _MAX_NAME + 1)).decode("utf-8", "replace")
        if name_size > _MAX_NAME or not _NAME.fullmatch(name):
            raise torn()
        path = folder / name
        for parent in [folder / above for above in reversed(Path(name).parents)]:
            parent.mkdir(mode=0o700, exist_ok=True)
            folders.add(parent)
        with open(path, "xb", opener=_private) as member:
            while size:
                block = plain.read(min(size, PIECE_BYTES))
                member.write(block)
                size -= len(block)
            member.flush()
            os.fsync(member.fileno())
    plain.end()
    for each in folders:
        sync_folder(each)


class _Plaintext:
    """The plaintext of an archive; every byte that it gives out is authentic."""

    def __init__(self, file: BinaryIO, master_of: Callable[[str], MasterKey]) -> None:
        self._file = file
        head, self._sealed, instance = split_head(_read(file, MAX_HEAD))
        self._sealer = ArchiveSealer(master_of(instance), head)
        self._index = 0
        self._ended = False
        self._held = memoryview(b"")

    def read(self, size: int) -> bytes:
        """Exactly so many bytes; raises INVALID if there are fewer."""
        parts: list[memoryview] = []
        while size:
            if not self._held:
                self._held = memoryview(self._next())
            taken, self._held = self._held[:size], self._held[size:]
            parts.append(taken)
            size -= len(taken)
        return b"".join(parts)

    def end(self) -> None:
        """Raises INVALID unless all has been read."""
        if self._held or not self._ended:
            raise torn()

    def _next(self) -> bytes:
        if self._ended:
            raise torn()
        # one byte more than a chunk tells whether another follows
        self._sealed += _read(self._file, SEALED_CHUNK_BYTES + 1 - len(self._sealed))
        self._ended = len(self._sealed) <= SEALED_CHUNK_BYTES
        chunk, self._sealed = self._sealed[:SEALED_CHUNK_BYTES], self._sealed[SEALED_CHUNK_BYTES:]
        opened = self._sealer.open(self._index, self._ended, chunk)
        self._index += 1
        return opened


def _read(file: BinaryIO, size: int) -> bytes:
    """So many bytes, or fewer at the end of the file; a pipe gives them in pieces."""
    parts: list[bytes] = []
    while size > 0 and (part := file.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _size(member: Member) -> int:
    try:
        return member.file.stat().st_size
    except FileNotFoundError:
        raise KeylessError(
            ErrorKind.INTERNAL, f"{member.name} is missing in the data folder: restore an earlier backup."
        ) from None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
