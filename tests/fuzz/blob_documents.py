"""Documents that set tags or a service's properties: expand nothing, fetch nothing, and are refused or understood."""

from __future__ import annotations

from keyless.model.errors import ErrorKind, KeylessError
from keyless.providers.storage.tags import MAX_TAGS, read_tags_document, tags_element
from keyless.providers.storage.xml_service import read_delete_days

_TAGS = b"<Tags><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tags>"
_SERVICE = (
    b"<StorageServiceProperties><DeleteRetentionPolicy><Enabled>true</Enabled><Days>7</Days></DeleteRetentionPolicy>"
    b"</StorageServiceProperties>"
)
SEEDS = (
    _TAGS,
    _SERVICE,
    b'<?xml version="1.0" encoding="utf-16"?>' + _TAGS,
    _TAGS.decode().encode("utf-16"),
    b'<!DOCTYPE a [<!ENTITY b "c">]>' + _TAGS,
    b"<Tags>" * 1000,
    b"<Tags/>",
    b"<StorageServiceProperties><Cors/><Logging><Read>false</Read></Logging></StorageServiceProperties>",
)


def fuzz(data: bytes) -> None:
    """One input."""
    try:
        tags = read_tags_document(data)
    except KeylessError as error:
        assert error.kind is ErrorKind.INVALID
    else:
        assert len(tags) <= MAX_TAGS
        assert read_tags_document(tags_element(tags).encode()) == tags
    try:
        days = read_delete_days(data)
    except KeylessError as error:
        assert error.kind in {ErrorKind.INVALID, ErrorKind.UNSUPPORTED}
    else:
        assert days is None or 0 <= days <= 365
