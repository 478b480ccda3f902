"""Resource IDs: what is read is what is printed, and containment is by segment."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.resource_id import MAX_LENGTH, MAX_SEGMENTS, ROOT, ResourceId, parse_resource_id

FORBIDDEN = set("/%&?#\\") | {chr(c) for c in range(32)} | {"\x7f"}
segment = st.text(
    st.characters(exclude_categories=["Cs"]).filter(lambda c: c not in FORBIDDEN), min_size=1, max_size=12
).filter(lambda s: s not in {".", ".."})
tails = st.lists(segment, max_size=10)


@st.composite
def resource_ids(draw: st.DrawFn) -> ResourceId:
    first = draw(st.sampled_from(["subscriptions", "Subscriptions", "providers", "tenants"]))
    return ResourceId((first, *draw(tails)))


@given(resource_ids())
def test_what_is_printed_reads_back(one: ResourceId) -> None:
    again = parse_resource_id(str(one))
    assert again.segments == one.segments
    assert str(again) == str(one)
    assert parse_resource_id(str(one) + "/") == one


@given(resource_ids(), resource_ids())
def test_equal_means_the_same_key_whatever_the_case(one: ResourceId, other: ResourceId) -> None:
    assert (one == other) == (one.key == other.key)
    if one == other:
        assert hash(one) == hash(other)
    # the key is its own key: what is stored is found again
    assert parse_resource_id(one.key).key == one.key


def contains_by_segment(scope: ResourceId, other: ResourceId) -> bool:
    """An independent model: segment by segment."""
    if len(scope.segments) > len(other.segments):
        return False
    return all(a.lower() == b.lower() for a, b in zip(scope.segments, other.segments, strict=False))


@given(resource_ids(), tails, st.integers(0, 11))
def test_containment_is_by_segment_and_is_what_ancestors_say(one: ResourceId, tail: list[str], cut: int) -> None:
    below = ResourceId(one.segments + tuple(tail))
    above = ResourceId(one.segments[:cut])
    for scope, other in ((one, below), (above, one), (below, one), (above, below), (ROOT, one)):
        assert scope.contains(other) == contains_by_segment(scope, other) == (scope.key in other.ancestors)
    assert below.ancestors[0] == below.key
    assert below.ancestors[-1] == "/"
    assert len(below.ancestors) == len(below.segments) + 1


@given(resource_ids(), segment, segment)
@example(ResourceId(("subscriptions", "s", "resourceGroups")), "rg-app", "2")
def test_a_sibling_whose_name_begins_the_same_is_no_relation(one: ResourceId, name: str, more: str) -> None:
    short, long = ResourceId((*one.segments, name)), ResourceId((*one.segments, name + more))
    if short != long:
        assert not short.contains(long)
        assert not long.contains(short)
        assert not short.contains(ResourceId((*long.segments, "x")))


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_as_invalid(text: str) -> None:
    try:
        found = parse_resource_id(text)
    except KeylessError as error:
        refused = (error.kind, error.code)
    else:
        assert found == ROOT or found.segments[0].lower() in {"subscriptions", "providers", "tenants"}
        return
    assert refused == (ErrorKind.INVALID, "InvalidResourceId")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "subscriptions/s",
        "/subscriptions//x",
        "/subscriptions/a%2Fb",
        "/subscriptions/../x",
        "/subscriptions/.",
        "/subscriptions/a\x00b",
        "/subscriptions/a?b",
        "/resourceGroups/x",
        "/subscriptions" + "/x" * MAX_SEGMENTS,
        "/subscriptions/" + "x" * MAX_LENGTH,
    ],
)
def test_what_is_no_resource_id_is_refused(text: str) -> None:
    with pytest.raises(KeylessError) as refused:
        parse_resource_id(text)
    assert refused.value.kind is ErrorKind.INVALID


VAULT = "/subscriptions/S/resourceGroups/Shop/providers/Microsoft.KeyVault/vaults/kv"


@pytest.mark.parametrize(
    ("text", "kind", "name", "parent"),
    [
        ("/subscriptions/S", "Microsoft.Resources/subscriptions", "S", "/"),
        ("/subscriptions/S/resourceGroups/g", "Microsoft.Resources/resourceGroups", "g", "/subscriptions/S"),
        (VAULT, "Microsoft.KeyVault/vaults", "kv", "/subscriptions/S/resourceGroups/Shop"),
        (f"{VAULT}/secrets/one", "Microsoft.KeyVault/vaults/secrets", "one", VAULT),
        (f"{VAULT}/providers/Microsoft.Authorization/roleAssignments/a", *(
            "Microsoft.Authorization/roleAssignments", "a", VAULT)),
        (f"{VAULT}/secrets/one/providers/Microsoft.Authorization/roleAssignments/a", *(
            "Microsoft.Authorization/roleAssignments", "a", f"{VAULT}/secrets/one")),
        # "providers" is a name here, twice
        ("/subscriptions/S/resourceGroups/providers/providers/Microsoft.Web/sites/providers", *(
            "Microsoft.Web/sites", "providers", "/subscriptions/S/resourceGroups/providers")),
    ],
)  # fmt: skip
def test_type_name_and_parent(text: str, kind: str, name: str, parent: str) -> None:
    one = parse_resource_id(text)
    assert (one.type, one.name, one.parent) == (kind, name, parse_resource_id(parent))


def test_the_parts_of_a_scope() -> None:
    one = parse_resource_id(VAULT.replace("resourceGroups", "resourcegroups").replace("subscriptions", "SUBSCRIPTIONS"))
    assert (one.subscription, one.resource_group) == ("S", "Shop")
    assert parse_resource_id("/subscriptions/S").resource_group == ""
    assert parse_resource_id("/providers/Microsoft.Authorization").subscription == ""


@given(resource_ids(), st.text(max_size=5))
def test_a_child_takes_segments_only(one: ResourceId, name: str) -> None:
    if name and not set(name) & FORBIDDEN:
        assert one.child(name).segments == (*one.segments, name)
    else:
        with pytest.raises(KeylessError):
            one.child(name)
