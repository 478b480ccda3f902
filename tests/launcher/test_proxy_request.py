from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.launcher.proxy_request import check_connected, connect_head, error_answer, forward_head, read_request
from keyless.launcher.routes import Upstream
from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.secretstr import SecretStr

PROXY = Upstream("proxy", 3128, SecretStr("Basic xyz"))


def head(*lines: str) -> bytes:
    return "\r\n".join((*lines, "", "")).encode("latin-1")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("Shop.Vault.Azure.NET:443", ("shop.vault.azure.net", 443)),
        ("login.microsoftonline.com.:443", ("login.microsoftonline.com", 443)),
        ("[::1]:8443", ("::1", 8443)),
        ("127.0.0.1:1", ("127.0.0.1", 1)),
        ("my_host:65535", ("my_host", 65535)),
    ],
)
def test_a_tunnel(target: str, expected: tuple[str, int]) -> None:
    request = read_request(head(f"CONNECT {target} HTTP/1.1", "Host: whatever", "User-Agent: x"))
    assert (*request[:2], request.forward) == (*expected, None)


def test_a_plain_request_is_forwarded_with_what_is_meant_for_the_host_only() -> None:
    request = read_request(
        head(
            "POST http://u:p@Example.com:8080/a?b=c HTTP/1.1",
            "Host: evil",
            "Proxy-Connection: keep-alive",
            "Proxy-Authorization: Basic old",
            "Connection: keep-alive, X-Hop",
            "X-Hop: 1",
            "Content-Length: 3",
            "Transfer-Encoding: chunked",
        )
    )
    assert request[:2] == ("example.com", 8080)
    assert request.forward
    rest = ("Host: Example.com:8080", "Content-Length: 3", "Transfer-Encoding: chunked")
    assert forward_head(request.forward, None) == head("POST /a?b=c HTTP/1.1", *rest, "Connection: close")
    assert forward_head(request.forward, PROXY) == head(
        "POST http://Example.com:8080/a?b=c HTTP/1.1", *rest, "Proxy-Authorization: Basic xyz", "Connection: close"
    )


@pytest.mark.parametrize(("url", "target"), [("http://h", "/"), ("http://h?q", "/?q"), ("HTTP://h/", "/")])
def test_a_target_always_has_a_path(url: str, target: str) -> None:
    request = read_request(head(f"GET {url} HTTP/1.0"))
    assert request.forward
    assert (request.port, request.forward.target) == (80, target)


@pytest.mark.parametrize(
    "first",
    [
        "",
        "GET / HTTP/1.1",
        "GET https://h/ HTTP/1.1",
        "GET http:///x HTTP/1.1",
        "CONNECT h HTTP/1.1",
        "CONNECT h:0 HTTP/1.1",
        "CONNECT h:65536 HTTP/1.1",
        "CONNECT h:443:443 HTTP/1.1",
        "CONNECT a b:443 HTTP/1.1",
        "CONNECT http://h:443 HTTP/1.1",
        "CONNECT u@h:443 HTTP/1.1",
        "CONNECT ::1:443 HTTP/1.1",
        "CONNECT h:443 HTTP/2",
        "CONNECT h:443 HTTP/1.1\nX: y",
        "\x16\x03\x01\x02",
    ],
)
def test_what_is_no_request_to_a_proxy(first: str) -> None:
    with pytest.raises(KeylessError) as caught:
        read_request(head(first))
    assert caught.value.kind is ErrorKind.INVALID


@pytest.mark.parametrize("line", ["no colon", " folded: x", "a b: c", "X: a\0b", "X: a\nY: b"])
def test_what_is_no_header(line: str) -> None:
    with pytest.raises(KeylessError):
        read_request(head("CONNECT h:443 HTTP/1.1", line))


@given(st.binary(max_size=100))
def test_noise_is_refused_or_read(noise: bytes) -> None:
    for data in (noise, b"CONNECT " + noise, b"GET http://" + noise + b" HTTP/1.1\r\n\r\n"):
        with suppress(KeylessError):
            request = read_request(data)
            assert request.host
            assert 0 < request.port < 65536
            if request.forward:
                assert forward_head(request.forward, None).count(b"\r\n\r\n") == 1


def test_another_proxy_is_asked_with_its_password() -> None:
    assert connect_head("h", 443, PROXY) == head(
        "CONNECT h:443 HTTP/1.1", "Host: h:443", "Proxy-Authorization: Basic xyz"
    )
    assert connect_head("::1", 443, Upstream("p", 1, None)) == head("CONNECT [::1]:443 HTTP/1.1", "Host: [::1]:443")


def test_another_proxys_refusal_is_told() -> None:
    check_connected(b"HTTP/1.0 200 Connection established\r\n\r\n", PROXY)
    for answer in (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", b"SSH-2.0\r\n\r\n", b""):
        with pytest.raises(KeylessError, match="proxy:3128 refused") as caught:
            check_connected(answer, PROXY)
        assert caught.value.kind is ErrorKind.UNAVAILABLE


@pytest.mark.parametrize(
    ("kind", "status"), [(ErrorKind.INVALID, 400), (ErrorKind.TOO_LARGE, 400), (ErrorKind.UNAVAILABLE, 502)]
)
def test_errors_are_answers_with_a_sentence(kind: ErrorKind, status: int) -> None:
    block, _, body = error_answer(KeylessError(kind, "It is so.")).partition(b"\r\n\r\n")
    assert block.startswith(b"HTTP/1.1 %d " % status)
    assert b"Content-Length: %d" % len(body) in block
    assert body == b"keyless: It is so.\n"
