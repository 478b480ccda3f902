"""The authorize endpoint: accounts, prompts, modes, and where an answer goes."""

from __future__ import annotations

import pytest

from keyless.directory.users import User
from tests.harness import GRAPH
from tests.people import CLI, LOOPBACK, PASSWORD, SCOPE, World, authorize, claims_of

WEB = "https://shop.example.org/signed-in"


def test_somebody_signs_in_with_a_password_and_the_program_gets_a_token(world: World, alice: User) -> None:
    browser = world.browser()
    page = browser.get(authorize())
    assert page.status == 200
    assert "Microsoft Azure CLI asks to act for you" in page.text
    assert LOOPBACK in page.text
    back = browser.submit(authorize(), username=alice.upn, password=PASSWORD)
    assert back.status == 303
    assert back.location.startswith(f"{LOOPBACK}?")
    assert back.answer.keys() == {"code", "state"}
    assert back.answer["state"] == "the state"
    tokens = world.redeem(back.answer["code"]).json()
    access, identity = claims_of(tokens["access_token"]), claims_of(tokens["id_token"])
    assert (access["oid"], access["upn"], access["idtyp"]) == (alice.principal_id, alice.upn, "user")
    assert (access["appid"], access["aud"], access["scp"]) == (CLI, "https://vault.azure.net", "user_impersonation")
    assert (identity["aud"], identity["nonce"], identity["oid"]) == (CLI, "the nonce", alice.principal_id)
    assert access["iss"] == identity["iss"] == world.platform.instance.issuer
    assert isinstance(tokens["expires_in"], int)
    assert set(SCOPE.split()) <= set(tokens["scope"].split())


def test_who_is_signed_in_chooses_an_account(world: World, alice: User) -> None:
    browser = world.signed_in(alice)
    bob = world.user(name="bob")
    browser.sign_in(bob.upn)
    page = browser.get(authorize(login_hint=alice.upn))
    assert page.accounts == [alice.principal_id, bob.principal_id]
    assert browser.get(authorize()).accounts == [bob.principal_id, alice.principal_id]
    code = world.code(browser, alice)
    assert claims_of(world.redeem(code).json()["access_token"])["oid"] == alice.principal_id


def test_an_account_that_is_not_signed_in_here_cannot_be_chosen(world: World, alice: User) -> None:
    bob = world.user(name="bob")
    page = world.signed_in(alice).submit(authorize(), account=bob.principal_id)
    assert page.status == 200
    assert "has been signed out" in page.text


@pytest.mark.parametrize("mode", ["query", "fragment", "form_post", None])
def test_modes(world: World, alice: User, mode: str | None) -> None:
    page = world.signed_in(alice).submit(authorize(response_mode=mode), account=alice.principal_id)
    assert page.answer["state"] == "the state"
    assert world.redeem(page.answer["code"]).status_code == 200
    if mode == "form_post":
        assert page.status == 200
        assert f'action="{LOOPBACK}"' in page.response.text
        assert f"form-action 'self' {LOOPBACK};" in page.response.headers["content-security-policy"]
    else:
        assert page.status == 303
        assert page.location.startswith(f"{LOOPBACK}{'#' if mode == 'fragment' else '?'}")


def test_a_cancelled_sign_in_is_told_to_the_program(world: World, alice: User) -> None:
    page = world.signed_in(alice).submit(authorize(), decision="cancel")
    assert page.answer["error"] == "access_denied"
    assert page.answer["state"] == "the state"


def test_prompt_login_wants_the_password_again(world: World, alice: User) -> None:
    browser = world.signed_in(alice)
    assert browser.get(authorize(prompt="login")).accounts == []
    assert browser.submit(authorize(prompt="login"), account=alice.principal_id).status == 200
    again = browser.submit(authorize(prompt="login"), username=alice.upn, password=PASSWORD)
    assert again.answer["code"]


def test_prompt_login_takes_somebody_who_has_just_come_in_by_a_link(world: World, alice: User) -> None:
    browser = world.browser()
    browser.follow_link(world.link(alice.upn))
    assert browser.get(authorize(prompt="login")).accounts == [alice.principal_id]
    world.platform.clock.now += 301
    assert browser.get(authorize(prompt="login")).accounts == []
    assert browser.get(authorize()).accounts == [alice.principal_id]


def test_a_program_on_the_machine_gets_nothing_in_silence(world: World, alice: User) -> None:
    browser = world.signed_in(alice)
    assert browser.get(authorize(prompt=None)).accounts == [alice.principal_id]
    assert browser.get(authorize(prompt="none")).answer["error"] == "interaction_required"
    assert world.browser().get(authorize(prompt="none")).answer["error"] == "login_required"


def test_a_web_application_gets_a_code_in_silence_if_it_is_clear_for_whom(world: World, alice: User) -> None:
    client = world.application(web_redirects=(WEB,))
    request = authorize(client_id=client.client_id, redirect_uri=WEB, prompt=None)
    assert world.browser().get(request).status == 200
    browser = world.signed_in(alice)
    back = browser.get(request)
    assert back.location.startswith(f"{WEB}?code=")
    browser.sign_in(world.user(name="bob").upn)
    assert len(browser.get(request).accounts) == 2
    hinted = authorize(client_id=client.client_id, redirect_uri=WEB, prompt="none", login_hint=alice.upn)
    assert "code" in browser.get(hinted).answer
    assert browser.get(hinted.replace("alice", "carol")).answer["error"] == "interaction_required"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "https://vault.azure.net/.default https://storage.azure.com/.default"}, "invalid_scope"),
        ({"prompt": "always"}, "invalid_request"),
        ({"response_mode": "smoke_signals"}, "invalid_request"),
        ({"nonce": "n" * 3000}, "invalid_request"),
    ],
)
def test_a_wrong_request_is_told_to_the_program(world: World, changed: dict[str, str | None], error: str) -> None:
    page = world.browser().get(authorize(**changed))
    assert page.location.startswith(f"{LOOPBACK}?error={error}&")
    assert page.answer["state"] == "the state"


@pytest.mark.parametrize("tenant", ["common", "organizations", "own"])
def test_tenants(world: World, tenant: str) -> None:
    name = world.platform.instance.tenant if tenant == "own" else tenant
    assert world.browser().get(authorize(f"/{name}/oauth2/v2.0/authorize")).status == 200


def test_another_tenant_is_a_page(world: World) -> None:
    page = world.browser().get(authorize("/contoso.example/oauth2/v2.0/authorize"))
    assert page.status == 404
    assert "There is no such tenant here" in page.text


def test_the_owner_comes_in_by_a_link(world: World) -> None:
    browser = world.browser()
    link = world.link()
    assert "Sign in as owner" in browser.get(link).text
    assert browser.follow_link(link).status == 303
    assert "owner@keyless.localhost" in browser.get("/signin").text
    owner_id = world.platform.instance.owner.principal_id
    code = browser.submit(authorize(), account=owner_id).answer["code"]
    access = world.redeem(code).json()["access_token"]
    assert claims_of(access)["upn"] == "owner@keyless.localhost"
    world.owner.vault("owners-vault")
    assert world.status_at_vault("owners-vault", access) == 200


def test_a_user_may_do_what_is_assigned_to_that_user(world: World, alice: User) -> None:
    vault = world.owner.vault("alices-vault")
    access = world.tokens(alice)["access_token"]
    assert world.status_at_vault("alices-vault", access) == 403
    assignment = world.owner.assign(alice.principal_id, "Key Vault Secrets User", vault)
    assert world.status_at_vault("alices-vault", access) == 200
    world.owner.arm("DELETE", assignment)
    assert world.status_at_vault("alices-vault", access) == 403


def test_the_directory_knows_who_asks(world: World, alice: User) -> None:
    code = world.code(world.signed_in(alice), alice, scope="User.Read openid")
    token = world.redeem(code, scope=None).json()["access_token"]
    found = world.owner.send("GET", "graph", "/v1.0/me", token)
    assert found.status_code == 200, found.text
    assert (found.json()["id"], found.json()["userPrincipalName"]) == (alice.principal_id, alice.upn)
    assert world.owner.send("GET", "graph", "/v1.0/users", token).status_code == 403


def test_what_the_directory_ends_has_ended(world: World, alice: User) -> None:
    """Graph's own ways: `revokeSignInSessions`, another password, a disabled account."""
    changes = [
        ("POST", f"users/{alice.principal_id}/revokeSignInSessions", None),
        ("PATCH", f"users/{alice.principal_id}", {"passwordProfile": {"password": PASSWORD}}),
        ("PATCH", f"users/{alice.principal_id}", {"accountEnabled": False}),
    ]
    world.owner.token(GRAPH)
    for method, path, body in changes:
        tokens = world.tokens(alice)
        world.platform.clock.now += 1
        world.owner.graph(method, path, body)
        assert world.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
        world.platform.clock.now += 1
