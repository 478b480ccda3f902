"""The body of a set request: no error tells what it holds, and a value that is read stays hidden."""

from __future__ import annotations

from keyless.model.errors import ErrorKind, KeylessError
from keyless.providers.key_vault.bundles import MAX_VALUE_BYTES, parse_new_secret

SEEDS = (
    b'{"value":"hush-hush-hush"}',
    b'{"value":"hush-hush-hush","contentType":"t","tags":{"a":"b"},"attributes":{"enabled":true,"nbf":1,"exp":2}}',
    b'{"value":"\\u0068ush\\ud83d\\ude00","other":[[[{}]]]}',
    b'{"value":"\\ud800"}',
    b'{"value":"hush-hush-hush","attributes":{"exp":1e999}}',
    b'{"value":["hush-hush-hush"]}',
)
_VALUE = "hush-hush-hush"


def fuzz(data: bytes) -> None:
    """One input."""
    try:
        new = parse_new_secret(data)
    except KeylessError as error:
        assert error.kind is ErrorKind.INVALID
        assert _VALUE not in error.message
        assert error.__cause__ is None
        return
    value = new.value.reveal()
    assert len(value.encode()) <= MAX_VALUE_BYTES
    assert len(value) < 8 or value not in repr(new).replace(repr(new.tags), "").replace(repr(new.content_type), "")
