"""What rows stand for: containers, blobs, blocks, and the bodies on their way into them.

Owns the shapes and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from keyless.providers.storage.headers import ContentSettings

#: A body up to this many bytes lies in the database, a longer one in a file.
INLINE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Container:
    """A container. Times are Unix seconds, ETags without quotes."""

    id: int
    name: str
    etag: str
    changed: int
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class BlobPath:
    """Where a blob is; `account` is the key of the account's resource ID."""

    account: str
    container: str
    name: str


@dataclass(frozen=True, slots=True)
class Part:
    """An immutable piece of a body: sealed in `data`, or in the file named after its ID when `data` is None."""

    id: bytes
    size: int
    data: bytes | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A body that was taken in whole; an empty one has no part. `md5` where it was asked for."""

    size: int
    part: Part | None
    md5: bytes = b""


@dataclass(frozen=True, slots=True)
class Copied:
    """From where a blob was copied, by a copy of that ID that ended `at` (Unix seconds). The URL holds no signature."""

    id: str
    source: str
    at: int = 0


@dataclass(frozen=True, slots=True)
class Blob:
    """A committed blob. Its body is `part` (short ones), else the blocks of `manifest`; neither when it is empty."""

    name: str
    size: int
    etag: str
    created: int
    changed: int
    settings: ContentSettings
    metadata: Mapping[str, str]
    manifest: int | None = None
    part: Part | None = None
    copied: Copied | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a manifest or of an upload. `block_id` is base64; empty for what Put Blob wrote in one piece."""

    block_id: str
    part: bytes
    start: int
    size: int


class Source(Enum):
    """Where Put Block List looks for a block."""

    LATEST = "Latest"
    COMMITTED = "Committed"
    UNCOMMITTED = "Uncommitted"


@dataclass(frozen=True, slots=True)
class BlockRef:
    """One entry of a block list: a block ID in base64, and where it is looked for."""

    source: Source
    block_id: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What a write gives a blob besides its body."""

    settings: ContentSettings
    metadata: Mapping[str, str]
    copied: Copied | None = None
