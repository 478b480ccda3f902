"""Keys decide about algorithms; a token only chooses among them."""

from __future__ import annotations

import json
from typing import Any

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed448, rsa
from hypothesis import given
from hypothesis import strategies as st

from keyless.authority.federation.foreign_keys import MAX_KEYS, ForeignKey, by_kid, parse_key_set
from keyless.authority.jwt import take_apart
from keyless.model.errors import KeylessError
from tests.issuers import ALGORITHMS, base64url, by_secret, new_key, public_jwk

CLAIMS = {"sub": "somebody"}


def keys(*jwks: dict[str, Any]) -> tuple[ForeignKey, ...]:
    return parse_key_set(json.dumps({"keys": jwks}).encode())


@pytest.fixture(scope="module")
def private() -> dict[str, Any]:
    pair = new_key("RS256")
    same = {algorithm: pair for algorithm in ALGORITHMS if algorithm[0] in "RP"}
    return same | {algorithm: new_key(algorithm) for algorithm in ALGORITHMS if algorithm not in same}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_of_the_list(private: dict[str, Any], algorithm: str) -> None:
    token = pyjwt.encode(CLAIMS, private[algorithm], algorithm)
    for more in ({}, {"alg": algorithm}, {"key_ops": ["verify"]}):
        (key,) = keys(public_jwk(private[algorithm], "k", **more))
        assert key.holds(take_apart(token))
        header, payload, signature = token.split(".")
        other = base64url(b'{"sub":"somebody else"}')
        assert not key.holds(take_apart(f"{header}.{other}.{signature}"))
        assert not key.holds(take_apart(f"{header}.{payload}."))
    for other in ALGORITHMS:
        (key,) = keys(public_jwk(private[other], "k", alg=other))
        assert key.holds(take_apart(token)) == (algorithm == other), other


def test_ed448() -> None:
    private = ed448.Ed448PrivateKey.generate()
    (key,) = keys(public_jwk(private, "k"))
    assert key.holds(take_apart(pyjwt.encode(CLAIMS, private, "EdDSA")))


def test_a_public_key_is_nobodys_secret(private: dict[str, Any]) -> None:
    public = private["RS256"].public_key()
    encodings = [
        public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        json.dumps(public_jwk(private["RS256"], "k")).encode(),
    ]
    (key,) = keys(public_jwk(private["RS256"], "k"))
    for secret in encodings:
        for algorithm in ("HS256", "HS384", "HS512"):
            assert not key.holds(take_apart(by_secret(CLAIMS, secret, algorithm)))
    header, payload, _ = pyjwt.encode(CLAIMS, "", "none").split(".")
    assert not key.holds(take_apart(f"{header}.{payload}."))


def test_a_key_may_be_used_as_it_says_and_no_other_way(private: dict[str, Any]) -> None:
    token = take_apart(pyjwt.encode(CLAIMS, private["RS256"], "RS256"))
    (only_pss,) = keys(public_jwk(private["RS256"], "k", alg="PS256"))
    assert not only_pss.holds(token)
    for useless in (
        public_jwk(private["RS256"], "k", use="enc"),
        public_jwk(private["RS256"], "k", key_ops=["encrypt"]),
        public_jwk(private["RS256"], "k", alg="RSA-OAEP"),
        public_jwk(private["RS256"], "k", alg="HS256"),
        public_jwk(private["ES256"], "k", alg="RS256"),
    ):
        with pytest.raises(KeylessError, match="none of its keys"):
            keys(useless)


def test_keys_that_are_too_weak_or_broken_are_left_out(private: dict[str, Any]) -> None:
    good = public_jwk(private["ES256"], "good")
    x25519 = {"kty": "OKP", "crv": "X25519", "x": base64url(b"x" * 32), "kid": "k"}
    useless: list[Any] = [
        public_jwk(rsa.generate_private_key(public_exponent=65537, key_size=1024), "k"),
        {**public_jwk(private["ES256"], "k"), "crv": "P-192"},
        {**public_jwk(private["ES256"], "k"), "crv": "P-384"},
        {**public_jwk(private["ES256"], "k"), "x": "AAAA"},
        {**public_jwk(private["RS256"], "k"), "e": "Ag"},
        {**public_jwk(private["RS256"], "k"), "n": "not base64url!"},
        {**public_jwk(private["RS256"], "k"), "n": "A" * 10_000},
        {**public_jwk(private["EdDSA"], "k"), "x": "AAAA"},
        x25519,
        {"kty": "unknown"},
        {"kid": "k"},
        {"kty": 1},
        "text",
        None,
    ]
    for one in useless:
        assert [key.kid for key in keys(one, good)] == ["good"], one


def test_a_set_with_a_secret_in_it_is_refused(private: dict[str, Any]) -> None:
    for secret in ({"kty": "oct", "k": "c2VjcmV0"}, {**public_jwk(private["ES256"], "k"), "d": "c2VjcmV0"}):
        with pytest.raises(KeylessError, match="nobody but the issuer") as refused:
            keys(secret, public_jwk(private["ES256"], "good"))
        assert "c2VjcmV0" not in refused.value.message


def test_how_many_keys_there_may_be(private: dict[str, Any]) -> None:
    jwk = public_jwk(private["ES256"], "k")
    assert len(keys(*[jwk] * MAX_KEYS)) == MAX_KEYS
    with pytest.raises(KeylessError, match="more than"):
        keys(*[jwk] * (MAX_KEYS + 1))


def test_by_kid(private: dict[str, Any]) -> None:
    found = keys(public_jwk(private["ES256"], "one"), public_jwk(private["ES384"], "two"))
    assert [key.kid for key in by_kid(found, "two")] == ["two"]
    assert by_kid(found, "three") == []
    assert by_kid(found, "") == [*found]


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_bytes_are_a_key_set_or_refused(data: bytes) -> None:
    with pytest.raises(KeylessError):
        parse_key_set(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = ["kty", "use", "key_ops", "alg", "kid", "n", "e", "crv", "x", "y"]


@given(
    st.lists(st.dictionaries(st.sampled_from(MEMBERS), JSON | st.sampled_from(["RSA", "EC", "OKP", "P-256", "sig"])))
)
def test_any_json_is_a_key_set_or_refused(jwks: list[dict[str, Any]]) -> None:
    with pytest.raises(KeylessError):
        keys(*jwks)
