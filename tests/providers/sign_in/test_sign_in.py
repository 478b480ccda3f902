"""Who may make links and end sign-ins, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.harness import Owner
from tests.manager import Manager

PLACE = "providers/Keyless.SignIn"


def test_a_link_is_the_owners_unless_somebody_else_is_named(owner: Owner) -> None:
    made = owner.arm("POST", f"{owner.subscription}/{PLACE}/links")
    parts = urlsplit(made["url"])
    assert parts.netloc == f"login.{owner.server.instance.domain}:{owner.server.port}"
    assert len(parse_qs(parts.query)["link"][0]) == 43
    assert (made["userPrincipalName"], made["expiresIn"]) == (f"owner@{owner.server.instance.domain}", 300)
    upn = "signed-in-by-link@example.org"
    owner.graph("POST", "users", {"userPrincipalName": upn, "displayName": "x", "accountEnabled": True})
    made = owner.arm("POST", f"{owner.subscription}/{PLACE}/links", {"userPrincipalName": upn.upper()})
    assert made["userPrincipalName"] == upn


@pytest.mark.parametrize("what", ["links", "revoke"])
def test_no_role_over_resources_lets_somebody_act_for_others(
    owner: Owner, somebody: Callable[..., Manager], what: str
) -> None:
    path = f"{owner.subscription}/{PLACE}/{what}"
    for role in ("Reader", "Contributor", "Owner", "User Access Administrator"):
        assert somebody((role, owner.subscription))("POST", path).status_code == 403, role
    assert somebody()("POST", path).status_code == 403
    assert owner.arm("POST", path)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "links", {"userPrincipalName": "nobody@example.org"}, 404),
        ("POST", "revoke", {"userPrincipalName": "nobody@example.org"}, 404),
        ("POST", "links", {"userPrincipalName": 5}, 400),
        ("POST", "links", [], 400),
        ("GET", "links", None, 404),
        ("POST", "others", None, 404),
    ],
)
def test_what_is_not_there(arm: Manager, owner: Owner, method: str, path: str, body: object, status: int) -> None:
    assert arm(method, f"{owner.subscription}/{PLACE}/{path}", body).status_code == status
