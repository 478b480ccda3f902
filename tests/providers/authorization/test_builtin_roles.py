"""The built-in roles: the real names and GUIDs, and what each may never do."""

from __future__ import annotations

import pytest

from keyless.model.access import Permission, Role
from keyless.providers.authorization.builtin_roles import BUILTIN_ROLES, role_definition_id
from tests.harness import ROLES

BY_NAME = {role.name: role for role in BUILTIN_ROLES}
IDENTITIES = "Microsoft.ManagedIdentity/userAssignedIdentities"
CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers"
GET_SECRET = Permission("Microsoft.KeyVault/vaults/secrets/getSecret/action", data=True)
SET_SECRET = Permission("Microsoft.KeyVault/vaults/secrets/setSecret/action", data=True)
SECRET_METADATA = Permission("Microsoft.KeyVault/vaults/secrets/readMetadata/action", data=True)
READ_BLOB = Permission(f"{CONTAINERS}/blobs/read", data=True)
WRITE_BLOB = Permission(f"{CONTAINERS}/blobs/write", data=True)
DELETE_BLOB = Permission(f"{CONTAINERS}/blobs/delete", data=True)
OWN_BLOB = Permission(f"{CONTAINERS}/blobs/manageOwnership/action", data=True)
ASSIGN_ROLE = Permission("Microsoft.Authorization/roleAssignments/write")
REMOVE_ROLE = Permission("Microsoft.Authorization/roleAssignments/delete")
READ_ROLE = Permission("Microsoft.Authorization/roleAssignments/read")
MAKE_IDENTITY = Permission(f"{IDENTITIES}/write")
READ_IDENTITY = Permission(f"{IDENTITIES}/read")
ASSIGN_IDENTITY = Permission(f"{IDENTITIES}/assign/action")
MAKE_VAULT = Permission("Microsoft.KeyVault/vaults/write")
READ_VAULT = Permission("Microsoft.KeyVault/vaults/read")
MAKE_ACCOUNT = Permission("Microsoft.Storage/storageAccounts/write")
MAKE_CONTAINER = Permission(f"{CONTAINERS}/write")
DELEGATION_KEY = Permission("Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action")
LAUNCH = Permission("Microsoft.Web/sites/start/action")
READ_SETTINGS = Permission("Microsoft.Web/sites/config/list/action")
REVOKE_KEY = Permission("Microsoft.Authorization/signingKeys/delete")
READ_DIRECTORY = Permission("microsoft.directory/users/standard/read")
MAKE_APPLICATION = Permission("microsoft.directory/applications/create")
ADD_CREDENTIAL = Permission("microsoft.directory/applications/credentials/update")
SET_PASSWORD = Permission("microsoft.directory/users/password/update")
ADD_MEMBER = Permission("microsoft.directory/groups/members/update")

EVERY = {name: value for name, value in globals().items() if isinstance(value, Permission)}
#: What each role may do, of all the above: everything else is refused.
MAY = {
    "Global Administrator": {*(
        "READ_DIRECTORY", "MAKE_APPLICATION", "ADD_CREDENTIAL", "SET_PASSWORD", "ADD_MEMBER",
        "READ_ROLE", "READ_IDENTITY", "READ_VAULT", "ASSIGN_ROLE", "REMOVE_ROLE", "REVOKE_KEY")},
    "Application Administrator": {"READ_DIRECTORY", "MAKE_APPLICATION", "ADD_CREDENTIAL"},
    "User Administrator": {"READ_DIRECTORY", "SET_PASSWORD", "ADD_MEMBER"},
    "Groups Administrator": {"READ_DIRECTORY", "ADD_MEMBER"},
    "Directory Readers": {"READ_DIRECTORY"},
    "Owner": {name for name, permission in EVERY.items() if not permission.data},
    "Contributor": {
        name for name, p in EVERY.items() if not p.data and name not in {"ASSIGN_ROLE", "REMOVE_ROLE", "REVOKE_KEY"}
    },
    "Reader": {"READ_DIRECTORY", "READ_ROLE", "READ_IDENTITY", "READ_VAULT"},
    "User Access Administrator": {*(
        "READ_DIRECTORY", "READ_ROLE", "READ_IDENTITY", "READ_VAULT", "ASSIGN_ROLE", "REMOVE_ROLE", "REVOKE_KEY")},
    "Role Based Access Control Administrator": {*(
        "READ_DIRECTORY", "READ_ROLE", "READ_IDENTITY", "READ_VAULT", "ASSIGN_ROLE", "REMOVE_ROLE")},
    "Managed Identity Contributor": {"READ_ROLE", "READ_IDENTITY", "MAKE_IDENTITY"},
    "Managed Identity Operator": {"READ_ROLE", "READ_IDENTITY", "ASSIGN_IDENTITY"},
    "Key Vault Contributor": {"READ_ROLE", "READ_VAULT", "MAKE_VAULT"},
    "Key Vault Administrator": {"READ_ROLE", "READ_VAULT", "GET_SECRET", "SET_SECRET", "SECRET_METADATA"},
    "Key Vault Secrets Officer": {"READ_ROLE", "READ_VAULT", "GET_SECRET", "SET_SECRET", "SECRET_METADATA"},
    "Key Vault Secrets User": {"GET_SECRET", "SECRET_METADATA"},
    "Key Vault Reader": {"READ_ROLE", "READ_VAULT", "SECRET_METADATA"},
    "Storage Blob Data Owner": {*(
        "READ_BLOB", "WRITE_BLOB", "DELETE_BLOB", "OWN_BLOB", "MAKE_CONTAINER", "DELEGATION_KEY")},
    "Storage Blob Data Contributor": {"READ_BLOB", "WRITE_BLOB", "DELETE_BLOB", "MAKE_CONTAINER", "DELEGATION_KEY"},
    "Storage Blob Data Reader": {"READ_BLOB", "DELEGATION_KEY"},
    "Storage Blob Delegator": {"DELEGATION_KEY"},
}  # fmt: skip


def test_names_and_guids_are_the_real_ones_and_unique() -> None:
    assert {role.name: role.guid for role in BUILTIN_ROLES} == ROLES
    assert len(BUILTIN_ROLES) == len(set(ROLES.values())) == 21
    assert all(role.guid == role.guid.lower() for role in BUILTIN_ROLES)


@pytest.mark.parametrize("name", MAY)
def test_what_a_role_may_do_and_nothing_else(name: str) -> None:
    assert {word for word, permission in EVERY.items() if BY_NAME[name].grants(permission)} == MAY[name]


def test_every_role_is_looked_at() -> None:
    assert set(MAY) == set(BY_NAME)


@pytest.mark.parametrize("role", BUILTIN_ROLES, ids=lambda role: role.name)
def test_actions_and_data_actions_are_apart(role: Role) -> None:
    """A role that has no data action reads no data, whatever its actions say."""
    anything = [Permission(p.action, data=True) for p in EVERY.values()]
    if not role.data_actions:
        assert not any(role.grants(permission) for permission in anything)


def test_a_definitions_resource_id() -> None:
    guid = ROLES["Reader"]
    assert role_definition_id("s", guid) == f"/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/{guid}"
