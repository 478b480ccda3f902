from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.client.http1 import MAX_BODY, MAX_HEAD, BadResponse, Response, ResponseReader, get_request

SIZED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n"
UNTIL_END = b"HTTP/1.1 200 OK\r\n\r\nhello"


def read(pieces: list[bytes]) -> Response:
    reader = ResponseReader()
    for piece in [*pieces, b""]:
        response = reader.feed(piece)
        if response is not None:
            return response
    raise AssertionError("the reader neither answered nor refused")


@pytest.mark.parametrize("wire", [SIZED, CHUNKED, UNTIL_END, b"HTTP/1.1 100 Continue\r\n\r\n" + SIZED])
def test_a_response_is_read_byte_by_byte_as_in_one_piece(wire: bytes) -> None:
    for pieces in ([wire], [wire[i : i + 1] for i in range(len(wire))]):
        response = read(pieces)
        assert (response.status, response.body) == (200, b"hello")


@given(st.binary(max_size=300), st.lists(st.integers(1, 40), max_size=20))
def test_any_body_survives_any_cut(body: bytes, cuts: list[int]) -> None:
    wire = b"HTTP/1.1 429 Slow\r\nretry-after: 7\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    pieces = []
    for cut in cuts:
        pieces.append(wire[:cut])
        wire = wire[cut:]
    response = read([piece for piece in [*pieces, wire] if piece])
    assert (response.status, response.headers["retry-after"], response.body) == (429, "7", body)


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\n\r\n",
        SIZED[:-1],
        CHUNKED[:-1],
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * MAX_HEAD,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (MAX_BODY + MAX_HEAD + 1),
    ],
)
def test_what_is_no_response_is_refused(wire: bytes) -> None:
    with pytest.raises(BadResponse):
        read([wire] if wire else [])


@given(st.binary(max_size=200))
def test_noise_never_breaks_the_reader(noise: bytes) -> None:
    reader = ResponseReader()
    try:
        reader.feed(noise)
        reader.feed(b"")
    except BadResponse:
        pass


def test_a_request_cannot_be_split() -> None:
    assert get_request("h:1", "/p", {"A": "b"}).startswith(b"GET /p HTTP/1.1\r\nHost: h:1\r\nA: b\r\n")
    for target, value in (("/p\r\nX: y", "b"), ("/p", "b\nX: y"), ("/p", "b\0")):
        with pytest.raises(ValueError, match="line break"):
            get_request("h", target, {"A": value})
