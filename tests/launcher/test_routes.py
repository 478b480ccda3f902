from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.launcher.lease import Claims
from keyless.launcher.routes import DIRECT, TO_SERVER, Route, Upstream, is_claimed, route, user_proxies
from keyless.model.errors import KeylessError

CLAIMS = Claims("keyless.localhost", ("login.microsoftonline.com", "*.vault.azure.net"))
LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)


def way(host: str, environ: dict[str, str] | None = None, port: int = 443, plain: bool = False) -> Route:
    return route(host, port, plain=plain, claims=CLAIMS, user=user_proxies(environ or {}))


@pytest.mark.parametrize(
    "host",
    [
        "keyless.localhost",
        "login.keyless.localhost",
        "a.b.vault.keyless.localhost",
        "login.microsoftonline.com",
        "shop.vault.azure.net",
        "a.b.vault.azure.net",
    ],
)
@pytest.mark.parametrize("port", [443, 8443, 1433])
def test_claimed_names_go_to_the_server_whatever_the_port_and_the_proxy(host: str, port: int) -> None:
    environ = {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "*"}
    assert way(host, environ, port) is TO_SERVER


@pytest.mark.parametrize(
    "host",
    [
        "evilkeyless.localhost",
        "keyless.localhost.evil.com",
        "vault.azure.net",
        "evilvault.azure.net",
        "x.login.microsoftonline.com",
        "evillogin.microsoftonline.com",
        "localhost",
        "127.0.0.1",
        "example.com",
    ],
)
def test_all_others_do_not(host: str) -> None:
    assert way(host) is DIRECT


@given(st.lists(LABEL, max_size=3), LABEL)
def test_a_name_is_claimed_by_whole_labels(labels: list[str], glued: str) -> None:
    below = "".join(label + "." for label in labels)
    assert is_claimed(below + "keyless.localhost", CLAIMS)
    assert is_claimed(below + glued + ".vault.azure.net", CLAIMS)
    assert not is_claimed(below + glued + "keyless.localhost", CLAIMS)
    assert not is_claimed(below + glued + "vault.azure.net", CLAIMS)
    assert not is_claimed(f"keyless.localhost.{below}{glued}", CLAIMS)


def test_the_users_proxy_is_used_for_the_kind_that_it_is_for() -> None:
    environ = {"HTTPS_PROXY": "http://tunnels:1", "HTTP_PROXY": "plain:2"}
    assert way("example.com", environ) == Upstream("tunnels", 1, None)
    assert way("example.com", environ, plain=True) == Upstream("plain", 2, None)
    assert way("example.com", {"ALL_PROXY": "http://all"}) == Upstream("all", 80, None)
    assert way("example.com", {"all_proxy": "http://all"}, plain=True) == Upstream("all", 80, None)
    assert way("example.com", {"HTTPS_PROXY": "http://upper", "https_proxy": "http://lower"}) == Upstream(
        "lower", 80, None
    )
    assert way("example.com", {"HTTP_PROXY": "http://plain"}) is DIRECT


def test_the_password_of_a_proxy_goes_into_a_header_and_is_not_shown() -> None:
    environ = {"HTTPS_PROXY": "http://user:p%40ss@proxy:3128/"}
    found = way("example.com", environ)
    assert isinstance(found, Upstream)
    assert found.authorization
    assert found.authorization.reveal() == "Basic dXNlcjpwQHNz"
    assert "p@ss" not in repr(found)
    assert "dXNl" not in repr(found)
    assert "p%40ss" not in repr(user_proxies(environ))


@pytest.mark.parametrize("url", ["socks5://proxy:1080", "https://proxy:443", "http://", "http://proxy:x"])
def test_a_proxy_of_another_kind_is_an_error_for_those_who_need_it(url: str) -> None:
    with pytest.raises(KeylessError, match="not an http:// address"):
        way("example.com", {"ALL_PROXY": url})
    assert way("shop.vault.azure.net", {"ALL_PROXY": url}) is TO_SERVER


@pytest.mark.parametrize(
    ("exempt", "host", "port"),
    [
        ("*", "example.com", 443),
        ("example.com", "example.com", 443),
        (".example.com", "a.example.com", 443),
        ("*.example.com", "a.example.com", 443),
        ("EXAMPLE.com", "a.example.com", 443),
        ("x, example.com", "example.com", 443),
        ("x example.com", "example.com", 443),
        ("example.com:8443", "example.com", 8443),
        ("10.0.0.0/8", "10.1.2.3", 443),
        ("10.1.2.3", "10.1.2.3", 443),
        ("fd00::/8", "fd00::1", 443),
        ("[fd00::1]", "fd00::1", 443),
        ("fd00::1", "fd00::1", 443),
        ("", "localhost", 443),
        ("", "127.9.9.9", 443),
        ("", "::1", 443),
    ],
)
def test_exempted_hosts_go_straight(exempt: str, host: str, port: int) -> None:
    assert way(host, {"HTTPS_PROXY": "http://proxy", "NO_PROXY": exempt}, port) is DIRECT


@pytest.mark.parametrize(
    ("exempt", "host"),
    [
        ("example.com", "evilexample.com"),
        ("example.com:8443", "example.com"),
        ("10.0.0.0/8", "11.0.0.1"),
        ("10.0.0.0/x", "10.0.0.1"),
        (".", "example.com"),
        ("10.0.0.0/8", "example.com"),
    ],
)
def test_all_others_go_through_the_proxy(exempt: str, host: str) -> None:
    assert way(host, {"HTTPS_PROXY": "http://proxy", "NO_PROXY": exempt}) == Upstream("proxy", 80, None)


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_no_variable_breaks_the_routing(host: str, proxy: str, exempt: str) -> None:
    with suppress(KeylessError):
        way(host, {"HTTPS_PROXY": proxy, "NO_PROXY": exempt})
