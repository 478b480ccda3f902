"""User delegation SAS: what clients sign, what the kernel makes of it, and everything that must be refused."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobClient as AzureBlob
from azure.storage.blob import ContainerClient, generate_blob_sas, generate_container_sas
from requests import Session

from keyless.http.message import Headers, Target, parse_query
from keyless.model.errors import KeylessError
from keyless.providers.storage.names import Address
from keyless.providers.storage.sas import sign, signed_by, string_to_sign
from tests.providers.storage.harness import ACCOUNT, TENANT, Answer, BlobClient
from tests.providers.storage.test_client import Client, KernelAdapter

VECTORS = json.loads((Path(__file__).parent / "vectors" / "user_delegation_sas.json").read_text())
USER = "6a1f8a4e-0000-4000-8000-00000000000a"
DAY = 86_400


# what clients sign


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['client']} {parse_query(v['query'])['sv']} {v['blob']}")
def test_signatures_of_the_official_clients(vector: dict[str, Any]) -> None:
    # each was made by the client that it names, with the key 00 01 02 … 1f
    key = bytes(range(32))
    at, headers = Address(vector["container"], vector["blob"]), Headers(vector["headers"].items())
    query = parse_query(vector["query"]) | vector["extra"]
    assert signed_by(key, string_to_sign("shop", at, query, headers), query["sig"])
    for name in query.keys() - {"sig", "sdd"}:
        try:
            changed = string_to_sign("shop", at, query | {name: query[name] + "0"}, headers)
        except KeylessError:
            continue
        assert not signed_by(key, changed, query["sig"]), name
    assert not signed_by(key, string_to_sign("mill", at, query, headers), query["sig"])


# through the kernel


async def delegation_key(blob: BlobClient, token: str = "owner", account: str = "shop", **times: str) -> dict[str, str]:
    """The fields of a `UserDelegationKey`, as the service gives it."""
    answer = await ask_key(blob, token, account, **times)
    assert answer.status == 200, answer.body
    return {element.tag: element.text or "" for element in answer.xml()}


async def ask_key(blob: BlobClient, token: str = "owner", account: str = "shop", **times: str) -> Answer:
    now = blob.clock.now
    fields = {"Start": iso(now - 60), "Expiry": iso(now + DAY)} | times
    document = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items() if value)
    target = Target("storage", account, "blob.keyless.localhost")
    body = f"<?xml version='1.0' encoding='utf-8'?>\n<KeyInfo>{document}</KeyInfo>".encode()
    return await blob.send("POST", "/", "restype=service&comp=userdelegationkey", body, token=token, target=target)


def iso(at: float) -> str:
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def signed(blob: BlobClient, key: dict[str, str], path: str, account: str = "shop", **fields: str) -> dict[str, str]:
    """The query of a signature for a path, `/box` or `/box/b`; `fields` replace its own, empty ones leave them out."""
    container, _, name = path[1:].partition("/")
    query = {
        "sv": "2026-04-06",
        "sp": "r",
        "se": iso(blob.clock.now + 3600),
        "sr": "b" if name else "c",
        "skoid": key["SignedOid"],
        "sktid": key["SignedTid"],
        "skt": key["SignedStart"],
        "ske": key["SignedExpiry"],
        "sks": key["SignedService"],
        "skv": key["SignedVersion"],
    } | fields
    query = {field: value for field, value in query.items() if value}
    text = string_to_sign(account, Address(container, name), query, Headers())
    return query | {"sig": sign(base64.b64decode(key["Value"]), text)}


async def use(
    blob: BlobClient, method: str, path: str, query: dict[str, str], body: bytes = b"", **more: Any
) -> Answer:
    return await blob.send(method, path, urlencode(query), body, **({"token": ""} | more))


@pytest.fixture
async def box(blob: BlobClient) -> BlobClient:
    await blob.container()
    await blob.put("/box/b", b"data", x_ms_blob_content_type="text/plain")
    blob.audit.events.clear()
    return blob


async def test_a_signature_passes_on_a_right_of_its_maker(box: BlobClient) -> None:
    key = await delegation_key(box)
    assert (key["SignedOid"], key["SignedTid"], key["SignedService"]) == ("owner", TENANT, "b")
    box.audit.events.clear()
    got = await use(box, "GET", "/box/b", signed(box, key, "/box/b"))
    assert (got.status, got.body) == (200, b"data")
    (event,) = box.audit.events
    assert (event.principal_id, event.decision, event.operation) == ("owner", "allowed", "GetBlob")
    assert event.reason.endswith("(through a user delegation SAS)")
    for method, path in (("PUT", "/box/b"), ("DELETE", "/box/b")):
        refused = await use(box, method, path, signed(box, key, path), headers={"x-ms-blob-type": "BlockBlob"})
        assert (refused.status, refused.code) == (403, "AuthorizationPermissionMismatch")
        assert b"Its permissions are 'r'" in refused.body
        assert box.audit.events[-1].decision == "denied"
    assert (await box.send("GET", "/box/b")).body == b"data"


@pytest.mark.parametrize(
    ("sp", "method", "path", "query", "headers", "status"),
    [
        ("r", "GET", "/box/b", "", {}, 200),
        ("r", "HEAD", "/box/b", "", {}, 200),
        ("wcdl", "GET", "/box/b", "", {}, 403),
        ("r", "GET", "/box/b", "comp=blocklist", {}, 200),
        ("l", "GET", "/box", "restype=container&comp=list", {}, 200),
        ("rwcd", "GET", "/box", "restype=container&comp=list", {}, 403),
        ("w", "PUT", "/box/b", "", {"x-ms-blob-type": "BlockBlob"}, 201),
        ("c", "PUT", "/box/b", "", {"x-ms-blob-type": "BlockBlob"}, 403),
        ("c", "PUT", "/box/new", "", {"x-ms-blob-type": "BlockBlob", "If-None-Match": "*"}, 201),
        ("c", "PUT", "/box/b", "", {"x-ms-blob-type": "BlockBlob", "If-None-Match": "*"}, 409),
        ("rl", "PUT", "/box/new", "", {"x-ms-blob-type": "BlockBlob", "If-None-Match": "*"}, 403),
        ("c", "PUT", "/box/new", "comp=block&blockid=YQ==", {}, 201),
        ("d", "DELETE", "/box/b", "", {}, 202),
        ("rwcl", "DELETE", "/box/b", "", {}, 403),
        # a container itself, and the account, are beyond every signature
        ("racwdxyltmeopfi", "GET", "/box", "restype=container", {}, 403),
        ("racwdxyltmeopfi", "DELETE", "/box", "restype=container", {}, 403),
        ("racwdxyltmeopfi", "PUT", "/new", "restype=container", {}, 403),
        ("racwdxyltmeopfi", "GET", "/", "comp=list", {}, 403),
        ("racwdxyltmeopfi", "POST", "/", "restype=service&comp=userdelegationkey", {}, 403),
    ],
)  # fmt: skip
async def test_permissions(
    box: BlobClient, sp: str, method: str, path: str, query: str, headers: dict[str, str], status: int
) -> None:
    key = await delegation_key(box)
    container = "/" + path.split("/")[1] if path != "/" else "/box"
    fields = signed(box, key, container, sp=sp, sr="c")
    answer = await use(box, method, path, {**parse_query(query), **fields}, b"x", headers=headers)
    assert answer.status == status, answer.body


@pytest.mark.parametrize("sp", ["", "R", "r w", "é"])
async def test_permissions_that_cannot_be_read(box: BlobClient, sp: str) -> None:
    key = await delegation_key(box)
    answer = await use(box, "GET", "/box/b", signed(box, key, "/box/b", sp=sp))
    assert (answer.status, answer.code) == (403, "AuthenticationFailed")


async def test_every_field_counts(box: BlobClient) -> None:
    key = await delegation_key(box)
    query = signed(box, key, "/box/b", st=iso(box.clock.now - 5), scid=USER, rsct="a/b", rscc="c", spr="https")
    assert (await use(box, "GET", "/box/b", query)).status == 200
    await box.put("/box/b2", b"other")
    changes = {name: value[:-1] + ("A" if value[-1] != "A" else "B") for name, value in query.items()}
    changes |= {"sp": "rw", "sr": "c", "sv": "2026-04-07", "se": iso(box.clock.now + 7200), "skv": "2020-01-01"}
    box.audit.events.clear()
    for name, value in changes.items():
        refused = await use(box, "GET", "/box/b", query | {name: value})
        assert (refused.status, refused.code) == (403, "AuthenticationFailed"), name
        assert (await use(box, "GET", "/box/b", {n: v for n, v in query.items() if n != name})).status in {401, 403}
    for name in ("saoid", "suoid", "sduoid", "skdutid", "sip", "ses", "srh", "srq", "rscd", "rsce", "rscl"):
        refused = await use(box, "GET", "/box/b", query | {name: USER})
        assert (refused.status, refused.code) == (403, "AuthenticationFailed"), name
    for path in ("/box/b2", "/box/B", "/bax/b", "/box/b/"):
        assert (await use(box, "GET", path, query)).status == 403, path
    assert (await use(box, "GET", "/box/b", query | {"snapshot": "2026-01-01T00:00:00.0000000Z"})).status == 403
    assert not box.audit.events


async def test_times(box: BlobClient) -> None:
    key = await delegation_key(box)
    now = box.clock.now
    for fields, good in [
        ({}, True),
        ({"st": iso(now - 1)}, True),
        ({"st": iso(now + 10)}, False),
        ({"se": iso(now - 1)}, False),
        ({"se": ""}, False),
        ({"se": "tomorrow"}, False),
        ({"se": iso(now + 9 * DAY)}, True),
    ]:
        answer = await use(box, "GET", "/box/b", signed(box, key, "/box/b", **fields))
        assert (answer.status == 200) is good, fields
        assert good or answer.code == "AuthenticationFailed"
    # the key's own time bounds every signature made with it
    query = signed(box, key, "/box/b", se=iso(now + 9 * DAY))
    box.clock.now += DAY + 1
    assert (await use(box, "GET", "/box/b", query)).code == "AuthenticationFailed"
    later = await delegation_key(box, Start=iso(box.clock.now + 100))
    assert (await use(box, "GET", "/box/b", signed(box, later, "/box/b"))).code == "AuthenticationFailed"
    box.clock.now += 101
    assert (await use(box, "GET", "/box/b", signed(box, later, "/box/b"))).status == 200


async def test_where_it_may_come_from(box: BlobClient) -> None:
    key = await delegation_key(box)
    for fields, code in [
        ({"spr": "https"}, ""),
        ({"spr": "https,http"}, ""),
        ({"spr": "http"}, "AuthorizationProtocolMismatch"),
        ({"sip": "10.0.0.5"}, ""),
        ({"sip": "10.0.0.1-10.0.0.9"}, ""),
        ({"sip": "10.0.0.6-10.0.0.9"}, "AuthorizationSourceIPMismatch"),
        ({"sip": "nowhere"}, "AuthorizationSourceIPMismatch"),
    ]:
        query = urlencode(signed(box, key, "/box/b", **fields))
        request = replace(box.request("GET", "/box/b", query, token=""), peer="10.0.0.5")
        answer = await box.kernel.dispatch(request)
        assert answer.headers.get("x-ms-error-code", "") == code, fields


async def test_what_is_refused_though_it_is_signed(box: BlobClient) -> None:
    key = await delegation_key(box)
    for fields in (
        {"sks": "q"},
        {"suoid": USER},
        {"ses": "scope"},
        {"scid": "no-guid"},
        {"si": "policy"},
        {"sktid": "6a1f8a4e-0000-4000-8000-000000000003"},
    ):
        answer = await use(box, "GET", "/box/b", signed(box, key, "/box/b", **fields))
        assert (answer.status, answer.code) == (403, "AuthenticationFailed"), fields
    for sv in ("2018-03-28", "latest", ""):
        query = signed(box, key, "/box/b") | {"sv": sv}
        assert (await use(box, "GET", "/box/b", query)).code == "AuthenticationFailed"
    # an old version that would leave a restriction unsigned
    old = signed(box, key, "/box/b", sv="2020-12-06")
    assert (await use(box, "GET", "/box/b", old)).status == 200
    assert (await use(box, "GET", "/box/b", old | {"sduoid": USER})).code == "AuthenticationFailed"
    assert (await use(box, "GET", "/box/b", signed(box, key, "/box/b", saoid=USER))).status == 200


async def test_account_keys_do_not_exist(box: BlobClient) -> None:
    service = {"sv": "2024-11-04", "sr": "b", "sp": "r", "se": iso(box.clock.now + 60), "sig": "c2ln"}
    account = {"sv": "2024-11-04", "ss": "b", "srt": "sco", "sp": "rwdl", "se": iso(box.clock.now + 60), "sig": "c2ln"}
    for query in (service, account):
        answer = await use(box, "GET", "/box/b", query)
        assert (answer.status, answer.code) == (403, "KeyBasedAuthenticationNotPermitted")
        assert b"user delegation key" in answer.body
    shared_key = await box.send("GET", "/box/b", token="", headers={"Authorization": "SharedKey shop:c2ln"})
    assert (shared_key.status, shared_key.code) == (401, "InvalidAuthenticationInfo")


async def test_another_accounts_key(box: BlobClient) -> None:
    key = await delegation_key(box, account="mill")
    answer = await use(box, "GET", "/box/b", signed(box, key, "/box/b"))
    assert (answer.status, answer.code) == (403, "AuthenticationFailed")
    none = Target("storage", "none", "blob.keyless.localhost")
    answer = await use(box, "GET", "/box/b", signed(box, key, "/box/b", "none"), target=none)
    assert (answer.status, answer.code) == (403, "AuthenticationFailed")
    # an account of the same name that was made later
    old = await delegation_key(box)
    box.accounts["shop"] = replace(box.accounts["shop"], created=99.0)
    assert (await use(box, "GET", "/box/b", signed(box, old, "/box/b"))).code == "AuthenticationFailed"


async def test_the_maker_must_hold_the_role_still(box: BlobClient) -> None:
    box.access.grant("maker", "contributor", str(ACCOUNT))
    key = await delegation_key(box, "maker")
    query = signed(box, key, "/box/b", sp="rw")
    assert (await use(box, "GET", "/box/b", query)).status == 200
    box.access.assignments.pop()
    box.access.grant("maker", "adder", str(ACCOUNT))
    refused = await use(box, "GET", "/box/b", query)
    assert (refused.status, refused.code) == (403, "AuthorizationPermissionMismatch")
    assert b"Adder" not in refused.body
    assert (box.audit.events[-1].principal_id, box.audit.events[-1].decision) == ("maker", "denied")
    box.access.deleted.add("maker")
    gone = await use(box, "GET", "/box/b", query)
    assert (gone.status, gone.code) == (403, "AuthenticationFailed")


async def test_it_is_bound_to_a_user(box: BlobClient) -> None:
    key = await delegation_key(box, DelegatedUserTid=TENANT)
    assert key["SignedDelegatedUserTid"] == TENANT
    query = signed(box, key, "/box/b", sduoid=USER, skdutid=TENANT)
    for token, status in [(USER, 200), (USER.replace("a", "b"), 403), ("bad", 403), ("", 403)]:
        answer = await use(box, "GET", "/box/b", query, token=token)
        assert answer.status == status, token
        assert status == 200 or answer.code == "AuthenticationFailed"
    assert box.audit.events[-1].reason.endswith(f"SAS bound to {USER} (principal {USER}))")
    # one who brings a token beside a signature has the rights of the signature
    assert (await use(box, "DELETE", "/box/b", signed(box, key, "/box/b", skdutid=TENANT), token="owner")).status == 403


async def test_a_directory(box: BlobClient) -> None:
    for name in ("d/e/f", "d/e/g/h", "d/ef", "d/e"):
        await box.put(f"/box/{name}")
    key = await delegation_key(box)
    # a signature of a directory is that of a blob below it
    query = signed(box, key, "/box/d/e/f", sr="d", sdd="2", sp="r")
    for path, status in [("/box/d/e/f", 200), ("/box/d/e/g/h", 200), ("/box/d/ef", 403), ("/box/d/e", 403)]:
        assert (await use(box, "GET", path, query)).status == status, path
    for sdd in ("1", "3", "0", "x", ""):
        assert (await use(box, "GET", "/box/d/e/f", query | {"sdd": sdd})).status == 403
    listed = await use(box, "GET", "/box", query | {"restype": "container", "comp": "list"})
    assert (listed.status, listed.code) == (403, "AuthenticationFailed")


async def test_snapshots_and_versions(box: BlobClient) -> None:
    made = (await box.send("PUT", "/box/b", "comp=snapshot")).headers["x-ms-snapshot"]
    later = (await box.send("PUT", "/box/b", "comp=snapshot")).headers["x-ms-snapshot"]
    key = await delegation_key(box)
    query = signed(box, key, "/box/b", sr="bs", snapshot=made)
    assert (await use(box, "GET", "/box/b", query)).body == b"data"
    for changed in ({"snapshot": later}, {"snapshot": ""}, {"versionid": made}):
        assert (await use(box, "GET", "/box/b", query | changed)).status in {400, 403}, changed
    del query["snapshot"]
    assert (await use(box, "GET", "/box/b", query)).code == "AuthenticationFailed"
    # a signature for the blob as it is reaches no snapshot, one for the container reaches all
    plain = signed(box, key, "/box/b") | {"snapshot": made}
    assert (await use(box, "GET", "/box/b", plain)).code == "AuthenticationFailed"
    whole = signed(box, key, "/box") | {"snapshot": made}
    assert (await use(box, "GET", "/box/b", whole)).status == 200


async def test_tags(box: BlobClient) -> None:
    key = await delegation_key(box)
    document = b"<Tags><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tags>"
    for sp, status in [("t", 204), ("rw", 403)]:
        query = signed(box, key, "/box/b", sp=sp) | {"comp": "tags"}
        assert (await use(box, "PUT", "/box/b", query, document)).status == status, sp
    listing = {"restype": "container", "comp": "list", "include": "tags"}
    for sp, status in [("l", 403), ("lt", 200), ("t", 403), ("r", 403)]:
        assert (await use(box, "GET", "/box", signed(box, key, "/box", sp=sp) | listing)).status == status, sp
    find = {"restype": "container", "comp": "blobs", "where": "k = 'v'"}
    for sp, status in [("f", 200), ("rlt", 403)]:
        assert (await use(box, "GET", "/box", signed(box, key, "/box", sp=sp) | find)).status == status, sp
    put = {"x-ms-blob-type": "BlockBlob", "x-ms-tags": "a=b"}
    for sp, status in [("w", 403), ("wt", 201)]:
        assert (await use(box, "PUT", "/box/b", signed(box, key, "/box/b", sp=sp), headers=put)).status == status, sp


async def test_response_headers(box: BlobClient) -> None:
    key = await delegation_key(box)
    asked = {"rscc": "no-cache", "rscd": 'attachment; filename="x"', "rsct": "a/b"}
    query = signed(box, key, "/box/b", **asked)
    for method in ("GET", "HEAD"):
        got = await use(box, method, "/box/b", query)
        assert got.headers["Cache-Control"] == "no-cache"
        assert (got.headers["Content-Disposition"], got.headers["Content-Type"]) == (asked["rscd"], "a/b")
    for odd in ("a\r\nSet-Cookie: b", "a\nb", "ü", "a\x00", "a" * 1025):
        refused = await use(box, "GET", "/box/b", signed(box, key, "/box/b", rscd=odd))
        assert (refused.status, refused.code) == (403, "AuthenticationFailed"), odd
    plain = await box.send("GET", "/box/b", urlencode(asked))
    assert plain.headers["Content-Type"] == "text/plain"


# the key


async def test_who_may_have_a_key(box: BlobClient) -> None:
    for role, status in [("reader", 403), ("adder", 403), ("contributor", 200)]:
        box.access.grant(role, role, str(ACCOUNT))
        assert (await ask_key(box, role)).status == status
    # at a container it is not enough: a key is for the whole account
    box.access.grant("one", "contributor", f"{ACCOUNT}/blobServices/default/containers/box")
    assert (await ask_key(box, "one")).status == 403


async def test_a_key_lives_for_seven_days(box: BlobClient) -> None:
    now = box.clock.now
    for times, status in [
        ({"Start": ""}, 200),
        ({"Expiry": iso(now + 7 * DAY)}, 200),
        ({"Expiry": iso(now + 7 * DAY + 1)}, 400),
        ({"Expiry": iso(now - 1)}, 400),
        ({"Start": iso(now - 8 * DAY)}, 400),
        ({"Start": iso(now + 2 * DAY)}, 400),
        ({"Expiry": ""}, 400),
        ({"Expiry": "2027-02-30T00:00:00Z"}, 400),
        ({"DelegatedUserTid": USER}, 400),
    ]:
        assert (await ask_key(box, **times)).status == status, times


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<KeyInfo>",
        b"<Other><Start/></Other>",
        b"<KeyInfo><Start><A/></Start></KeyInfo>",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><KeyInfo><Expiry>&b;</Expiry></KeyInfo>",
        b"<KeyInfo><Expiry>" + b"1" * 200 + b"</Expiry></KeyInfo>",
        b"<KeyInfo><Expiry>a</Expiry><Expiry>a</Expiry></KeyInfo>",
    ],
)
async def test_what_asks_for_no_key(box: BlobClient, document: bytes) -> None:
    answer = await box.send("POST", "/", "restype=service&comp=userdelegationkey", document)
    assert answer.status == 400
    assert answer.code in {"InvalidXmlDocument", "InvalidXmlNodeValue"}


# the official client


def over(client: Client, kind: Callable[..., Any], url: str) -> Any:
    """A client of the URL, which holds all the credential there is."""
    session = Session()
    session.mount("https://", client.adapter)
    return kind(url, transport=RequestsTransport(session=session, session_owner=False), retry_total=0)


async def test_the_official_client(blob: BlobClient) -> None:
    blob.clock.now = time.time()
    client = Client(blob)
    await client.run(lambda s: s.create_container("box"))
    begin = datetime.now(UTC) - timedelta(minutes=5)
    end = begin + timedelta(hours=1)
    key = await client.run(lambda s: s.get_user_delegation_key(begin, end))
    name = "d/ä & ü?.txt"
    sas = generate_blob_sas(
        "shop", "box", name, user_delegation_key=key, permission="rcw", expiry=end, protocol="https"
    )
    plain = await client.run(lambda s: s.get_blob_client("box", name).url)
    one = over(client, AzureBlob.from_blob_url, f"{plain}?{sas}")
    await client.run(lambda _: one.upload_blob(b"data" * 400_000))
    assert await client.run(lambda _: one.download_blob().readall()) == b"data" * 400_000
    with pytest.raises(HttpResponseError) as refused:
        await client.run(lambda _: one.delete_blob())
    assert (refused.value.status_code, refused.value.error_code) == (403, "AuthorizationPermissionMismatch")

    sas = generate_container_sas("shop", "box", user_delegation_key=key, permission="rld", expiry=end)
    box = over(client, ContainerClient.from_container_url, f"{plain.split('/box')[0]}/box?{sas}")
    assert [found.name for found in await client.run(lambda _: list(box.list_blobs()))] == [name]
    # a batch and each of its parts bring the signature along
    assert [r.status_code for r in await client.run(lambda _: list(box.delete_blobs(name)))] == [202]
    assert isinstance(client.adapter, KernelAdapter)
