"""A version of a secret as a row of the database.

Owns its shape and its reading, for everything that asks for secrets. Must not write.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import msgspec

from keyless.store.engine import Row, Tx

_FROM = " FROM key_vault_secret s JOIN key_vault_secret_version v ON v.vault=s.vault AND v.name=s.name"
ROWS = "SELECT s.display, s.deleted, v.version, v.ordinal, v.metadata" + _FROM
ROWS_WITH_VALUE = "SELECT s.display, s.deleted, v.version, v.ordinal, v.metadata, v.sealed" + _FROM


class Metadata(msgspec.Struct, frozen=True, omit_defaults=True):
    """All of a version but its value. Times are Unix seconds."""

    created: int
    updated: int
    enabled: bool = True
    not_before: int | None = None
    expires: int | None = None
    content_type: str | None = None
    tags: dict[str, str] | None = None


@dataclass(frozen=True)
class SecretVersion:
    """One version of a secret. `deleted` is when the secret was deleted, 0 if it was not."""

    name: str
    deleted: int
    version: str
    ordinal: int
    metadata: Metadata
    #: The sealed value, only where a value was looked for.
    sealed: bytes = field(default=b"", repr=False)


def read_row(row: Row) -> SecretVersion:
    """The version in a row of `ROWS` or `ROWS_WITH_VALUE`."""
    name, deleted, version, ordinal, metadata, *sealed = cast("tuple[str, int, str, int, bytes, bytes]", row)
    return SecretVersion(
        name, deleted, version, ordinal, _METADATA.decode(metadata), bytes(sealed[0]) if sealed else b""
    )


def find_version(tx: Tx, vault: str, name: str, version: str = "") -> SecretVersion | None:
    """One version of a secret, live or deleted, the latest if none is named, as it stands inside a write."""
    which, params = ("v.version=?", (version,)) if version else ("v.ordinal=s.latest", ())
    row = tx.row(ROWS + " WHERE s.vault=? AND s.name=? AND " + which, (vault, name.lower(), *params))
    return read_row(row) if row else None


_METADATA = msgspec.json.Decoder(Metadata)
