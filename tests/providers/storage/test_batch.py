"""Batches: the codec by itself, what the kernel makes of each part, and azure-storage-blob's own batches."""

from __future__ import annotations

import email.parser
import email.policy
from http.client import HTTPResponse
from io import BytesIO
from typing import Any
from urllib.parse import quote

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import PartialBatchErrorException
from hypothesis import given
from hypothesis import strategies as st

from keyless.http.message import Response, Target
from keyless.model.errors import KeylessError
from keyless.providers.storage.batch import MAX_PARTS, batch_answer, parse_batch
from tests.providers.storage.harness import ACCOUNT, Answer, BlobClient
from tests.providers.storage.test_client import Client

TYPE = "multipart/mixed; boundary=batch_1"


def part(line: str, *headers: str, number: int = 0) -> str:
    """A part as JavaScript's client writes it: the empty line after the headers is the boundary's."""
    head = ["Content-Type: application/http", "Content-Transfer-Encoding: binary", f"Content-ID: {number}", "", line]
    return "\r\n".join([*head, *headers, ""])


def body_of(*parts: str) -> bytes:
    return ("".join(f"--batch_1\r\n{one}\r\n" for one in parts) + "--batch_1--\r\n").encode("latin-1")


def answers_of(answer: Answer) -> list[tuple[str, int, dict[str, str], bytes]]:
    """Content-ID, status, headers and body of each part of an answer, read by the standard library."""
    assert answer.status == 202, answer.body
    head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + answer.body)
    found = []
    for one in message.iter_parts():
        assert one.get_content_type() == "application/http"
        payload = one.get_payload(decode=True)
        assert isinstance(payload, bytes)
        response = HTTPResponse(_Socket(payload))  # type: ignore[arg-type]
        response.begin()
        found.append((one["Content-ID"], response.status, dict(response.getheaders()), response.read()))
    return found


class _Socket:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> BytesIO:
        return BytesIO(self._data)


# the codec

NAMES = st.from_regex(r"x-[a-z0-9]{1,8}", fullmatch=True)
VALUES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=20)
PATHS = st.text(max_size=20).map(lambda text: "/" + quote(text))


@given(
    st.lists(st.tuples(PATHS, VALUES.map(quote), st.dictionaries(NAMES, VALUES)), min_size=1, max_size=5), st.booleans()
)
def test_what_clients_write_is_read(parts: list[tuple[str, str, dict[str, str]]], empty_line: bool) -> None:
    written = [
        part(f"DELETE {path}?{query} HTTP/1.1", *(f"{n}: {v}" for n, v in headers.items()), number=number)
        + ("\r\n" if empty_line else "")
        for number, (path, query, headers) in enumerate(parts)
    ]
    read = parse_batch(TYPE, body_of(*written))
    for number, (found, (path, query, headers)) in enumerate(zip(read, parts, strict=True)):
        assert (found.content_id, found.method, found.path, found.raw_query) == (str(number), "DELETE", path, query)
        assert dict(found.headers.items()) == headers


@given(st.binary(max_size=200))
def test_anything_is_read_or_refused(noise: bytes) -> None:
    for body in (noise, b"--batch_1" + noise, body_of(part("DELETE /a/b HTTP/1.1")).replace(b"Content", noise)):
        assert _read(body) in {"read", "InvalidInput"}


def _read(body: bytes) -> str:
    try:
        parse_batch(TYPE, body)
    except KeylessError as error:
        return error.code
    return "read"


GOOD = part("DELETE /box/b HTTP/1.1")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("", body_of(GOOD)),
        ("multipart/mixed", body_of(GOOD)),
        ("multipart/form-data; boundary=batch_1", body_of(GOOD)),
        ("multipart/mixed; boundary=other", body_of(GOOD)),
        (TYPE, b""),
        (TYPE, b"--batch_1--\r\n"),
        (TYPE, body_of(GOOD)[:-5]),
        (TYPE, body_of(GOOD).replace(b"application/http", b"text/plain")),
        (TYPE, body_of(GOOD).replace(b"\r\n", b"\n")),
        (TYPE, body_of(GOOD + "\r\nbody")),
        (TYPE, body_of(part("DELETE /box/b HTTP/1.1", "Content-Length: 3"))),
        (TYPE, body_of(part("DELETE /box/b HTTP/1.1", "no colon"))),
        (TYPE, body_of(part("DELETE /box/b HTTP/1.1", "a: \x00"))),
        (TYPE, body_of(part("DELETE box/b HTTP/1.1"))),
        (TYPE, body_of(part("DELETE https://evil.example/box/b HTTP/1.1"))),
        (TYPE, body_of(part("DELETE /box/b"))),
        (TYPE, body_of(*[GOOD] * (MAX_PARTS + 1))),
        (TYPE, body_of(part("DELETE /box/b HTTP/1.1", *["a: b"] * 70))),
    ],
)
async def test_what_is_no_batch_changes_nothing(blob: BlobClient, content_type: str, body: bytes) -> None:
    await blob.container()
    await blob.put("/box/b")
    answer = await blob.send("POST", "/", "comp=batch", body, headers={"Content-Type": content_type})
    assert (answer.status, answer.code) == (400, "InvalidInput")
    assert (await blob.send("HEAD", "/box/b")).status == 200


async def test_a_batch_has_4_mib_at_most(blob: BlobClient) -> None:
    answer = await blob.send("POST", "/", "comp=batch", bytes(4 * 1024 * 1024 + 1), headers={"Content-Type": TYPE})
    assert (answer.status, answer.code) == (413, "RequestBodyTooLarge")


def test_an_answer_without_parts_of_its_own() -> None:
    assert batch_answer("b", [("7", Response(599))]).startswith(
        b"--b\r\nContent-Type: application/http\r\nContent-ID: 7"
    )


def test_an_answer_without_a_body_ends_with_its_headers() -> None:
    parts = batch_answer("b", [("0", Response(200, b"")), ("1", Response(404, b"<Error />"))]).split(b"--b")
    assert [part.split(b"\r\n\r\n")[2:] for part in parts[1:3]] == [[b""], [b"<Error />\r\n"]]


# the operation


async def send(blob: BlobClient, *parts: str, path: str = "/", query: str = "comp=batch", **more: Any) -> Answer:
    return await blob.send("POST", path, query, body_of(*parts), headers={"Content-Type": TYPE}, **more)


async def test_each_part_is_answered_by_itself(blob: BlobClient) -> None:
    await blob.container()
    for name in "abc":
        await blob.put(f"/box/{name}")
    parts = [
        part("DELETE /box/a HTTP/1.1", "x-ms-client-request-id: mine", number=5),
        part("DELETE /box/none HTTP/1.1", number=6),
        part("DELETE /box/b HTTP/1.1", "If-Match: 0x0", number=7),
        part("GET /box/c HTTP/1.1", number=8),
        part("DELETE /box?restype=container HTTP/1.1", number=9),
        part("POST /?comp=batch HTTP/1.1", number=10),
    ]
    found = answers_of(await send(blob, *parts))
    assert [(content_id, status, headers.get("x-ms-error-code")) for content_id, status, headers, _ in found] == [
        ("5", 202, None),
        ("6", 404, "BlobNotFound"),
        ("7", 412, "ConditionNotMet"),
        ("8", 400, "InvalidInput"),
        ("9", 400, "InvalidInput"),
        ("10", 400, "InvalidInput"),
    ]
    assert found[0][2]["x-ms-client-request-id"] == "mine"
    assert [headers["x-ms-request-id"] for _, _, headers, _ in found] == [f"r-1-{number}" for number in range(6)]
    assert b"<Code>BlobNotFound</Code>" in found[1][3]
    listed = (await blob.send("GET", "/box", "restype=container&comp=list")).xml()
    assert [name.text for name in listed.iter("Name")] == ["b", "c"]


async def test_each_part_is_authorised_by_itself(blob: BlobClient) -> None:
    await blob.container()
    await blob.container("other")
    for path in ("/box/a", "/box/b", "/other/a"):
        await blob.put(path)
    blob.access.grant("one", "contributor", f"{ACCOUNT}/blobServices/default/containers/box")
    blob.audit.events.clear()
    parts = [
        part("DELETE /box/a HTTP/1.1"),
        part("DELETE /other/a HTTP/1.1", number=1),
        part("DELETE /other/a HTTP/1.1", "Authorization: Bearer owner", number=2),
        part("DELETE /box/b HTTP/1.1", "Authorization: Bearer bad", number=3),
    ]
    found = answers_of(await send(blob, *parts, token="one"))
    assert [status for _, status, _, _ in found] == [202, 403, 202, 401]
    assert [(e.request_id, e.operation, e.principal_id, e.decision) for e in blob.audit.events] == [
        ("r-1-0", "DeleteBlob", "one", "allowed"),
        ("r-1-1", "DeleteBlob", "one", "denied"),
        ("r-1-2", "DeleteBlob", "owner", "allowed"),
    ]
    refused = await send(blob, part("DELETE /box/b HTTP/1.1", "Authorization: Bearer owner"), token="bad")
    assert (refused.status, refused.code) == (401, "InvalidAuthenticationInfo")
    assert (await blob.send("HEAD", "/box/b")).status == 200


async def test_a_batch_tells_nobody_which_accounts_there_are(blob: BlobClient) -> None:
    for name in ("shop", "none"):
        target = Target("storage", name, "blob.keyless.localhost")
        found = answers_of(await send(blob, part("DELETE /box/a HTTP/1.1"), token="stranger", target=target))
        assert [status for _, status, _, _ in found] == [403]


async def test_a_containers_batch_stays_in_it(blob: BlobClient) -> None:
    await blob.container()
    await blob.container("other")
    await blob.put("/box/a")
    await blob.put("/other/a")
    parts = [part("DELETE /box/a HTTP/1.1"), part("DELETE /other/a HTTP/1.1", number=1)]
    found = answers_of(await send(blob, *parts, path="/box", query="restype=container&comp=batch"))
    assert [status for _, status, _, _ in found] == [202, 400]
    assert (await blob.send("HEAD", "/other/a")).status == 200


async def test_path_style(blob: BlobClient) -> None:
    await blob.container()
    await blob.put("/box/a")
    target = Target("storage", "shop", "", "/shop")
    parts = [part("DELETE /shop/box/a HTTP/1.1"), part("DELETE /box/a HTTP/1.1", number=1)]
    found = answers_of(await send(blob, *parts, target=target))
    assert [status for _, status, _, _ in found] == [202, 400]


# the official client


async def test_delete_blobs(blob: BlobClient) -> None:
    client = Client(blob)
    await client.run(lambda s: s.create_container("box"))
    names = ["a", "b c", "d/ä", "e?f&g"]
    box = await client.run(lambda s: s.get_container_client("box"))
    await client.run(lambda _: [box.upload_blob(name, b"x") for name in names])
    answers = await client.run(lambda _: list(box.delete_blobs(*names)))
    assert [answer.status_code for answer in answers] == [202] * len(names)
    assert await client.run(lambda _: list(box.list_blobs())) == []


async def test_set_tiers(blob: BlobClient) -> None:
    client = Client(blob)
    await client.run(lambda s: s.create_container("box"))
    box = await client.run(lambda s: s.get_container_client("box"))
    await client.run(lambda _: [box.upload_blob(name, b"x") for name in "ab"])
    answers = await client.run(lambda _: list(box.set_standard_blob_tier_blobs("Cool", "a", "b")))
    assert [answer.status_code for answer in answers] == [200, 200]
    assert await client.run(lambda _: {found.blob_tier for found in box.list_blobs()}) == {"Cool"}


async def test_a_batch_that_fails_in_part(blob: BlobClient) -> None:
    client = Client(blob)
    await client.run(lambda s: s.create_container("box"))
    box = await client.run(lambda s: s.get_container_client("box"))
    await client.run(lambda _: box.upload_blob("a", b"x"))
    with pytest.raises(PartialBatchErrorException) as partial:
        await client.run(lambda _: box.delete_blobs("a", "none"))
    assert [answer.status_code for answer in partial.value.parts] == [202, 404]
    answers = await client.run(lambda _: list(box.delete_blobs("none", raise_on_any_failure=False)))
    assert [(answer.status_code, answer.reason) for answer in answers] == [(404, "Not Found")]
    with pytest.raises(HttpResponseError):
        await Client(blob, "bad").run(lambda s: s.get_container_client("box").delete_blobs("a"))
