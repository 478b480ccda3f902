"""Expressions of tags, from `where` and `x-ms-if-tags`: a refusal, or something that can be evaluated."""

from __future__ import annotations

from keyless.model.errors import ErrorKind, KeylessError
from keyless.providers.storage.tags import MAX_TAGS, read_if_tags, read_tags_header, read_where

SEEDS = (
    b"\"state\" = 'open' AND \"at\" >= '2026-01'",
    b"@container = 'box' and a<'b'",
    b"a = 'b' OR c <> 'd' AND e > ''",
    b'"a b"=\'"\'',
    b"a=1&b=x%20y",
    b"a = 'b",
    b"a" * 9000,
    b"a='b' AND " * 50,
)


def fuzz(data: bytes) -> None:
    """One input."""
    text = data.decode("utf-8", "ignore")
    for read in (read_where, read_if_tags):
        try:
            found = read(text)
        except KeylessError as error:
            assert error.kind is ErrorKind.INVALID
        else:
            assert found.any_of
            assert all(found.any_of)
            assert found.holds({}) is False
    try:
        tags = read_tags_header(text)
    except KeylessError as error:
        assert error.kind is ErrorKind.INVALID
    else:
        assert len(tags) <= MAX_TAGS
