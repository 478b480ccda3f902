"""The body of a set request: what is read is what was written, and nothing else gets through or is quoted."""

from __future__ import annotations

import json
import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.secretstr import SecretStr
from keyless.providers.key_vault.bundles import Bundles, parse_new_secret, parse_update
from keyless.providers.key_vault.secret_rows import Metadata, SecretVersion
from keyless.providers.key_vault.vault import Vault

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
SECONDS = st.integers(0, 253_402_300_799)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
FIELDS = ["value", "contentType", "tags", "attributes", "other"]


@given(
    value=TEXT,
    content_type=st.none() | TEXT,
    tags=st.none() | st.dictionaries(TEXT, TEXT, max_size=15),
    enabled=st.none() | st.booleans(),
    nbf=st.none() | SECONDS,
    exp=st.none() | SECONDS,
    escaped=st.booleans(),
)
def test_what_is_written_is_read(
    value: str,
    content_type: str | None,
    tags: dict[str, str] | None,
    enabled: bool | None,
    nbf: int | None,
    exp: int | None,
    escaped: bool,
) -> None:
    attributes = {"enabled": enabled, "nbf": nbf, "exp": exp}
    body = {"value": value, "contentType": content_type, "tags": tags, "attributes": attributes}
    new = parse_new_secret(json.dumps(body, ensure_ascii=escaped).encode())
    assert new.value.reveal() == value
    assert (new.content_type, new.tags) == (content_type, tags)
    assert (new.attributes.enabled, new.attributes.nbf, new.attributes.exp) == (enabled, nbf, exp)


@given(
    content_type=st.none() | TEXT,
    tags=st.none() | st.dictionaries(TEXT, TEXT, max_size=15),
    attributes=st.fixed_dictionaries(
        {},
        optional={
            "enabled": st.booleans(),
            "nbf": SECONDS,
            "exp": SECONDS,
            "created": SECONDS,
            "more": st.text(max_size=9),
        },
    ),
    old=st.builds(
        Metadata,
        created=SECONDS,
        updated=SECONDS,
        enabled=st.booleans(),
        not_before=st.none() | SECONDS,
        expires=st.none() | SECONDS,
        content_type=st.none() | TEXT,
        tags=st.none() | st.dictionaries(TEXT, TEXT, max_size=15),
    ),
)
def test_an_update_changes_what_it_names_and_nothing_else(
    content_type: str | None, tags: dict[str, str] | None, attributes: dict[str, Any], old: Metadata
) -> None:
    body = {"contentType": content_type, "tags": tags, "attributes": attributes, "value": "ignored"}
    new = parse_update(json.dumps(body).encode()).apply(old, 5)
    assert (new.created, new.updated) == (old.created, 5)
    assert new.content_type == (old.content_type if content_type is None else content_type)
    assert new.tags == (old.tags if tags is None else tags)
    assert new.enabled == attributes.get("enabled", old.enabled)
    assert new.not_before == attributes.get("nbf", old.not_before)
    assert new.expires == attributes.get("exp", old.expires)


@given(st.binary(max_size=300) | st.dictionaries(st.sampled_from(FIELDS), JSON).map(lambda o: json.dumps(o).encode()))
def test_any_body_is_read_or_refused_as_invalid(body: bytes) -> None:
    try:
        new = parse_new_secret(body)
    except KeylessError as error:
        kind = error.kind
    else:
        kind = ErrorKind.INVALID
        assert json.loads(body)["value"] == new.value.reveal()
    assert kind is ErrorKind.INVALID


@pytest.mark.parametrize(
    "body",
    [
        b'{"value":"hunter2',
        b'{"value":"hunter2\xff"}',
        b'{"value":"hunter2","tags":{"hunter2":null}}',
        b'{"value":["hunter2"]}',
        json.dumps({"value": "hunter2" * 5000}).encode(),
    ],
)
def test_a_refusal_never_quotes_the_body(body: bytes) -> None:
    with pytest.raises(KeylessError) as caught:
        parse_new_secret(body)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_a_read_secret_and_its_bundle_hide_the_value() -> None:
    new = parse_new_secret(b'{"value":"hunter2"}')
    assert "hunter2" not in repr(new)
    secret = SecretVersion("db", 0, "0" * 32, 1, Metadata(created=1, updated=1), b"hunter2")
    assert "hunter2" not in repr(secret)
    assert json.loads(Bundles("https://v", Vault("/v")).secret(secret, SecretStr("hunter2")))["value"] == "hunter2"
