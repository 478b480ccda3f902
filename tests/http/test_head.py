"""From a head's bytes to a request: targets, hosts, headers, limits."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.http.head import MAX_HEADER_BYTES, MAX_HEADERS, MAX_PATH, read_request, split_authority
from keyless.http.hosts import Hosts
from keyless.http.message import Body, Headers, Request, parse_query
from keyless.model.errors import ErrorKind, KeylessError

HOSTS = Hosts("keyless.localhost")
HOST = (b"Host", b"management.keyless.localhost:8443")


def read(target: bytes = b"/", *fields: tuple[bytes, bytes], method: str = "GET") -> Request:
    return read_request(HOSTS, method, target, fields or (HOST,), Body(), "id")


@pytest.mark.parametrize("fields", [[(b"a", b"")], [(b"host", b"")], *([(b"host", h)] for h in (b"x:port", b"x:0"))])
def test_a_request_for_no_host_is_nobodys(fields: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(KeylessError, match="needs a Host header"):
        read(b"/", *fields)


@pytest.mark.parametrize(
    ("target", "fields"),
    [
        (b"/", [HOST, *[(b"a", b"b")] * MAX_HEADERS]),
        (b"/", [HOST, (b"a", b"b" * MAX_HEADER_BYTES)]),
        (b"/" + b"x" * MAX_PATH, [HOST]),
        (b"/", [HOST, (b"content-length", b"-1")]),
        (b"/", [HOST, (b"content-length", b"1e3")]),
        (b"/", [HOST, (b"content-length", b"")]),
        (b"/", [HOST, (b"content-length", b"1" * 30)]),
        (b"/?" + b"&".join(b"a=%d" % i for i in range(100)), [HOST]),
        (b"/?a=%ff", [HOST]),
    ],
)
def test_a_head_that_is_no_good_comes_with_its_fault(target: bytes, fields: list[tuple[bytes, bytes]]) -> None:
    """The kernel refuses it, in the envelope of the surface that it was for."""
    request = read(target, *fields)
    assert request.fault is not None
    assert request.fault.kind is ErrorKind.INVALID
    assert request.query == {}


def test_a_request_is_read_as_it_was_sent() -> None:
    request = read(
        b"/a%2Fb//c?api%2Dversion=1&x=&x=2&y=a+b",
        (b"Host", b"KV.vault.keyless.localhost:8443"),
        (b"Accept", b"a"),
        (b"accept", b"b"),
        (b"Content-Length", b"7"),
        method="PUT",
    )
    assert (request.method, request.host, request.port) == ("PUT", "kv.vault.keyless.localhost", 8443)
    assert (request.target.surface, request.target.name) == ("vault", "kv")
    assert request.query == {"api-version": "1", "x": "", "y": "a b"}
    assert request.raw_query == "api%2Dversion=1&x=&x=2&y=a+b"
    assert request.headers.get("accept") == "a, b"
    assert request.segments() == ["a/b", "", "c"]
    assert request.base_url == "https://kv.vault.keyless.localhost:8443"
    assert request.body.length == 7
    assert "accept" in repr(request.headers)
    assert "a, b" not in repr(request.headers)


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/", "/", ""),
        (b"//a", "//a", ""),
        (b"/a?b?c", "/a", "b?c"),
        (b"/a#b?c", "/a", ""),
        (b"https://example.com/a?b=c", "/a", "b=c"),
    ],
)
def test_targets(target: bytes, path: str, query: str) -> None:
    request = read(target)
    assert (request.path, request.raw_query) == (path, query)


@pytest.mark.parametrize("target", [b"a:443", b"https://[", b"https://example.com", b"/\xff", b"", b"?"])
def test_what_is_no_target(target: bytes) -> None:
    with pytest.raises(ValueError):
        read(target)


@given(st.text(max_size=30))
def test_any_host_header_is_read_or_refused(text: str) -> None:
    try:
        host, port = split_authority(text)
    except KeylessError:
        return
    assert host == host.lower()
    assert port is None or 0 < port < 65_536


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Example.COM", ("example.com", None)),
        ("example.com.:443", ("example.com", 443)),
        ("[::1]:8443", ("::1", 8443)),
        ("[::1]", ("::1", None)),
        ("127.0.0.1:1", ("127.0.0.1", 1)),
    ],
)
def test_host_and_port(text: str, expected: tuple[str, int | None]) -> None:
    assert split_authority(text) == expected


def test_a_host_that_no_name_can_be_is_refused() -> None:
    with pytest.raises(KeylessError, match="at most 260 bytes"):
        split_authority("a" * 261)


@given(st.text(max_size=40))
def test_any_query_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(KeylessError):
        assert all(isinstance(value, str) for value in parse_query(text).values())


def test_headers_ignore_case_and_hide_values() -> None:
    fields = [(b"Authorization", b"Bearer hunter2"), (b"X-Ms-Meta-A", b"1"), (b"x-ms-meta-b", b"2")]
    fields += [(b"N" * 300, b"\xe9"), (b"n" * 300, b"x")]
    texts = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in fields]
    for headers in (Headers(texts), Headers.read(fields)):
        assert headers.get("authorization") == "Bearer hunter2"
        assert "authorization" in headers
        assert headers.with_prefix("x-ms-meta-") == {"A": "1", "b": "2"}
        assert headers.get("n" * 300) == "\xe9, x"
        assert headers.get("missing") == ""
        assert "hunter2" not in repr(headers)
