"""A service goes on as the person who called it, and nobody else does."""

from __future__ import annotations

from dataclasses import dataclass, replace

import httpx
import pytest

from keyless.authority.clients.secret import HINT_LENGTH
from keyless.authority.grants.on_behalf_of import GRANT_TYPE
from keyless.directory.applications import Application, ClientSecret
from keyless.directory.users import User
from tests.authority.grants.test_authorization_code import refused
from tests.harness import ARM, VAULT
from tests.people import LOOPBACK, World, authorize, claims_of

SECRET = "the service's own secret"
WEB = "https://shop.example.org/signed-in"


@dataclass
class Service:
    """A confidential client that is called with people's tokens."""

    world: World
    application: Application

    @property
    def scope(self) -> str:
        return f"api://{self.application.client_id}/read openid"

    def ask(self, assertion: str, **changed: str | None) -> httpx.Response:
        form: dict[str, str | None] = {
            "grant_type": GRANT_TYPE,
            "client_id": self.application.client_id,
            "client_secret": SECRET,
            "assertion": assertion,
            "requested_token_use": "on_behalf_of",
            "scope": f"{VAULT}/.default openid profile offline_access",
        }
        return self.world.token(**(form | changed))


@pytest.fixture
def service(world: World) -> Service:
    return Service(world, with_secret(world, web_redirects=(WEB,)))


def with_secret(world: World, **given: tuple[str, ...]) -> Application:
    made, now = world.application(**given), world.platform.clock()
    secret = ClientSecret("key", world.hash_of(SECRET), SECRET[:HINT_LENGTH], now - 1, now + 10_000_000)
    return world.write(
        lambda tx: world.applications.change(tx, made.object_id, lambda one: replace(one, secrets=(secret,)))
    )


def called_by(world: World, alice: User, service: Service) -> str:
    """The token with which Alice's program calls the service."""
    code = world.code(world.signed_in(alice), alice, scope=service.scope)
    answer = world.redeem(code, scope=service.scope)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def test_the_next_token_is_the_persons_through_the_service(world: World, alice: User, service: Service) -> None:
    vault = world.owner.vault("obo-vault")
    world.owner.assign(alice.principal_id, "Key Vault Secrets User", vault)
    token = called_by(world, alice, service)
    assert claims_of(token)["scp"] == "read"
    assert world.status_at_vault("obo-vault", token) == 401
    answer = service.ask(token)
    assert answer.status_code == 200, answer.text
    found = claims_of(answer.json()["access_token"])
    assert (found["oid"], found["upn"], found["idtyp"]) == (alice.principal_id, alice.upn, "user")
    assert (found["appid"], found["appidacr"]) == (service.application.client_id, "1")
    assert "refresh_token" not in answer.json()
    assert world.status_at_vault("obo-vault", answer.json()["access_token"]) == 200


def test_it_ends_with_the_sign_in(world: World, alice: User, service: Service) -> None:
    vault = world.owner.vault("obo-ending")
    world.owner.assign(alice.principal_id, "Key Vault Secrets User", vault)
    token = called_by(world, alice, service)
    further = service.ask(token).json()["access_token"]
    assert world.status_at_vault("obo-ending", further) == 200
    world.revoke(alice.upn)
    assert world.status_at_vault("obo-ending", further) == 401
    refused(service.ask(token))


def test_it_may_go_on_further(world: World, alice: User, service: Service) -> None:
    second = Service(world, with_secret(world))
    token = service.ask(called_by(world, alice, service), scope=second.scope).json()["access_token"]
    found = claims_of(second.ask(token).json()["access_token"])
    assert (found["oid"], found["appid"]) == (alice.principal_id, second.application.client_id)


def test_a_token_for_somebody_else_is_refused(world: World, alice: User, service: Service) -> None:
    other = Service(world, with_secret(world))
    for_vault = world.tokens(alice)["access_token"]
    for assertion in (called_by(world, alice, other), for_vault):
        assert "another audience" in refused(service.ask(assertion))


def test_only_a_persons_access_token_will_do(world: World, alice: User, service: Service) -> None:
    token = called_by(world, alice, service)
    browser = world.signed_in(alice)
    page = browser.submit(
        authorize(client_id=service.application.client_id, redirect_uri=WEB), account=alice.principal_id
    )
    mine = world.redeem(
        page.answer["code"], client_id=service.application.client_id, client_secret=SECRET, redirect_uri=WEB
    ).json()
    refused(service.ask(mine["id_token"]))
    refused(service.ask(world.owner.token(ARM)))
    for broken in ("", "x", token[:-4], token[:-4] + "AAAA", f"{token}.x"):
        refused(service.ask(broken))
    own = {"grant_type": "client_credentials", "client_id": service.application.client_id, "client_secret": SECRET}
    app_token = world.token(**own, scope=f"api://{service.application.client_id}/.default").json()["access_token"]
    assert "access token of a person" in refused(service.ask(app_token))


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_secret": None}, "invalid_client"),
        ({"requested_token_use": None}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
    ],
)
def test_the_service_asks_rightly(
    world: World, alice: User, service: Service, changed: dict[str, str | None], error: str
) -> None:
    refused(service.ask(called_by(world, alice, service), **changed), error)


def test_a_public_client_never_acts_for_people(world: World, alice: User) -> None:
    public = world.application(public_redirects=("http://localhost",), public_client=True)
    service = Service(world, public)
    refused(service.ask(called_by(world, alice, service), client_secret=None), "invalid_client")


def test_a_token_that_has_ended_is_refused(world: World, alice: User, service: Service) -> None:
    token = called_by(world, alice, service)
    world.platform.clock.now += 3601
    refused(service.ask(token))


def test_a_web_applications_code_and_refresh_token_need_its_secret(world: World, alice: User, service: Service) -> None:
    client = service.application.client_id
    browser = world.signed_in(alice)

    def code() -> str:
        page = browser.submit(
            authorize(client_id=client, redirect_uri=WEB, code_challenge=None, code_challenge_method=None),
            account=alice.principal_id,
        )
        return page.answer["code"]

    given: dict[str, str | None] = {"client_id": client, "redirect_uri": WEB, "code_verifier": None}
    refused(world.redeem(code(), **given), "invalid_client")
    refused(world.redeem(code(), **given, client_secret="wrong"), "invalid_client")
    refused(world.redeem(code(), **{**given, "code_verifier": "v" * 64}, client_secret=SECRET))
    answer = world.redeem(code(), **given, client_secret=SECRET)
    assert answer.status_code == 200, answer.text
    token = answer.json()["refresh_token"]
    assert claims_of(answer.json()["access_token"])["appidacr"] == "1"
    refused(world.refresh(token, client_id=client), "invalid_client")
    assert world.refresh(token, client_id=client, client_secret=SECRET).status_code == 200
    assert LOOPBACK not in answer.text
