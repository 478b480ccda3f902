"""Good HTTP with bad content: each surface says what is wrong in its own envelope, and nothing is a 5xx.

The requests are written by hand, because HTTP libraries tidy paths. Each is sent with the owner's token, so that
it comes as far as it can. 501 is the answer to what the real service has and keyless has not; none is expected here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import httpx
import pytest
from tests.harness import ARM, STORAGE, VAULT, Owner
from tests.hostile.wire import Answer, connection, read_answer
from tests.refusals.surfaces import Address, Request, check_blob, check_management, check_vault

from keyless.http.head import MAX_PATH

API = "api-version=7.4"
BLOB = {"x-ms-version": "2024-11-04", "x-ms-blob-type": "BlockBlob"}
SITE = "{group}/providers/Microsoft.Web/sites/app-a"
DOMAIN = "keyless.localhost"


@dataclass(frozen=True)
class Bad:
    """A request, and the status and code that it has to be answered with."""

    method: str
    path: str
    status: int
    code: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def ask(target: Owner, host: str, bad: Bad, token: str = "", headers: dict[str, str] | None = None) -> Answer:
    """Send it, byte for byte."""
    port = target.server.port
    fields = {"Host": f"{host}:{port}", "Content-Length": str(len(bad.body))} | (headers or {}) | bad.headers
    if token:
        fields["Authorization"] = f"Bearer {token}"
    group = target.group
    head = f"{bad.method} {bad.path.replace('{group}', group).replace('{sub}', target.subscription)} HTTP/1.1\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    with connection(target.server, host) as wire:
        wire.sendall(head.encode("latin-1") + b"\r\n" + bad.body)
        answer = read_answer(wire)
    assert answer is not None, "closed without an answer"
    return answer


def _response(answer: Answer) -> httpx.Response:
    return httpx.Response(answer.status, headers=answer.headers, content=answer.body)


def _put(path: str, body: bytes, status: int = 400, code: str = "BadParameter") -> Bad:
    return Bad("PUT", path, status, code, body)


def _secret(body: bytes, status: int = 400, code: str = "BadParameter") -> Bad:
    return _put(f"/secrets/bad?{API}", body, status, code)


VAULT_CASES: dict[str, Bad] = {
    "nothing": _secret(b""),
    "not JSON": _secret(b"value"),
    "half": _secret(b'{"value":"x"'),
    "more than one": _secret(b'{"value":"x"}{}'),
    "a list": _secret(b"[]"),
    "no value": _secret(b"{}"),
    "a null": _secret(b'{"value":null}'),
    "a number": _secret(b'{"value":1}'),
    "a huge number": _secret(b'{"value":' + b"9" * 100_000 + b"}"),
    "deep": _secret(b'{"value":"x","y":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "deep and open": _secret(b'{"value":"x","y":' + b'{"a":' * 40_000),
    "a lone surrogate": _secret(b'{"value":"\\ud800"}'),
    "a lone surrogate, encoded": _secret(b'{"value":"\xed\xa0\x80"}'),
    "not UTF-8": _secret(b'{"value":"\xff"}'),
    "UTF-16": _secret('{"value":"x"}'.encode("utf-16")),
    "a bad escape": _secret(b'{"value":"\\x"}'),
    "a control character": _secret(b'{"value":"\x00"}'),
    "not a number": _secret(b'{"value":"x","attributes":{"exp":NaN}}'),
    "an infinite time": _secret(b'{"value":"x","attributes":{"exp":1e999}}'),
    "a time of 5000 digits": _secret(b'{"value":"x","attributes":{"exp":' + b"9" * 5000 + b"}}"),
    "a negative time": _secret(b'{"value":"x","attributes":{"nbf":-1}}'),
    "a time beyond all dates": _secret(b'{"value":"x","attributes":{"nbf":99999999999999}}'),
    "a time as text": _secret(b'{"value":"x","attributes":{"nbf":"tomorrow"}}'),
    "enabled, perhaps": _secret(b'{"value":"x","attributes":{"enabled":"yes"}}'),
    "tags as a list": _secret(b'{"value":"x","tags":["a"]}'),
    "a tag that is a number": _secret(b'{"value":"x","tags":{"a":1}}'),
    "too many tags": _secret(json.dumps({"value": "x", "tags": {str(i): "" for i in range(16)}}).encode()),
    "too long": _secret(json.dumps({"value": "x" * 25_601}).encode()),
    "the body too long": _secret(b'{"value":"x"}' + b" " * 300_000, 413, "RequestBodyTooLarge"),
    "a name with a blank": _put(f"/secrets/a%20b?{API}", b'{"value":"x"}'),
    "a name with a slash": _put(f"/secrets/a%2Fb?{API}", b'{"value":"x"}'),
    "a name with a NUL": _put(f"/secrets/a%00b?{API}", b'{"value":"x"}'),
    "a name that is not UTF-8": _put(f"/secrets/%ff?{API}", b'{"value":"x"}', 400, "InvalidUri"),
    "a name in Cyrillic": _put(f"/secrets/%D1%81?{API}", b'{"value":"x"}'),
    "a name of 128": _put(f"/secrets/{'a' * 128}?{API}", b'{"value":"x"}'),
    "dots": Bad("GET", f"/secrets/../secrets/s?{API}", 400, "BadParameter"),
    "dots, encoded": Bad("GET", f"/secrets/%2e%2e/secrets?{API}", 400, "BadParameter"),
    "dots, encoded twice": Bad("GET", f"/secrets/%252e%252e?{API}", 400, "BadParameter"),
    "a version that is none": Bad("GET", f"/secrets/s/latest?{API}", 400, "BadParameter"),
    "a version in upper case": Bad("GET", f"/secrets/s/{'A' * 32}?{API}", 400, "BadParameter"),
    "no api-version": Bad("GET", "/secrets/s", 400, "BadParameter"),
    "an api-version that is not UTF-8": Bad("GET", "/secrets/s?api-version=%ff", 400, "InvalidQueryParameterValue"),
    "1000 query fields": Bad("GET", f"/secrets?{API}&{'a=b&' * 1000}", 400, "InvalidQueryParameterValue"),
    "maxresults 0": Bad("GET", f"/secrets?{API}&maxresults=0", 400, "BadParameter"),
    "maxresults of 5000 digits": Bad("GET", f"/secrets?{API}&maxresults={'9' * 5000}", 400, "BadParameter"),
    "maxresults in Arabic digits": Bad("GET", f"/secrets?{API}&maxresults=%D9%A3", 400, "BadParameter"),
    "a skip token of our own": Bad("GET", f"/secrets?{API}&$skiptoken=AAAA", 400, "BadParameter"),
    "a long skip token": Bad("GET", f"/secrets?{API}&$skiptoken={'A' * 5000}", 400, "BadParameter"),
    "another collection": Bad("GET", f"/passwords?{API}", 400, "BadParameter"),
    "a method that it lacks": Bad("POST", f"/secrets/s/x?{API}", 400, "BadParameter"),
    "TRACE": Bad("TRACE", f"/secrets/s?{API}", 400, "BadParameter"),
    "100 headers": Bad("GET", f"/secrets/s?{API}", 400, "BadParameter", headers={f"x-{i}": "y" for i in range(100)}),
    "33 KB of headers": Bad("GET", f"/secrets/s?{API}", 400, "BadParameter", headers={"x": "y" * 33_000}),
    "a long path": Bad("GET", f"/secrets/{'a' * MAX_PATH}?{API}", 400, "BadParameter"),
    "an update that is an array": Bad("PATCH", f"/secrets/bad?{API}", 400, "BadParameter", b"[]"),
    "an update nested 60,000 deep": Bad("PATCH", f"/secrets/bad?{API}", 400, "BadParameter", b'{"x":' + b"[" * 60_000),
    "a backup that is none": Bad("POST", f"/secrets/restore?{API}", 400, "BadParameter", b'{"value":"/secrets/bad"}'),
    "a backup that is not UTF-8": Bad("POST", f"/secrets/restore?{API}", 400, "BadParameter", b'{"value":"\xff"}'),
    "a backup of nothing": Bad("POST", f"/secrets/restore?{API}", 400, "BadParameter", b'{"value":""}'),
}


@pytest.mark.parametrize("name", VAULT_CASES)
def test_vault(target: Owner, name: str) -> None:
    bad = VAULT_CASES[name]
    host = f"kv-a.vault.{DOMAIN}"
    answer = _response(ask(target, host, bad, target.token(VAULT)))
    at = Address(f"{host}:{target.server.port}", f"login.{DOMAIN}")
    told = check_vault(at, Request(name, bad.method, bad.path, 0), answer, target.server.instance.tenant)
    assert told == (bad.status, bad.code), answer.text
    assert target.send("GET", "kv-a.vault", f"/secrets/bad?{API}", target.token(VAULT)).status_code == 404


def _get(status: int, code: str, **headers: str) -> Bad:
    return Bad("GET", "/box/b", status, code, headers={name.replace("_", "-"): v for name, v in headers.items()})


def _blob(method: str, path: str, code: str, status: int = 400, body: bytes = b"", **headers: str) -> Bad:
    return Bad(method, path, status, code, body, {name.replace("_", "-"): v for name, v in headers.items()})


def _list(document: bytes, code: str = "InvalidXmlDocument") -> Bad:
    return Bad("PUT", "/box/bad?comp=blocklist", 400, code, document)


NAME, HEADER, QUERY = "InvalidResourceName", "InvalidHeaderValue", "InvalidQueryParameterValue"
LISTING = "/box?restype=container&comp=list"
BLOB_CASES: dict[str, Bad] = {
    **{
        f"range {text}": _get(400, HEADER, x_ms_range=text)
        for text in (
            "bytes=",
            "bytes=-",
            "bytes=--1",
            "bytes=3-1",
            "bytes=0-1,3-4",
            "bytes=a-b",
            "items=0-1",
            "0-1",
            "x" * 9000,
        )
    },
    **{
        f"range {text}": _get(416, "InvalidRange", x_ms_range=text)
        for text in ("bytes=4-", "bytes=99-100", "bytes=-0", "bytes=9999999999999999999-9999999999999999999")
    },
    "a range of 5000 digits": _get(400, HEADER, x_ms_range=f"bytes={'9' * 5000}-"),
    "a range in Arabic digits": _get(400, HEADER, x_ms_range="bytes=\xb2-"),
    **{
        f"date {text[:40]}": _get(400, HEADER, If_Modified_Since=text)
        for text in (
            "yesterday",
            "Mon, 99 Foo 2020",
            "Tue, 15 Nov 1994 99:12:31 GMT",
            "Tue, 15 Nov 99999 08:12:31 GMT",
            "Tue, 32 Nov 1994 08:12:31 GMT",
            "Tue, 15 Nov 1994 08:12:31 +9999",
            "1" * 5000,
            "(" * 3000,
            "a " * 8000,
        )
    },
    **{
        f"etag {text[:40]}": _get(400, HEADER, If_Match=text)
        for text in ('"', '"a', 'a "b', '"a" "b"', ",", '"a",' * 70)
    },
    "a version that is none": _blob("GET", "/box/b", HEADER, x_ms_version="latest"),
    "a version of 5000 digits": _blob("GET", "/box/b", HEADER, x_ms_version="1" * 5000 + "-01-01"),
    "a checksum, perhaps": _blob("GET", "/box/b", HEADER, x_ms_range="bytes=0-1", x_ms_range_get_content_md5="maybe"),
    "a checksum of no range": _blob("GET", "/box/b", HEADER, x_ms_range_get_content_md5="true"),
    "not UTF-8": _blob("GET", "/box/%ff", "InvalidUri"),
    "not UTF-8 in the container": _blob("GET", "/%ff/b", "InvalidUri"),
    "a NUL": _blob("GET", "/box/a%00b", NAME),
    "1025 letters": _blob("GET", f"/box/{'a' * 1025}", NAME),
    "255 slashes": _blob("GET", f"/box/{'a/' * 255}a", NAME),
    "a container in upper case": _blob("PUT", "/BOX?restype=container", NAME),
    "a container of two letters": _blob("PUT", "/bo?restype=container", NAME),
    "a container with two hyphens": _blob("PUT", "/bo--x?restype=container", NAME),
    "a container of dots": _blob("PUT", "/..?restype=container", NAME),
    "a container of dots, encoded": _blob("PUT", "/%2e%2e?restype=container", NAME),
    "a container of 64": _blob("PUT", f"/{'a' * 64}?restype=container", NAME),
    "no container": _blob("GET", "//b", NAME),
    "out of the container": _blob("GET", "/../../etc/passwd", NAME),
    "out of it, encoded": _blob("GET", "/..%2f..%2fetc%2fpasswd", "ContainerNotFound", 404),
    "an operation that is none": _blob("GET", "/box/b?comp=secrets", QUERY),
    "a verb that is none": _blob("PATCH", "/box/b", "UnsupportedHttpVerb", 405),
    "maxresults 0": _blob("GET", f"{LISTING}&maxresults=0", "OutOfRangeQueryParameterValue"),
    "maxresults -1": _blob("GET", f"{LISTING}&maxresults=-1", QUERY),
    "maxresults of 5000 digits": _blob("GET", f"{LISTING}&maxresults={'9' * 5000}", QUERY),
    "maxresults in Arabic digits": _blob("GET", f"{LISTING}&maxresults=%D9%A3", QUERY),
    "a marker of our own": _blob("GET", f"{LISTING}&marker=MQ%FF", QUERY),
    "a marker that is not base64": _blob("GET", f"{LISTING}&marker=%C3%A9", QUERY),
    "a marker of nothing": _blob("GET", f"{LISTING}&marker=AAAA", QUERY),
    "a prefix that is not UTF-8": _blob("GET", f"{LISTING}&prefix=%ff", QUERY),
    "include something": _blob("GET", f"{LISTING}&include=secrets", QUERY),
    "blocks of what": _blob("GET", "/box/b?comp=blocklist&blocklisttype=all,none", QUERY),
    **{
        f"block {text[:20]!r}": _blob("PUT", f"/box/bad?comp=block&blockid={text}", "InvalidBlockId", body=b"x")
        for text in ("", "x", "%00", "====", "YQ", "YQ%3D%3D%0A", "%F0%9F%98%80", "A" * 200, "YQ%3D%3D" * 50, "YQ-_")
    },
    "a block of nothing": _blob("PUT", "/box/bad?comp=block&blockid=YQ%3D%3D", HEADER),
    "a digest that is none": _blob("PUT", "/box/bad", "InvalidMd5", body=b"x", Content_MD5="x"),
    "a digest of 15 bytes": _blob("PUT", "/box/bad", "InvalidMd5", body=b"x", Content_MD5="A" * 20),
    "a digest of something else": _blob("PUT", "/box/bad", "Md5Mismatch", body=b"x", Content_MD5="A" * 22 + "=="),
    "a digest in Latin": _blob("PUT", "/box/bad", "InvalidMd5", body=b"x", Content_MD5="\xe9" * 24),
    "a kind that is none": _blob("PUT", "/box/bad", HEADER, body=b"x", x_ms_blob_type="Folder"),
    "no kind": _blob("PUT", "/box/bad", "MissingRequiredHeader", body=b"x", x_ms_blob_type=""),
    "metadata without a name": Bad("PUT", "/box/bad", 400, "InvalidMetadata", b"x", {"x-ms-meta-": "x"}),
    "metadata with a hyphen": Bad("PUT", "/box/bad", 400, "InvalidMetadata", b"x", {"x-ms-meta-a-b": "x"}),
    "metadata in Latin": Bad("PUT", "/box/bad", 400, "InvalidMetadata", b"x", {"x-ms-meta-a": "\xe9"}),
    "metadata of 9 KB": Bad("PUT", "/box/bad", 400, "MetadataTooLarge", b"x", {"x-ms-meta-a": "x" * 9000}),
    "a type in Latin": _blob("PUT", "/box/bad", HEADER, body=b"x", x_ms_blob_content_type="text/\xe9"),
    "a type of 2 KB": _blob("PUT", "/box/bad", HEADER, body=b"x", x_ms_blob_content_type="x" * 2000),
    "100 headers": Bad("GET", "/box/b", 400, "InvalidInput", headers={f"x-{i}": "y" for i in range(100)}),
    "an empty list": _list(b""),
    "a list that is not XML": _list(b"YQ=="),
    "a list that breaks off": _list(b"<BlockList><Latest>YQ==</Latest>"),
    "another root": _list(b"<Blocks/>"),
    "two roots": _list(b"<BlockList/><BlockList/>"),
    "a namespace": _list(b'<x:BlockList xmlns:x="y"/>'),
    "another element": _list(b"<BlockList><Newest>YQ==</Newest></BlockList>"),
    "an element in an element": _list(b"<BlockList><Latest><Latest>YQ==</Latest></Latest></BlockList>"),
    "text between": _list(b"<BlockList>x</BlockList>"),
    "a list that is not UTF-8": _list(b"<BlockList><Latest>\xff</Latest></BlockList>"),
    "a list in UTF-16": _list("<BlockList><Latest>YQ==</Latest></BlockList>".encode("utf-16"), "InvalidBlockList"),
    "a NUL, escaped": _list(b"<BlockList><Latest>&#0;</Latest></BlockList>"),
    "an unknown entity": _list(b"<BlockList><Latest>&x;</Latest></BlockList>"),
    "a document type": _list(b"<!DOCTYPE BlockList><BlockList/>"),
    "a block that is not base64": _list(b"<BlockList><Latest>!</Latest></BlockList>", "InvalidBlockId"),
    "a block of no name": _list(b"<BlockList><Latest/></BlockList>", "InvalidBlockId"),
    "a block that is not there": _list(b"<BlockList><Latest>YQ==</Latest></BlockList>", "InvalidBlockList"),
    **{
        f"in {name}": _list(
            f'<?xml version="1.0" encoding="{name}"?><BlockList><Latest>YQ==</Latest></BlockList>'.encode(),
            "InvalidBlockList",
        )
        for name in (
            "foo",
            "utf-7",
            "utf-16",
            "cp037",
            "shift_jis",
            "zlib",
            "idna",
            "undefined",
            "rot13",
            "unicode_escape",
        )
    },
}


@pytest.mark.parametrize("path_style", [False, True])
@pytest.mark.parametrize("name", BLOB_CASES)
def test_blob(target: Owner, name: str, path_style: bool) -> None:
    bad = BLOB_CASES[name]
    host = "127.0.0.1" if path_style else f"acca.blob.{DOMAIN}"
    sent = Bad(bad.method, f"/acca{bad.path}", bad.status, bad.code, bad.body, bad.headers) if path_style else bad
    answer = _response(ask(target, host, sent, target.token(STORAGE), BLOB))
    at = Address(f"{host}:{target.server.port}", f"login.{DOMAIN}")
    told = check_blob(at, Request(name, bad.method, bad.path, 0), answer, target.server.instance.tenant)
    assert told == (bad.status, bad.code), answer.text
    there = target.send("GET", "acca.blob", LISTING, target.token(STORAGE), headers={"x-ms-version": "2024-11-04"})
    assert "<Name>bad" not in there.text


def _arm(body: bytes, code: str = "InvalidRequestContent", status: int = 400, path: str = SITE) -> Bad:
    return Bad("PUT", f"{path}?api-version=1", status, code, body)


def _identities(*ids: str) -> bytes:
    return json.dumps({"identity": {"type": "UserAssigned", "userAssignedIdentities": {i: {} for i in ids}}}).encode()


CHECK = "{group}/providers/Microsoft.Authorization/checkAccess?api-version=1"
GRANT = "{group}/providers/Microsoft.Authorization/roleAssignments"
ONE = f"{GRANT}/0e9bb1c6-5d6f-4b52-a1e7-000000000009"
ID, CONTENT = "InvalidResourceId", "InvalidRequestContent"
ARM_CASES: dict[str, Bad] = {
    "not JSON": _arm(b"location"),
    "half": _arm(b'{"location":'),
    "a list": _arm(b"[]"),
    "not UTF-8": _arm(b'{"location":"\xff"}'),
    "UTF-16": _arm('{"location":"x"}'.encode("utf-16")),
    "a lone surrogate": _arm(b'{"location":"\\ud800"}'),
    "a lone surrogate as a name": _arm(b'{"tags":{"\\ud800":"x"}}'),
    "not a number": _arm(b'{"sku":{"n":NaN}}'),
    "65 deep": _arm(b'{"sku":' + b'{"a":' * 64 + b"1" + b"}" * 64 + b"}"),
    "970 deep": _arm(b'{"sku":' + b'{"a":' * 970 + b"1" + b"}" * 970 + b"}"),
    "100,000 deep": _arm(b'{"sku":' + b'{"a":' * 100_000),
    "location as a number": _arm(b'{"location":1}'),
    "tags as a list": _arm(b'{"tags":[]}'),
    "a tag that is null": _arm(b'{"tags":{"a":null}}'),
    "60 tags": _arm(json.dumps({"tags": {str(i): "" for i in range(60)}}).encode()),
    "properties as text": _arm(b'{"properties":"x"}'),
    "identity as a list": _arm(b'{"identity":[]}'),
    "identity of no type": _arm(b'{"identity":{}}'),
    "identity of all types": _arm(b'{"identity":{"type":"None, SystemAssigned"}}', "InvalidIdentityType"),
    "identity of another type": _arm(b'{"identity":{"type":"Everybody"}}', "InvalidIdentityType"),
    "identities as a list": _arm(b'{"identity":{"type":"UserAssigned","userAssignedIdentities":[]}}'),
    "an ID that is none": _arm(_identities("id-a"), ID),
    "an ID of dots": _arm(_identities("/subscriptions/../x"), ID),
    "a long ID": _arm(_identities("/subscriptions/" + "a" * 3000), ID),
    "an ID of 40 segments": _arm(_identities("/subscriptions" + "/a" * 40), ID),
    "a reference identity that is none": _arm(b'{"properties":{"keyVaultReferenceIdentity":"x"}}', ID),
    "a reference identity as a number": _arm(b'{"properties":{"keyVaultReferenceIdentity":1}}'),
    "settings as a list": _arm(b'{"properties":[]}', path=f"{SITE}/config/appsettings"),
    "a setting as a number": _arm(b'{"properties":{"a":1}}', path=f"{SITE}/config/appsettings"),
    "a setting with a blank": _arm(b'{"properties":{"a b":""}}', "InvalidSetting", path=f"{SITE}/config/appsettings"),
    "a setting with a NUL": _arm(
        b'{"properties":{"a":"\\u0000"}}', "InvalidSetting", path=f"{SITE}/config/appsettings"
    ),
    "settings of 70 KB": _arm(
        json.dumps({"properties": {"a": "x" * 70_000}}).encode(), "SettingsTooLarge", path=f"{SITE}/config/appsettings"
    ),
    "a vault's name": _arm(b"{}", "InvalidResourceName", path="{group}/providers/Microsoft.KeyVault/vaults/1"),
    "an account's name": _arm(
        b"{}", "InvalidResourceName", path="{group}/providers/Microsoft.Storage/storageAccounts/A-B"
    ),
    "an app's name": _arm(b"{}", "InvalidResourceName", path="{group}/providers/Microsoft.Web/sites/a_b"),
    "an app's name in Cyrillic": _arm(
        b"{}", "InvalidResourceName", path="{group}/providers/Microsoft.Web/sites/%D1%81"
    ),
    "a group's name": _arm(b"{}", "InvalidResourceName", path="{sub}/resourceGroups/a."),
    "a group that is not there": _arm(
        b"{}", "ResourceGroupNotFound", 404, "{sub}/resourceGroups/none/providers/Microsoft.Web/sites/x"
    ),
    "a type that is not there": _arm(
        b"{}", "InvalidResourceType", 404, "{group}/providers/Microsoft.Web/serverfarms/x"
    ),
    "a provider that is not there": _arm(
        b"{}", "InvalidResourceNamespace", 404, "{group}/providers/Microsoft.Compute/disks/x"
    ),
    "no provider": Bad("GET", "{group}/providers?api-version=1", 404, "InvalidResourceType"),
    "dots": Bad("GET", "{group}/../../x?api-version=1", 400, ID),
    "dots, encoded": Bad("GET", "{group}/%2e%2e/x?api-version=1", 400, ID),
    "dots, encoded twice": Bad("GET", "{sub}/resourceGroups/%252e%252e?api-version=1", 400, ID),
    "a slash in a name": Bad("GET", "{sub}/resourceGroups/a%2Fb?api-version=1", 400, ID),
    "a NUL in a name": Bad("GET", "{sub}/resourceGroups/a%00b?api-version=1", 400, ID),
    "not UTF-8 in a name": Bad("GET", "{sub}/resourceGroups/%ff?api-version=1", 400, "InvalidUri"),
    "40 segments": Bad("GET", "{sub}" + "/a" * 40 + "?api-version=1", 400, ID),
    "3000 letters": Bad("GET", "{sub}/resourceGroups/" + "a" * 3000 + "?api-version=1", 400, ID),
    "another beginning": Bad("GET", "/etc/passwd?api-version=1", 400, ID),
    "not UTF-8 in the query": Bad("GET", "{group}?api-version=%ff", 400, "InvalidQueryParameterValue"),
    "a filter that is none": Bad("GET", f"{GRANT}?$filter=drop%20table", 400, "InvalidFilter"),
    "a long filter": Bad("GET", f"{GRANT}?$filter=" + "a%20and%20" * 500, 400, "InvalidFilter"),
    "a filter of quotes": Bad("GET", f"{GRANT}?$filter=" + "'" * 5000, 400, "InvalidFilter"),
    "a top of 5000 digits": Bad(
        "GET", "{sub}/providers/Microsoft.Insights/eventtypes/management/values?$top=" + "9" * 5000, 400, QUERY
    ),
    "a top in Arabic digits": Bad(
        "GET", "{sub}/providers/Microsoft.Insights/eventtypes/management/values?$top=%D9%A3", 400, QUERY
    ),
    "an assignment of nothing": _arm(b"{}", path=ONE),
    "an assignment of no role": _arm(
        b'{"properties":{"roleDefinitionId":"x","principalId":"y"}}', "RoleDefinitionDoesNotExist", path=ONE
    ),
    "an assignment to nobody": _arm(
        b'{"properties":{"roleDefinitionId":"acdd72a7-3385-48ef-bd42-f606fba81ae7","principalId":"y"}}',
        "PrincipalNotFound",
        path=ONE,
    ),
    "an access check of nothing": Bad("POST", CHECK, 400, CONTENT, b"{}"),
    "an access check of 101 actions": Bad(
        "POST",
        CHECK,
        400,
        CONTENT,
        json.dumps({"Subject": {"Attributes": {"ObjectId": "x"}}, "Actions": [{}] * 101}).encode(),
    ),
    "an access check of nobody": Bad(
        "POST", CHECK, 404, "PrincipalNotFound", b'{"Subject":{"Attributes":{"ObjectId":"x"}},"Actions":[{"Id":"a"}]}'
    ),
    "100 headers": Bad(
        "GET", "{group}?api-version=1", 400, "InvalidRequest", headers={f"x-{i}": "y" for i in range(100)}
    ),
    "a key that is not there": Bad(
        "POST", "{sub}/providers/Keyless.Authority/signingKeys/%27--/revoke?api-version=1", 404, "KeyNotFound"
    ),
}


@pytest.mark.parametrize("name", ARM_CASES)
def test_management(target: Owner, name: str) -> None:
    bad = ARM_CASES[name]
    host = f"management.{DOMAIN}"
    before = target.arm("GET", SITE.replace("{group}", target.group))
    answer = _response(ask(target, host, bad, target.token(ARM)))
    at = Address(f"{host}:{target.server.port}", f"login.{DOMAIN}")
    told = check_management(at, Request(name, bad.method, bad.path, 0), answer, target.server.instance.tenant)
    assert told == (bad.status, bad.code), answer.text
    assert target.arm("GET", SITE.replace("{group}", target.group)) == before


TOKEN = "/common/oauth2/v2.0/token"
FORM = "grant_type=client_credentials&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LOGIN_CASES: dict[str, Bad] = {
    "nothing": Bad("POST", TOKEN, 400, "unsupported_grant_type"),
    "bytes": Bad("POST", TOKEN, 400, "invalid_request", b"\xff\xfe"),
    "not UTF-8": Bad("POST", TOKEN, 400, "invalid_request", b"grant_type=%ff"),
    "1000 fields": Bad("POST", TOKEN, 400, "invalid_request", b"a=b&" * 1000),
    "a password": Bad("POST", TOKEN, 400, "unsupported_grant_type", b"grant_type=password&username=a&password=b"),
    "no assertion": Bad("POST", TOKEN, 401, "invalid_client", b"grant_type=client_credentials"),
    "a secret": Bad("POST", TOKEN, 401, "invalid_client", b"grant_type=client_credentials&client_id=a&client_secret=b"),
    "an assertion of nobody": Bad(
        "POST", TOKEN, 401, "invalid_client", f"{FORM}&client_assertion=a.b.c&client_id=x".encode()
    ),
    "another tenant": Bad("POST", TOKEN.replace("common", "contoso"), 400, "invalid_tenant", b"grant_type=x"),
    "a tenant of dots": Bad("GET", "/../v2.0/.well-known/openid-configuration", 400, "invalid_tenant"),
    "a tenant with a NUL": Bad("GET", "/%00/v2.0/.well-known/openid-configuration", 400, "invalid_tenant"),
    "another path": Bad("GET", "/common/admin", 404, "invalid_request"),
    "half an address": Bad(
        "GET", "/common/discovery/instance?authorization_endpoint=https://[", 400, "invalid_instance"
    ),
    "no address": Bad("GET", "/common/discovery/instance", 400, "invalid_instance"),
    "plain http": Bad("GET", "/common/discovery/instance?authorization_endpoint=http://a/b", 400, "invalid_instance"),
    "an odd letter": Bad(
        "GET", "/common/discovery/instance?authorization_endpoint=https://%E2%84%80/x", 400, "invalid_instance"
    ),
    "not UTF-8 in the query": Bad("GET", "/common/discovery/instance?a=%ff", 400, "InvalidQueryParameterValue"),
}


@pytest.mark.parametrize("name", LOGIN_CASES)
def test_login(target: Owner, name: str) -> None:
    bad = LOGIN_CASES[name]
    answer = ask(target, f"login.{DOMAIN}", bad)
    body = json.loads(answer.body)
    assert (answer.status, body["error"]) == (bad.status, bad.code), body
    assert body["error_description"].startswith("AADSTS")
    assert isinstance(body["error_codes"][0], int)
    assert {"timestamp", "trace_id", "correlation_id"} <= set(body)
