"""Tokens that must be refused: on every surface, for every operation, with the right status and envelope.

The token that is spoiled in each case belongs to an identity that may do everything, so that a check which is
missing shows as an answer and not as another refusal. Every table has its positive twin.
"""

from __future__ import annotations

import pytest

from tests.inprocess import PlatformOwner
from tests.refusals.forgery import NOT_BEARER, Credential, parts_of
from tests.refusals.surfaces import (
    ACCOUNT_NAME,
    APP_NAME,
    blob_operations,
    graph_operations,
    management_operations,
    send,
    surfaces_of,
    vault_operations,
)
from tests.refusals.world import AUDIENCES, World, assign_everything, unique

SURFACES = ["vault", "blob", "management", "graph"]
TWINS = {
    "vault": lambda world: vault_operations("twin"),
    "blob": lambda world: blob_operations("twin", "blob"),
    "management": lambda world: management_operations(world.owner, "2"),
    "graph": lambda world: graph_operations("twin"),
}


@pytest.mark.parametrize("surface", SURFACES)
def test_the_good_token_may_do_all_of_it(world: World, surface: str) -> None:
    for request in TWINS[surface](world):
        answer = world.ask(surface, request, world.mighty.bearer(surface))
        assert answer.status_code == request.done, (request.name, answer.text)


@pytest.mark.parametrize("surface", SURFACES)
def test_the_good_token_is_good_under_every_name(world: World, surface: str) -> None:
    request = world.surfaces[surface].read
    for at in world.surfaces[surface].addresses:
        answer = world.ask(surface, request, world.mighty.bearer(surface), at)
        assert answer.status_code == request.done, (at.authority, answer.text)


@pytest.mark.parametrize("name", NOT_BEARER)
@pytest.mark.parametrize("surface", SURFACES)
def test_what_is_no_bearer_token(world: World, surface: str, name: str) -> None:
    credential: Credential = NOT_BEARER[name]
    with world.nothing_changes():
        for at in world.surfaces[surface].addresses:
            for request in world.surfaces[surface].operations:
                world.refuse(surface, request, credential(world.mighty.token(surface)), 401, at)


@pytest.mark.parametrize("surface", SURFACES)
def test_the_scheme_is_read_as_the_specification_says(world: World, surface: str) -> None:
    request, token = world.surfaces[surface].read, world.mighty.token(surface)
    for scheme in ("bearer ", "BEARER ", "Bearer  "):  # RFC 9110, 11.1: case does not matter
        assert world.ask(surface, request, scheme + token).status_code == request.done


@pytest.mark.parametrize("surface", SURFACES)
def test_every_forged_token_is_refused_for_every_operation(world: World, surface: str) -> None:
    with world.nothing_changes():
        for name, token in world.forger(surface).all().items():
            for request in world.surfaces[surface].operations:
                answer = world.refuse(surface, request, f"Bearer {token}", 401)
                quoted = [part for part in token.split(".") if len(part) > 12 and part in answer.text]
                assert not quoted, f"the answer to {name} quotes the token"


@pytest.mark.parametrize("surface", SURFACES)
def test_forged_tokens_are_refused_under_every_name(world: World, surface: str) -> None:
    request = world.surfaces[surface].read
    for token in world.forger(surface).all().values():
        for at in world.surfaces[surface].addresses[1:]:
            world.refuse(surface, request, f"Bearer {token}", 401, at)


@pytest.mark.parametrize("surface", SURFACES)
def test_the_forger_makes_good_tokens_too(world: World, surface: str) -> None:
    """Without this, the tests of single claims could pass because of something else that is wrong with them."""
    request, forger = world.surfaces[surface].read, world.forger(surface)
    header, claims, _ = parts_of(forger.good)
    assert header == {"typ": "JWT", "alg": "RS256", "kid": forger.jwk["kid"]}
    good = {
        "nothing changed": {},
        "valid since now": {"nbf": forger.now},
        "valid for a second more": {"exp": forger.now + 1},
        "audience with a slash": {"aud": claims["aud"] + "/"},
        "audience in upper case": {"aud": claims["aud"].upper()},
    }
    for name, change in good.items():
        answer = world.ask(surface, request, f"Bearer {forger.signed(**change)}")
        assert answer.status_code == request.done, (name, answer.text)


@pytest.mark.parametrize(
    ("surface", "audience"),
    [
        ("vault", "https://vault.azure.cn"),
        ("vault", "https://vault.usgovcloudapi.net/"),
        ("vault", "https://vault.keyless.localhost:8443"),
        ("blob", f"https://{ACCOUNT_NAME}.blob.core.windows.net"),
        ("blob", "https://storage.azure.com/"),
        ("management", "https://management.core.windows.net/"),
        ("management", "https://management.chinacloudapi.cn"),
        ("graph", "https://graph.microsoft.com/"),
        ("graph", "https://graph.keyless.localhost:8443"),
    ],
)
def test_every_spelling_of_an_audience_counts_at_its_own_surface_only(
    world: World, surface: str, audience: str
) -> None:
    token = world.platform.identity_token(world.mighty.app, audience, world.mighty.client_id)
    for name in SURFACES:
        request = world.surfaces[name].read
        if name == surface:
            assert world.ask(name, request, f"Bearer {token}").status_code == request.done
        else:
            world.refuse(name, request, f"Bearer {token}", 401)


@pytest.mark.parametrize("surface", SURFACES)
def test_another_instances_tokens_are_good_there_and_bad_here(world: World, surface: str) -> None:
    token = world.elsewhere.identity_token(APP_NAME, AUDIENCES[surface])
    stranger = PlatformOwner(world.elsewhere)
    there = surfaces_of(stranger)[surface]
    assert send(stranger, there.own, there.read, f"Bearer {token}").status_code == there.read.done
    stranger.close()
    with world.nothing_changes():
        for request in world.surfaces[surface].operations:
            world.refuse(surface, request, f"Bearer {token}", 401)


def test_an_issued_token_lives_from_its_issue_to_its_end(own_world: World) -> None:
    clock = own_world.platform.clock
    begun = clock.now
    tokens = {surface: own_world.mighty.bearer(surface) for surface in SURFACES}
    claims = parts_of(own_world.mighty.token("vault"))[1]
    assert claims["exp"] - claims["nbf"] == 86_400
    for surface in SURFACES:
        request = own_world.surfaces[surface].read
        for now, status in {
            claims["nbf"] - 1: 401,
            claims["nbf"]: request.done,
            claims["exp"] - 1: request.done,
            claims["exp"]: 401,
            claims["exp"] + 86_400: 401,
        }.items():
            clock.now = now
            if status == 401:
                own_world.refuse(surface, request, tokens[surface], 401)
            else:
                assert own_world.ask(surface, request, tokens[surface]).status_code == status
        clock.now = begun


def test_tokens_of_a_revoked_key_are_refused_at_once_everywhere(own_world: World) -> None:
    owner, mighty = own_world.owner, own_world.mighty
    before = {surface: mighty.bearer(surface) for surface in SURFACES}
    for surface in SURFACES:  # each is known to be good, so a remembered signature check would show
        request = own_world.surfaces[surface].read
        assert own_world.ask(surface, request, before[surface]).status_code == request.done
    kid = parts_of(mighty.token("vault"))[0]["kid"]
    owner.arm("POST", f"{owner.subscription}/providers/Keyless.Authority/signingKeys/{kid}/revoke")
    owner._tokens.clear()
    mighty._tokens.clear()
    with own_world.nothing_changes():
        for surface in SURFACES:
            for request in own_world.surfaces[surface].operations:
                own_world.refuse(surface, request, before[surface], 401)
    told = own_world.ask("vault", own_world.surfaces["vault"].read, before["vault"]).headers["www-authenticate"]
    assert ', error="insufficient_claims", claims="' in told
    for surface in SURFACES:
        request = own_world.surfaces[surface].read
        assert own_world.ask(surface, request, mighty.bearer(surface)).status_code == request.done


def test_no_other_token_gets_a_claims_challenge(world: World) -> None:
    """A client would ask for a new token and send all again, in vain."""
    request = world.surfaces["vault"].read
    for token in ("", *world.forger("vault").all().values()):
        answer = world.ask("vault", request, f"Bearer {token}")
        assert "claims" not in answer.headers["www-authenticate"]


@pytest.mark.parametrize("surface", SURFACES)
def test_a_deleted_identitys_token_is_refused_at_once(world: World, surface: str) -> None:
    who = world.workload(unique("gone"))
    assign_everything(world.owner, who.principal_id)
    request = world.surfaces[surface].read
    assert world.ask(surface, request, who.bearer(surface)).status_code == request.done
    world.owner.arm("DELETE", who.id)
    with world.nothing_changes():
        for one in world.surfaces[surface].operations:
            world.refuse(surface, one, who.bearer(surface), 401)
    # and an identity of the same name that comes later is another one
    world.owner.identity(who.id.rsplit("/", 1)[-1])
    world.refuse(surface, request, who.bearer(surface), 401)


@pytest.mark.parametrize("end", ["delete the app", "switch it off", "delete and make again"])
@pytest.mark.parametrize("surface", SURFACES)
def test_a_system_assigned_identity_dies_with_its_app(world: World, surface: str, end: str) -> None:
    owner, name = world.owner, unique("app")
    app = owner.app(name, system=True)
    assign_everything(owner, app["identity"]["principalId"])
    token = world.platform.identity_token(name, AUDIENCES[surface])
    request = world.surfaces[surface].read
    assert world.ask(surface, request, f"Bearer {token}").status_code == request.done
    if end == "switch it off":
        owner.app(name)
    else:
        owner.arm("DELETE", app["id"])
    with world.nothing_changes():
        for one in world.surfaces[surface].operations:
            world.refuse(surface, one, f"Bearer {token}", 401)
    if end == "delete and make again":
        owner.app(name, system=True)
        world.refuse(surface, request, f"Bearer {token}", 401)
        # the new one has no rights, although it has the old one's name
        fresh = world.platform.identity_token(name, AUDIENCES[surface])
        world.refuse(surface, request, f"Bearer {fresh}", 403)


def test_the_owners_assertion_is_no_access_token(world: World) -> None:
    """What proves a client at the token endpoint must not open a resource."""
    owner = world.owner
    seen: list[str] = []
    request = owner._http.request

    def keep(method: str, url: str, **given: object) -> object:
        form = given.get("data")
        if isinstance(form, dict):
            seen.append(form["client_assertion"])
        return request(method, url, **given)  # type: ignore[arg-type]

    owner._http.request = keep  # type: ignore[method-assign,assignment]
    try:
        owner._ask("https://vault.azure.net")
    finally:
        owner._http.request = request  # type: ignore[method-assign]
    for surface in SURFACES:
        world.refuse(surface, world.surfaces[surface].read, f"Bearer {seen[0]}", 401)


def test_a_deleted_identity_gets_no_new_token(world: World) -> None:
    who = world.workload(unique("gone"))
    world.owner.arm("DELETE", who.id)
    with pytest.raises(AssertionError, match="400"):
        world.platform.identity_token(who.app, AUDIENCES["vault"], who.client_id)


def test_what_is_refused_was_asked_for_properly(world: World) -> None:
    """The tables' operations are all there: a typing error in a path would be refused as well."""
    names = {surface: [r.name for r in world.surfaces[surface].operations] for surface in SURFACES}
    assert [len(names[s]) for s in SURFACES] == [len(TWINS[s](world)) for s in SURFACES]
    kinds = {surface: {r.method for r in world.surfaces[surface].operations} for surface in SURFACES}
    assert kinds["vault"] == {"GET", "PUT", "PATCH", "POST", "DELETE"}
    assert kinds["blob"] == {"GET", "HEAD", "PUT", "DELETE"}
    assert kinds["management"] == {"GET", "PUT", "PATCH", "POST", "DELETE"}
    assert kinds["graph"] == {"GET", "PATCH", "POST", "DELETE"}
