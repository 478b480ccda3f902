"""The surface behind the kernel: the challenge, what each operation requires, what every answer carries."""

from __future__ import annotations

import pytest

from keyless.http.message import Target
from keyless.model.errors import ErrorKind, KeylessError
from keyless.providers.storage.errors import error_response
from tests.providers.storage.harness import ACCOUNT, SUBSCRIPTION, TENANT, BlobClient

PUT = {"x-ms-blob-type": "BlockBlob"}
CREATE = PUT | {"If-None-Match": "*"}
LIST = b"<BlockList></BlockList>"
OPERATIONS = [
    ("GET", "/", "comp=list", {}, b"", "a", "containers/read"),
    ("PUT", "/box", "restype=container", {}, b"", "c", "containers/write"),
    ("GET", "/box", "restype=container", {}, b"", "c", "containers/read"),
    ("HEAD", "/box", "restype=container", {}, b"", "c", "containers/read"),
    ("DELETE", "/box", "restype=container", {}, b"", "c", "containers/delete"),
    ("GET", "/box", "restype=container&comp=list", {}, b"", "c", "containers/blobs/read"),
    ("GET", "/box/b", "", {}, b"", "c", "containers/blobs/read"),
    ("HEAD", "/box/b", "", {}, b"", "c", "containers/blobs/read"),
    ("GET", "/box/b", "comp=blocklist", {}, b"", "c", "containers/blobs/read"),
    ("DELETE", "/box/b", "", {}, b"", "c", "containers/blobs/delete"),
    ("PUT", "/box/b", "", PUT, b"x", "c", "containers/blobs/write"),
    ("PUT", "/box/b", "", CREATE, b"x", "c", "containers/blobs/write|containers/blobs/add/action"),
    ("PUT", "/box/b", "comp=blocklist", {}, LIST, "c", "containers/blobs/write"),
    (
        "PUT", "/box/b", "comp=blocklist", {"If-None-Match": "*"}, LIST, "c",
        "containers/blobs/write|containers/blobs/add/action",
    ),
    (
        "PUT", "/box/b", "comp=block&blockid=AAAA", {}, b"x", "c",
        "containers/blobs/write|containers/blobs/add/action",
    ),
    ("GET", "/", "restype=service&comp=properties", {}, b"", "a", "read"),
    ("PUT", "/", "restype=service&comp=properties", {}, b"", "a", "write"),
    ("GET", "/", "restype=service&comp=stats", {}, b"", "a", "read"),
    ("GET", "/", "restype=account&comp=properties", {}, b"", "a", "getInfo/action"),
    ("HEAD", "/box/b", "restype=account&comp=properties", {}, b"", "a", "getInfo/action"),
    ("GET", "/", "comp=blobs&where=a='b'", {}, b"", "a", "containers/blobs/filter/action"),
    ("GET", "/box", "restype=container&comp=blobs&where=a='b'", {}, b"", "c", "containers/blobs/filter/action"),
    ("GET", "/box", "restype=container&comp=metadata", {}, b"", "c", "containers/read"),
    ("PUT", "/box", "restype=container&comp=metadata", {}, b"", "c", "containers/write"),
    ("GET", "/box", "restype=container&comp=acl", {}, b"", "c", "containers/getAcl/action"),
    ("PUT", "/box", "restype=container&comp=acl", {}, b"", "c", "containers/setAcl/action"),
    ("PUT", "/box", "restype=container&comp=lease", {}, b"", "c", "containers/write"),
    ("PUT", "/box", "restype=container&comp=undelete", {}, b"", "c", "containers/write"),
    ("GET", "/box/b", "comp=metadata", {}, b"", "c", "containers/blobs/read"),
    ("PUT", "/box/b", "comp=metadata", {}, b"", "c", "containers/blobs/write"),
    ("PUT", "/box/b", "comp=properties", {}, b"", "c", "containers/blobs/write"),
    ("PUT", "/box/b", "comp=lease", {}, b"", "c", "containers/blobs/write"),
    ("GET", "/box/b", "comp=tags", {}, b"", "c", "containers/blobs/tags/read"),
    ("PUT", "/box/b", "comp=tags", {}, b"", "c", "containers/blobs/tags/write"),
    ("PUT", "/box/b", "comp=tier", {}, b"", "c", "containers/blobs/write"),
    ("PUT", "/box/b", "comp=snapshot", {}, b"", "c", "containers/blobs/write|containers/blobs/add/action"),
    ("PUT", "/box/b", "comp=undelete", {}, b"", "c", "containers/write"),
    ("GET", "/box/b", "snapshot=2026-01-01T00:00:00.0000000Z", {}, b"", "c", "containers/blobs/read"),
    ("DELETE", "/box/b", "snapshot=2026-01-01T00:00:00.0000000Z", {}, b"", "c", "containers/blobs/delete"),
    (
        "DELETE", "/box/b", "versionid=2026-01-01T00:00:00.0000000Z", {}, b"", "c",
        "containers/blobs/deleteBlobVersion/action",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "query", "headers", "body", "scope", "actions"), OPERATIONS)
async def test_what_each_operation_requires(
    blob: BlobClient, method: str, path: str, query: str, headers: dict[str, str], body: bytes, scope: str, actions: str
) -> None:
    answer = await blob.send(method, path, query, body, headers=headers, token="stranger")
    assert (answer.status, answer.code) == (403, "AuthorizationPermissionMismatch")
    event = blob.audit.events[-1]
    assert event.scope == f"{ACCOUNT}{'/blobServices/default/containers/box' if scope == 'c' else ''}"
    prefix = "Microsoft.Storage/storageAccounts/blobServices/"
    assert event.action == " or ".join(prefix + action for action in actions.split("|"))
    # what was denied is not told apart by whether it exists
    await blob.container()
    await blob.put("/box/b")
    again = await blob.send(method, path, query, body, headers=headers, token="stranger")
    assert (again.status, again.body) == (answer.status, answer.body)


async def test_a_role_at_one_container_is_good_for_that_one_only(blob: BlobClient) -> None:
    await blob.container("one")
    await blob.container("one2")
    blob.access.grant("app", "contributor", f"{ACCOUNT}/blobServices/default/containers/one")
    assert (await blob.send("PUT", "/one/b", "", b"x", headers=PUT, token="app")).status == 201
    assert (await blob.send("PUT", "/one2/b", "", b"x", headers=PUT, token="app")).status == 403
    assert (await blob.send("GET", "/", "comp=list", token="app")).status == 403


async def test_who_may_only_add_cannot_overwrite(blob: BlobClient) -> None:
    await blob.container()
    blob.access.grant("adder", "adder", str(ACCOUNT))
    assert (await blob.send("PUT", "/box/b", "", b"1", headers=CREATE, token="adder")).status == 201
    assert (await blob.send("PUT", "/box/b", "", b"2", headers=CREATE, token="adder")).code == "BlobAlreadyExists"
    assert (await blob.send("PUT", "/box/b", "", b"2", headers=PUT, token="adder")).status == 403
    assert (await blob.send("PUT", "/box/b", "comp=block&blockid=AAAA", b"3", token="adder")).status == 201
    commit = b"<BlockList><Latest>AAAA</Latest></BlockList>"
    assert (await blob.send("PUT", "/box/b", "comp=blocklist", commit, token="adder")).status == 403
    assert (await blob.send("GET", "/box/b")).body == b"1"


@pytest.mark.parametrize("token", ["", "bad"])
async def test_a_request_without_a_good_token_gets_the_challenge(blob: BlobClient, token: str) -> None:
    # @azure/core-client splits this by spaces and knows no quotes; azblob (Go) takes the fourth part between slashes
    answer = await blob.send("GET", "/box/b", token=token)
    assert (answer.status, answer.code) == (401, "InvalidAuthenticationInfo")
    assert answer.headers["WWW-Authenticate"] == (
        f"Bearer authorization_uri=https://login.keyless.localhost:8443/{TENANT}/oauth2/authorize"
        " resource_id=https://storage.azure.com"
    )


async def test_an_account_that_is_not_there(blob: BlobClient) -> None:
    target = Target("storage", "nobody", "blob.keyless.localhost")
    assert (await blob.send("GET", "/box/b", target=target, token="")).status == 401
    # who may not look at all accounts is not told whether this one is there
    answer = await blob.send("GET", "/box/b", target=target)
    assert (answer.status, answer.code) == (403, "AuthorizationPermissionMismatch")
    blob.access.grant("owner", "contributor", str(SUBSCRIPTION))
    answer = await blob.send("GET", "/box/b", target=target)
    assert (answer.status, answer.code) == (404, "ResourceNotFound")


@pytest.mark.parametrize(
    ("sent", "status"), [({}, 404), ({"x-ms-version": "2026-10-06"}, 404), ({"x-ms-version": "1; DROP"}, 400)]
)
async def test_what_every_answer_carries(blob: BlobClient, sent: dict[str, str], status: int) -> None:
    request = blob.request("GET", "/box/b", headers={"x-ms-client-request-id": "4d-ü" if not sent else "4d 1"} | sent)
    if not sent:
        del request.headers._map["x-ms-version"]
    response = await blob.kernel.dispatch(request)
    assert response.status == status
    assert response.headers["x-ms-request-id"] == "r-1"
    assert response.headers["x-ms-version"] == ("2026-10-06" if status == 404 and sent else "2021-12-02")
    assert "Date" not in response.headers  # the server below says it once, for every surface
    assert response.headers.get("x-ms-client-request-id") == ("4d 1" if sent else None)


@pytest.mark.parametrize("kind", ErrorKind)
def test_every_kind_of_error_has_a_status(blob: BlobClient, kind: ErrorKind) -> None:
    error = KeylessError(kind, "What <&> to do.")
    for method in ("GET", "HEAD"):
        answer = error_response(blob.request(method, "/box/b"), error)
        assert 300 < answer.status < 600
        assert answer.headers["x-ms-error-code"]
        assert isinstance(answer.body, bytes)
        assert (b"What &lt;&amp;&gt; to do." in answer.body) == (method == "GET" and answer.status != 304)
