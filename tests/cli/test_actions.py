"""Actions as people write them, and which of them are data actions."""

from __future__ import annotations

import pytest

from keyless.cli.actions import SHORT, permission_of
from keyless.model.access import Permission
from keyless.providers.authorization.builtin_roles import BUILTIN_ROLES


@pytest.mark.parametrize("word", SHORT)
def test_every_short_action_is_held_by_some_role(word: str) -> None:
    assert any(role.grants(SHORT[word]) for role in BUILTIN_ROLES if role.name != "Owner")


@pytest.mark.parametrize("word", SHORT)
def test_the_roles_tell_the_same_of_the_full_name(word: str) -> None:
    assert permission_of(SHORT[word].action, BUILTIN_ROLES, None) == SHORT[word]


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("Microsoft.KeyVault/vaults/write", False),
        ("Microsoft.KeyVault/vaults/read", False),
        ("Microsoft.KeyVault/vaults/keys/sign/action", True),
        ("microsoft.keyvault/vaults/secrets/GETSECRET/action", True),
        ("Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action", False),
        ("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/move/action", True),
        ("Microsoft.Web/sites/config/write", False),
        ("Contoso.Nothing/things/parts/read", False),
    ],
)
def test_tells_data_actions_from_actions(action: str, data: bool) -> None:
    assert permission_of(action, BUILTIN_ROLES, None) == Permission(action, data)


def test_the_caller_may_say_which_it_is() -> None:
    assert permission_of("Contoso.Nothing/things/parts/read", (), True).data
    assert not permission_of(SHORT["blob.read"].action, BUILTIN_ROLES, False).data


def test_an_unknown_word_is_refused() -> None:
    with pytest.raises(KeyError):
        permission_of("secret.steal", BUILTIN_ROLES, None)
