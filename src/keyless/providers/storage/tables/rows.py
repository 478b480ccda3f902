"""A blob's row: its columns, and what they become.

Owns the order of the columns, so that no query states it twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from keyless.providers.storage.headers import ContentSettings
from keyless.providers.storage.leases import Lease
from keyless.providers.storage.tables.records import BLOCK_BLOB, Blob, Copied, Form, Kind, Part
from keyless.store.engine import Row, SqlValue

#: All but the body of a short blob, which HEAD and lists have no use for.
COLUMNS = (
    "name, size, etag, created, changed, content_type, encoding, language, disposition, cache_control, md5,"
    " metadata, manifest, part, tags, tier, tier_changed, version, copied, form, lease"
)
#: The same of what is past, which has no lease; then what it was, its moment and its deletion.
PAST_COLUMNS = COLUMNS.replace("lease", "'' AS lease") + ", kind, moment, deleted, expires"
#: What a blob's row and a past row share.
SHARED_COLUMNS = "container, " + COLUMNS.replace(", lease", "") + ", data"


def to_blob(row: Row, data: SqlValue = None) -> Blob:
    """A row of `COLUMNS` or `PAST_COLUMNS`; `data` is the sealed body, if it was selected too."""
    name, size, etag, created, changed, *settings = cast("tuple[Any, ...]", row[:11])
    metadata, manifest, part, tags, tier, tier_changed, version, copied, form, lease = cast(
        "tuple[Any, ...]", row[11:21]
    )
    kind, moment, deleted, expires = cast("tuple[Any, ...]", row[21:] or _CURRENT)
    return Blob(
        name,
        size,
        etag,
        created,
        changed,
        ContentSettings(*settings),
        decode_texts(metadata),
        manifest,
        None if part is None else Part(part, size, cast("bytes | None", data)),
        decode_lease(lease),
        decode_texts(tags),
        tier,
        tier_changed,
        version,
        _decode_copied(copied),
        decode_form(form),
        Kind(kind),
        moment,
        deleted,
        expires,
    )


_CURRENT: Row = (Kind.CURRENT, 0, None, None)


def settings_values(settings: ContentSettings) -> tuple[str, ...]:
    """Content settings in the order of `COLUMNS`."""
    return (
        settings.content_type,
        settings.encoding,
        settings.language,
        settings.disposition,
        settings.cache_control,
        settings.md5,
    )


def encode_texts(texts: Mapping[str, str]) -> str:
    """Metadata or tags as they lie in a row."""
    return msgspec.json.encode(texts).decode() if texts else ""


def decode_texts(text: str) -> dict[str, str]:
    """Metadata or tags out of a row."""
    return msgspec.json.decode(text, type=dict[str, str]) if text else {}


def encode_copied(copied: Copied | None) -> str:
    """The origin of a copy as it lies in a row."""
    return msgspec.json.encode(copied).decode() if copied else ""


def _decode_copied(text: str) -> Copied | None:
    return msgspec.json.decode(text, type=Copied) if text else None


def encode_form(form: Form) -> str:
    """What is special to a blob's type, as it lies in a row; nothing for a block blob."""
    return "" if form == BLOCK_BLOB else msgspec.json.encode(form).decode()


def decode_form(text: str) -> Form:
    """The same out of a row."""
    return msgspec.json.decode(text, type=Form) if text else BLOCK_BLOB


def encode_lease(lease: Lease | None) -> str:
    """A lease as it lies in a row."""
    return msgspec.json.encode(lease).decode() if lease else ""


def decode_lease(text: str) -> Lease | None:
    """A lease out of a row."""
    return msgspec.json.decode(text, type=Lease) if text else None
