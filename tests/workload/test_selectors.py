"""Selectors, forms and metadata paths: whatever comes is read or refused."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.http.message import Body, Headers, Request, Target
from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.resource import Resource
from keyless.model.resource_id import parse_resource_id
from keyless.workload.cloud_shell import read_form
from keyless.workload.instance_metadata import find, instance_metadata
from keyless.workload.selectors import read_selector
from keyless.workload.shape import check_request, parts

SPELLINGS = {
    "client_id": ("client_id", "clientid"),
    "object_id": ("object_id", "principal_id", "principalId"),
    "resource_id": ("mi_res_id", "msi_res_id", "msi-res-id", "resource_id"),
}
ANY = st.sampled_from([name for names in SPELLINGS.values() for name in names])


@given(st.dictionaries(ANY, st.text(max_size=5)), st.dictionaries(st.text(max_size=5), st.text(max_size=5)))
def test_a_selector_names_one_identity_or_is_refused(named: dict[str, str], others: dict[str, str]) -> None:
    fields = {name: value for name, value in others.items() if not any(name in names for names in SPELLINGS.values())}
    given_values = {kind: {named[name] for name in names if named.get(name)} for kind, names in SPELLINGS.items()}
    kinds = [kind for kind, values in given_values.items() if values]
    if len(kinds) > 1 or any(len(values) > 1 for values in given_values.values()):
        with pytest.raises(KeylessError, match="one way only"):
            read_selector(fields | named)
        return
    selector = read_selector(fields | named)
    assert selector.is_empty == (not kinds)
    for kind in kinds:
        assert {getattr(selector, kind)} == given_values[kind]


@given(st.binary(max_size=200))
def test_a_form_is_read_or_refused(data: bytes) -> None:
    try:
        form = read_form(data)
    except KeylessError as error:
        assert error.kind is ErrorKind.INVALID
    else:
        assert all(isinstance(value, str) for value in form.values())


@given(st.dictionaries(st.text(min_size=1, max_size=10), st.text(max_size=10), max_size=10))
def test_a_form_that_was_written_is_read(fields: dict[str, str]) -> None:
    assert read_form(urlencode(fields).encode()) == fields


@given(st.text("/aB.%", max_size=30))
def test_a_path_is_another_or_the_same_whatever_its_slashes(path: str) -> None:
    request = Request("GET", "h", 1, Target("identity"), "/" + path, {}, Headers(), Body(), "id")
    same = [part for part in path.lower().split("/") if part] == ["a", "b"]
    assert parts(request) == [part for part in path.lower().split("/") if part]
    if same:
        check_request(request, ("GET",), "/a/b")
    else:
        with pytest.raises(KeylessError, match="is /a/b"):
            check_request(request, ("GET",), "/a/b")


@given(st.lists(st.text(max_size=8) | st.sampled_from(["compute", "network", "interface", "tagsList", "0", "name"])))
def test_metadata_is_found_or_is_not_there(path: list[str]) -> None:
    app = Resource(
        parse_resource_id("/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/a"), tags={"t": "v"}
    )
    document = instance_metadata(app, "vm")
    found = find(document, path)
    assert found is not None or path


def test_tags_of_the_app() -> None:
    app = Resource(parse_resource_id("/subscriptions/s/resourceGroups/g"), tags={"a": "1", "b": "2"}, location="here")
    document = instance_metadata(app, "vm")
    assert find(document, ["compute", "tags"]) == "a:1;b:2"
    assert find(document, ["compute", "tagsList", "1", "NAME"]) == "b"
    assert find(document, ["compute", "tagsList", "2"]) is None
    assert find(document, ["compute", "tagsList", "9" * 5000]) is None
