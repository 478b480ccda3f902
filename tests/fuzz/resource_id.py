"""Resource IDs: what is read is printed as it was, and a scope contains itself and what lies below it only."""

from __future__ import annotations

from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.resource_id import parse_resource_id

_VAULT = "/subscriptions/s/resourceGroups/rg-app/providers/Microsoft.KeyVault/vaults/kv"
SEEDS = tuple(
    text.encode()
    for text in (
        "/",
        "/subscriptions/s",
        "/subscriptions/s/resourceGroups/rg-app",
        _VAULT,
        f"{_VAULT}/secrets/s",
        f"{_VAULT}/providers/Microsoft.Authorization/roleAssignments/g",
        "/providers/Microsoft.Authorization/roleDefinitions/g",
        "/subscriptions/İ/resourceGroups/ß",
    )
)


def fuzz(data: bytes) -> None:
    """One input."""
    text = data.decode("utf-8", "replace")
    try:
        found = parse_resource_id(text)
    except KeylessError as error:
        assert error.kind is ErrorKind.INVALID
        return
    assert str(found).strip("/") == text.strip("/")
    assert parse_resource_id(str(found)) == found
    assert found.contains(found)
    assert next(iter(found.ancestors)) == found.key
    for name in (found.type, found.name, found.subscription, found.resource_group, str(found.parent)):
        assert isinstance(name, str)
    if found.segments:
        longer = parse_resource_id(f"{found}2") if len(str(found)) < 2048 else None
        assert longer is None or not (found.contains(longer) or longer.contains(found)), "a sibling is contained"
