"""Scopes as people write them, both ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.cli.scopes import Shorthand, parse_scope, resolve, shorten
from keyless.model.errors import KeylessError
from keyless.model.resource_id import ROOT, ResourceId, parse_resource_id

SUBSCRIPTION = parse_resource_id("/subscriptions/0b000000-0000-4000-8000-000000000003")
GROUP = SUBSCRIPTION.child("resourceGroups", "default")


def find(kind: str, name: str) -> ResourceId:
    """Everything is there, in the default group."""
    return GROUP.child("providers", *kind.split("/"), name)


def resolved(text: str) -> str:
    return str(resolve(parse_scope(text), SUBSCRIPTION, find)).removeprefix(str(SUBSCRIPTION))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("subscription", ""),
        ("group/shop", "/resourceGroups/shop"),
        ("vault/shop", "/resourceGroups/default/providers/Microsoft.KeyVault/vaults/shop"),
        ("vault/shop/", "/resourceGroups/default/providers/Microsoft.KeyVault/vaults/shop"),
        ("vault/shop/secrets/db", "/resourceGroups/default/providers/Microsoft.KeyVault/vaults/shop/secrets/db"),
        ("storage/data", "/resourceGroups/default/providers/Microsoft.Storage/storageAccounts/data"),
        (
            "storage/data/in",
            "/resourceGroups/default/providers/Microsoft.Storage/storageAccounts/data/blobServices/default/containers/in",
        ),
        ("app/web", "/resourceGroups/default/providers/Microsoft.Web/sites/web"),
        ("identity/shop", "/resourceGroups/default/providers/Microsoft.ManagedIdentity/userAssignedIdentities/shop"),
    ],
)
def test_shorthand_stands_for_a_resource_id(text: str, expected: str) -> None:
    assert resolved(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "vault", "vault/", "vault//secrets/x", "vault/a/secrets", "vault/a/keys/k", "storage/a/b/c", "subscription/x",
     "group", "Vault/a", "shop", "subscriptions/x"],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(KeylessError, match="is not a scope: write vault/NAME"):
        parse_scope(text)


def test_a_resource_id_is_taken_as_it_is() -> None:
    text = f"{GROUP}/providers/Microsoft.KeyVault/vaults/shop"
    assert parse_scope(text) == parse_resource_id(text)


names = st.text(
    st.characters(exclude_characters="/%&?#\\", exclude_categories=("Cc", "Cs")), min_size=1, max_size=12
).filter(lambda name: name not in {".", ".."})
scopes = st.one_of(
    st.just(SUBSCRIPTION),
    st.just(ROOT),
    names.map(lambda n: SUBSCRIPTION.child("resourceGroups", n)),
    st.builds(
        lambda group, kind, name, below: SUBSCRIPTION.child("resourceGroups", group, "providers", *kind, name, *below),
        st.just("default"),
        st.sampled_from([
            ("Microsoft.KeyVault", "vaults"),
            ("Microsoft.Storage", "storageAccounts"),
            ("Microsoft.Web", "sites"),
            ("Microsoft.ManagedIdentity", "userAssignedIdentities"),
            ("Microsoft.Sql", "servers"),
        ]),
        names,
        st.one_of(
            st.just(()),
            st.tuples(st.just("secrets"), names),
            st.tuples(st.just("blobServices"), st.just("default"), st.just("containers"), names),
            st.tuples(names, names),
        ),
    ),
)  # fmt: skip


@given(scopes)
def test_what_is_shown_can_be_written(scope: ResourceId) -> None:
    short = shorten(scope, SUBSCRIPTION, "default")
    assert resolve(parse_scope(short), SUBSCRIPTION, find) == scope


def test_shows_the_shorthand_where_there_is_one() -> None:
    vault = GROUP.child("providers", "Microsoft.KeyVault", "vaults", "shop")
    assert shorten(vault.child("secrets", "db"), SUBSCRIPTION, "default") == "vault/shop/secrets/db"
    assert isinstance(parse_scope("vault/shop/secrets/db"), Shorthand)


def test_an_identity_of_another_group_is_shown_in_full() -> None:
    identity = SUBSCRIPTION.child(
        "resourceGroups", "other", "providers", "Microsoft.ManagedIdentity", "userAssignedIdentities", "shop"
    )
    assert shorten(identity, SUBSCRIPTION, "default") == str(identity)


def test_what_is_outside_of_the_subscription_is_shown_in_full() -> None:
    foreign = parse_resource_id("/subscriptions/0b000000-0000-4000-8000-00000000ffff/resourceGroups/default")
    assert shorten(foreign, SUBSCRIPTION, "default") == str(foreign)


def test_the_tenant_is_above_everything() -> None:
    assert shorten(ROOT, SUBSCRIPTION, "default") == "tenant"
    assert parse_scope("tenant") == parse_scope("/") == ROOT
