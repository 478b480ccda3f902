"""Scopes, redirect URIs and PKCE: the pure rules of a person's sign-in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.authority.grants import pkce
from keyless.authority.redirects import is_loopback, is_registered, origin
from keyless.authority.scopes import GRAPH, parse_scope
from keyless.model.errors import KeylessError
from tests.people import challenge_of


@pytest.mark.parametrize(
    ("text", "resource", "names"),
    [
        ("https://vault.azure.net/.default", "https://vault.azure.net", ("user_impersonation",)),
        (
            "https://management.core.windows.net//.default",
            "https://management.core.windows.net/",
            ("user_impersonation",),
        ),
        ("https://storage.azure.com/user_impersonation", "https://storage.azure.com", ("user_impersonation",)),
        ("api://shop/read api://shop/write openid", "api://shop", ("read", "write")),
        (
            "11111111-1111-4111-8111-111111111111/.default",
            "11111111-1111-4111-8111-111111111111",
            ("user_impersonation",),
        ),
        ("User.Read", GRAPH, ("User.Read",)),
        ("openid profile offline_access", GRAPH, ("user_impersonation",)),
        (f"{GRAPH}/User.Read Mail.Read", GRAPH, ("User.Read", "Mail.Read")),
    ],
)
def test_scopes(text: str, resource: str, names: tuple[str, ...]) -> None:
    scope = parse_scope(text)
    assert (scope.resource, scope.names) == (resource, names)
    assert set(text.split()) <= set(scope.granted.split())


@pytest.mark.parametrize("text", ["", " ", "/.default", "https://vault.azure.net/", "a/x b/y", "a/x\nb", "x" * 5000])
def test_no_scopes(text: str) -> None:
    with pytest.raises(KeylessError) as caught:
        parse_scope(text)
    assert caught.value.code == "invalid_scope"


@given(
    st.lists(st.sampled_from(["openid", "profile", "offline_access", "email", "api://a/x", "api://a/y"]), min_size=1)
)
def test_a_scope_reads_as_it_was_written(words: list[str]) -> None:
    scope = parse_scope(" ".join(words))
    assert parse_scope(str(scope)) == scope
    assert (scope.openid, scope.offline) == ("openid" in words, "offline_access" in words)


REGISTERED = (
    "http://localhost",
    "http://127.0.0.1/back",
    "https://shop.example.org/back",
    "msal1234://auth",
    "http://far.example/",
)


@pytest.mark.parametrize(
    ("uri", "any_port", "allowed"),
    [
        ("http://localhost", True, True),
        ("http://localhost:1234", True, True),
        ("http://localhost:1234/", True, True),
        ("http://localhost:1234", False, False),
        ("http://127.0.0.1:1234/back", True, True),
        ("http://127.0.0.1:1234", True, False),
        ("http://localhost:1234/back", True, False),
        ("https://shop.example.org/back", False, True),
        ("https://shop.example.org/back", True, True),
        ("https://shop.example.org:443/back", True, False),
        ("https://shop.example.org/back/", True, False),
        ("https://SHOP.example.org/back", True, False),
        ("msal1234://auth", True, True),
        ("http://far.example/", True, False),
        ("http://localhost:0", True, False),
        ("http://localhost:1/?x", True, False),
    ],
)
def test_redirects(uri: str, any_port: bool, allowed: bool) -> None:
    assert is_registered(uri, REGISTERED, any_port=any_port) is allowed


@given(st.text(max_size=60))
def test_no_other_text_is_registered(text: str) -> None:
    assert not is_registered(f"{text}x", ("http://localhost",), any_port=True)
    assert not is_registered(f"http://localhost{text}x", ("http://localhost",), any_port=True)


def test_what_people_are_shown() -> None:
    assert origin("http://localhost:1234/back?x=1") == "http://localhost:1234"
    assert [is_loopback(uri) for uri in ("http://[::1]:1/", "http://127.0.0.1", "https://localhost.example/")] == [
        True,
        True,
        False,
    ]


@given(st.text("abcXYZ019-._~", min_size=43, max_size=128))
def test_a_verifier_matches_its_challenge(verifier: str) -> None:
    challenge = challenge_of(verifier)
    assert pkce.is_challenge(challenge)
    assert pkce.matches(challenge, verifier)
    assert not pkce.matches(challenge, verifier[:-1] + ("a" if verifier[-1] != "a" else "b"))
    assert not pkce.matches(challenge, challenge)


@pytest.mark.parametrize("verifier", ["", "a" * 42, "a" * 129, "ä" * 43, "a" * 43 + "\n"])
def test_no_verifiers(verifier: str) -> None:
    assert not pkce.matches("a" * 43, verifier)


def test_the_example_of_the_specification() -> None:
    assert pkce.matches("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
