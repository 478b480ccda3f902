"""A blob's row: its columns, and what they become.

Owns the order of the columns, so that no query states it twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import msgspec

from keyless.providers.storage.headers import ContentSettings
from keyless.providers.storage.tables.records import Blob, Copied, Part
from keyless.store.engine import Row, SqlValue

#: All but the body of a short blob, which HEAD and lists have no use for.
COLUMNS = (
    "name, size, etag, created, changed, content_type, encoding, language, disposition, cache_control, md5,"
    " metadata, manifest, part, copied"
)


def to_blob(row: Row, data: SqlValue = None) -> Blob:
    """A row of `COLUMNS`; `data` is the sealed body, if it was selected too."""
    name, size, etag, created, changed, *settings, metadata, manifest, part, copied = row
    return Blob(
        cast("str", name),
        cast("int", size),
        cast("str", etag),
        cast("int", created),
        cast("int", changed),
        ContentSettings(*cast("list[str]", settings)),
        decode_metadata(cast("str", metadata)),
        cast("int | None", manifest),
        None if part is None else Part(cast("bytes", part), cast("int", size), cast("bytes | None", data)),
        _decode_copied(cast("str", copied)),
    )


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


def encode_copied(copied: Copied | None) -> str:
    """The origin of a copy as it lies in a row."""
    return msgspec.json.encode(copied).decode() if copied else ""


def _decode_copied(text: str) -> Copied | None:
    return msgspec.json.decode(text, type=Copied) if text else None


def encode_metadata(metadata: Mapping[str, str]) -> str:
    """Metadata as it lies in a row."""
    return msgspec.json.encode(metadata).decode() if metadata else ""


def decode_metadata(text: str) -> dict[str, str]:
    """Metadata out of a row."""
    return msgspec.json.decode(text, type=dict[str, str]) if text else {}
