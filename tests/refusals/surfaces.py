"""The surfaces as a client meets them: addresses, operations, and how each says no.

Owns the tables that the tests of this folder go through, and the reading of each surface's envelope.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree

import httpx

from keyless.model.clouds import CLOUDS
from tests.harness import ARM, GRAPH, STORAGE, VAULT, Owner

VAULT_NAME, ACCOUNT_NAME, APP_NAME, IDENTITY_NAME = "kv-a", "acca", "app-a", "id-a"
BLOB_HEADERS = {"x-ms-blob-type": "BlockBlob", "x-ms-version": "2024-11-04"}


@dataclass(frozen=True)
class Address:
    """One of the names of a surface: Host header, and what a path begins with there."""

    authority: str
    login: str
    prefix: str = ""

    @property
    def port(self) -> str:
        return self.authority[self.authority.index(":") :] if ":" in self.authority else ""

    @property
    def suffix(self) -> str:
        """What follows the first label, with the port."""
        return self.authority.partition(".")[2]


@dataclass(frozen=True)
class Request:
    """One operation; `{…}` in the path are filled in by the world. `done` is its status when it is allowed."""

    name: str
    method: str
    path: str
    done: int
    json: Mapping[str, object] | None = None
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def send(owner: Owner, at: Address, request: Request, authorization: str | bytes | None) -> httpx.Response:
    """Send a request under a name, with this Authorization header; bytes go out as they are."""
    headers: list[tuple[str, str | bytes]] = [("Host", at.authority), *request.headers.items()]
    if authorization is not None:
        headers.append(("Authorization", authorization))
    port = owner.server.port
    raw = [(name.encode(), value if isinstance(value, bytes) else value.encode()) for name, value in headers]
    return owner._http.request(
        request.method,
        f"https://127.0.0.1:{port}{at.prefix}{request.path}",
        headers=raw,
        json=request.json,
        content=request.content,
        extensions={"sni_hostname": at.authority.partition(":")[0]},
    )


@dataclass(frozen=True)
class Surface:
    """A surface: the audience of its tokens, its names, its operations, and the check of its refusals."""

    name: str
    audience: str
    addresses: tuple[Address, ...]
    operations: tuple[Request, ...]
    check: Callable[[Address, Request, httpx.Response, str], tuple[int, str]]

    @property
    def own(self) -> Address:
        return self.addresses[0]

    def at_name(self, name: str) -> Address:
        """The own name of another vault or account."""
        domain = self.own.authority.partition(".")[2].partition(".")[2]
        return Address(f"{name}.{domain}", self.own.login)

    @property
    def read(self) -> Request:
        """An operation that changes nothing, on what is there."""
        return next(request for request in self.operations if request.name in {"get", "list groups", "list users"})


# vault

API = "?api-version=7.4"


def vault_operations(secret: str) -> tuple[Request, ...]:
    """Every operation on secrets, in an order in which all of them succeed."""
    one = f"/secrets/{secret}"
    return (
        Request("set", "PUT", f"{one}{API}", 200, json={"value": "new", "tags": {"a": "b"}}),
        Request("get", "GET", f"{one}{API}", 200),
        Request("get latest", "GET", f"{one}/{API}", 200),
        Request("update", "PATCH", f"{one}{API}", 200, json={"attributes": {"enabled": True}}),
        Request("list versions", "GET", f"{one}/versions{API}", 200),
        Request("list", "GET", f"/secrets{API}", 200),
        Request("list deleted", "GET", f"/deletedsecrets{API}", 200),
        Request("backup", "POST", f"{one}/backup{API}", 200),
        # who may restore is told that this is no backup
        Request("restore", "POST", f"/secrets/restore{API}", 400, json={"value": "AAAA"}),
        Request("delete", "DELETE", f"{one}{API}", 200),
        Request("get deleted", "GET", f"/deletedsecrets/{secret}{API}", 200),
        Request("recover", "POST", f"/deletedsecrets/{secret}/recover{API}", 200),
        Request("delete again", "DELETE", f"{one}{API}", 200),
        Request("purge", "DELETE", f"/deletedsecrets/{secret}{API}", 204),
    )


def check_vault(at: Address, request: Request, answer: httpx.Response, tenant: str) -> tuple[int, str]:
    """Status and code of a refusal in Key Vault's envelope; 401 carries the challenge of the name that was used."""
    challenge = answer.headers.get("www-authenticate")
    if answer.status_code == 401:
        login = f"https://{at.login}{at.port}/{tenant}"
        # a revoked key's token gets claims as well
        ordinary = challenge.partition(', error="insufficient_claims", claims=')[0]
        assert ordinary == f'Bearer authorization="{login}", resource="https://{at.suffix}"', challenge
    else:
        assert challenge is None
    assert answer.headers["x-ms-request-id"]
    return answer.status_code, "" if request.method == "HEAD" else _json_error(answer)


def _json_error(answer: httpx.Response) -> str:
    assert answer.headers["content-type"].startswith("application/json"), answer.headers
    error = answer.json()["error"]
    assert error["message"].endswith("."), error
    return str(error["code"])


# blob


def blob_operations(container: str, blob: str) -> tuple[Request, ...]:
    """Every operation on containers and blobs, in an order in which all of them succeed."""
    box, one = f"/{container}?restype=container", f"/{container}/{blob}"
    listed = b"<?xml version='1.0'?><BlockList><Latest>YQ==</Latest></BlockList>"
    operations = (
        Request("create container", "PUT", box, 201),
        Request("container properties", "GET", box, 200),
        Request("container head", "HEAD", box, 200),
        Request("list containers", "GET", "/?comp=list", 200),
        Request("put", "PUT", one, 201, content=b"new", headers={"x-ms-blob-type": "BlockBlob"}),
        Request("put if new", "PUT", f"{one}-2", 201, content=b"n", headers={**BLOB_HEADERS, "If-None-Match": "*"}),
        Request("get", "GET", one, 200),
        Request("get range", "GET", one, 206, headers={"x-ms-range": "bytes=0-0"}),
        Request("head", "HEAD", one, 200),
        Request("list blobs", "GET", f"{box}&comp=list", 200),
        Request("put block", "PUT", f"{one}?comp=block&blockid=YQ%3D%3D", 201, content=b"block"),
        Request("block list", "GET", f"{one}?comp=blocklist&blocklisttype=all", 200),
        Request("put block list", "PUT", f"{one}?comp=blocklist", 201, content=listed),
        Request("delete", "DELETE", one, 202),
        Request("delete container", "DELETE", box, 202),
    )
    return tuple(
        Request(o.name, o.method, o.path, o.done, o.json, o.content, {"x-ms-version": "2024-11-04", **o.headers})
        for o in operations
    )


def check_blob(at: Address, request: Request, answer: httpx.Response, tenant: str) -> tuple[int, str]:
    """The same in the Blob service's envelope: XML, and the code in a header too; HEAD has the header only."""
    challenge = answer.headers.get("www-authenticate")
    if answer.status_code == 401:
        login = f"https://{at.login}{at.port}/{tenant}/oauth2/authorize"
        assert challenge == f"Bearer authorization_uri={login} resource_id={STORAGE}", challenge
    else:
        assert challenge is None
    code = answer.headers["x-ms-error-code"]
    assert answer.headers["x-ms-request-id"]
    assert answer.headers["x-ms-version"]
    if request.method == "HEAD":
        assert not answer.content
        return answer.status_code, code
    assert answer.headers["content-type"] == "application/xml"
    document = ElementTree.fromstring(answer.content)
    assert (document.tag, document.findtext("Code")) == ("Error", code)
    assert document.findtext("Message")
    return answer.status_code, code


# management


def management_operations(owner: Owner, suffix: str = "") -> tuple[Request, ...]:
    """Reads, writes, lists and deletes of every type, in an order in which all of them succeed.

    `suffix` is added to the names of what the writes make.
    """
    api = "?api-version=2024-01-01"
    sub, group = owner.subscription, f"{owner.subscription}/resourceGroups/scratch{suffix}"
    types: dict[str, tuple[str, str, dict[str, object]]] = {
        "identity": (f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities", f"id-new{suffix}", {}),
        "app": (f"{group}/providers/Microsoft.Web/sites", f"app-new{suffix}", {"identity": {"type": "SystemAssigned"}}),
        "vault": (f"{group}/providers/Microsoft.KeyVault/vaults", f"kv-new{suffix}", {"properties": {}}),
        "account": (f"{group}/providers/Microsoft.Storage/storageAccounts", f"accnew{suffix}", {"kind": "StorageV2"}),
    }
    found = [
        Request("create group", "PUT", f"{group}{api}", 201, json={"location": "local"}),
        Request("get group", "GET", f"{group}{api}", 200),
        Request("list groups", "GET", f"{sub}/resourcegroups{api}", 200),
        Request("get subscription", "GET", f"{sub}{api}", 200),
    ]
    for name, (collection, new, body) in types.items():
        one = f"{collection}/{new}{api}"
        found += [
            Request(f"create {name}", "PUT", one, 201, json={"location": "local", **body}),
            Request(f"get {name}", "GET", one, 200),
            Request(f"change {name}", "PATCH", one, 200, json={"tags": {"a": "b"}}),
            Request(f"list {name}", "GET", f"{collection}{api}", 200),
        ]
    app = f"{types['app'][0]}/{types['app'][1]}"
    role = f"{sub}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
    assignment = (
        f"{group}/providers/Microsoft.Authorization/roleAssignments/0e9bb1c6-5d6f-4b52-a1e7-00000000000{suffix or 0}"
    )
    grant = {"properties": {"roleDefinitionId": role, "principalId": owner.server.instance.owner.principal_id}}
    check = {
        "Subject": {"Attributes": {"ObjectId": owner.server.instance.owner.principal_id}},
        "Actions": [{"Id": "a"}],
    }
    credentials = f"{types['identity'][0]}/{types['identity'][1]}/federatedIdentityCredentials"
    trust = {
        "issuer": f"https://issuer{suffix}.example.com",
        "subject": "s",
        "audiences": ["api://AzureADTokenExchange"],
    }
    issuers = f"{sub}/providers/Keyless.Federation/issuers"
    issuer = {"properties": {"issuer": f"https://issuer{suffix}.example.com", "allowPrivate": True}}
    found += [
        Request("create credential", "PUT", f"{credentials}/fic{api}", 201, json={"properties": trust}),
        Request("get credential", "GET", f"{credentials}/fic{api}", 200),
        Request("list credentials", "GET", f"{credentials}{api}", 200),
        Request("delete credential", "DELETE", f"{credentials}/fic{api}", 200),
        Request("create issuer", "PUT", f"{issuers}/i-new{suffix}{api}", 201, json=issuer),
        Request("get issuer", "GET", f"{issuers}/i-new{suffix}{api}", 200),
        Request("list issuers", "GET", f"{issuers}{api}", 200),
        Request("delete issuer", "DELETE", f"{issuers}/i-new{suffix}{api}", 200),
        Request("set settings", "PUT", f"{app}/config/appsettings{api}", 200, json={"properties": {"A": "b"}}),
        Request("list settings", "POST", f"{app}/config/appsettings/list{api}", 200),
        Request("create rule", "PUT", f"{app}/attestationRules/r{api}", 201, json={"properties": {"uids": [54_321]}}),
        Request("get rule", "GET", f"{app}/attestationRules/r{api}", 200),
        Request("list rules", "GET", f"{app}/attestationRules{api}", 200),
        Request("delete rule", "DELETE", f"{app}/attestationRules/r{api}", 200),
        Request("create instance", "PUT", f"{app}/instances/i{api}", 201, json={"properties": {}}),
        Request("get instance", "GET", f"{app}/instances/i{api}", 200),
        Request("list instances", "GET", f"{app}/instances{api}", 200),
        Request("revoke instance", "DELETE", f"{app}/instances/i{api}", 200),
        Request("assign", "PUT", f"{assignment}{api}", 201, json=grant),
        Request("get assignment", "GET", f"{assignment}{api}", 200),
        Request("list assignments", "GET", f"{group}/providers/Microsoft.Authorization/roleAssignments{api}", 200),
        Request("list roles", "GET", f"{sub}/providers/Microsoft.Authorization/roleDefinitions{api}", 200),
        Request("check access", "POST", f"{group}/providers/Microsoft.Authorization/checkAccess{api}", 200, json=check),
        Request("list keys", "GET", f"{sub}/providers/Keyless.Authority/signingKeys{api}", 200),
        Request("activity", "GET", f"{sub}/providers/Microsoft.Insights/eventtypes/management/values{api}", 200),
        Request("unassign", "DELETE", f"{assignment}{api}", 200),
    ]
    found += [
        Request(f"delete {name}", "DELETE", f"{collection}/{new}{api}", 200)
        for name, (collection, new, _body) in types.items()
    ]
    return (*found, Request("delete group", "DELETE", f"{group}{api}", 200))


def check_management(at: Address, request: Request, answer: httpx.Response, tenant: str) -> tuple[int, str]:
    """The same in the resource manager's envelope."""
    challenge = answer.headers.get("www-authenticate")
    if answer.status_code == 401:
        assert challenge is not None
        uri = re.match(r'Bearer authorization_uri="([^"]+)"', challenge)
        assert uri is not None
        assert uri[1] == f"https://{at.login}{at.port}/{tenant}"
    else:
        assert challenge is None
    assert answer.headers["x-ms-request-id"]
    assert answer.headers["x-ms-correlation-request-id"]
    return answer.status_code, "" if request.method == "HEAD" else _json_error(answer)


# graph


def graph_operations(name: str) -> tuple[Request, ...]:
    """Operations whose paths are known beforehand, in an order in which all of them succeed."""
    upn, new = f"{name}@keyless.localhost", {"displayName": name}
    user = f"/v1.0/users/{upn}"
    return (
        Request("create application", "POST", "/v1.0/applications", 201, json=new),
        Request("create group", "POST", "/v1.0/groups", 201, json=new),
        Request("create user", "POST", "/v1.0/users", 201, json={**new, "userPrincipalName": upn}),
        Request("get user", "GET", user, 200),
        Request("list users", "GET", "/v1.0/users", 200),
        Request("list applications", "GET", "/v1.0/applications", 200),
        Request("list service principals", "GET", "/v1.0/servicePrincipals", 200),
        Request("list groups of it", "GET", f"{user}/memberOf", 200),
        Request("by IDs", "POST", "/v1.0/directoryObjects/getByIds", 200, json={"ids": []}),
        Request("change user", "PATCH", user, 204, json={"displayName": "new"}),
        Request("end sessions", "POST", f"{user}/revokeSignInSessions", 200),
        Request("delete user", "DELETE", user, 204),
    )


def check_graph(at: Address, _request: Request, answer: httpx.Response, tenant: str) -> tuple[int, str]:
    """The same in Graph's envelope."""
    challenge = answer.headers.get("www-authenticate")
    if answer.status_code == 401:
        uri = f"https://{at.login}{at.port}/{tenant}/oauth2/authorize"
        assert challenge == f'Bearer realm="", authorization_uri="{uri}"'
    else:
        assert challenge is None
    assert answer.headers["request-id"] == answer.json()["error"]["innerError"]["request-id"]
    return answer.status_code, _json_error(answer)


#: status → code, in each surface's words
CODES = {
    "vault": {401: "Unauthorized", 403: "Forbidden"},
    "blob": {401: "InvalidAuthenticationInfo", 403: "AuthorizationPermissionMismatch"},
    "management": {401: "InvalidAuthenticationToken", 403: "AuthorizationFailed"},
    "graph": {401: "InvalidAuthenticationToken", 403: "Authorization_RequestDenied"},
}


def surfaces_of(owner: Owner) -> dict[str, Surface]:
    """The surfaces under all of their names."""
    domain, port = owner.server.instance.domain, owner.server.port
    login = f"login.{domain}"

    def named(name: str) -> tuple[Address, ...]:
        own = Address(f"{name}.{domain}:{port}", login)
        if name in {"management", "graph"}:
            clouds = [(host, cloud) for cloud in CLOUDS for host in getattr(cloud, f"{name}_hosts")]
        else:
            label, _, kind = name.partition(".")
            clouds = [(f"{label}.{getattr(cloud, f'{kind}_suffix')}", cloud) for cloud in CLOUDS]
        return (own, *(Address(host, cloud.login_hosts[0]) for host, cloud in clouds))

    path_style = Address(f"127.0.0.1:{port}", login, f"/{ACCOUNT_NAME}")
    blob_addresses = (*named(f"{ACCOUNT_NAME}.blob"), path_style)
    return {
        "vault": Surface("vault", VAULT, named(f"{VAULT_NAME}.vault"), vault_operations("s"), check_vault),
        "blob": Surface("blob", STORAGE, blob_addresses, blob_operations("box", "b"), check_blob),
        "management": Surface("management", ARM, named("management"), management_operations(owner), check_management),
        "graph": Surface("graph", GRAPH, named("graph"), graph_operations("x"), check_graph),
    }
