"""Every resource type over the real server: made, changed, read, listed, deleted; and what is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from tests.harness import ROLES, Owner
from tests.manager import ACCOUNTS, ASSIGNMENTS, IDENTITIES, SITES, VAULTS, Manager, code_of

BODIES: dict[str, dict[str, Any]] = {
    IDENTITIES: {"location": "local"},
    SITES: {"location": "local", "kind": "app"},
    VAULTS: {"location": "local", "properties": {"sku": {"family": "A", "name": "premium"}}},
    ACCOUNTS: {"location": "local", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}},
}
TYPES = list(BODIES)


def name_for(kind: str) -> str:
    return f"n{uuid4().hex[:10]}"


@pytest.mark.parametrize("kind", TYPES)
def test_the_life_of_a_resource(arm: Manager, kind: str) -> None:
    name = name_for(kind)
    path, body = arm.path(kind, name), BODIES[kind]
    assert (arm("GET", path).status_code, code_of(arm("GET", path))) == (404, "ResourceNotFound")
    assert arm("DELETE", path).status_code == 204
    assert arm("PATCH", path, {"tags": {}}).status_code == 404

    made = arm("PUT", path, body | {"tags": {"a": "1"}})
    assert made.status_code == 201
    assert made.headers["content-type"].startswith("application/json")
    shown = made.json()
    assert (shown["id"], shown["name"], shown["type"], shown["tags"]) == (path, name, kind, {"a": "1"})
    assert shown["location"] == "local"
    assert arm("GET", path).json() == shown
    assert shown in arm("GET", arm.path(kind)).json()["value"]
    assert shown in arm("GET", f"{arm.owner.subscription}/providers/{kind}").json()["value"]
    assert shown in arm("GET", f"{arm.owner.subscription}/resources").json()["value"]
    assert shown in arm("GET", f"{arm.group}/resources").json()["value"]

    again = arm("PUT", path, body | {"tags": {"a": "1"}})
    assert (again.status_code, again.json()) == (200, shown)
    patched = arm("PATCH", path, {"tags": {"b": "2"}})
    assert (patched.status_code, patched.json()) == (200, shown | {"tags": {"b": "2"}})
    assert arm("PATCH", path, {}).json() == patched.json()
    assert arm("GET", path).json() == patched.json()

    assert arm("DELETE", path).status_code == 200
    assert arm("DELETE", path).status_code == 204
    assert arm("GET", path).status_code == 404
    assert name not in arm("GET", f"{arm.owner.subscription}/resources").text


def test_what_each_type_shows(arm: Manager) -> None:
    name, site = name_for(VAULTS), f"keyless.localhost:{arm.owner.server.port}"
    tenant = arm.owner.server.instance.tenant
    vault = arm("PUT", arm.path(VAULTS, name), BODIES[VAULTS]).json()["properties"]
    assert vault["vaultUri"] == f"https://{name}.vault.{site}/"
    assert (vault["tenantId"], vault["sku"]) == (tenant, {"family": "A", "name": "premium"})
    assert vault["enableRbacAuthorization"] is True
    account = arm("PUT", arm.path(ACCOUNTS, name), BODIES[ACCOUNTS]).json()
    assert account["properties"]["primaryEndpoints"]["blob"] == f"https://{name}.blob.{site}/"
    assert (account["kind"], account["sku"]) == ("StorageV2", {"name": "Standard_LRS"})
    identity = arm("PUT", arm.path(IDENTITIES, name), {"location": "local"}).json()["properties"]
    assert identity["tenantId"] == tenant
    assert len({identity["principalId"], identity["clientId"], tenant}) == 3


def test_an_identity_keeps_its_ids_over_changes_and_gets_new_ones_when_it_is_made_again(arm: Manager) -> None:
    path = arm.path(IDENTITIES, name_for(IDENTITIES))
    first = arm("PUT", path, {}).json()["properties"]
    forged = {"properties": {"principalId": "x", "clientId": "y"}}
    assert arm("PUT", path, forged).json()["properties"] == first
    assert arm("PATCH", path, forged).json()["properties"] == first
    arm("DELETE", path)
    second = arm("PUT", path, {}).json()["properties"]
    assert not {first["principalId"], first["clientId"]} & {second["principalId"], second["clientId"]}


# paths


@pytest.mark.parametrize("change", [str.upper, str.lower, lambda path: path.replace("/", "//"), lambda p: p + "/"])
def test_case_and_repeated_slashes_do_not_matter(arm: Manager, change: Any) -> None:
    name = name_for(VAULTS)
    path = arm.path(VAULTS, name)
    made = arm("PUT", path, BODIES[VAULTS]).json()
    assert arm("GET", change(path)).json() == made
    assert arm("PUT", change(path), BODIES[VAULTS]).json() == made
    assert made in arm("GET", change(arm.path(VAULTS))).json()["value"]
    assert arm("DELETE", change(path)).status_code == 200
    assert arm("GET", path).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "{g}/providers/Microsoft.Nothing/things/x", 404, "InvalidResourceNamespace"),
        ("GET", "{g}/providers/Microsoft.Web/nothings/x", 404, "InvalidResourceType"),
        ("GET", "{g}/providers/Microsoft.Web/sites/x/slots/y", 404, "InvalidResourceType"),
        ("GET", "{g}/providers/Microsoft.Authorization/roleAssignments/no-guid", 400, "InvalidRoleAssignmentId"),
        ("GET", "{g}/providers/Microsoft.Authorization/nothing", 404, "InvalidResourceType"),
        ("GET", "/nothing", 400, "InvalidResourceId"),
        ("GET", "{s}/nothing", 404, "InvalidResourceType"),
        ("GET", "{g}/providers", 404, "InvalidResourceType"),
        ("GET", "{s}/resourceGroups/nothing", 404, "ResourceGroupNotFound"),
        ("GET", "{s}/resourceGroups/nothing/providers/Microsoft.Web/sites", 404, "ResourceGroupNotFound"),
        ("PUT", "{s}/resourceGroups/nothing/providers/Microsoft.Web/sites/x1", 404, "ResourceGroupNotFound"),
        ("PUT", "{s}/providers/Microsoft.Web/sites/x1", 400, "InvalidResourceId"),
        (
            "PUT",
            "{g}/providers/Microsoft.Web/sites/x1/providers/Microsoft.KeyVault/vaults/v1",
            400,
            "InvalidResourceId",
        ),
        ("PUT", "{g}/more/stuff/providers/Microsoft.Web/sites/x1", 400, "InvalidResourceId"),
        ("PUT", "{g}/providers/Microsoft.Web/sites", 400, "MethodNotAllowed"),
        ("POST", "{g}/providers/Microsoft.Web/sites/x1", 400, "MethodNotAllowed"),
        ("GET", "{g}/providers/Microsoft.Web/sites/a%2Fb", 400, "InvalidResourceId"),
        ("GET", "{g}/providers/Microsoft.Web/sites/%2e%2e", 400, "InvalidResourceId"),
        ("GET", "{g}/providers/Microsoft.Web/sites/%00", 400, "InvalidResourceId"),
        ("GET", "{g}/providers/Microsoft.Web/sites/%ff", 400, "InvalidUri"),
        ("GET", "{g}/providers/Microsoft.Web/sites/" + "x" * 3000, 400, "InvalidResourceId"),
    ],
)
def test_a_path_that_leads_nowhere(arm: Manager, method: str, path: str, status: int, code: str) -> None:
    answer = arm(method, path.format(g=arm.group, s=arm.owner.subscription), {} if method == "PUT" else None)
    assert (answer.status_code, code_of(answer)) == (status, code)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (IDENTITIES, ["ab", "-abc", "a" * 129, "with.dot", "with space", "é123"]),
        (SITES, ["-a", "a-", "a" * 61, "a_b", "a.b"]),
        (VAULTS, ["ab", "1abc", "a" * 25, "a--b", "abc-", "a_b"]),
        (ACCOUNTS, ["ab", "ABC", "a" * 25, "a-b"]),
    ],
)
def test_a_bad_name_is_refused(arm: Manager, kind: str, names: list[str]) -> None:
    for name in names:
        answer = arm("PUT", arm.path(kind, name), BODIES[kind])
        assert (answer.status_code, code_of(answer)) == (400, "InvalidResourceName"), name
        assert arm("GET", arm.path(kind, name)).status_code == 404


@pytest.mark.parametrize("kind", [SITES, VAULTS, ACCOUNTS])
def test_a_name_that_is_unique_everywhere_is_had_once(arm: Manager, new_group: str, kind: str) -> None:
    name = name_for(kind)
    arm("PUT", arm.path(kind, name), BODIES[kind])
    other = arm("PUT", arm.path(kind, name, new_group), BODIES[kind])
    assert (other.status_code, code_of(other)) == (409, "NameAlreadyExists")
    arm("DELETE", arm.path(kind, name))
    if kind == VAULTS:
        arm.owner.purge_vault(name)
    assert arm("PUT", arm.path(kind, name, new_group), BODIES[kind]).status_code == 201


def test_an_identitys_name_is_its_groups_own(arm: Manager, new_group: str) -> None:
    name = name_for(IDENTITIES)
    for group in (arm.group, new_group):
        assert arm("PUT", arm.path(IDENTITIES, name, group), {}).status_code == 201


# bodies


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b"5",
        b"\xff\xfe{}",
        b'{"a": NaN}',
        b"[" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"tags": []}',
        b'{"tags": {"a": 1}}',
        b'{"tags": {"a": null}}',
        b'{"location": 5}',
        b'{"location": null}',
        b'{"kind": {}}',
        b'{"sku": "text"}',
        b'{"properties": []}',
        b'{"identity": "SystemAssigned"}',
        b'{"identity": {}}',
    ],
)
def test_a_body_that_makes_no_sense_changes_nothing(arm: Manager, content: bytes) -> None:
    path = arm.path(SITES, name_for(SITES))
    for _ in range(2):
        answer = arm("PUT", path, content=content)
        assert answer.status_code == 400, answer.text
        assert code_of(answer).startswith("Invalid")
    assert arm("GET", path).status_code == 404
    made = arm("PUT", path, {"tags": {"a": "1"}}).json()
    assert arm("PATCH", path, content=content).status_code == 400
    assert arm("GET", path).json() == made


def test_too_much_is_refused(arm: Manager) -> None:
    path = arm.path(SITES, name_for(SITES))
    whole = arm("PUT", path, content=b'{"a": "' + b"x" * 1024 * 1024 + b'"}')
    assert (whole.status_code, code_of(whole)) == (413, "RequestBodyTooLarge")
    chunked = arm("PUT", path, content=iter([b" " * 65_536] * 20))
    assert (chunked.status_code, code_of(chunked)) == (413, "RequestBodyTooLarge")
    assert arm("PUT", path, {"tags": {f"{i}": "" for i in range(51)}}).status_code == 400
    assert arm("GET", path).status_code == 404


def test_values_of_every_kind_read_back_and_can_be_written_again(arm: Manager) -> None:
    odd = {"s": "é\u2028\U0001f600", "n": -0.0, "big": 2**53, "e": 1e300, "l": [1, {"x": None}], "t": True}
    path = arm.path(SITES, name_for(SITES))
    for method in ("PUT", "PUT", "PATCH"):
        answer = arm(method, path, {"sku": odd, "tags": {"": "", "k" * 100: "\u0000"}})
        assert answer.is_success, answer.text
        assert answer.json()["sku"] == odd
    assert arm("GET", path).json()["tags"] == {"": "", "k" * 100: "\u0000"}


@pytest.mark.parametrize("content", [b'{"sku": {"n": 123456789012345678901234567890}}', b'{"tags": {"a": "\\ud800"}}'])
def test_values_at_the_edge_of_json_are_refused_or_kept_but_never_stick(arm: Manager, content: bytes) -> None:
    path = arm.path(SITES, name_for(SITES))
    for _ in range(3):
        assert arm("PUT", path, content=content).status_code in {200, 201, 400}
    assert arm("PUT", path, {}).is_success


# resource groups


def test_the_life_of_a_group_and_the_end_of_what_is_in_it(arm: Manager, owner: Owner, new_group: str) -> None:
    name = name_for(SITES)
    identity = arm("PUT", arm.path(IDENTITIES, name, new_group), {}).json()
    inside = {
        "identity": {"type": "SystemAssigned, UserAssigned", "userAssignedIdentities": {identity["id"]: {}}},
    }
    app = arm("PUT", arm.path(SITES, name, new_group), inside).json()
    vault = arm("PUT", arm.path(VAULTS, name, new_group), BODIES[VAULTS]).json()
    arm("PUT", arm.path(ACCOUNTS, name, new_group), BODIES[ACCOUNTS])
    # an app of another group has the identity as well
    outside = arm(
        "PUT", arm.path(SITES, name + "o"), {"identity": inside["identity"] | {"type": "UserAssigned"}}
    ).json()
    scopes = [new_group, vault["id"], f"{vault['id']}/secrets/s"]
    assigned = [owner.assign(app["identity"]["principalId"], "Reader", scope) for scope in scopes]
    elsewhere = owner.assign(app["identity"]["principalId"], "Reader", owner.group)

    assert arm("DELETE", new_group).status_code == 200
    assert (arm("GET", new_group).status_code, code_of(arm("GET", new_group))) == (404, "ResourceGroupNotFound")
    for kind in TYPES:
        assert arm("GET", arm.path(kind, name, new_group)).status_code == 404
    for one in assigned:
        assert arm("GET", one).status_code == 404
    orphan = arm("GET", elsewhere).json()
    assert orphan["properties"]["principalType"] == "Unknown"
    assert "identity" not in arm("GET", outside["id"]).json()
    # what is made again begins with nothing
    owner.arm("PUT", new_group, {"location": "local"})
    assert arm("GET", f"{new_group}/resources").json() == {"value": []}
    owner.purge_vault(name)
    again = arm("PUT", arm.path(VAULTS, name, new_group), BODIES[VAULTS])
    assert again.status_code == 201
    held = arm("GET", f"{again.json()['id']}/providers/{ASSIGNMENTS}?$filter=atScope()").json()["value"]
    assert {one["properties"]["scope"] for one in held} == {owner.subscription, "/"}


def test_groups_are_listed_and_checked(arm: Manager, new_group: str) -> None:
    listed = arm("GET", f"{arm.owner.subscription}/resourcegroups").json()["value"]
    (shown,) = [one for one in listed if one["id"] == new_group]
    assert (shown["type"], shown["properties"]) == (
        "Microsoft.Resources/resourceGroups",
        {"provisioningState": "Succeeded"},
    )
    assert arm("PATCH", new_group, {"tags": {"a": "1"}}).json()["tags"] == {"a": "1"}
    for name in ("x.", "a" * 91, "a b", "a:b"):
        answer = arm("PUT", f"{arm.owner.subscription}/resourceGroups/{name}", {})
        assert (answer.status_code, code_of(answer)) == (400, "InvalidResourceName")
    for name in ("a" * 90, "Ünïcode_(1).x"):
        assert arm("PUT", f"{arm.owner.subscription}/resourceGroups/{name}", {}).status_code == 201


def test_whether_something_exists_is_answered_as_the_cloud_does(arm: Manager, new_group: str) -> None:
    """azure-mgmt-resource takes 204 and 404 and nothing else (`check_existence`)."""
    assert arm("HEAD", new_group).status_code == 204
    assert arm("HEAD", new_group + "x").status_code == 404
    assert arm("HEAD", new_group).content == b""


def test_what_is_above_the_providers(arm: Manager) -> None:
    instance = arm.owner.server.instance
    (subscription,) = arm("GET", "/subscriptions").json()["value"]
    assert (subscription["subscriptionId"], subscription["state"]) == (instance.subscription, "Enabled")
    assert arm("GET", arm.owner.subscription).json() == subscription
    assert arm("GET", "/tenants").json()["value"][0]["tenantId"] == instance.tenant
    provider = arm("GET", f"{arm.owner.subscription}/providers/Microsoft.KeyVault").json()
    assert (provider["namespace"], provider["registrationState"]) == ("Microsoft.KeyVault", "Registered")
    assert arm("POST", f"{arm.owner.subscription}/providers/Microsoft.KeyVault/register").status_code == 200


def test_the_metadata_document_needs_no_token(owner: Owner) -> None:
    for path in ("/metadata/endpoints?api-version=2022-09-01", "/metadata/endpoints/"):
        found = owner.send("GET", "management", path).json()
        site = f"keyless.localhost:{owner.server.port}"
        assert found["resourceManager"] == f"https://management.{site}"
        assert found["authentication"]["loginEndpoint"] == f"https://login.{site}"
        assert (found["authentication"]["tenant"], found["authentication"]["identityProvider"]) == ("common", "AAD")


# at the same moment


def test_at_the_same_moment_one_makes_it_and_all_agree(arm: Manager) -> None:
    path = arm.path(IDENTITIES, name_for(IDENTITIES))
    arm.owner.token("https://management.azure.com")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: arm("PUT", path, {}), range(24)))
    assert {answer.status_code for answer in answers} <= {200, 201, 409}
    assert [answer.status_code for answer in answers].count(201) == 1
    assert all(code_of(answer) == "ConcurrentUpdate" for answer in answers if answer.status_code == 409)
    made = arm("GET", path).json()
    assert all(answer.json() == made for answer in answers if answer.status_code != 409)


def test_at_the_same_moment_a_group_is_deleted_and_filled(arm: Manager, owner: Owner, new_group: str) -> None:
    paths = [arm.path(IDENTITIES, f"{name_for(IDENTITIES)}", new_group) for _ in range(12)]
    with ThreadPoolExecutor(8) as pool:
        filling = [pool.submit(arm, "PUT", path, {}) for path in paths]
        deleting = pool.submit(arm, "DELETE", new_group)
        filling += [pool.submit(arm, "PUT", path + "x", {}) for path in paths]
        assert deleting.result().status_code == 200
        assert {one.result().status_code for one in filling} <= {201, 404}
    assert all(arm("GET", path).status_code == 404 for path in paths)
    owner.arm("PUT", new_group, {"location": "local"})
    assert arm("GET", f"{new_group}/resources").json() == {"value": []}


def test_at_the_same_moment_a_scope_is_deleted_and_assigned(arm: Manager, owner: Owner, new_group: str) -> None:
    principal_id = owner.identity(name_for(IDENTITIES))["principalId"]
    role = f"{owner.subscription}/providers/Microsoft.Authorization/roleDefinitions/{ROLES['Reader']}"
    body = {"properties": {"roleDefinitionId": role, "principalId": principal_id}}
    for _ in range(3):
        vault = arm("PUT", arm.path(VAULTS, name_for(VAULTS), new_group), BODIES[VAULTS]).json()["id"]
        with ThreadPoolExecutor(4) as pool:
            assigning = [
                pool.submit(arm, "PUT", f"{vault}/secrets/s{i}/providers/{ASSIGNMENTS}/{uuid4()}", body)
                for i in range(8)
            ]
            deleting = pool.submit(arm, "DELETE", vault)
            assert {one.result().status_code for one in assigning} <= {201, 404}
            assert deleting.result().status_code == 200
        left = arm("GET", f"{new_group}/providers/{ASSIGNMENTS}?$filter=principalId eq '{principal_id}'").json()[
            "value"
        ]
        assert left == []


def test_a_long_list_comes_in_pages_each_resource_once(arm: Manager, new_group: str) -> None:
    paths = {arm.path(kind, f"n{i}{uuid4().hex[:8]}", new_group) for i in range(2) for kind in TYPES}
    for path in paths:
        arm("PUT", path, BODIES[path.split("/providers/")[1].rsplit("/", 1)[0]])
    for listed, expected in ((f"{new_group}/resources", paths), (arm.path(SITES, "", new_group), None)):
        found: list[str] = []
        path = f"{listed}?$top=1"
        while path:
            page = arm("GET", path).json()
            assert len(page["value"]) == 1
            found += [one["id"] for one in page["value"]]
            link = page.get("nextLink", "")
            assert link == "" or "api-version=" in link
            path = "/" + link.split("/", 3)[3] if link else ""
        assert len(found) == len(set(found))
        assert set(found) == (expected or {one for one in paths if "/sites/" in one})
    for top in ("0", "-1", "x", "1" * 50):
        assert arm("GET", f"{new_group}/resources?$top={top}").status_code == 400
