"""What rows stand for: containers, blobs, blocks, and the bodies on their way into them.

Owns the shapes and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum

from keyless.providers.storage.headers import ContentSettings
from keyless.providers.storage.leases import Lease

#: A body up to this many bytes lies in the database, a longer one in a file.
INLINE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Container:
    """A container. Times are Unix seconds, ETags without quotes.

    `deleted` and `expires` are set of one that was deleted softly.
    """

    id: int
    name: str
    etag: str
    changed: int
    metadata: Mapping[str, str]
    lease: Lease | None = None
    deleted: int | None = None
    expires: int | None = None

    @property
    def tags(self) -> Mapping[str, str]:
        """A container has none."""
        return {}


class BlobType(Enum):
    """What a blob was made as, for all its life; the values are the protocol's own."""

    BLOCK = "BlockBlob"
    APPEND = "AppendBlob"
    PAGE = "PageBlob"


@dataclass(frozen=True, slots=True)
class Form:
    """A blob's type, and what only blobs of its type have.

    An append blob: the number of its blocks, and whether it is sealed. A page blob: its sequence number, and the
    generation of its manifest that it is, see `tables/page_map.py`.
    """

    type: BlobType = BlobType.BLOCK
    blocks: int = 0
    sealed: bool = False
    sequence: int = 0
    generation: int = 0


BLOCK_BLOB = Form()


class Kind(IntEnum):
    """What a blob's row stands for; of one name, they are listed in this order."""

    SNAPSHOT = 0
    VERSION = 1
    DELETED = 2  # the blob itself, softly
    CURRENT = 3


@dataclass(frozen=True, slots=True)
class BlobPath:
    """Where a blob is; `account` is the key of the account's resource ID.

    `kind` and `moment` tell which of a name's snapshots or versions is meant.
    """

    account: str
    container: str
    name: str
    kind: Kind = Kind.CURRENT
    moment: int = 0


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


@dataclass(slots=True)  # not frozen: of many fields, and made for every request
class Blob:
    """A committed blob. Its body is `part` (short ones), else the blocks of `manifest`; neither when it is empty.

    `tier` is empty where none was ever set. `version` is the moment that names the current state as a version. What
    is not current has a `moment` of its own; `deleted` and `expires` are set of what was deleted softly.
    """

    name: str
    size: int
    etag: str
    created: int
    changed: int
    settings: ContentSettings
    metadata: Mapping[str, str]
    manifest: int | None = None
    part: Part | None = None
    lease: Lease | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    tier: str = ""
    tier_changed: int | None = None
    version: int | None = None
    copied: Copied | None = None
    form: Form = BLOCK_BLOB
    kind: Kind = Kind.CURRENT
    moment: int = 0
    deleted: int | None = None
    expires: int | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a manifest or of an upload.

    `block_id` is base64; empty for what Put Blob wrote in one piece, and for what was appended.
    """

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
    """What a write gives a blob besides its body; without a tier it has the one of the blob that it replaces."""

    settings: ContentSettings
    metadata: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=dict)
    tier: str = ""
    copied: Copied | None = None
