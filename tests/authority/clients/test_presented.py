"""What a request says of its client: in the form or in the header, in one way."""

from __future__ import annotations

import base64
from urllib.parse import quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from keyless.authority.clients.presented import ASSERTION_TYPE, read_presented
from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.secretstr import SecretStr

ASSERTED = {"client_assertion": "j", "client_assertion_type": ASSERTION_TYPE}


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()).decode()


def test_a_secret_in_the_form_or_in_the_header() -> None:
    posted = read_presented({"client_id": "A", "client_secret": "s:1+"}, "", ("x",), "p")
    for authorization in (basic("a", "s:1+"), basic("A", "s:1+").replace("Basic", "bASIC")):
        assert read_presented({}, authorization, ("x",), "p") == posted
        assert read_presented({"client_id": "a"}, authorization, ("x",), "p") == posted
    assert posted.secret == SecretStr("s:1+")
    assert "s:1+" not in repr(posted)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=100)


@given(TEXTS, TEXTS)
def test_whatever_a_secret_holds_comes_through_the_header(client_id: str, secret: str) -> None:
    assume(len(basic(client_id, secret)) < 4096)
    found = read_presented({}, basic(client_id, secret), ())
    assert (found.client_id, found.secret) == (client_id.lower(), SecretStr(secret))


@pytest.mark.parametrize(
    ("form", "authorization"),
    [
        (
            {"client_id": "a", "client_secret": "s", **ASSERTED},
            "",
        ),
        ({"client_id": "a", "client_secret": "s"}, basic("a", "s")),
        ({"client_id": "a", **ASSERTED}, basic("a", "s")),
        ({"client_id": "b"}, basic("a", "s")),
    ],
)
def test_two_ways_at_once_are_none(form: dict[str, str], authorization: str) -> None:
    with pytest.raises(KeylessError) as error:
        read_presented(form, authorization, ())
    assert error.value.kind is ErrorKind.INVALID


@pytest.mark.parametrize(
    ("form", "authorization"),
    [
        ({"client_id": "a", "client_assertion": "j"}, ""),
        ({"client_id": "a", "client_assertion_type": ASSERTION_TYPE}, ""),
        ({"client_id": "a", "client_assertion": "j", "client_assertion_type": "urn:saml"}, ""),
        ({}, "Basic"),
        ({}, "Basic !!"),
        ({}, "Basic " + base64.b64encode(b"no colon").decode()),
        ({}, "Basic " + base64.b64encode(b":secret").decode()),
        ({}, "Basic " + base64.b64encode(b"\xff:\xff").decode()),
        ({}, "Basic " + "QTpi" * 2000),
    ],
)
def test_what_cannot_be_read_proves_nothing(form: dict[str, str], authorization: str) -> None:
    with pytest.raises(KeylessError) as error:
        read_presented(form, authorization, ())
    assert error.value.kind is ErrorKind.UNAUTHENTICATED


def test_another_scheme_is_no_proof() -> None:
    found = read_presented({"client_id": "a"}, "Bearer abc", ())
    assert (found.secret, found.assertion) == (None, None)
