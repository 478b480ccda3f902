"""The device code grant, from the program's side and the person's."""

from __future__ import annotations

import re
from typing import Any

import pytest

from keyless.authority.grants.device_code import ALPHABET, GRANT_TYPE, as_shown
from keyless.directory.users import User
from tests.authority.grants.test_authorization_code import refused
from tests.people import CLI, PASSWORD, SCOPE, World, claims_of

START = "/organizations/oauth2/v2.0/devicecode"


def begin(world: World, **changed: str) -> dict[str, Any]:
    answer = world.owner.send("POST", "login", START, data={"client_id": CLI, "scope": SCOPE} | changed)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def poll(world: World, code: str, **changed: str) -> str:
    """The error of a poll; empty if there are tokens."""
    answer = world.token(grant_type=GRANT_TYPE, device_code=code, **changed)
    return str(answer.json().get("error", ""))


def test_the_program_is_told_what_to_show(world: World) -> None:
    begun = begin(world)
    assert re.fullmatch(f"[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}", begun["user_code"])
    assert begun["verification_uri"] == "https://login.keyless.localhost:8443/devicelogin"
    assert begun["user_code"] in begun["message"]
    assert begun["verification_uri"] in begun["message"]
    assert (begun["expires_in"], begun["interval"]) == (900, 5)


def test_somebody_enters_the_code_and_the_program_gets_tokens(world: World, alice: User) -> None:
    begun = begin(world)
    assert poll(world, begun["device_code"]) == "authorization_pending"
    browser = world.browser()
    page = browser.submit("/devicelogin", user_code=begun["user_code"].lower().replace("-", " "))
    assert begun["user_code"] in page.text
    assert "Microsoft Azure CLI" in page.text
    assert "Go on only if you started it yourself" in page.text
    form = {"csrf": page.csrf, "user_code": begun["user_code"]}
    page = browser.post("/devicelogin", {**form, "username": alice.upn, "password": PASSWORD})
    assert page.accounts == [alice.principal_id]
    assert poll(world, begun["device_code"]) == "slow_down"
    world.platform.clock.now += 10
    assert poll(world, begun["device_code"]) == "authorization_pending", "signing in is no approval"
    done = browser.post("/devicelogin", {**form, "csrf": page.csrf, "account": alice.principal_id})
    assert "You can close this page" in done.text
    answer = world.token(grant_type=GRANT_TYPE, device_code=begun["device_code"]).json()
    assert claims_of(answer["access_token"])["oid"] == alice.principal_id
    assert world.refresh(answer["refresh_token"]).status_code == 200
    assert poll(world, begun["device_code"]) == "invalid_grant"
    assert browser.submit("/devicelogin", user_code=begun["user_code"]).status == 400


def test_declining(world: World, alice: User) -> None:
    begun = begin(world)
    browser = world.signed_in(alice)
    page = browser.submit("/devicelogin", user_code=begun["user_code"], decision="cancel")
    assert "you declined" in page.text
    assert poll(world, begun["device_code"]) == "authorization_declined"


def test_the_interval_is_kept(world: World) -> None:
    code = begin(world)["device_code"]
    clock = world.platform.clock
    waits = [(0.0, "authorization_pending"), (5, "authorization_pending"), (1, "slow_down"), (5, "slow_down")]
    waits += [(15, "authorization_pending"), (14.5, "authorization_pending"), (5, "slow_down")]
    for seconds, expected in waits:
        clock.now += seconds
        assert poll(world, code) == expected, seconds


def test_it_expires(world: World, alice: User) -> None:
    begun = begin(world)
    world.platform.clock.now += 901
    assert poll(world, begun["device_code"]) == "expired_token"
    assert world.signed_in(alice).submit("/devicelogin", user_code=begun["user_code"]).status == 400


def test_another_clients_code_is_refused(world: World) -> None:
    other = world.application(public_redirects=("http://localhost",), public_client=True)
    assert poll(world, begin(world)["device_code"], client_id=other.client_id) == "invalid_grant"


@pytest.mark.parametrize("code", ["", "unknown", "x" * 5000])
def test_no_code(world: World, code: str) -> None:
    assert poll(world, code) == ("invalid_grant" if code else "invalid_request")


def test_an_account_that_is_not_signed_in_here_approves_nothing(world: World, alice: User) -> None:
    begun = begin(world)
    browser = world.signed_in(world.user())
    page = browser.submit("/devicelogin", user_code=begun["user_code"], account=alice.principal_id)
    assert "has been signed out" in page.text
    assert poll(world, begun["device_code"]) == "authorization_pending"


def test_what_was_approved_ends_with_the_person(world: World, alice: User) -> None:
    begun = begin(world)
    world.signed_in(alice).submit("/devicelogin", user_code=begun["user_code"], account=alice.principal_id)
    world.platform.clock.now += 1
    world.write(lambda tx: world.users.change(tx, alice.principal_id, sessions_valid_from=world.platform.clock()))
    refused(world.token(grant_type=GRANT_TYPE, device_code=begun["device_code"]))


def test_only_public_clients_ask(world: World) -> None:
    web = world.application(web_redirects=("https://shop.example.org/",))
    for client in (web.client_id, "nobody", ""):
        answer = world.owner.send("POST", "login", START, data={"client_id": client, "scope": SCOPE})
        assert answer.status_code == 401
        assert answer.json()["error"] == "invalid_client"


def test_there_are_so_many_codes_and_no_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyless.authority.grants.device_code.MAX_WAITING", 0)
    answer = world.owner.send("POST", "login", START, data={"client_id": CLI, "scope": SCOPE})
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "60"


def test_a_code_is_read_as_people_type() -> None:
    assert as_shown(" bcdf ghjk") == as_shown("BCDF-GHJK") == as_shown("b.c.d.f.g.h.j.k") == "BCDF-GHJK"
