"""What a foreign token must be, with a clock and keys of ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from keyless.authority.clients.assertion import SKEW, read_assertion
from keyless.authority.clients.federated import MAX_LIFE, FederatedWay
from keyless.authority.clients.presented import Client
from keyless.authority.federation.https_get import Document
from keyless.authority.federation.issuers import IssuerKeys
from keyless.directory.applications import Application, ApplicationFederation
from keyless.model.errors import ErrorKind, KeylessError, invalid
from keyless.model.federation import EXCHANGE_AUDIENCE, FederatedCredential, IssuerSettings
from keyless.model.identity import Principal, PrincipalKind
from keyless.model.secretstr import SecretStr
from keyless.store.engine import Tx
from tests.authority.conftest import World as Base
from tests.issuers import ISSUER, SUBJECT, Issuer, base64url, by_secret, new_key, public_jwk

CREDENTIAL = FederatedCredential("shop", ISSUER, SUBJECT, (EXCHANGE_AUDIENCE,))
REGISTERED = Application("o", "c", "registered", federated=(ApplicationFederation("f", CREDENTIAL),))


@dataclass
class World:
    issuer: Issuer
    principal: Principal
    credentials: list[FederatedCredential]
    way: FederatedWay
    fetched: list[str]
    base: Base

    async def prove(self, token: str, principal: Principal | None = None) -> None:
        client = Client(self.principal.client_id, None, principal or self.principal)
        await self.way.prove(client, read_assertion(SecretStr(token)), ())

    async def refused(self, token: str, principal: Principal | None = None) -> KeylessError:
        with pytest.raises(KeylessError) as refused:
            await self.prove(token, principal)
        assert refused.value.kind is ErrorKind.UNAUTHENTICATED
        assert token not in refused.value.message
        return refused.value


@pytest.fixture
async def federated(world: Base) -> World:
    issuer = Issuer(clock=world.clock)
    fetched: list[str] = []

    async def fetch(url: str, _settings: IssuerSettings) -> Document:
        fetched.append(url)
        shown = {f"{ISSUER}/.well-known/openid-configuration": issuer.configuration, f"{ISSUER}/keys": issuer.key_set}
        if url not in shown:
            raise invalid("nobody is there")
        return Document(json.dumps(shown[url]()).encode())

    def make(tx: Tx) -> Principal:
        return world.directory.create(tx, PrincipalKind.USER_ASSIGNED, "shop", resource_id="/subscriptions/s/x")

    principal = await world.store.write(make)
    credentials = [CREDENTIAL]
    way = FederatedWay(
        lambda one: credentials if one == principal else (),
        IssuerKeys(IssuerSettings, fetch, world.clock),
        world.clock,
    )
    return World(issuer, principal, credentials, way, fetched, world)


async def test_a_good_token_proves_the_client_as_often_as_it_is_shown(federated: World) -> None:
    token = federated.issuer.token()
    for _ in range(3):
        await federated.prove(token)


async def test_a_registration_is_proved_by_its_own(federated: World) -> None:
    federated.credentials.clear()
    assertion = read_assertion(SecretStr(federated.issuer.token()))
    await federated.way.prove(Client("c", REGISTERED, None), assertion, ())
    await federated.way.prove(Client("c", REGISTERED, federated.principal), assertion, ())
    with pytest.raises(KeylessError):
        await federated.way.prove(Client("c", replace(REGISTERED, federated=()), federated.principal), assertion, ())


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": ["other", EXCHANGE_AUDIENCE]},
        {"nbf": None},
        {"iat": None},
        {"jti": "x", "kubernetes.io": {"namespace": "default"}, "nested": [[[]]]},
        {"exp": 1_800_000_600.5},
    ],
)
async def test_spellings_of_good_claims(federated: World, changed: dict[str, Any]) -> None:
    await federated.prove(federated.issuer.token(**changed))


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": f"{ISSUER}/"},
        {"iss": ISSUER.upper()},
        {"iss": "https://ISSUER.example.com"},
        {"iss": "https://issuer.example.com:443"},
        {"iss": "https://issuer.example.com.evil.example"},
        {"iss": "https://evil.example"},
        {"iss": " https://issuer.example.com"},
        {"sub": SUBJECT.upper()},
        {"sub": SUBJECT + "2"},
        {"sub": SUBJECT + " "},
        {"sub": "*"},
        {"sub": "system:serviceaccount:default:%"},
        {"aud": "api://azureadtokenexchange"},
        {"aud": EXCHANGE_AUDIENCE + "/"},
        {"aud": ["a", "b"]},
        {"aud": "https://vault.azure.net"},
    ],
)
async def test_what_matches_no_credential_fetches_nothing(federated: World, changed: dict[str, Any]) -> None:
    error = await federated.refused(federated.issuer.token(**changed))
    assert error.code == "AADSTS70021"
    claims = federated.issuer.claims(**changed)
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    for said in (claims["iss"], claims["sub"], *audiences):
        assert repr(said) in error.message
    assert federated.fetched == []


async def test_whose_credential_it_is_counts(federated: World) -> None:
    token = federated.issuer.token()

    def make(tx: Tx) -> Principal:
        return federated.base.directory.create(
            tx, PrincipalKind.USER_ASSIGNED, "other", resource_id="/subscriptions/s/y"
        )

    other = await federated.base.store.write(make)
    assert (await federated.refused(token, other)).code == "AADSTS70021"
    federated.credentials.clear()
    assert (await federated.refused(token)).code == "AADSTS70021"


async def test_issuer_and_subject_of_two_credentials_are_not_mixed(federated: World) -> None:
    federated.credentials[:] = [
        FederatedCredential("one", ISSUER, "a", (EXCHANGE_AUDIENCE,)),
        FederatedCredential("two", "https://other.example.com", "b", (EXCHANGE_AUDIENCE,)),
        FederatedCredential("three", ISSUER, "c", ("other",)),
    ]
    await federated.prove(federated.issuer.token(sub="a"))
    await federated.prove(federated.issuer.token(sub="c", aud="other"))
    mixed: tuple[dict[str, Any], ...] = ({"sub": "b"}, {"sub": "a", "aud": "other"}, {"sub": "c"})
    for changed in mixed:
        assert (await federated.refused(federated.issuer.token(**changed))).code == "AADSTS70021"


@pytest.mark.parametrize(
    ("changed", "good"),
    [
        ({"exp": 1 - SKEW}, True),
        ({"exp": -SKEW}, False),
        ({"nbf": SKEW}, True),
        ({"nbf": SKEW + 1}, False),
        ({"iat": SKEW}, True),
        ({"iat": SKEW + 1}, False),
        ({"exp": MAX_LIFE + SKEW}, True),
        ({"exp": MAX_LIFE + SKEW + 1}, False),
        ({"exp": MAX_LIFE + SKEW + 1, "iat": 0}, False),
        ({"exp": 600, "iat": -MAX_LIFE}, False),
        ({"exp": 600, "iat": 600 - MAX_LIFE - SKEW}, True),
    ],
)
async def test_times(federated: World, changed: dict[str, int], good: bool) -> None:
    now = int(federated.base.clock())
    times: dict[str, Any] = {name: now + moved for name, moved in changed.items()}
    token = federated.issuer.token(**times)
    if good:
        await federated.prove(token)
    else:
        assert (await federated.refused(token)).code == "AADSTS700024"


async def test_a_token_lapses_under_way(federated: World) -> None:
    token = federated.issuer.token()
    await federated.prove(token)
    federated.base.clock.now += 600 + SKEW
    assert "expired" in (await federated.refused(token)).message


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": None},
        {"iss": 1},
        {"iss": ""},
        {"sub": None},
        {"sub": ["a"]},
        {"sub": ""},
        {"aud": None},
        {"aud": []},
        {"aud": [EXCHANGE_AUDIENCE] * 21},
        {"aud": [1]},
        {"aud": {"a": 1}},
        {"exp": None},
        {"exp": "1800000600"},
        {"exp": True},
        {"exp": -1},
        {"exp": 1e300},
        {"exp": [1]},
        {"nbf": "0"},
        {"iat": "0"},
        {"iat": {}},
    ],
)
async def test_claims_of_the_wrong_kind(federated: World, changed: dict[str, Any]) -> None:
    claims = federated.issuer.claims(**changed)
    token = signed(federated, json.dumps(claims))
    assert (await federated.refused(token)).code == "AADSTS50027"


def signed(federated: World, payload: str, header: str = "") -> str:
    """A token with this text for a payload, truly signed."""
    key, kid = federated.issuer.keys[federated.issuer.current], federated.issuer.current
    text = header or json.dumps({"alg": "ES256", "kid": kid})
    inputs = f"{base64url(text.encode())}.{base64url(payload.encode())}"
    algorithm = pyjwt.get_algorithm_by_name("ES256")
    return f"{inputs}.{base64url(algorithm.sign(inputs.encode(), key))}"


async def test_members_that_are_named_twice(federated: World) -> None:
    good = json.dumps(federated.issuer.claims())
    await federated.prove(signed(federated, good))
    for twice in ('"sub": "system:serviceaccount:default:other"', f'"sub": "{SUBJECT}"', '"x": {"a": 1, "a": 2}'):
        token = signed(federated, "{" + twice + ", " + good[1:])
        if twice.startswith('"x"'):
            assert (await federated.refused(token)).code == "AADSTS50027"
        else:
            assert "twice" in (await federated.refused(token)).message
    header = '{"alg": "none", "alg": "ES256", "kid": "key-1"}'
    assert "twice" in (await federated.refused(signed(federated, good, header))).message


@pytest.mark.parametrize(
    "payload", ["[]", "null", '"text"', "{", "", "NaN", '{"exp": NaN}', "[" * 8000, '{"exp":' + "9" * 5000 + "}"]
)
async def test_payloads_that_are_no_claims(federated: World, payload: str) -> None:
    assert (await federated.refused(signed(federated, payload))).code in {"AADSTS50027", "AADSTS700027"}


def header_of(algorithm: str) -> str:
    return base64url(json.dumps({"alg": algorithm, "kid": "key-1"}).encode())


def pem(issuer: Issuer) -> bytes:
    public = issuer.keys[issuer.current].public_key()
    return bytes(public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))


def own_key(issuer: Issuer, member: str) -> str:
    mine = new_key("ES256")
    jwk = public_jwk(mine, "key-1")
    brought = {"jwk": jwk, "jku": "https://evil.example/keys", "x5u": "https://evil.example/x", "x5c": [jwk["x"]]}
    return pyjwt.encode(issuer.claims(), mine, "ES256", headers={"kid": "key-1", member: brought[member]})


def der_signature(issuer: Issuer) -> str:
    inputs = issuer.token().rpartition(".")[0]
    return f"{inputs}.{base64url(issuer.keys['key-1'].sign(inputs.encode(), ec.ECDSA(hashes.SHA256())))}"


FORGED: dict[str, Callable[[Issuer], str]] = {
    "another key of that name": lambda i: pyjwt.encode(i.claims(), new_key("ES256"), "ES256", headers={"kid": "key-1"}),
    "a name that no key has": lambda i: i.token({"kid": "key-2"}),
    "alg none": lambda i: pyjwt.encode(i.claims(), "", "none", headers={"kid": "key-1"}),
    "alg None": lambda i: f"{header_of('None')}.{i.token().split('.')[1]}.",
    "no signature": lambda i: i.token().rpartition(".")[0] + ".",
    "HS256 by the public key in PEM": lambda i: by_secret(i.claims(), pem(i), kid="key-1"),
    "HS256 by the public key's JWK": lambda i: by_secret(
        i.claims(), json.dumps(i.key_set()["keys"][0]).encode(), kid="key-1"
    ),
    "HS512 by nothing": lambda i: by_secret(i.claims(), b"", "HS512", kid="key-1"),
    "RS256 for an EC key": lambda i: pyjwt.encode(i.claims(), new_key("RS256"), "RS256", headers={"kid": "key-1"}),
    "ES384 for a P-256 key": lambda i: pyjwt.encode(i.claims(), new_key("ES384"), "ES384", headers={"kid": "key-1"}),
    "a key of its own in jwk": lambda i: own_key(i, "jwk"),
    "a key of its own at jku": lambda i: own_key(i, "jku"),
    "a certificate of its own at x5u": lambda i: own_key(i, "x5u"),
    "a certificate of its own in x5c": lambda i: own_key(i, "x5c"),
    "a DER signature": der_signature,
    "no name of a key, and another key": lambda i: pyjwt.encode(i.claims(), new_key("ES256"), "ES256"),
}


@pytest.mark.parametrize("case", FORGED)
async def test_forged_tokens(federated: World, case: str) -> None:
    await federated.prove(federated.issuer.token())
    error = await federated.refused(FORGED[case](federated.issuer))
    assert error.code == "AADSTS700027"
    assert all(url.startswith(ISSUER) for url in federated.fetched)


@pytest.mark.parametrize(
    "token", ["", "a", "a.b", "a.b.c", "....", "é.é.é", "a" * 17_000, "eyJhbGciOiJFUzI1NiJ9.e30", " ", "a.b.c.d.e"]
)
async def test_what_is_no_token(federated: World, token: str) -> None:
    with pytest.raises(KeylessError) as refused:
        await federated.prove(token)
    assert refused.value.kind is ErrorKind.UNAUTHENTICATED


async def test_an_oversized_one_is_refused_before_it_is_read(federated: World) -> None:
    await federated.prove(federated.issuer.token(more="x" * 10_000))
    assert "longer than" in (await federated.refused(federated.issuer.token(more="x" * 20_000))).message
    assert "header" in (await federated.refused(federated.issuer.token({"more": "x" * 2000}))).message


async def test_critical_extensions_are_not_known(federated: World) -> None:
    token = federated.issuer.token({"crit": ["exp"]})
    assert "critical" in (await federated.refused(token)).message


async def test_a_changed_key(federated: World) -> None:
    token = federated.issuer.token()
    await federated.prove(token)
    federated.issuer.rotate("key-2")
    await federated.prove(token)  # the former keys are held still
    federated.base.clock.now += 60
    await federated.prove(federated.issuer.token())
    assert (await federated.refused(token)).code == "AADSTS700027"


async def test_an_issuer_that_cannot_be_asked(federated: World) -> None:
    federated.credentials.append(FederatedCredential("x", "https://away.example.com", SUBJECT, (EXCHANGE_AUDIENCE,)))
    error = await federated.refused(federated.issuer.token(iss="https://away.example.com"))
    assert error.code == "AADSTS50166"
    assert "nobody is there" in error.message


@given(st.text(max_size=40), st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=4), max_size=3))
async def test_any_text_is_refused(text: str, claims: dict[str, Any]) -> None:
    way = FederatedWay(lambda _principal: (), no_keys(), lambda: 0.0)
    for token in (text, f"{header_of('ES256')}.{base64url(json.dumps(claims).encode())}.{text}"):
        with pytest.raises(KeylessError) as refused:
            await way.prove(Client("", REGISTERED, None), read_assertion(SecretStr(token)), ())
        assert refused.value.kind is ErrorKind.UNAUTHENTICATED


def no_keys() -> IssuerKeys:
    async def fetch(_url: str, _settings: IssuerSettings) -> Document:
        raise invalid("nobody is there")

    return IssuerKeys(IssuerSettings, fetch, lambda: 0.0)
