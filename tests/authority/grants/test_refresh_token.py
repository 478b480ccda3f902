"""Rotation of refresh tokens, what ends them, and that none can be made up."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.authority.grants.refresh_token import RefreshTokens
from keyless.authority.people.sign_ins import SignIn
from keyless.directory.users import User
from tests.authority.grants.test_authorization_code import refused
from tests.people import SCOPE, World, claims_of

KEY = b"k" * 32


def sign_in(raw: bytes = b"0123456789abcdef", generation: int = 1) -> SignIn:
    name = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    return SignIn(name, "p", "c", "s", SCOPE, 0.0, 0.0, 0.0, generation, False)


@given(st.binary(min_size=16, max_size=16), st.integers(0, 2**32 - 1))
def test_a_token_says_what_it_was_written_for(raw: bytes, generation: int) -> None:
    tokens, one = RefreshTokens(KEY), sign_in(raw, generation)
    written = tokens.write(one).reveal()
    assert tokens.read(written) == (one.id, generation)
    assert RefreshTokens(b"x" * 32).read(written) is None


@given(st.integers(0, 69), st.sampled_from("ABab01-_"))
def test_a_changed_token_is_none(at: int, letter: str) -> None:
    written = RefreshTokens(KEY).write(sign_in()).reveal()
    changed = written[:at] + letter + written[at + 1 :]
    read = RefreshTokens(KEY).read(changed)
    assert (
        read is None
        or changed == written
        or base64.urlsafe_b64decode(changed + "==") == base64.urlsafe_b64decode(written + "==")
    )


@given(st.text(max_size=300))
def test_no_text_is_a_token(text: str) -> None:
    assert RefreshTokens(KEY).read(text) is None


def test_every_token_gives_the_next(world: World, alice: User) -> None:
    token = world.tokens(alice)["refresh_token"]
    for _ in range(3):
        answer = world.refresh(token).json()
        assert answer["refresh_token"] != token
        assert claims_of(answer["access_token"])["oid"] == alice.principal_id
        token = answer["refresh_token"]


def test_an_old_one_ends_them_all(world: World, alice: User) -> None:
    vault = world.owner.vault("refresh-vault")
    world.owner.assign(alice.principal_id, "Key Vault Secrets User", vault)
    first = world.tokens(alice)["refresh_token"]
    second = world.refresh(first).json()
    assert world.status_at_vault("refresh-vault", second["access_token"]) == 200
    world.platform.clock.now += 11
    assert "used before" in refused(world.refresh(first))
    refused(world.refresh(second["refresh_token"]))
    assert world.status_at_vault("refresh-vault", second["access_token"]) == 401


def test_within_the_leeway_the_last_one_gives_the_same_successor(world: World, alice: User) -> None:
    first = world.tokens(alice)["refresh_token"]
    second, again = world.refresh(first).json()["refresh_token"], world.refresh(first).json()["refresh_token"]
    assert second == again
    third = world.refresh(second).json()["refresh_token"]
    assert "used before" in refused(world.refresh(first))
    refused(world.refresh(third))


def test_another_sign_in_is_not_touched(world: World, alice: User) -> None:
    stolen, other = world.tokens(alice)["refresh_token"], world.tokens(alice)["refresh_token"]
    world.refresh(stolen)
    world.platform.clock.now += 11
    refused(world.refresh(stolen))
    assert world.refresh(other).status_code == 200


def test_it_serves_every_resource(world: World, alice: User) -> None:
    token = world.tokens(alice)["refresh_token"]
    answer = world.refresh(token, scope="https://storage.azure.com/.default offline_access").json()
    assert claims_of(answer["access_token"])["aud"] == "https://storage.azure.com"
    again = world.refresh(answer["refresh_token"], scope=None).json()
    assert claims_of(again["access_token"])["aud"] == "https://vault.azure.net"


def test_it_is_bound_to_its_client(world: World, alice: User) -> None:
    other = world.application(public_redirects=("http://localhost",), public_client=True)
    token = world.tokens(alice)["refresh_token"]
    refused(world.refresh(token, client_id=other.client_id))
    assert world.refresh(token).status_code == 200


def test_it_lives_as_long_as_it_is_used(world: World, alice: User) -> None:
    token = world.tokens(alice)["refresh_token"]
    for _ in range(3):
        world.platform.clock.now += 80 * 86_400
        token = world.refresh(token).json()["refresh_token"]
    world.platform.clock.now += 90 * 86_400 + 1
    refused(world.refresh(token))


@pytest.mark.parametrize("what", ["revoke", "password", "disable", "delete", "sign out", "delete client"])
def test_what_ends_a_sign_in_ends_it_at_once(world: World, alice: User, what: str) -> None:
    vault = world.owner.vault("ending-vault")
    world.owner.assign(alice.principal_id, "Key Vault Secrets User", vault)
    client = world.application(public_redirects=("http://localhost",), public_client=True)
    browser = world.signed_in(alice)
    code = world.code(browser, alice, client_id=client.client_id)
    waiting = world.code(browser, alice, client_id=client.client_id)
    tokens = world.redeem(code, client_id=client.client_id).json()
    assert world.status_at_vault("ending-vault", tokens["access_token"]) == 200
    world.platform.clock.now += 1
    if what == "revoke":
        world.revoke(alice.upn)
    elif what == "password":
        now, hashed = world.platform.clock(), world.hash_of("another")
        world.write(
            lambda tx: world.users.change(tx, alice.principal_id, password_hash=hashed, sessions_valid_from=now)
        )
    elif what == "disable":
        world.write(lambda tx: world.directory.update(tx, alice.principal_id, enabled=False))
    elif what == "delete":
        world.write(lambda tx: world.directory.delete(tx, alice.principal_id))
    elif what == "sign out":
        assert browser.submit("/common/oauth2/v2.0/logout").status == 200
    else:
        world.write(lambda tx: world.applications.delete(tx, client.object_id))
    assert world.status_at_vault("ending-vault", tokens["access_token"]) == 401
    assert world.refresh(tokens["refresh_token"], client_id=client.client_id).status_code in {400, 401}
    if what not in {"sign out", "delete client"}:
        assert world.redeem(waiting, client_id=client.client_id).status_code in {400, 401}
        assert alice.upn not in browser.get("/signin").text


def test_an_answer_that_was_lost_can_be_asked_for_again(world: World, alice: User) -> None:
    token = world.tokens(alice)["refresh_token"]
    answers = [world.refresh(token).json()["refresh_token"] for _ in range(5)]
    assert len(set(answers)) == 1


def test_it_is_not_kept(world: World, alice: User) -> None:
    token = world.tokens(alice)["refresh_token"]
    kept = b"".join(path.read_bytes() for path in world.platform.data.glob("keyless.db*"))
    assert token.encode() not in kept
    assert base64.urlsafe_b64decode(token + "==")[-32:] not in kept


def test_a_person_has_so_many_sign_ins_and_no_more(world: World, alice: User) -> None:
    first = world.tokens(alice)["refresh_token"]
    sign_ins = world.platform.built.people.sign_ins

    def work(tx: object) -> None:
        for number in range(200):
            world.platform.clock.now += 0.001
            sign_ins.begin(
                tx,  # type: ignore[arg-type]
                alice.principal_id,
                f"client {number}",
                SCOPE,
                session="",
                authenticated=world.platform.clock(),
                refreshable=True,
                confidential=False,
            )

    world.write(work)
    assert len(sign_ins.of(alice.principal_id)) == 200
    refused(world.refresh(first))
