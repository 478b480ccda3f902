"""The parser of tokens: anything but one spelling is refused, and nothing is believed without its signature."""

from __future__ import annotations

from contextlib import suppress

from keyless.authority.jwt import decode_claims, encode_base64url, take_apart
from keyless.authority.keys import SigningKey, verify_signature
from keyless.model.errors import ErrorKind, KeylessError

_KEY = SigningKey.generate()
_GOOD = _KEY.sign({"aud": "https://vault.azure.net", "oid": "o", "exp": 1, "nbf": 0})
SEEDS = (_GOOD.encode(), b"eyJhbGciOiJub25lIn0.e30.", b"eyJhbGciOiJSUzI1NiIsImNyaXQiOltdfQ.e30.AA", b"a.b.c", b"..")


def fuzz(data: bytes) -> None:
    """One input."""
    text = data.decode("latin-1")
    try:
        parts = take_apart(text)
    except KeylessError as error:
        assert error.kind is ErrorKind.UNAUTHENTICATED
        assert len(text) < 20 or text not in error.message
        return
    assert parts.signing_input + b"." + encode_base64url(parts.signature) == data, "two spellings of one token"
    with suppress(KeylessError):
        assert isinstance(decode_claims(parts.payload), dict)
    with suppress(KeylessError):
        verify_signature(text, {_KEY.kid: _KEY.verifying_key()})
        assert text == _GOOD, "a token that was never signed"
