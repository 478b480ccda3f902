"""Access tokens: what they say, who gets the same one again, and when one counts no more."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from joserfc import jwt as jose
from joserfc.jwk import KeySet

from keyless.authority import tokens
from keyless.authority.jwt import take_apart
from keyless.directory.principals import Directory
from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.identity import Principal, PrincipalKind
from keyless.store.engine import Tx
from tests.authority.conftest import ISSUER, LIFE, TENANT, World

VAULT = "https://vault.azure.net"
RESOURCE_ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"


async def principal(
    world: World, resource_id: str = RESOURCE_ID, kind: PrincipalKind = PrincipalKind.USER_ASSIGNED
) -> Principal:
    def work(tx: Tx) -> Principal:
        return world.directory.create(tx, kind, "shop", resource_id=resource_id)

    return await world.store.write(work)


async def token_of(world: World, one: Principal, resource: str = VAULT) -> str:
    return (await world.authority.issue(one, resource)).token.reveal()


def refused(world: World, token: str, family: str = "vault", kind: ErrorKind = ErrorKind.UNAUTHENTICATED) -> str:
    with pytest.raises(KeylessError) as error:
        world.authority.authenticate(token, family)
    assert error.value.kind is kind
    assert token not in error.value.message
    return error.value.message


async def test_the_claims_to_the_letter(world: World) -> None:
    one = await principal(world)
    issued = await world.authority.issue(one, VAULT)
    keys = KeySet.import_key_set({"keys": world.ring.public_keys()})  # type: ignore[typeddict-item]
    checked = jose.decode(issued.token.reveal(), keys, algorithms=["RS256"])
    assert checked.header == {"typ": "JWT", "alg": "RS256", "kid": world.ring.active.kid}
    claims: dict[str, Any] = dict(checked.claims)
    assert len(claims.pop("uti")) == 22
    now = int(world.clock.now)
    assert claims == {
        "aud": VAULT,
        "iss": ISSUER,
        "iat": now,
        "nbf": now,
        "exp": now + LIFE,
        "oid": one.principal_id,
        "sub": one.principal_id,
        "tid": TENANT,
        "appid": one.client_id,
        "appidacr": "2",
        "idtyp": "app",
        "xms_mirid": RESOURCE_ID,
        "ver": "1.0",
    }
    assert (issued.resource, issued.not_before, issued.expires_on) == (VAULT, now, now + LIFE)


async def test_who_is_no_managed_identity_has_no_resource_id(world: World) -> None:
    owner = await principal(world, "", PrincipalKind.APPLICATION)
    keys = KeySet.import_key_set({"keys": world.ring.public_keys()})  # type: ignore[typeddict-item]
    assert "xms_mirid" not in jose.decode(await token_of(world, owner), keys, algorithms=["RS256"]).claims


async def test_the_same_token_again_until_it_nears_its_end(world: World) -> None:
    one = await principal(world)
    first = await token_of(world, one)
    assert await token_of(world, one) == first
    world.clock.now += LIFE - 3601
    assert await token_of(world, one) == first
    world.clock.now += 1
    second = await token_of(world, one)
    assert second != first
    assert world.authority.authenticate(first, "vault") == one
    assert world.authority.authenticate(second, "vault") == one


async def test_another_identity_or_resource_is_another_token(world: World) -> None:
    one, other = await principal(world), await principal(world, RESOURCE_ID + "2")
    spelled = [f"{VAULT}/", VAULT, "https://storage.azure.com"]
    found = [await token_of(world, who, resource) for who in (one, other) for resource in spelled]
    assert len(set(found)) == 6


async def test_many_at_one_moment_share_one_signature(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    one = await principal(world)
    signed: list[object] = []
    real = type(world.ring.active).sign

    def sign(key: Any, claims: Any) -> str:
        signed.append(claims)
        return real(key, claims)

    monkeypatch.setattr(type(world.ring.active), "sign", sign)
    found = await asyncio.gather(*(token_of(world, one) for _ in range(50)))
    assert len(set(found)) == len(signed) == 1


async def test_a_caller_that_goes_away_stops_no_other(world: World) -> None:
    one = await principal(world)
    leaves = asyncio.ensure_future(token_of(world, one))
    stays = asyncio.ensure_future(token_of(world, one))
    await asyncio.sleep(0)
    leaves.cancel()
    assert world.authority.authenticate(await stays, "vault") == one


@pytest.mark.parametrize("resource", ["", "x" * 1025, "a\nb", "a\x00"])
async def test_a_resource_that_is_none_is_refused(world: World, resource: str) -> None:
    with pytest.raises(KeylessError) as error:
        await token_of(world, await principal(world), resource)
    assert error.value.kind is ErrorKind.INVALID


async def test_a_rotation_keeps_old_tokens_and_new_ones_have_the_new_key(world: World) -> None:
    one = await principal(world)
    first = await token_of(world, one)
    await world.ring.rotate()
    assert world.authority.authenticate(first, "vault") == one
    assert await token_of(world, one) == first  # it is still good
    world.clock.now += LIFE - 3600
    second = await token_of(world, one)
    assert take_apart(second).key_id == world.ring.active.kid
    assert take_apart(first).key_id != world.ring.active.kid


async def test_a_revoked_key_ends_its_tokens_at_once_and_new_ones_are_good(world: World) -> None:
    one = await principal(world)
    first = await token_of(world, one)
    world.authority.authenticate(first, "vault")  # its check is remembered: that must not help it
    await world.ring.revoke(world.ring.active.kid)
    assert "not trusted any more" in refused(world, first, kind=ErrorKind.REVOKED)
    world.authority._verified.clear()  # as after a restart: what is told of it stays the same
    assert "not trusted any more" in refused(world, first, kind=ErrorKind.REVOKED)
    second = await token_of(world, one)
    assert second != first
    assert world.authority.authenticate(second, "vault") == one


async def test_a_deleted_principals_tokens_end_at_once(world: World) -> None:
    one = await principal(world)
    token = await token_of(world, one)
    assert world.authority.authenticate(token, "vault") == one
    await world.store.write(lambda tx: world.directory.delete(tx, one.principal_id))
    assert "deleted" in refused(world, token)
    again = await principal(world)  # the same name and resource ID, but another principal
    assert again.principal_id != one.principal_id
    assert "deleted" in refused(world, token)


async def test_a_disabled_principals_tokens_count_while_it_is_enabled(world: World) -> None:
    one = await principal(world)
    token = await token_of(world, one)
    await world.store.write(lambda tx: world.directory.update(tx, one.principal_id, enabled=False))
    assert "disabled" in refused(world, token)
    await world.store.write(lambda tx: world.directory.update(tx, one.principal_id, enabled=True))
    assert world.authority.authenticate(token, "vault") == one


async def test_time_is_looked_at_for_every_request(world: World) -> None:
    one = await principal(world)
    token = await token_of(world, one)
    world.authority.authenticate(token, "vault")
    begin = world.clock.now
    world.clock.now = begin - 1
    assert "not valid yet" in refused(world, token)
    world.clock.now = begin + LIFE - 1
    assert world.authority.authenticate(token, "vault") == one
    world.clock.now = begin + LIFE
    assert "expired" in refused(world, token)


async def test_a_token_is_for_one_family_of_resources(world: World) -> None:
    one = await principal(world)
    for resource, family in [
        (VAULT, "vault"),
        ("https://storage.azure.com/", "storage"),
        ("https://management.azure.com", "management"),
        ("https://management.core.windows.net/", "management"),
        ("https://vault.keyless.localhost:8443", "vault"),
    ]:
        token = await token_of(world, one, resource)
        assert world.authority.authenticate(token, family) == one
        for other in {"vault", "storage", "management", "login", "identity", ""} - {family}:
            assert "another resource" in refused(world, token, other)
    foreign = await token_of(world, one, "https://database.example")
    for family in ("vault", "storage", "management"):
        refused(world, foreign, family)


def sign(world: World, **changed: Any) -> str:
    now = int(world.clock.now)
    claims = {
        "aud": VAULT,
        "iss": ISSUER,
        "tid": TENANT,
        "oid": "o",
        "nbf": now,
        "exp": now + 60,
        "idtyp": "app",
    } | changed
    return world.ring.active.sign({name: value for name, value in claims.items() if value is not None})


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://sts.windows.net/other/"},
        {"iss": ISSUER + "/"},
        {"iss": None},
        {"tid": "other"},
        {"aud": None},
        {"aud": [VAULT]},
        {"oid": None},
        {"oid": 5},
        {"exp": None},
        {"exp": "9999999999"},
        {"exp": 1e12},
        {"nbf": None},
        {"idtyp": None},
        {"idtyp": "device"},
        {"idtyp": "user"},
        {"idtyp": "user", "sid": 5},
        {"idtyp": "user", "sid": "a sign-in that is not there"},
        {"sid": "a sign-in that is not there"},
    ],
)
async def test_claims_that_our_own_key_signed_are_checked_too(world: World, changed: dict[str, Any]) -> None:
    one = await principal(world)
    assert world.authority.authenticate(sign(world, oid=one.principal_id), "vault") == one
    refused(world, sign(world, **({"oid": one.principal_id} | changed)))


async def test_the_caches_have_an_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MAX_CACHED", 5)
    one = await principal(world)
    first = await token_of(world, one, "https://vault.azure.net/0")
    for i in range(1, 12):
        token = await token_of(world, one, f"https://vault.azure.net/{i}")
        refused(world, token)
    assert await token_of(world, one, "https://vault.azure.net/0") != first
    assert len(world.authority._issued) == 5
    assert len(world.authority._verified) <= 5


async def test_the_directory_finds_by_every_name_and_after_a_restart(world: World) -> None:
    one = await principal(world)
    again = Directory(world.store, lambda: "unused")
    await again.load()
    for directory in (world.directory, again):
        assert directory.by_id(one.principal_id.upper()) == one
        assert directory.by_client_id(one.client_id.upper()) == one
        assert directory.by_resource(RESOURCE_ID.lower()) == one
    await world.store.write(lambda tx: world.directory.delete(tx, one.principal_id))
    for directory in (world.directory, again):
        assert directory.by_id(one.principal_id) is None
        assert directory.by_client_id(one.client_id) is None
        assert directory.by_resource(RESOURCE_ID.lower()) is None
