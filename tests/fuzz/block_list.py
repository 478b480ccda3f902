"""The reader of block lists: expands nothing, fetches nothing, and gives back only what stands there."""

from __future__ import annotations

from keyless.model.errors import ErrorKind, KeylessError
from keyless.providers.storage.xml import MAX_BLOCKS, parse_block_list

_LIST = b"<BlockList><Latest>YQ==</Latest><Committed>Yg==</Committed><Uncommitted>Yw==</Uncommitted></BlockList>"
SEEDS = (
    _LIST,
    b'<?xml version="1.0" encoding="utf-8"?>' + _LIST,
    b'<?xml version="1.0" encoding="utf-16"?>' + _LIST,
    b'<?xml version="1.0" encoding="utf-7"?>' + _LIST,
    b"\xef\xbb\xbf" + _LIST,
    _LIST.decode().encode("utf-16"),
    b'<!DOCTYPE a [<!ENTITY b "c">]>' + _LIST,
    b"<BlockList/>",
    b"<BlockList><![CDATA[x]]><!-- --><?p i?></BlockList>",
)


def fuzz(data: bytes) -> None:
    """One input."""
    try:
        found = parse_block_list(data)
    except KeylessError as error:
        assert error.kind is ErrorKind.INVALID
        assert error.code in {"InvalidXmlDocument", "BlockListTooLong"}
        return
    assert len(found) <= MAX_BLOCKS
    assert all(len(ref.block_id) <= 128 for ref in found)
