"""The built-in roles that keyless knows, with their real names, GUIDs, actions and data actions.

Owns this table only. An action that names a service which is not here does no harm: it matches nothing.

Source: Microsoft Learn, "Azure built-in roles" (general, identity, security, storage), "Microsoft Entra built-in
roles" (their names and GUIDs; their actions are put together here).
"""

from __future__ import annotations

from keyless.model.access import Role

# what most service roles carry, so that a portal can show the resource
_COMMON = (
    "Microsoft.Authorization/*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
)
_VAULT = (
    *_COMMON,
    "Microsoft.KeyVault/checkNameAvailability/read",
    "Microsoft.KeyVault/deletedVaults/read",
    "Microsoft.KeyVault/locations/*/read",
    "Microsoft.KeyVault/vaults/*/read",
    "Microsoft.KeyVault/operations/read",
)
_CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers"
_DELEGATION_KEY = "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action"
_IDENTITIES = "Microsoft.ManagedIdentity/userAssignedIdentities"

#: What the owner has over the tenant itself.
GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"

# The directory's roles are assigned at the root, "/": above every subscription.
DIRECTORY_ROLES: tuple[Role, ...] = (
    Role(
        GLOBAL_ADMINISTRATOR,
        "Global Administrator",
        "Full management of the directory, and of who may access anything.",
        actions=("microsoft.directory/*", "*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"),
    ),
    Role(
        "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
        "Application Administrator",
        "Manages application registrations and service principals, with their credentials.",
        actions=(
            "microsoft.directory/applications/*",
            "microsoft.directory/servicePrincipals/*",
            "microsoft.directory/*/standard/read",
        ),
    ),
    Role(
        "fe930be7-5e62-47db-91af-98c3a49a38b1",
        "User Administrator",
        "Manages users, with their passwords, and groups.",
        actions=(
            "microsoft.directory/users/*",
            "microsoft.directory/groups/*",
            "microsoft.directory/*/standard/read",
        ),
    ),
    Role(
        "fdd7a751-b60b-444a-984c-02652fe8fa1c",
        "Groups Administrator",
        "Manages groups and their members.",
        actions=("microsoft.directory/groups/*", "microsoft.directory/*/standard/read"),
    ),
    Role(
        "88d8e3e3-8f55-4a1e-953a-9b9898b8876b",
        "Directory Readers",
        "Sees the directory, changes nothing.",
        actions=("microsoft.directory/*/standard/read",),
    ),
)

BUILTIN_ROLES: tuple[Role, ...] = (
    *DIRECTORY_ROLES,
    Role(
        "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
        "Owner",
        "Full management of resources, including who may access them.",
        actions=("*",),
    ),
    Role(
        "b24988ac-6180-42a0-ab88-20f7382dd24c",
        "Contributor",
        "Full management of resources, but not of who may access them.",
        actions=("*",),
        not_actions=(
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
            "Microsoft.Blueprint/blueprintAssignments/write",
            "Microsoft.Blueprint/blueprintAssignments/delete",
            "Microsoft.Compute/galleries/share/action",
            "Microsoft.Purview/consents/write",
            "Microsoft.Purview/consents/delete",
            "Microsoft.Resources/deploymentStacks/manageDenySetting/action",
            "Microsoft.Subscription/cancel/action",
            "Microsoft.Subscription/enable/action",
        ),
    ),
    Role(
        "acdd72a7-3385-48ef-bd42-f606fba81ae7",
        "Reader",
        "Sees all resources, changes none.",
        actions=("*/read",),
    ),
    Role(
        "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
        "User Access Administrator",
        "Manages who may access resources.",
        actions=("*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"),
    ),
    Role(
        "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
        "Role Based Access Control Administrator",
        "Manages access by role assignments only.",
        actions=(
            "Microsoft.Authorization/roleAssignments/write",
            "Microsoft.Authorization/roleAssignments/delete",
            "*/read",
            "Microsoft.Support/*",
        ),
    ),
    Role(
        "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59",
        "Managed Identity Contributor",
        "Creates, reads, changes and deletes user-assigned identities.",
        actions=(
            f"{_IDENTITIES}/read",
            f"{_IDENTITIES}/write",
            f"{_IDENTITIES}/delete",
            f"{_IDENTITIES}/federatedIdentityCredentials/read",
            f"{_IDENTITIES}/federatedIdentityCredentials/write",
            f"{_IDENTITIES}/federatedIdentityCredentials/delete",
            f"{_IDENTITIES}/revokeTokens/action",
            *_COMMON,
        ),
    ),
    Role(
        "f1a07417-d97a-45cb-824c-7a7467783830",
        "Managed Identity Operator",
        "Reads user-assigned identities and assigns them to resources.",
        actions=(f"{_IDENTITIES}/*/read", f"{_IDENTITIES}/*/assign/action", *_COMMON),
    ),
    Role(
        "f25e0fa2-a7c8-4377-a976-54943a77a395",
        "Key Vault Contributor",
        "Manages vaults, but opens none that is under roles, and purges none.",
        actions=("Microsoft.KeyVault/*", *_COMMON),
        not_actions=(
            "Microsoft.KeyVault/locations/deletedVaults/purge/action",
            "Microsoft.KeyVault/hsmPools/*",
            "Microsoft.KeyVault/managedHsms/*",
        ),
    ),
    Role(
        "00482a5a-887f-4fb3-b363-3b7fe8e74483",
        "Key Vault Administrator",
        "Does everything with what a vault holds.",
        actions=_VAULT,
        data_actions=("Microsoft.KeyVault/vaults/*",),
    ),
    Role(
        "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
        "Key Vault Secrets Officer",
        "Does everything with a vault's secrets.",
        actions=_VAULT,
        data_actions=("Microsoft.KeyVault/vaults/secrets/*",),
    ),
    Role(
        "4633458b-17de-408a-b874-0445c86b69e6",
        "Key Vault Secrets User",
        "Reads the values of secrets.",
        data_actions=(
            "Microsoft.KeyVault/vaults/secrets/getSecret/action",
            "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
        ),
    ),
    Role(
        "21090545-7ca7-4776-b22c-e363652d74d2",
        "Key Vault Reader",
        "Reads what a vault holds, but no values.",
        actions=_VAULT,
        data_actions=(
            "Microsoft.KeyVault/vaults/*/read",
            "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
        ),
    ),
    Role(
        "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
        "Storage Blob Data Owner",
        "Does everything with containers and blobs.",
        actions=(f"{_CONTAINERS}/*", _DELEGATION_KEY),
        data_actions=(f"{_CONTAINERS}/blobs/*",),
    ),
    Role(
        "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
        "Storage Blob Data Contributor",
        "Reads, writes and deletes containers and blobs.",
        actions=(f"{_CONTAINERS}/delete", f"{_CONTAINERS}/read", f"{_CONTAINERS}/write", _DELEGATION_KEY),
        data_actions=(
            f"{_CONTAINERS}/blobs/delete",
            f"{_CONTAINERS}/blobs/read",
            f"{_CONTAINERS}/blobs/write",
            f"{_CONTAINERS}/blobs/move/action",
            f"{_CONTAINERS}/blobs/add/action",
        ),
    ),
    Role(
        "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
        "Storage Blob Data Reader",
        "Reads and lists containers and blobs.",
        actions=(f"{_CONTAINERS}/read", _DELEGATION_KEY),
        data_actions=(f"{_CONTAINERS}/blobs/read",),
    ),
    Role(
        "db58b8e5-c6ad-4a2a-8342-4190687cbf4a",
        "Storage Blob Delegator",
        "Gets a user delegation key, with which a shared access signature is made.",
        actions=(_DELEGATION_KEY,),
    ),
)


def role_definition_id(subscription: str, guid: str) -> str:
    """The resource ID by which a subscription names a role definition."""
    return f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{guid}"
