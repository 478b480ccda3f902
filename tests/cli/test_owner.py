"""The owner key and its assertion."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from keyless.cli.errors import Refused
from keyless.cli.owner import OwnerKey, read_owner_key
from tests.cli.fakes import PRIVATE_JWK


def test_the_assertion_says_who_and_to_whom_for_five_minutes() -> None:
    text = OwnerKey(PRIVATE_JWK).assertion("client", "https://login.example/token", now=1000.9, token_id="once")
    token = jwt.decode(text, ECKey.import_key(json.loads(PRIVATE_JWK)), algorithms=["ES256"])
    assert token.header["alg"] == "ES256"
    assert token.claims == {
        "iss": "client",
        "sub": "client",
        "aud": "https://login.example/token",
        "iat": 1000,
        "nbf": 1000,
        "exp": 1300,
        "jti": "once",
    }


def public_jwk() -> str:
    return json.dumps(ECKey.import_key(json.loads(PRIVATE_JWK)).as_dict(private=False))


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "null", "not json", public_jwk(), json.dumps(OctKey.generate_key(256).as_dict(private=True)),
     json.dumps(ECKey.generate_key("P-384").as_dict(private=True))],
    ids=["empty", "object", "list", "null", "text", "public", "symmetric", "other curve"],
)  # fmt: skip
def test_no_other_key_is_taken(tmp_path: Path, text: str) -> None:
    path = tmp_path / "owner.key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(Refused, match="is damaged"):
        read_owner_key(path)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "owner.key"
    path.write_text(PRIVATE_JWK)
    path.chmod(0o640)
    with pytest.raises(Refused, match="run `chmod 600 "):
        read_owner_key(path)
    path.chmod(0o600)
    assert "…" in repr(read_owner_key(path))


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="is not here: commands need it"):
        read_owner_key(tmp_path / "owner.key")
