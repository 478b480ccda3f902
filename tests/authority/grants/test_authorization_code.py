"""What an authorization code is bound to, and what a second use does."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from keyless.directory.users import User
from tests.inprocess import PlatformOwner, running_platform
from tests.people import CLI, LOOPBACK, VERIFIER, World, authorize, challenge_of, claims_of

WEB = "https://shop.example.org/signed-in"


def refused(answer: httpx.Response, error: str = "invalid_grant") -> str:
    body = answer.json()
    assert (answer.status_code, body["error"]) == (401 if error == "invalid_client" else 400, error), body
    assert isinstance(body["error_codes"][0], int)
    assert "access_token" not in body
    return str(body["error_description"])


def test_a_code_that_is_used_twice_takes_back_what_it_gave(world: World, alice: User) -> None:
    vault = world.owner.vault("code-vault")
    world.owner.assign(alice.principal_id, "Key Vault Secrets User", vault)
    code = world.code(world.signed_in(alice), alice)
    first = world.redeem(code).json()
    assert world.status_at_vault("code-vault", first["access_token"]) == 200
    assert "used before" in refused(world.redeem(code))
    assert world.status_at_vault("code-vault", first["access_token"]) == 401
    refused(world.refresh(first["refresh_token"]))
    refused(world.redeem(code))


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_verifier": "w" * 64}, "invalid_grant"),
        ({"code_verifier": VERIFIER[:42]}, "invalid_grant"),
        ({"code_verifier": challenge_of(VERIFIER)}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_grant"),
        ({"redirect_uri": "http://localhost:54322"}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"code": None}, "invalid_request"),
        ({"scope": "https://storage.azure.com/.default"}, "invalid_grant"),
        ({"client_id": "11111111-1111-4111-8111-111111111111"}, "invalid_client"),
        ({"client_id": None}, "invalid_client"),
    ],
)
def test_a_code_is_bound_and_a_wrong_try_changes_nothing(
    world: World, alice: User, changed: dict[str, str | None], error: str
) -> None:
    code = world.code(world.signed_in(alice), alice)
    refused(world.redeem(code, **changed), error)
    assert world.redeem(code).status_code == 200


def test_another_clients_code_is_refused(world: World, alice: User) -> None:
    other = world.application(public_redirects=("http://localhost",), public_client=True)
    code = world.code(world.signed_in(alice), alice)
    assert "another client's" in refused(world.redeem(code, client_id=other.client_id))
    assert world.redeem(code).status_code == 200


def test_a_code_lives_for_minutes(world: World, alice: User) -> None:
    code = world.code(world.signed_in(alice), alice)
    world.platform.clock.now += 301
    assert "expired" in refused(world.redeem(code))


def test_a_used_code_is_known_after_it_has_expired(world: World, alice: User) -> None:
    code = world.code(world.signed_in(alice), alice)
    first = world.redeem(code).json()
    world.platform.clock.now += 4000
    world.platform.run(world.platform.built.people.tick())
    refused(world.redeem(code))
    refused(world.refresh(first["refresh_token"]))


def test_only_what_was_asked_for_comes_back(world: World, alice: User) -> None:
    code = world.code(world.signed_in(alice), alice, scope="https://vault.azure.net/.default")
    answer = world.redeem(code, scope=None).json()
    assert not {"refresh_token", "id_token"} & answer.keys()
    assert answer["client_info"]


def test_a_web_application_proves_itself(world: World, alice: User) -> None:
    """Its redirect URI makes it one; the well-known client's ID does not help."""
    client = world.application(web_redirects=(WEB,))
    browser = world.signed_in(alice)
    page = browser.submit(authorize(client_id=client.client_id, redirect_uri=WEB), account=alice.principal_id)
    code = page.answer["code"]
    for client_id in (client.client_id, CLI):
        answer = world.redeem(code, client_id=client_id, redirect_uri=WEB)
        assert answer.status_code in {400, 401}


def test_an_application_of_both_kinds_keeps_them_apart(world: World, alice: User) -> None:
    client = world.application(web_redirects=(WEB,), public_redirects=("http://localhost",), public_client=True)
    browser = world.signed_in(alice)
    web = browser.submit(authorize(client_id=client.client_id, redirect_uri=WEB), account=alice.principal_id)
    refused(world.redeem(web.answer["code"], client_id=client.client_id, redirect_uri=WEB), "invalid_client")
    public = browser.submit(authorize(client_id=client.client_id), account=alice.principal_id)
    assert world.redeem(public.answer["code"], client_id=client.client_id).status_code == 200


def test_a_code_outlives_a_restart_and_so_does_what_it_gave(tmp_path: Path) -> None:
    with running_platform(tmp_path) as platform:
        world = World(platform, PlatformOwner(platform))
        alice = world.user()
        code = world.code(world.signed_in(alice), alice)
        first = world.redeem(code).json()
        world.platform.restart()
        vault = world.owner.vault("restarted")
        world.owner.assign(alice.principal_id, "Key Vault Secrets User", vault)
        assert world.status_at_vault("restarted", first["access_token"]) == 200
        second = world.refresh(first["refresh_token"])
        assert second.status_code == 200
        assert "used before" in refused(world.redeem(code))
        assert world.status_at_vault("restarted", second.json()["access_token"]) == 401
        world.platform.restart()
        assert world.status_at_vault("restarted", second.json()["access_token"]) == 401


def test_the_tokens_name_person_and_program(world: World, alice: User) -> None:
    tokens = world.tokens(alice)
    access, identity = claims_of(tokens["access_token"]), claims_of(tokens["id_token"])
    assert access["sid"] == identity["sid"]
    assert access["tid"] == world.platform.instance.tenant
    assert access["appidacr"] == "0"
    assert identity["preferred_username"] == alice.upn
    assert (access["exp"] - access["iat"]) == tokens["expires_in"] == 3600
    assert "idtyp" not in identity
    assert LOOPBACK not in str(access)


def test_an_id_token_opens_nothing(world: World, alice: User) -> None:
    vault = world.owner.vault("id-vault")
    world.owner.assign(alice.principal_id, "Key Vault Secrets User", vault)
    tokens = world.tokens(alice)
    assert world.status_at_vault("id-vault", tokens["access_token"]) == 200
    assert world.status_at_vault("id-vault", tokens["id_token"]) == 401
