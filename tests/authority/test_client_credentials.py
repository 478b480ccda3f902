"""The owner's grant: what is refused, through the real token endpoint, and in its own envelope."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import jwt as pyjwt
import pytest
from joserfc import jwt as jose
from joserfc.jwk import ECKey, RSAKey

from keyless.authority.grants.grant import resource_of
from keyless.authority.keys import public_owner_key
from tests.harness import ARM, Owner

BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def form(owner: Owner, *, key: ECKey | RSAKey | None = None, alg: str = "ES256", **changed: Any) -> dict[str, str]:
    """A good form, with changes: `claim_…` in the assertion, others in the form; None leaves one out."""
    instance = owner.server.instance
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": instance.owner.client_id,
        "sub": instance.owner.client_id,
        "aud": token_url(owner),
        "iat": now,
        "exp": now + 300,
        "jti": str(uuid4()),
    }
    claims |= {name.removeprefix("claim_"): value for name, value in changed.items() if name.startswith("claim_")}
    claims = {name: value for name, value in claims.items() if value is not None}
    good = {
        "grant_type": "client_credentials",
        "client_id": instance.owner.client_id,
        "scope": f"{ARM}/.default",
        "client_assertion_type": BEARER,
        "client_assertion": jose.encode({"alg": alg}, claims, key or owner_key(owner)),
    }
    good |= {name: value for name, value in changed.items() if not name.startswith("claim_")}
    return {name: value for name, value in good.items() if value is not None}


def owner_key(owner: Owner) -> ECKey:
    file = owner.server.config / owner.server.instance.instance / "owner.key"
    return ECKey.import_key(json.loads(file.read_bytes()))


def token_path(owner: Owner) -> str:
    return f"/{owner.server.instance.tenant}/oauth2/v2.0/token"


def token_url(owner: Owner) -> str:
    return f"https://login.keyless.localhost:{owner.server.port}{token_path(owner)}"


def ask(owner: Owner, data: dict[str, str]) -> httpx.Response:
    return owner.send("POST", "login", token_path(owner), data=data)


def test_a_good_one_is_answered_as_oauth_says(owner: Owner) -> None:
    answer = ask(owner, form(owner))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body.pop("access_token").count(".") == 2
    assert body["token_type"] == "Bearer"
    assert isinstance(body["expires_in"], int)
    assert body["expires_in"] == body["ext_expires_in"] > 3600
    assert set(body) == {"token_type", "expires_in", "ext_expires_in"}


REFUSED: dict[str, Callable[[Owner], dict[str, str]]] = {
    "another audience": lambda o: form(o, claim_aud="https://login.microsoftonline.com/x/oauth2/v2.0/token"),
    "no audience": lambda o: form(o, claim_aud=None),
    "a list of audiences": lambda o: form(o, claim_aud=[token_url(o)]),
    "expired": lambda o: form(o, claim_exp=int(time.time()) - 1),
    "no end": lambda o: form(o, claim_exp=None),
    "lives too long": lambda o: form(o, claim_exp=int(time.time()) + 3600),
    "an end that is no number": lambda o: form(o, claim_exp="soon"),
    "not yet valid": lambda o: form(o, claim_nbf=int(time.time()) + 200),
    "another key": lambda o: form(o, key=ECKey.generate_key("P-256")),
    "RS256": lambda o: form(o, key=RSAKey.generate_key(2048), alg="RS256"),
    "no jti": lambda o: form(o, claim_jti=None),
    "an empty jti": lambda o: form(o, claim_jti=""),
    "another issuer": lambda o: form(o, claim_iss="somebody"),
    "another subject": lambda o: form(o, claim_sub="somebody"),
    "an unknown client": lambda o: form(o, client_id=str(uuid4())),
    "no client": lambda o: form(o, client_id=None),
    "a client secret": lambda o: form(o, client_assertion=None, client_assertion_type=None, client_secret="s"),
    "another assertion type": lambda o: form(o, client_assertion_type="urn:saml"),
    "no JWT": lambda o: form(o, client_assertion="nonsense"),
    "alg none": lambda o: form(o, client_assertion=unsigned(o)),
    "HS256 by the public key": lambda o: form(o, client_assertion=by_public_key(o)),
}


def unsigned(owner: Owner) -> str:
    _, payload, _ = form(owner)["client_assertion"].split(".")
    header = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    return f"{header}.{payload}."


def by_public_key(owner: Owner) -> str:
    claims = pyjwt.decode(form(owner)["client_assertion"], options={"verify_signature": False})
    public = public_owner_key(
        json.loads((owner.server.config / owner.server.instance.instance / "owner.key").read_bytes())
    )
    return pyjwt.encode(claims, (public["x"] + public["y"]).encode(), algorithm="HS256")


NUMBERS = {
    "expired": 700024,
    "no end": 700024,
    "lives too long": 700024,
    "an end that is no number": 700024,
    "not yet valid": 700024,
    "an unknown client": 700016,
    "no client": 700016,
    "a client secret": 7000215,
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_proves_nothing_is_refused(owner: Owner, case: str) -> None:
    given = REFUSED[case](owner)
    answer = ask(owner, given)
    assert answer.status_code == 401, answer.text
    body = answer.json()
    assert body["error"] == "invalid_client"
    number = NUMBERS.get(case, 700027)
    assert body["error_codes"] == [number]
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    assert set(body) == {"error", "error_description", "error_codes", "timestamp", "trace_id", "correlation_id"}
    if len(given.get("client_assertion", "")) > 20:
        assert given["client_assertion"] not in answer.text


def test_an_assertion_is_good_once(owner: Owner) -> None:
    given = form(owner)
    assert ask(owner, given).status_code == 200
    again = ask(owner, given)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"scope": ""}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": ARM}, "invalid_scope"),
        ({"scope": "https://a/.default https://b/.default"}, "invalid_scope"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": None}, "unsupported_grant_type"),
    ],
)
def test_a_request_that_makes_no_sense(owner: Owner, changed: dict[str, Any], error: str) -> None:
    answer = ask(owner, form(owner, **changed))
    assert (answer.status_code, answer.json()["error"]) == (400, error), answer.text


@pytest.mark.parametrize(
    "content", [b"\xff\xfe=1", b"grant_type=%ff", b"&".join(b"a%d=1" % i for i in range(100)), b"x" * 70_000, b""]
)
def test_a_body_that_is_no_form(owner: Owner, content: bytes) -> None:
    answer = owner.send("POST", "login", token_path(owner), content=content)
    assert answer.status_code in {400, 413}
    assert answer.json()["error_codes"]


def test_fields_that_clients_add_do_no_harm(owner: Owner) -> None:
    more = {"client_info": "1", "claims": '{"access_token":{"xms_cc":{"values":["CP1"]}}}', "x-client-SKU": "msal.js"}
    answer = owner.send("POST", "login", token_path(owner) + "?client-request-id=1", data=form(owner) | more)
    assert answer.status_code == 200
    openid = form(owner, scope=f"{ARM}/.default openid profile offline_access")
    assert ask(owner, openid).status_code == 200


def test_the_double_slash_of_a_resource_that_ends_with_one() -> None:
    assert resource_of("https://vault.azure.net//.default") == "https://vault.azure.net/"
    assert resource_of("https://vault.azure.net/.default") == "https://vault.azure.net"
