"""The tables of Microsoft.KeyVault: secrets, their versions, and deleted vaults. Owns their definition."""

from __future__ import annotations

from keyless.store.engine import Migration

# `deleted` is the Unix second of the deletion, 0 for a live secret; `latest` is the ordinal of the newest version
_SECRETS = (
    """CREATE TABLE key_vault_secret(
         vault TEXT NOT NULL, name TEXT NOT NULL, display TEXT NOT NULL,
         latest INTEGER NOT NULL, deleted INTEGER NOT NULL DEFAULT 0,
         PRIMARY KEY(vault, name))""",
    "CREATE INDEX key_vault_secret_state ON key_vault_secret(vault, deleted, name)",
    """CREATE TABLE key_vault_secret_version(
         vault TEXT NOT NULL, name TEXT NOT NULL, ordinal INTEGER NOT NULL, version TEXT NOT NULL,
         metadata BLOB NOT NULL, sealed BLOB NOT NULL,
         PRIMARY KEY(vault, name, ordinal), UNIQUE(vault, name, version),
         FOREIGN KEY(vault, name) REFERENCES key_vault_secret(vault, name) ON DELETE CASCADE)""",
)

# `key` is that of the vault's resource ID, by which its secrets are kept; `due` is when it is to be purged
_DELETED_VAULTS = (
    """CREATE TABLE key_vault_deleted_vault(
         name TEXT PRIMARY KEY, key TEXT NOT NULL, deleted INTEGER NOT NULL, due INTEGER NOT NULL,
         body BLOB NOT NULL) WITHOUT ROWID""",
)

MIGRATION = Migration("key_vault", (_SECRETS, _DELETED_VAULTS))
