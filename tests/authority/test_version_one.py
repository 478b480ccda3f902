"""The first version of the token endpoint: the same grant, asked for and answered in its own words."""

from __future__ import annotations

import jwt as pyjwt
import pytest

from keyless.authority.version_one import as_first, as_second
from keyless.model.errors import ErrorKind, KeylessError
from tests.authority.test_client_credentials import form
from tests.harness import Owner

SQL = "https://database.windows.net/"


def test_a_token_for_a_resource(owner: Owner) -> None:
    path = f"/{owner.server.instance.tenant}/oauth2/token"
    own = f"https://login.keyless.localhost:{owner.server.port}{path}"
    asked = form(owner, claim_aud=own, scope=None, resource=SQL)
    answer = owner.send("POST", "login", f"{path}?api-version=2015-06-01", data=asked)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    claims = pyjwt.decode(body.pop("access_token"), options={"verify_signature": False})
    assert claims["aud"] == SQL
    assert (body.pop("token_type"), body.pop("resource")) == ("Bearer", SQL)
    assert abs(int(body["expires_on"]) - claims["exp"]) <= 1
    assert set(body) == {"expires_in", "ext_expires_in", "not_before", "expires_on"}
    assert all(isinstance(one, str) for one in body.values())


@pytest.mark.parametrize("resource", [None, "", "a b"])
def test_it_wants_one_resource(owner: Owner, resource: str | None) -> None:
    path = f"/{owner.server.instance.tenant}/oauth2/token"
    answer = owner.send("POST", "login", path, data=form(owner, scope=None, resource=resource))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_resource")


def test_it_has_client_credentials_only() -> None:
    with pytest.raises(KeylessError) as caught:
        as_second({"grant_type": "refresh_token", "resource": SQL})
    assert caught.value.kind is ErrorKind.UNSUPPORTED


def test_its_numbers_are_texts() -> None:
    found = as_first({"access_token": "t", "expires_in": 60, "ext_expires_in": 60}, SQL, 1000.7)
    times = {"expires_in": "60", "ext_expires_in": "60", "not_before": "1000", "expires_on": "1060"}
    assert found == {"access_token": "t", "resource": SQL, **times}
