"""What a good token may not do: scopes, siblings, kinds of roles, and what comes after a name is used again.

Every refusal here stands beside the request that the same identity, by the same assignment, is allowed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import pytest

from tests.harness import VAULT
from tests.refusals.surfaces import (
    ACCOUNT_NAME,
    VAULT_NAME,
    Address,
    Request,
    check_blob,
    check_management,
    check_vault,
    send,
)
from tests.refusals.world import Workload, World, unique

SURFACES = ["vault", "blob", "management"]
ARM_API = "?api-version=2024-01-01"
VAULT_API = "?api-version=7.4"


@pytest.fixture(scope="session")
def siblings(world: World) -> World:
    """Beside each thing one whose name begins the same, and one of the same name elsewhere."""
    owner = world.owner
    for group in ("rg-app", "rg-app2"):
        owner.arm("PUT", f"{owner.subscription}/resourceGroups/{group}", {"location": "local"})
        owner.identity("twin", group)
    for group, vault, account in (
        ("default", "kv-a2", "acca2"),
        ("rg-app", "kv-in-app", "accinapp"),
        ("rg-app2", "kv-in-app2", "accinapp2"),
    ):
        base = f"{owner.subscription}/resourceGroups/{group}/providers"
        owner.arm("PUT", f"{base}/Microsoft.KeyVault/vaults/{vault}", {"location": "local", "properties": {}})
        body = {"location": "local", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
        owner.arm("PUT", f"{base}/Microsoft.Storage/storageAccounts/{account}", body)
        owner.secret(vault, "s", "value")
        owner.container(account, "box")
        owner.blob(account, "box/b", b"data")
    owner.secret(VAULT_NAME, "s2", "value")
    owner.secret(VAULT_NAME, "s-2", "value")
    owner.container(ACCOUNT_NAME, "box2")
    owner.blob(ACCOUNT_NAME, "box2/b", b"data")
    return world


@dataclass(frozen=True)
class Case:
    """A role at a scope, what it is good for, and what not. `at` and the URLs are short; see `_scope`, `_url`."""

    role: str
    at: str
    good: tuple[str, ...]
    bad: tuple[str, ...]


#: A scope or a URL begins with its kind: `group rg-app`, `vault kv-a`, `secret kv-a/s`, `account acca`, `box acca/box`.
CASES = {
    "group, vaults": Case(
        "Key Vault Secrets User", "group rg-app", ("secret kv-in-app/s",), ("secret kv-in-app2/s", "secret kv-a/s")
    ),
    "group, accounts": Case(
        "Storage Blob Data Reader",
        "group rg-app",
        ("blob accinapp/box/b",),
        ("blob accinapp2/box/b", "blob acca/box/b"),
    ),
    "vault": Case(
        "Key Vault Secrets User",
        "vault kv-a",
        ("secret kv-a/s", "secret kv-a/s2"),
        ("secret kv-a2/s", "secret kv-in-app/s"),
    ),
    "the longer vault": Case("Key Vault Secrets User", "vault kv-a2", ("secret kv-a2/s",), ("secret kv-a/s",)),
    "secret": Case(
        "Key Vault Secrets User",
        "secret kv-a/s",
        ("secret kv-a/s",),
        ("secret kv-a/s2", "secret kv-a/s-2", "secret kv-a2/s", "secret kv-a/"),
    ),
    "the longer secret": Case(
        "Key Vault Secrets User", "secret kv-a/s2", ("secret kv-a/s2",), ("secret kv-a/s", "secret kv-a/s-2")
    ),
    "a secret does not give the vault's list": Case(
        "Key Vault Secrets Officer",
        "secret kv-a/s",
        ("secret kv-a/s", "secret kv-a/s/versions"),
        ("secret kv-a", "secret kv-a/s2/versions", "deleted kv-a"),
    ),
    "account": Case(
        "Storage Blob Data Reader",
        "account acca",
        ("blob acca/box/b", "blob acca/box2/b", "list acca/box"),
        ("blob acca2/box/b", "list acca2/box", "blob accinapp/box/b"),
    ),
    "the longer account": Case(
        "Storage Blob Data Reader", "account acca2", ("blob acca2/box/b",), ("blob acca/box/b",)
    ),
    "container": Case(
        "Storage Blob Data Reader",
        "box acca/box",
        ("blob acca/box/b", "list acca/box"),
        ("blob acca/box2/b", "list acca/box2", "blob acca2/box/b", "boxes acca"),
    ),
    "the longer container": Case(
        "Storage Blob Data Reader", "box acca/box2", ("blob acca/box2/b",), ("blob acca/box/b", "list acca/box")
    ),
    "group, management": Case(
        "Reader",
        "group rg-app",
        ("arm group rg-app", "arm vault kv-in-app rg-app", "arm identity twin rg-app"),
        ("arm group rg-app2", "arm vault kv-in-app2 rg-app2", "arm identity twin rg-app2", "arm vault kv-a"),
    ),
    "resource, management": Case(
        "Reader",
        "vault kv-a",
        ("arm vault kv-a",),
        ("arm vault kv-a2", "arm group default", "arm account acca", "arm vaults"),
    ),
    "Owner has no data": Case(
        "Owner",
        "sub",
        ("arm vault kv-a", "arm account acca", "boxes acca"),
        ("secret kv-a/s", "secret kv-a", "secret kv-a/s/versions", "deleted kv-a", "blob acca/box/b", "list acca/box"),
    ),
    "Contributor has no data": Case(
        "Contributor", "sub", ("arm vault kv-a",), ("secret kv-a/s", "secret kv-a", "blob acca/box/b", "list acca/box")
    ),
    "Reader has no data": Case(
        "Reader", "sub", ("arm vault kv-a",), ("secret kv-a/s", "secret kv-a", "blob acca/box/b")
    ),
    "Secrets User has no management": Case(
        "Key Vault Secrets User",
        "sub",
        ("secret kv-a/s",),
        (
            "arm vault kv-a",
            "arm vaults",
            "arm group default",
            "arm app app-a",
            "secret kv-a/s!PUT",
            "secret kv-a/s!DELETE",
        ),
    ),
    "Blob Reader has no management": Case(
        "Storage Blob Data Reader",
        "sub",
        ("blob acca/box/b",),
        ("arm account acca", "arm group default", "blob acca/box/b!PUT", "blob acca/box/b!DELETE"),
    ),
    "vault data is not blob data": Case(
        "Key Vault Administrator", "sub", ("secret kv-a/s",), ("blob acca/box/b", "boxes acca", "arm account acca")
    ),
    "blob data is not vault data": Case(
        "Storage Blob Data Owner", "sub", ("blob acca/box/b",), ("secret kv-a/s", "secret kv-a", "arm vault kv-a")
    ),
}


def _scope(world: World, text: str) -> str:
    kind, _, name = text.partition(" ")
    base = world.owner.group
    first, _, second = name.partition("/")
    match kind:
        case "sub":
            return world.owner.subscription
        case "group":
            return f"{world.owner.subscription}/resourceGroups/{name}"
        case "vault" | "secret":
            vault = f"{base}/providers/Microsoft.KeyVault/vaults/{first}"
            return f"{vault}/secrets/{second}" if second else vault
    account = f"{base}/providers/Microsoft.Storage/storageAccounts/{first}"
    return f"{account}/blobServices/default/containers/{second}" if second else account


def _ask(world: World, text: str, who: Workload) -> tuple[int, str]:
    """Status and code of a request in short; a refusal is checked for its envelope."""
    text, _, method = text.partition("!")
    method = method or "GET"
    kind, _, name = text.partition(" ")
    first, _, rest = name.partition("/")
    domain, port = world.platform.instance.domain, world.platform.port
    login = f"login.{domain}"
    if kind == "arm":
        at = Address(f"management.{domain}:{port}", login)
        request = Request("arm", "GET", _arm_path(world, name) + ARM_API, 200)
        check: Callable[[Address, Request, Any, str], tuple[int, str]] = check_management
        surface = "management"
    elif kind in {"secret", "deleted"}:
        at = Address(f"{first}.vault.{domain}:{port}", login)
        collection = "secrets" if kind == "secret" else "deletedsecrets"
        path = f"/{collection}/{rest}" if rest else f"/{collection}"
        json = {"value": "x"} if method == "PUT" else None
        request = Request("secret", method, path + VAULT_API, 200, json=json)
        check, surface = check_vault, "vault"
    else:
        at = Address(f"{first}.blob.{domain}:{port}", login)
        query = {"blob": "", "list": "?restype=container&comp=list", "boxes": "?comp=list"}[kind]
        content = b"x" if method == "PUT" else None
        headers = {"x-ms-version": "2024-11-04", "x-ms-blob-type": "BlockBlob"}
        request = Request("blob", method, f"/{rest}{query}", 200, content=content, headers=headers)
        check, surface = check_blob, "blob"
    answer = send(world.owner, at, request, who.bearer(surface))
    return (answer.status_code, "") if answer.is_success else check(at, request, answer, world.tenant)


def _arm_path(world: World, text: str) -> str:
    kind, *names = text.split(" ")
    if kind == "group":
        return _scope(world, text)
    group = f"{world.owner.subscription}/resourceGroups/{names[1] if len(names) > 1 else 'default'}"
    types = {
        "vault": "Microsoft.KeyVault/vaults",
        "account": "Microsoft.Storage/storageAccounts",
        "identity": "Microsoft.ManagedIdentity/userAssignedIdentities",
        "app": "Microsoft.Web/sites",
    }
    path = f"{group}/providers/{types[kind.removesuffix('s')]}"
    return f"{path}/{names[0]}" if names else path


FORBIDDEN = {"secret": "Forbidden", "deleted": "Forbidden", "arm": "AuthorizationFailed"}


@pytest.mark.parametrize("name", CASES)
def test_a_role_is_good_at_its_scope_only(siblings: World, name: str) -> None:
    case, world = CASES[name], siblings
    who = world.workload(unique("who"))
    wanted = (*case.good, *case.bad)
    with world.nothing_changes():
        for text in wanted:
            assert _ask(world, text, who)[0] == 403, text
    assignment = world.grant(who, case.role, _scope(world, case.at))
    for text in case.good:
        assert _ask(world, text, who)[0] == 200, text
    with world.nothing_changes():
        for text in case.bad:
            code = FORBIDDEN.get(text.split(" ")[0], "AuthorizationPermissionMismatch")
            assert _ask(world, text, who) == (403, code), text
    world.owner.arm("DELETE", assignment)
    with world.nothing_changes():
        for text in wanted:  # at the very next request
            assert _ask(world, text, who)[0] == 403, text


@pytest.mark.parametrize("surface", SURFACES)
def test_without_an_assignment_nothing_is_allowed(world: World, surface: str) -> None:
    with world.nothing_changes():
        for request in world.surfaces[surface].operations:
            world.refuse(surface, request, world.powerless.bearer(surface), 403)
    for at in world.surfaces[surface].addresses:
        world.refuse(surface, world.surfaces[surface].read, world.powerless.bearer(surface), 403, at)


def test_a_subscriptions_list_shows_nothing_to_those_who_have_nothing(world: World) -> None:
    request = Request("subscriptions", "GET", f"/subscriptions{ARM_API}", 200)
    shown = world.ask("management", request, world.powerless.bearer("management"))
    assert (shown.status_code, shown.json()) == (200, {"value": []})
    assert world.ask("management", request, world.mighty.bearer("management")).json()["value"]


# what a refusal gives away


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("kind", ["secret", "deleted secret", "blob", "container", "blocks"])
def test_a_refusal_does_not_tell_whether_data_exists(siblings: World, kind: str, method: str) -> None:
    world = siblings
    surface = "vault" if "secret" in kind else "blob"
    paths = {
        "secret": (f"/secrets/s{VAULT_API}", f"/secrets/missing{VAULT_API}"),
        "deleted secret": (f"/deletedsecrets/s{VAULT_API}", f"/deletedsecrets/missing{VAULT_API}"),
        "blob": ("/box/b", "/box/missing", "/missing/b"),
        "container": ("/box?restype=container", "/missing?restype=container"),
        "blocks": ("/box/b?comp=blocklist", "/box/missing?comp=blocklist", "/missing/b?comp=blocklist"),
    }
    if (kind, method) in {("deleted secret", "PUT"), ("blocks", "DELETE")}:
        return  # there are no such operations
    # a neighbour's rights must not help either
    neighbour = world.workload(unique("who"))
    world.grant(neighbour, "Key Vault Secrets Officer", _scope(world, "secret kv-a/other"))
    world.grant(neighbour, "Storage Blob Data Contributor", _scope(world, "box acca/box2"))
    for who in (world.powerless, neighbour):
        told = set()
        for path in paths[kind]:
            json = {"value": "x"} if (surface, method) == ("vault", "PUT") else None
            headers = {"x-ms-version": "2024-11-04", "x-ms-blob-type": "BlockBlob"} if surface == "blob" else {}
            request = Request(kind, method, path, 200, json=json, headers=headers)
            answer = world.refuse(surface, request, who.bearer(surface), 403)
            text = answer.text.replace(answer.headers["x-ms-request-id"], "ID")
            for name in ("missing", "box", "/s.", "/s "):  # what is left is the same sentence
                text = text.replace(name, "NAME")
            told.add((text, tuple(sorted(answer.headers))))
        assert len({headers for _text, headers in told}) == 1, told
        assert not any("exist" in text or "not found" in text.lower() for text, _headers in told), told


@pytest.mark.parametrize("surface", ["vault", "blob"])
def test_a_refusal_does_not_tell_whether_a_vault_or_an_account_exists(siblings: World, surface: str) -> None:
    """Its name is part of the host: who may read none is not told which there are; who may read all is."""
    world = siblings
    path_style = [at for at in world.surfaces[surface].addresses if at.prefix]
    for request in world.surfaces[surface].operations:
        for at in (world.surfaces[surface].own, *path_style):
            world.refuse(surface, request, world.powerless.bearer(surface), 403, at)
            other = replace(at, authority=at.authority.replace("a.", "x."), prefix=at.prefix.replace("acca", "accx"))
            world.refuse(surface, request, world.powerless.bearer(surface), 403, other)
            assert world.ask(surface, request, world.mighty.bearer(surface), other).status_code == 404


@pytest.mark.parametrize("conditions", [{"If-Match": "*"}, {"If-None-Match": "*"}, {"x-ms-range": "bytes=99-"}])
def test_conditions_tell_nothing_either(world: World, conditions: dict[str, str]) -> None:
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        for path in ("/box/b", "/box/missing"):
            headers = {"x-ms-version": "2024-11-04", "x-ms-blob-type": "BlockBlob", **conditions}
            request = Request("conditional", method, path, 200, headers=headers)
            world.refuse("blob", request, world.powerless.bearer("blob"), 403)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path",
    [
        "Microsoft.KeyVault/vaults/{kv-a}",
        "Microsoft.Storage/storageAccounts/{acca}",
        "Microsoft.Web/sites/{app-a}",
        "Microsoft.ManagedIdentity/userAssignedIdentities/{id-a}",
        "Microsoft.Web/sites/{app-a}/config/appsettings",
        "Microsoft.Web/sites/{app-a}/attestationRules/r",
    ],
)
def test_a_refusal_does_not_tell_whether_a_resource_exists(world: World, path: str, method: str) -> None:
    if path.endswith("appsettings"):
        method, path = ("PUT", path) if method == "PUT" else ("POST", f"{path}/list")
    there = path.replace("{", "").replace("}", "")
    missing = path[: path.index("{")] + "nothere" + path[path.index("}") + 1 :]
    told = set()
    for group in ("default", "missing"):
        for one in (there, missing):
            url = f"{world.owner.subscription}/resourceGroups/{group}/providers/{one}{ARM_API}"
            json = None if method in {"GET", "DELETE"} else {"location": "local", "properties": {}}
            answer = world.refuse(
                "management", Request("r", method, url, 200, json=json), world.powerless.bearer("management"), 403
            )
            told.add(tuple(sorted(answer.headers)))
    assert len(told) == 1


def test_lending_an_identity_tells_nothing_about_it(world: World) -> None:
    """To assign an identity one needs leave from it; without, it makes no difference whether it is there."""
    who = world.workload(unique("who"))
    name = unique("app")
    app = f"{world.owner.group}/providers/Microsoft.Web/sites/{name}"
    world.owner.app(name)
    world.grant(who, "Contributor", app)
    for identity in ("id-a", "missing"):
        request = Request("lend", "PUT", f"{app}{ARM_API}", 200, json=_lending(world, identity))
        with world.nothing_changes():
            world.refuse("management", request, who.bearer("management"), 403)
    # with leave, both the loan and the truth
    world.grant(who, "Contributor", world.owner.group)
    for identity, status in (("id-a", 200), ("missing", 400)):
        request = Request("lend", "PUT", f"{app}{ARM_API}", 200, json=_lending(world, identity))
        assert world.ask("management", request, who.bearer("management")).status_code == status


def _lending(world: World, identity: str) -> dict[str, object]:
    lent = f"{world.owner.group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{identity}"
    return {"location": "local", "identity": {"type": "UserAssigned", "userAssignedIdentities": {lent: {}}}}


# names that are used again

Things = tuple[str, Callable[[], object], Callable[[], object], str]


def _vault(world: World, name: str) -> Things:
    def make() -> None:
        world.owner.vault(name)
        world.owner.secret(name, "s", "value")

    def remove() -> None:
        world.owner.arm("DELETE", scope)
        world.owner.purge_vault(name)

    scope = _scope(world, f"vault {name}")
    return scope, make, remove, f"secret {name}/s"


def _account(world: World, name: str) -> Things:
    def make() -> None:
        world.owner.account(name)
        world.owner.container(name, "box")
        world.owner.blob(name, "box/b", b"data")

    scope = _scope(world, f"account {name}")
    return scope, make, lambda: world.owner.arm("DELETE", scope), f"blob {name}/box/b"


def _container(world: World, name: str) -> Things:
    def make() -> None:
        world.owner.container(ACCOUNT_NAME, name)
        world.owner.blob(ACCOUNT_NAME, f"{name}/b", b"data")

    def remove() -> None:
        path = f"/{name}?restype=container"
        gone = world.owner.send("DELETE", f"{ACCOUNT_NAME}.blob", path, world.owner.token("https://storage.azure.com"))
        assert gone.status_code == 202

    return _scope(world, f"box {ACCOUNT_NAME}/{name}"), make, remove, f"blob {ACCOUNT_NAME}/{name}/b"


def _secret(world: World, name: str) -> Things:
    def make() -> None:
        world.owner.secret(VAULT_NAME, name, "value")

    def remove() -> None:
        for path, status in ((f"/secrets/{name}", 200), (f"/deletedsecrets/{name}", 204)):
            gone = world.owner.send("DELETE", f"{VAULT_NAME}.vault", path + VAULT_API, world.owner.token(VAULT))
            assert gone.status_code == status

    return _scope(world, f"secret {VAULT_NAME}/{name}"), make, remove, f"secret {VAULT_NAME}/{name}"


def _app(world: World, name: str) -> Things:
    scope = f"{world.owner.group}/providers/Microsoft.Web/sites/{name}"
    return scope, lambda: world.owner.app(name), lambda: world.owner.arm("DELETE", scope), f"arm app {name}"


def _group(world: World, name: str) -> Things:
    scope = _scope(world, f"group {name}")

    def make() -> None:
        world.owner.arm("PUT", scope, {"location": "local"})
        world.owner.identity("inside", name)

    return scope, make, lambda: world.owner.arm("DELETE", scope), f"arm identity inside {name}"


@pytest.mark.parametrize(
    ("role", "things"),
    [
        ("Key Vault Secrets User", _vault),
        ("Storage Blob Data Reader", _account),
        ("Storage Blob Data Reader", _container),
        ("Key Vault Secrets User", _secret),
        ("Reader", _app),
        ("Reader", _group),
    ],
)
def test_what_is_made_again_under_an_old_name_starts_without_assignments(
    world: World, role: str, things: Callable[..., Things]
) -> None:
    scope, make, remove, text = things(world, unique("a"))
    who = world.workload(unique("who"))
    make()
    world.grant(who, role, scope)
    assert _ask(world, text, who)[0] == 200
    remove()
    assert _ask(world, text, who)[0] == 403
    make()
    with world.nothing_changes():
        assert _ask(world, text, who)[0] == 403
    world.grant(who, role, scope)  # and it can be given anew
    assert _ask(world, text, who)[0] == 200


def test_an_identity_that_is_made_again_has_none_of_the_old_ones_rights(world: World) -> None:
    name = unique("id")
    who = world.workload(name)
    world.grant(who, "Key Vault Secrets User", world.owner.subscription)
    assert _ask(world, f"secret {VAULT_NAME}/s", who)[0] == 200
    world.owner.arm("DELETE", who.id)
    again = world.workload(name)
    assert again.principal_id != who.principal_id
    assert again.client_id != who.client_id
    assert _ask(world, f"secret {VAULT_NAME}/s", again)[0] == 403
    assert _ask(world, f"secret {VAULT_NAME}/s", who)[0] == 401


def test_nobody_gives_himself_rights(world: World) -> None:
    who = world.workload(unique("who"))
    world.grant(who, "Contributor", world.owner.subscription)
    role = f"{world.owner.subscription}/providers/Microsoft.Authorization/roleDefinitions"
    for guid in ("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "4633458b-17de-408a-b874-0445c86b69e6"):
        path = f"{world.owner.group}/providers/Microsoft.Authorization/roleAssignments/{uuid4()}{ARM_API}"
        body = {"properties": {"roleDefinitionId": f"{role}/{guid}", "principalId": who.principal_id}}
        with world.nothing_changes():
            world.refuse("management", Request("grant", "PUT", path, 201, json=body), who.bearer("management"), 403)
