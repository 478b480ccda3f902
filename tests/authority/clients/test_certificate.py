"""Assertions of certificates: every spelling of the official clients, and what is forged."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from keyless.authority.certificates import holds, read_client_certificate
from keyless.authority.clients.assertion import MAX_LIFE, read_assertion
from keyless.authority.clients.presented import Presented
from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.secretstr import SecretStr
from tests.authority.clients.certificates import Key, self_signed
from tests.authority.clients.conftest import HERE, Endpoint

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
BEGIN = datetime.fromtimestamp(1_800_000_000, UTC)
RSA_CERTIFICATE, EC_CERTIFICATE = self_signed(RSA, now=BEGIN), self_signed(EC, now=BEGIN)


def url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def padded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


def standard(data: bytes) -> str:
    return base64.b64encode(data).decode()


def sign(key: Key, algorithm: str, signed: bytes, *, der: bool = False) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        return key.sign(signed, pss if algorithm == "PS256" else padding.PKCS1v15(), hashes.SHA256())
    made = key.sign(signed, ec.ECDSA(hashes.SHA256()))
    if der:
        return made
    return b"".join(number.to_bytes(32, "big") for number in utils.decode_dss_signature(made))


def assertion(
    endpoint: Endpoint,
    key: Key = RSA,
    *,
    header: dict[str, Any] | None = None,
    text: Callable[[bytes], str] = url64,
    der: bool = False,
    **changed: Any,
) -> str:
    """A good one by RS256 and `x5t#S256`, with changes; a claim that is None is left out."""
    now = int(endpoint.clock())
    client = endpoint.application.client_id
    claims = {"iss": client, "sub": client, "aud": HERE, "nbf": now, "exp": now + 600, "jti": "1"} | changed
    claims = {name: value for name, value in claims.items() if value is not None}
    made = {"alg": "RS256", "typ": "JWT", "x5t#S256": url64(RSA_CERTIFICATE.sha256)} if header is None else header
    signed = f"{text(json.dumps(made).encode())}.{text(json.dumps(claims).encode())}".encode()
    return f"{signed.decode()}.{text(sign(key, made.get('alg', ''), signed, der=der))}"


@pytest.fixture
async def registered(endpoint: Endpoint) -> Endpoint:
    held = tuple(
        read_client_certificate(made.der, f"k-{number}", "")
        for number, made in enumerate((RSA_CERTIFICATE, EC_CERTIFICATE))
    )
    await endpoint.change(lambda one: replace(one, certificates=held))
    return endpoint


SPELLINGS: dict[str, dict[str, Any]] = {
    "msal for Python": {"header": {"alg": "RS256", "typ": "JWT", "x5t": padded(RSA_CERTIFICATE.sha1)}},
    "msal for Python, SHA-256": {"header": {"alg": "PS256", "typ": "JWT", "x5t#S256": padded(RSA_CERTIFICATE.sha256)}},
    "azure-identity aio": {
        "header": {"typ": "JWT", "alg": "PS256", "x5t#S256": padded(RSA_CERTIFICATE.sha256)},
        "text": padded,
    },
    "JavaScript": {"header": {"alg": "PS256", "typ": "JWT", "x5t#S256": url64(RSA_CERTIFICATE.sha256)}},
    "Go": {"header": {"alg": "PS256", "typ": "JWT", "x5t#S256": standard(RSA_CERTIFICATE.sha256), "x5c": ["MII…"]}},
    ".NET": {
        "header": {"alg": "PS256", "typ": "JWT", "x5t#S256": url64(RSA_CERTIFICATE.sha256), "x5c": "MII…"},
        "nbf": "1800000000",
        "exp": "1800000600",
    },
    ".NET, older": {
        "header": {"alg": "RS256", "kid": RSA_CERTIFICATE.sha1.hex().upper(), "x5t": url64(RSA_CERTIFICATE.sha1)}
    },
    "Java": {"header": {"alg": "RS256", "typ": "JWT", "x5t#S256": url64(RSA_CERTIFICATE.sha256)}},
    "Java, older": {"header": {"alg": "RS256", "typ": "JWT", "x5t": url64(RSA_CERTIFICATE.sha1)}},
    "Terraform": {"header": {"alg": "RS256", "typ": "JWT", "kid": url64(RSA_CERTIFICATE.sha1)}, "jti": None},
    "Terraform, EC": {
        "key": EC,
        "header": {"alg": "ES256", "typ": "JWT", "kid": url64(EC_CERTIFICATE.sha1)},
        "der": True,
    },
    "EC as the specification says": {"key": EC, "header": {"alg": "ES256", "x5t#S256": url64(EC_CERTIFICATE.sha256)}},
    "fractions of a second": {"exp": 1_800_000_000.5 + 600, "nbf": 1_800_000_000.25},
    "an hour long": {"exp": 1_800_000_000 + MAX_LIFE},
    "no nbf": {"nbf": None},
}


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_every_spelling_is_taken(registered: Endpoint, spelling: str) -> None:
    text = assertion(registered, **SPELLINGS[spelling])
    client = await registered.prove(assertion=text)
    assert client.application == registered.application
    # clients send one for some minutes, for other resources too
    assert await registered.prove(assertion=text) == client


GOOD_HEADER = {"alg": "RS256", "x5t#S256": url64(RSA_CERTIFICATE.sha256)}
FORGED: dict[str, dict[str, Any]] = {
    "another key": {"key": OTHER},
    "a key that it brings along": {
        "key": OTHER,
        "header": GOOD_HEADER | {"x5c": [standard(self_signed(OTHER, now=BEGIN).der)], "jwk": {"kty": "RSA"}},
    },
    "another certificate": {"header": {"alg": "RS256", "x5t#S256": url64(self_signed(OTHER, now=BEGIN).sha256)}},
    "no certificate": {"header": {"alg": "RS256"}},
    "an empty thumbprint": {"header": {"alg": "RS256", "x5t": "", "x5t#S256": ""}},
    "half a thumbprint": {"header": {"alg": "RS256", "x5t#S256": url64(RSA_CERTIFICATE.sha256[:16])}},
    "the other's thumbprint": {"header": {"alg": "RS256", "x5t#S256": url64(EC_CERTIFICATE.sha256)}},
    "none": {"header": GOOD_HEADER | {"alg": "none"}},
    "no algorithm": {"header": {"x5t#S256": url64(RSA_CERTIFICATE.sha256)}},
    "RS512": {"header": GOOD_HEADER | {"alg": "RS512"}},
    "said to be PS256": {"header": GOOD_HEADER | {"alg": "ES256"}},
    "critical extensions": {"header": GOOD_HEADER | {"crit": ["exp"]}},
    "an audience elsewhere": {"aud": "https://login.microsoftonline.com/other/oauth2/v2.0/token"},
    "a list of audiences": {"aud": [HERE]},
    "no audience": {"aud": None},
    "another subject": {"sub": "somebody"},
    "another issuer": {"iss": "somebody"},
    "expired": {"exp": 1_800_000_000},
    "no end": {"exp": None},
    "an end that is true": {"exp": True},
    "expired, as text": {"exp": "1800000000"},
    "an end that is no number": {"exp": "1800000600 "},
    "too long a life, as text": {"exp": str(1_800_000_000 + MAX_LIFE + 61)},
    "not yet, as text": {"nbf": str(1_800_000_000 + 61)},
    "too long a life": {"exp": 1_800_000_000 + MAX_LIFE + 61},
    "not yet": {"nbf": 1_800_000_000 + 61},
    "too long": {"padding": "x" * 17_000},
    "a header too long": {"header": GOOD_HEADER | {"x5c": ["x" * 13_000]}},
}


@pytest.mark.parametrize("case", FORGED)
async def test_what_is_forged_is_refused(registered: Endpoint, case: str) -> None:
    text = assertion(registered, **FORGED[case])
    with pytest.raises(KeylessError) as error:
        await registered.prove(assertion=text)
    assert error.value.kind is ErrorKind.UNAUTHENTICATED
    assert text not in error.value.message


async def test_hs256_by_what_is_public_is_refused(registered: Endpoint) -> None:
    header = {"alg": "HS256", "x5t": url64(RSA_CERTIFICATE.sha1)}
    signed = ".".join((url64(json.dumps(header).encode()), assertion(registered).split(".")[1]))
    for secret in (RSA_CERTIFICATE.der, RSA.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)):
        signature = hmac.digest(secret, signed.encode(), "sha256")
        with pytest.raises(KeylessError):
            await registered.prove(assertion=f"{signed}.{url64(signature)}")


async def test_a_signature_by_the_other_algorithm_is_refused(registered: Endpoint) -> None:
    """PS256 in the header, and a signature by RS256."""
    header, payload, _ = assertion(registered, header=GOOD_HEADER | {"alg": "PS256"}).split(".")
    signature = RSA.sign(f"{header}.{payload}".encode(), padding.PKCS1v15(), hashes.SHA256())
    with pytest.raises(KeylessError):
        await registered.prove(assertion=f"{header}.{payload}.{url64(signature)}")


async def test_a_certificate_counts_in_its_time_and_while_it_is_there(registered: Endpoint) -> None:
    await registered.prove(assertion=assertion(registered))
    registered.clock.now += 31 * 86_400
    with pytest.raises(KeylessError, match="expired"):
        await registered.prove(assertion=assertion(registered))
    registered.clock.now -= 32 * 86_400
    with pytest.raises(KeylessError, match="not valid yet"):
        await registered.prove(assertion=assertion(registered))
    registered.clock.now += 86_400
    good = assertion(registered)
    await registered.change(lambda one: replace(one, certificates=one.certificates[1:]))
    with pytest.raises(KeylessError, match="add-certificate"):
        await registered.prove(assertion=good)


async def test_anothers_certificate_is_not_ones_own(registered: Endpoint) -> None:
    good = assertion(registered)
    other = await registered.tenant.write(lambda tx: registered.tenant.applications.create(tx, "other", 0.0))
    with pytest.raises(KeylessError):
        await registered.clients.prove(Presented(other.client_id, None, SecretStr(good), (HERE,)))


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda data: f"{url64(data)}.{url64(data)}.{url64(data)}"))
def test_nothing_but_a_refusal_comes_of_any_text(text: str) -> None:
    try:
        read_assertion(SecretStr(text))
    except KeylessError as error:
        assert error.kind is ErrorKind.UNAUTHENTICATED


@pytest.mark.parametrize("part", range(3))
def test_a_part_has_one_spelling_besides_its_padding(part: int) -> None:
    good = [url64(b'{"alg":"RS256"}'), url64(b'{"iss":"a"}'), url64(b"x" * 32)]
    read_assertion(SecretStr(".".join(good)))
    for bad in (f"{good[part]}====", f"{good[part]}\n", f"{good[part][:-1]}!", f"={good[part]}"):
        wrong = [bad if number == part else one for number, one in enumerate(good)]
        with pytest.raises(KeylessError):
            read_assertion(SecretStr(".".join(wrong)))


# what may be registered


@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM])
def test_a_certificate_is_read_in_both_forms(encoding: Encoding) -> None:
    found = read_client_certificate(RSA_CERTIFICATE.certificate.public_bytes(encoding), "k", "")
    assert (found.der, found.sha1, found.sha256) == (
        RSA_CERTIFICATE.der,
        RSA_CERTIFICATE.sha1,
        RSA_CERTIFICATE.sha256,
    )
    assert found.display_name == "CN=client"
    assert found.end - found.start == timedelta(days=30, hours=1).total_seconds()


def weak() -> dict[str, bytes]:
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    return {
        "RSA of 1024 bits": self_signed(small).der,
        "another curve": self_signed(ec.generate_private_key(ec.SECP384R1())).der,
        "nothing": b"",
        "text": b"hello",
        "a key": RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "too long": RSA_CERTIFICATE.der + b"x" * 20_000,
        "half": RSA_CERTIFICATE.der[:200],
    }


@pytest.mark.parametrize("case", weak())
def test_what_cannot_be_registered(case: str) -> None:
    with pytest.raises(KeylessError) as error:
        read_client_certificate(weak()[case], "k", "")
    assert error.value.kind is ErrorKind.INVALID


def test_no_signature_goes_with_a_key_of_another_kind() -> None:
    signature = ed25519.Ed25519PrivateKey.generate().sign(b"x")
    for made in (RSA_CERTIFICATE, EC_CERTIFICATE):
        for algorithm in ("RS256", "PS256", "ES256", "EdDSA", "none", ""):
            assert not holds(made.der, algorithm, b"x", signature)
            assert not holds(made.der, algorithm, b"x", b"")
