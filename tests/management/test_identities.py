"""Identities on apps: the block, what assigning them takes, and what the end of one ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.management.identity_block import read_identity
from keyless.model.errors import KeylessError
from keyless.model.resource import Resource
from keyless.model.resource_id import parse_resource_id
from tests.harness import ARM, VAULT, HeldLease, Owner, RunningServer
from tests.manager import ASSIGNMENTS, IDENTITIES, SITES, VAULTS, Manager, code_of


def unique(kind: str) -> str:
    return f"{kind}{uuid4().hex[:8]}"


def user(*ids: str) -> dict[str, Any]:
    return {"type": "UserAssigned", "userAssignedIdentities": {i: {} for i in ids}}


# the block

ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{}"
NAMES = ["one", "ONE", "two", "three"]
blocks: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["None", "SystemAssigned", "UserAssigned", "SystemAssigned, UserAssigned", "userassigned,SYSTEMASSIGNED"]
        )
    },
    optional={"userAssignedIdentities": st.dictionaries(st.sampled_from(NAMES), st.sampled_from([None, {}]))},
)


@given(blocks, st.sets(st.sampled_from(["one", "two"])), st.booleans(), st.booleans())
def test_a_block_is_read_as_its_words_say(block: dict[str, Any], held: set[str], system: bool, merge: bool) -> None:
    old = Resource(
        parse_resource_id("/subscriptions/s"),
        system_identity="p" if system else "",
        user_identities=tuple(ID.format(name) for name in sorted(held)),
    )
    named = {ID.format(name): value for name, value in block.get("userAssignedIdentities", {}).items()}
    given = {"identity": block | ({"userAssignedIdentities": named} if "userAssignedIdentities" in block else {})}
    wanted = read_identity(given, old, merge=merge)
    kinds = block["type"].lower()
    expected = {ID.format(name).lower() for name in held} if merge and "userassigned" in kinds else set()
    if "userassigned" in kinds:
        for name, value in named.items():
            expected = expected - {name.lower()} if value is None else expected | {name.lower()}
    assert wanted.system == ("systemassigned" in kinds)
    assert {one.lower() for one in wanted.user} == expected
    assert len(wanted.user) == len(expected)


def test_without_a_block_all_stays() -> None:
    old = Resource(parse_resource_id("/subscriptions/s"), system_identity="p", user_identities=(ID.format("one"),))
    for body in ({}, {"identity": None}):
        for merge in (True, False):
            wanted = read_identity(body, old, merge=merge)
            assert (wanted.system, wanted.user) == (True, (ID.format("one"),))


@pytest.mark.parametrize(
    "block",
    [
        {"type": "Nonsense"},
        {"type": "None, SystemAssigned"},
        {"type": ""},
        {"type": 5},
        {"type": "UserAssigned", "userAssignedIdentities": [ID.format("one")]},
        {"type": "UserAssigned", "userAssignedIdentities": {"one": {}}},
        {"type": "UserAssigned", "userAssignedIdentities": {"/subscriptions/s/resourceGroups/g": {}}},
        {"type": "UserAssigned", "userAssignedIdentities": {ID.format(i): {} for i in range(101)}},
    ],
)
def test_a_block_that_makes_no_sense(block: dict[str, Any]) -> None:
    with pytest.raises(KeylessError):
        read_identity({"identity": block}, None, merge=False)


# over the server


def test_a_system_assigned_identity_is_switched_on_and_off(arm: Manager) -> None:
    path = arm.path(SITES, unique("a"))
    assert "identity" not in arm("PUT", path, {}).json()
    on = arm("PATCH", path, {"identity": {"type": "SystemAssigned"}}).json()["identity"]
    tenant = arm.owner.server.instance.tenant
    assert on == {"type": "SystemAssigned", "principalId": on["principalId"], "tenantId": tenant}
    view = arm("GET", f"{path}/providers/Microsoft.ManagedIdentity/identities/default").json()
    assert view["properties"]["principalId"] == on["principalId"]
    assert view["properties"]["clientId"] not in {on["principalId"], ""}
    assert arm("PUT", path, {}).json()["identity"] == on  # a PUT that says nothing of it leaves it
    assert arm("PUT", path, {"identity": {"type": "systemassigned"}}).json()["identity"] == on
    assert "identity" not in arm("PATCH", path, {"identity": {"type": "None"}}).json()
    gone = arm("GET", f"{path}/providers/Microsoft.ManagedIdentity/identities/default")
    assert (gone.status_code, code_of(gone)) == (404, "IdentityNotFound")
    again = arm("PATCH", path, {"identity": {"type": "SystemAssigned"}}).json()["identity"]
    assert again["principalId"] != on["principalId"]


def test_user_assigned_identities_come_and_go(arm: Manager, owner: Owner) -> None:
    one, two = (owner.identity(unique("i")) for _ in range(2))
    path = arm.path(SITES, unique("a"))
    shown = arm("PUT", path, {"identity": user(one["id"].upper())}).json()["identity"]
    assert shown["type"] == "UserAssigned"
    (entry,) = shown["userAssignedIdentities"].values()
    assert entry == {"principalId": one["principalId"], "clientId": one["clientId"]}
    for spelling in ("SystemAssigned,UserAssigned", "SystemAssigned, UserAssigned"):
        block: dict[str, Any] = {"type": spelling, "userAssignedIdentities": {two["id"]: {}}}
        both = arm("PATCH", path, {"identity": block}).json()["identity"]
        assert both["type"] == "SystemAssigned, UserAssigned"
        assert len(both["userAssignedIdentities"]) == 2
        assert both["principalId"]
    less = {"type": "UserAssigned", "userAssignedIdentities": {one["id"]: None}}
    left = arm("PATCH", path, {"identity": less}).json()["identity"]
    assert list(left["userAssignedIdentities"]) == [two["id"]]
    assert "principalId" not in left
    replaced = arm("PUT", path, {"identity": user(one["id"])}).json()["identity"]
    assert list(replaced["userAssignedIdentities"]) == [one["id"]]


def test_what_is_no_identity_is_not_assigned(arm: Manager, owner: Owner) -> None:
    path = arm.path(SITES, unique("a"))
    missing = arm("PUT", path, {"identity": user(arm.path(IDENTITIES, unique("i")))})
    assert (missing.status_code, code_of(missing)) == (400, "FailedIdentityOperation")
    # another app's system-assigned identity is lent to nobody
    other = owner.app(unique("b"), system=True)
    lent = arm("PUT", path, {"identity": user(other["id"])})
    assert (lent.status_code, code_of(lent)) == (400, "InvalidIdentityId")
    assert arm("GET", path).status_code == 404
    for kind in (VAULTS, IDENTITIES):
        carried = arm("PUT", arm.path(kind, unique("v")), {"identity": {"type": "SystemAssigned"}})
        assert (carried.status_code, code_of(carried)) == (400, "IdentityNotSupported")


def test_a_system_assigned_identity_dies_with_its_app_and_leaves_its_assignments_orphaned(
    server: RunningServer, arm: Manager, owner: Owner
) -> None:
    name, vault = unique("a"), unique("v")
    app = owner.app(name, system=True)
    vault_id = owner.vault(vault)
    owner.secret(vault, "one", "v")
    principal_id = app["identity"]["principalId"]
    kept = [owner.assign(principal_id, role, vault_id) for role in ("Reader", "Key Vault Secrets User")]
    with HeldLease.open(server, name) as lease:
        arm_token, vault_token = lease.token(ARM), lease.token(VAULT)
    assert Manager(owner, arm_token)("GET", vault_id).status_code == 200
    assert arm("DELETE", app["id"]).status_code == 200
    refused = Manager(owner, arm_token)("GET", vault_id)
    assert (refused.status_code, code_of(refused)) == (401, "InvalidAuthenticationToken")
    assert owner.send("GET", f"{vault}.vault", "/secrets/one?api-version=7.4", vault_token).status_code == 401
    for one in kept:
        assert arm("GET", one).json()["properties"]["principalType"] == "Unknown"
    listed = arm("GET", f"{vault_id}/providers/{ASSIGNMENTS}?$filter=principalId eq '{principal_id}'").json()["value"]
    assert {one["properties"]["principalType"] for one in listed} == {"Unknown"}
    # an app of the same name is another one
    again = owner.app(name, system=True)
    assert again["identity"]["principalId"] != principal_id
    with HeldLease.open(server, name) as lease:
        assert Manager(owner, lease.token(ARM))("GET", vault_id).status_code == 403
    assert arm("DELETE", kept[0]).status_code == 200


def test_an_identity_on_many_apps_ends_for_all_of_them_at_once(
    server: RunningServer, arm: Manager, owner: Owner
) -> None:
    identity, vault = owner.identity(unique("i")), unique("v")
    vault_id = owner.vault(vault)
    owner.secret(vault, "one", "v")
    for role in ("Reader", "Key Vault Secrets User"):
        owner.assign(identity["principalId"], role, vault_id)
    apps = [owner.app(unique("a"), identity["id"])["name"] for _ in range(3)]
    leases = [HeldLease.open(server, app) for app in apps]
    tokens = {lease.token(ARM, identity["clientId"]) for lease in leases}
    (arm_token,) = tokens  # it is one identity, and asking again returns the same token
    vault_token = leases[0].token(VAULT, identity["clientId"])
    secret = f"{vault}.vault", "/secrets/one?api-version=7.4", vault_token
    assert owner.send("GET", *secret).status_code == 200

    assert arm("DELETE", identity["id"]).status_code == 200
    assert owner.send("GET", *secret).status_code == 401
    assert Manager(owner, arm_token)("GET", vault_id).status_code == 401
    for app, lease in zip(apps, leases, strict=True):
        assert "identity" not in arm("GET", arm.path(SITES, app)).json()
        assert lease.request(query={"resource": VAULT, "client_id": identity["clientId"]}).status == 400
    # one of the same name is another one, and is assigned to nobody
    again = owner.identity(identity["id"].rsplit("/", 1)[1])
    assert again["principalId"] != identity["principalId"]
    for app, lease in zip(apps, leases, strict=True):
        assert "identity" not in arm("GET", arm.path(SITES, app)).json()
        assert lease.request(query={"resource": VAULT, "client_id": again["clientId"]}).status == 400
        lease.close()
    assert owner.send("GET", *secret).status_code == 401


# who may do what


def test_a_reader_changes_nothing(arm: Manager, owner: Owner, somebody: Callable[..., Manager]) -> None:
    app = owner.app(unique("a"))["id"]
    arm("PUT", f"{app}/config/appsettings", {"properties": {"A": "secret"}})
    reader = somebody(("Reader", owner.subscription))
    assert reader("GET", app).status_code == 200
    subscription = owner.subscription
    for method, path in [
        ("PUT", app),
        ("PATCH", app),
        ("DELETE", app),
        ("PUT", arm.path(VAULTS, unique("v"))),
        ("DELETE", owner.group),
        ("PUT", f"{subscription}/resourceGroups/new"),
        ("PUT", f"{owner.group}/providers/{ASSIGNMENTS}/{uuid4()}"),
        ("DELETE", f"{owner.group}/providers/{ASSIGNMENTS}/{uuid4()}"),
        ("PUT", f"{app}/config/appsettings"),
        ("POST", f"{app}/config/appsettings/list"),
        ("POST", f"{subscription}/providers/Keyless.Authority/signingKeys/rotate"),
        ("POST", f"{subscription}/providers/Keyless.Authority/signingKeys/x/revoke"),
    ]:
        answer = reader(method, path, {} if method != "DELETE" else None)
        assert (answer.status_code, code_of(answer)) == (403, "AuthorizationFailed"), (method, path)
        assert reader.principal_id in answer.json()["error"]["message"]
    assert arm("POST", f"{app}/config/appsettings/list").json()["properties"] == {"A": "secret"}


def test_who_may_make_identities_and_who_may_assign_them(
    arm: Manager, owner: Owner, somebody: Callable[..., Manager], new_group: str
) -> None:
    maker = somebody(("Managed Identity Contributor", new_group))
    path = arm.path(IDENTITIES, unique("i"), new_group)
    identity = maker("PUT", path, {})
    assert identity.status_code == 201
    app_path = arm.path(SITES, unique("a"), new_group)
    assert maker("PUT", app_path, {"identity": user(path)}).status_code == 403

    operator = somebody(("Managed Identity Operator", new_group))
    assert operator("GET", path).status_code == 200
    assert operator("PUT", arm.path(IDENTITIES, unique("i"), new_group), {}).status_code == 403
    assert operator("DELETE", path).status_code == 403
    assert operator("PUT", app_path, {"identity": user(path)}).status_code == 403  # not its app

    # whoever may write the app still needs the right to lend the identity
    lender = path, arm.path(IDENTITIES, unique("i"))
    arm("PUT", lender[1], {})
    writer = somebody(("Contributor", new_group))
    assert writer("PUT", app_path, {"identity": user(path)}).status_code == 201
    refused = writer("PATCH", app_path, {"identity": user(lender[1])})
    assert (refused.status_code, code_of(refused)) == (403, "AuthorizationFailed")
    assert "assign/action" in refused.json()["error"]["message"]
    assert list(arm("GET", app_path).json()["identity"]["userAssignedIdentities"]) == [path]
    owner.assign(writer.principal_id, "Managed Identity Operator", lender[1])
    assert writer("PATCH", app_path, {"identity": user(lender[1])}).status_code == 200
    # to leave what is assigned already, or to take it away, lends nothing
    arm("DELETE", owner.assign(somebody().principal_id, "Reader", lender[1]))
    less = {"type": "UserAssigned", "userAssignedIdentities": {lender[1]: None}}
    assert writer("PATCH", app_path, {"identity": less}).status_code == 200


def test_who_may_assign_roles(arm: Manager, owner: Owner, somebody: Callable[..., Manager], new_group: str) -> None:
    granter = somebody(("Role Based Access Control Administrator", new_group))
    role = (
        f"{owner.subscription}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
    )
    body = {"properties": {"roleDefinitionId": role, "principalId": granter.principal_id}}
    one = f"{new_group}/providers/{ASSIGNMENTS}/{uuid4()}"
    assert granter("PUT", one, body).status_code == 201
    assert granter("PUT", f"{owner.group}/providers/{ASSIGNMENTS}/{uuid4()}", body).status_code == 403
    assert granter("PUT", f"{owner.subscription}/providers/{ASSIGNMENTS}/{uuid4()}", body).status_code == 403
    assert granter("PUT", arm.path(VAULTS, unique("v"), new_group), {}).status_code == 403
    assert granter("DELETE", one).status_code == 200
    contributor = somebody(("Contributor", new_group))
    assert contributor("PUT", one, body).status_code == 403
    assert contributor("DELETE", new_group).status_code == 200


def test_the_tenants_own_affairs_need_a_role_at_the_subscription(
    arm: Manager, owner: Owner, somebody: Callable[..., Manager], new_group: str
) -> None:
    """The owner of a resource group neither reads everybody's audit log nor turns the signing keys."""
    king = somebody(("Owner", new_group))
    keys, events = "Keyless.Authority/signingKeys", "Microsoft.Insights/eventtypes/management/values"
    for scope in (new_group, arm.path(VAULTS, "x", new_group), f"{owner.subscription}/x/y"):
        for method, path in [("GET", keys), ("POST", f"{keys}/rotate"), ("POST", f"{keys}/x/revoke"), ("GET", events)]:
            assert king(method, f"{scope}/providers/{path}").status_code == 404, (scope, path)
            assert king(method, f"{owner.subscription}/providers/{path}").status_code == 403
    assert arm("GET", f"{owner.subscription}/providers/{events}").status_code == 200
    assert arm("GET", f"{owner.subscription}/providers/{keys}").status_code == 200


def test_without_a_token_nothing_is_told(arm: Manager, owner: Owner) -> None:
    there = owner.app(unique("a"))["id"]
    for path in (there, there + "x", "/nothing", f"{owner.group}/providers/Microsoft.Nothing/x/y"):
        answer = owner.send("GET", "management", path)
        assert (answer.status_code, code_of(answer)) == (401, "InvalidAuthenticationToken")
        assert answer.headers["www-authenticate"].startswith("Bearer authorization_uri=")


def test_what_is_not_there_and_what_is_not_yours_look_the_same(
    arm: Manager, owner: Owner, somebody: Callable[..., Manager]
) -> None:
    who = somebody()
    there, nowhere = owner.app(unique("a"))["id"], arm.path(SITES, unique("a"))
    answers = [who(method, path) for path in (there, nowhere) for method in ("GET", "DELETE")]
    assert {answer.status_code for answer in answers} == {403}


# settings


def test_settings_are_replaced_as_a_whole_and_end_with_their_app(
    arm: Manager, owner: Owner, server: RunningServer
) -> None:
    name = unique("a")
    app = owner.app(name)["id"]
    settings = f"{app}/config/appsettings"
    marker = f"value-{uuid4()}"
    assert arm("POST", f"{settings}/list").json()["properties"] == {}
    arm("PUT", settings, {"properties": {"A": marker, "B:C.d-e": "é"}})
    assert arm("POST", f"{settings}/list").json()["properties"] == {"A": marker, "B:C.d-e": "é"}
    assert marker.encode() not in b"".join(p.read_bytes() for p in server.data.rglob("*") if p.is_file())
    arm("PUT", settings, {"properties": {"Z": "1"}})
    assert arm("POST", f"{settings}/list").json()["properties"] == {"Z": "1"}
    for bad in ({"1A": ""}, {"A=B": ""}, {"": ""}, {"A": "\x00"}, {"A": 5}, {"A": "x" * 70_000}):
        assert arm("PUT", settings, {"properties": bad}).status_code == 400
    assert arm("POST", f"{settings}/list").json()["properties"] == {"Z": "1"}
    arm("DELETE", app)
    assert arm("PUT", settings, {"properties": {"Z": "1"}}).status_code == 404
    owner.app(name)
    assert arm("POST", f"{settings}/list").json()["properties"] == {}
