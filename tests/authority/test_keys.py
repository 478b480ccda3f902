"""Signing keys: tokens that others verify, and every way to forge one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import pickle
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import ECKey, RSAKey

from keyless.authority.keys import (
    SigningKey,
    generate_owner_key,
    public_owner_key,
    verify_assertion,
    verify_signature,
)
from keyless.model.errors import ErrorKind, KeylessError

KEY = SigningKey.generate()
OTHER = SigningKey.generate()
KEYS = {KEY.kid: KEY.verifying_key()}
CLAIMS: dict[str, object] = {"aud": "https://vault.azure.net", "exp": 1_800_000_000, "roles": ["a"], "name": "é"}
TOKEN = KEY.sign(CLAIMS)
OWNER = generate_owner_key()
ASSERTION = joserfc_jwt.encode({"alg": "ES256"}, {"sub": "owner"}, ECKey.import_key(dict(OWNER)))
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n%é\x00"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def token_with_header(header: bytes) -> str:
    """A token with any header, signed for good by KEY."""
    signed = f"{b64(header)}.{b64(json.dumps(CLAIMS).encode())}".encode()
    return f"{signed.decode()}.{b64(rsa_signature(signed))}"


def rsa_signature(signed: bytes) -> bytes:
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    private = serialization.load_der_private_key(KEY.to_bytes(), None)
    assert isinstance(private, rsa.RSAPrivateKey)
    return private.sign(signed, padding.PKCS1v15(), hashes.SHA256())


def refusal(token: str) -> str:
    """Why the token is refused."""
    return raised(lambda: verify_signature(token, KEYS))


def assertion_refusal(assertion: str, public: Mapping[str, str]) -> str:
    """Why the owner's assertion is refused."""
    return raised(lambda: verify_assertion(assertion, public))


def raised(check: Callable[[], object]) -> str:
    with pytest.raises(KeylessError) as error:
        check()
    assert error.value.kind is ErrorKind.UNAUTHENTICATED
    return error.value.message


class TestSigning:
    def test_round_trip(self) -> None:
        assert verify_signature(TOKEN, KEYS) == CLAIMS

    def test_header(self) -> None:
        header = json.loads(unb64(TOKEN.split(".")[0]))
        assert header == {"typ": "JWT", "alg": "RS256", "kid": KEY.kid}

    def test_another_library_verifies_it_with_the_published_key(self) -> None:
        decoded = joserfc_jwt.decode(TOKEN, RSAKey.import_key(dict(KEY.public_jwk())), algorithms=["RS256"])
        assert decoded.claims == CLAIMS

    def test_we_verify_another_library(self) -> None:
        der = KEY.to_bytes()
        pem = b"-----BEGIN PRIVATE KEY-----\n" + base64.encodebytes(der) + b"-----END PRIVATE KEY-----\n"
        token = joserfc_jwt.encode({"alg": "RS256", "kid": KEY.kid}, CLAIMS, RSAKey.import_key(pem))
        assert verify_signature(token, KEYS) == CLAIMS

    def test_public_jwk_holds_nothing_private(self) -> None:
        jwk = KEY.public_jwk()
        assert set(jwk) == {"kty", "use", "alg", "kid", "n", "e"}
        assert (jwk["kty"], jwk["use"], jwk["alg"], jwk["e"]) == ("RSA", "sig", "RS256", "AQAB")
        assert len(unb64(jwk["n"])) == 256

    def test_kid_is_the_thumbprint(self) -> None:
        assert RSAKey.import_key(dict(KEY.public_jwk())).thumbprint() == KEY.kid

    def test_kept_and_read_again(self) -> None:
        again = SigningKey.from_bytes(KEY.to_bytes())
        assert again.kid == KEY.kid
        assert verify_signature(again.sign({"a": 1}), KEYS) == {"a": 1}

    def test_shows_nothing_and_is_not_pickled(self) -> None:
        assert repr(KEY) == f"SigningKey({KEY.kid!r})"
        with pytest.raises(TypeError):
            pickle.dumps(KEY)

    def test_damaged_bytes(self) -> None:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec, rsa

        foreign = [
            key.private_bytes(
                serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            for key in (ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 1024))
        ]
        for data in (b"", b"noise", KEY.to_bytes()[:-5], *foreign):
            with pytest.raises(KeylessError, match="signing key is damaged"):
                SigningKey.from_bytes(data)


class TestVerifySignature:
    @given(st.integers(0, len(TOKEN) - 1), st.sampled_from(ALPHABET))
    def test_any_changed_character_is_refused(self, index: int, character: str) -> None:
        if TOKEN[index] != character:
            refusal(TOKEN[:index] + character + TOKEN[index + 1 :])

    @given(st.integers(0, len(TOKEN)), st.sampled_from(ALPHABET))
    def test_any_character_more_is_refused(self, index: int, character: str) -> None:
        refusal(TOKEN[:index] + character + TOKEN[index:])

    @given(st.integers(0, len(TOKEN) - 1))
    def test_any_character_less_is_refused(self, index: int) -> None:
        refusal(TOKEN[:index] + TOKEN[index + 1 :])

    @given(st.text(max_size=40))
    def test_noise_is_refused(self, noise: str) -> None:
        refusal(noise)

    @given(st.binary(max_size=200))
    def test_noise_for_a_header_is_refused(self, header: bytes) -> None:
        refusal(f"{b64(header)}.e30.AAAA")

    @pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "RS512", "PS256", "ES256", "rs256", ""])
    def test_only_rs256(self, algorithm: str) -> None:
        header = json.dumps({"alg": algorithm, "kid": KEY.kid}).encode()
        assert "RS256" in refusal(token_with_header(header))

    def test_no_signature_at_all(self) -> None:
        header = b64(json.dumps({"alg": "none", "kid": KEY.kid}).encode())
        refusal(f"{header}.{TOKEN.split('.')[1]}.")
        refusal(".".join(TOKEN.split(".")[:2]) + ".")

    def test_the_public_key_is_no_shared_secret(self) -> None:
        jwk = KEY.public_jwk()
        pem = RSAKey.import_key(dict(jwk)).as_pem(private=False)
        for algorithm in ("HS256", "RS256"):
            header = b64(json.dumps({"alg": algorithm, "kid": KEY.kid}).encode())
            signed = f"{header}.{TOKEN.split('.')[1]}"
            for secret in (pem, json.dumps(jwk).encode(), unb64(jwk["n"])):
                forged = b64(hmac.digest(secret, signed.encode(), hashlib.sha256))
                refusal(f"{signed}.{forged}")

    def test_a_token_cannot_bring_its_key(self) -> None:
        other = OTHER.public_jwk()
        brought = {"jwk": other, "jku": "https://evil/keys", "x5u": "https://evil/cert", "x5c": ["AA=="]}
        signed = b64(json.dumps({"alg": "RS256", "kid": KEY.kid, **brought}).encode()) + "." + TOKEN.split(".")[1]
        signature = OTHER.sign(CLAIMS).split(".")[2]
        assert "signature" in refusal(f"{signed}.{signature}")

    def test_another_key(self) -> None:
        token = OTHER.sign(CLAIMS)
        assert "not in use" in refusal(token)
        relabelled = f"{TOKEN.split('.')[0]}.{token.split('.', 1)[1]}"
        assert "signature" in refusal(relabelled)

    @pytest.mark.parametrize(
        "header",
        [
            b"[]",
            b'"RS256"',
            b"null",
            b"{}",
            b'{"alg":["RS256"],"kid":"x"}',
            b'{"alg":"RS256","kid":7}',
            b'{"alg":"RS256"}',
            b'{"alg":"RS256","kid":"x"',
            b'{"alg":"RS256","kid":"\xff"}',
            b"[" * 1024,
            b'{"x":' * 200,
        ],
    )
    def test_headers_of_the_wrong_shape(self, header: bytes) -> None:
        refusal(token_with_header(header))

    @pytest.mark.parametrize("crit", [["exp"], [], None])
    def test_critical_extensions(self, crit: object) -> None:
        header = json.dumps({"alg": "RS256", "kid": KEY.kid, "crit": crit}).encode()
        assert "critical" in refusal(token_with_header(header))

    def test_limits(self) -> None:
        def header(size: int) -> bytes:
            empty = json.dumps({"alg": "RS256", "kid": KEY.kid, "x": ""}).encode()
            return empty.replace(b'"x": ""', b'"x": "' + b"a" * (size - len(empty)) + b'"')

        assert verify_signature(token_with_header(header(1024)), KEYS) == CLAIMS
        assert "1024" in refusal(token_with_header(header(1025)))
        assert "16384" in refusal(KEY.sign({"x": "a" * 12_000}))
        assert verify_signature(KEY.sign({"x": "a" * 11_000}), KEYS)["x"] == "a" * 11_000

    def test_padding_tricks(self) -> None:
        header, payload, signature = TOKEN.split(".")
        for forged in (
            f"{header}.{payload}.{signature}==",
            f"{header}=.{payload}.{signature}",
            f"{header}.{payload}.{signature}\n",
            f" {header}.{payload}.{signature}",
            f"{header}.{payload}.{signature}.",
            f"{header}.{payload}.{signature}.x",
            f"{header}.{payload}",
            f"{header}.{payload}.{signature.replace('-', '+').replace('_', '/')}+",
        ):
            refusal(forged)

    def test_left_over_bits_of_a_signature(self) -> None:
        last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".index(TOKEN[-1])
        assert last % 16 == 0  # 256 bytes leave four bits of the last character unused
        sibling = TOKEN[:-1] + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last + 1]
        assert unb64(sibling.split(".")[2]) == unb64(TOKEN.split(".")[2])
        assert "canonical" in refusal(sibling)

    @pytest.mark.parametrize("payload", [b"[]", b"7", b"null", b"", b"{", b'{"a":NaN}', b"[" * 5000])
    def test_claims_that_are_no_object(self, payload: bytes) -> None:
        signed = f"{TOKEN.split('.')[0]}.{b64(payload)}"
        token = f"{signed}.{b64(rsa_signature(signed.encode()))}"
        assert "claims" in refusal(token)

    def test_messages_never_quote_the_token(self) -> None:
        header = json.dumps({"alg": "RS256", "kid": "marker-of-the-token"}).encode()
        assert "marker" not in refusal(token_with_header(header))


class TestOwnerKey:
    PUBLIC = public_owner_key(OWNER)

    def test_shape(self) -> None:
        assert set(OWNER) == {"kty", "crv", "x", "y", "d", "use", "alg", "kid"}
        assert "d" not in self.PUBLIC
        assert {len(unb64(OWNER[name])) for name in "xyd"} == {32}
        assert ECKey.import_key(dict(OWNER)).thumbprint() == OWNER["kid"]

    def test_an_assertion_of_joserfc_verifies(self) -> None:
        assert verify_assertion(ASSERTION, self.PUBLIC) == {"sub": "owner"}

    @given(st.integers(0, len(ASSERTION) - 1), st.sampled_from(ALPHABET))
    def test_any_changed_character_is_refused(self, index: int, character: str) -> None:
        if ASSERTION[index] != character:
            mutated = ASSERTION[:index] + character + ASSERTION[index + 1 :]
            assertion_refusal(mutated, self.PUBLIC)

    def test_another_owner(self) -> None:
        stranger = public_owner_key(generate_owner_key())
        assert "signature" in assertion_refusal(ASSERTION, stranger)

    def test_only_es256(self) -> None:
        assert "ES256" in assertion_refusal(TOKEN, self.PUBLIC)
        header = b64(b'{"alg":"none"}')
        assertion_refusal(f"{header}.{ASSERTION.split('.')[1]}.", self.PUBLIC)

    @pytest.mark.parametrize("signature", [b"", bytes(64), b"\xff" * 64, bytes(63), bytes(65)])
    def test_signatures_that_are_none(self, signature: bytes) -> None:
        signed = ASSERTION.rpartition(".")[0]
        assertion_refusal(f"{signed}.{b64(signature)}", self.PUBLIC)

    @pytest.mark.parametrize("change", [{"kty": "RSA"}, {"crv": "P-384"}, {"x": "AAAA"}, {"x": "é"}, {"y": OWNER["x"]}])
    def test_a_damaged_public_key_is_our_failure(self, change: dict[str, str]) -> None:
        with pytest.raises(KeylessError, match="not a P-256 key") as error:
            verify_assertion(ASSERTION, {**self.PUBLIC, **change})
        assert error.value.kind is ErrorKind.INTERNAL
        with pytest.raises(KeylessError, match="not a P-256 key"):
            verify_assertion(ASSERTION, {})
