"""Backups of one secret: all its versions in a text that only this server opens, for vaults of the same subscription.

Owns the form: base64url of a sealed message, bound to the subscription. Whoever holds one learns nothing from it, and
cannot alter it. Must not know who may make or restore one.

Source: Azure Key Vault REST API, "Backup Secret", "Restore Secret"; "Azure Key Vault backup": at most 500 versions.
"""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass

import msgspec

from keyless.model.errors import KeylessError, invalid
from keyless.model.secretstr import SecretStr
from keyless.providers.key_vault.bundles import read_secret, write_secret
from keyless.providers.key_vault.errors import BAD_PARAMETER
from keyless.providers.key_vault.secret_rows import Metadata, SecretVersion
from keyless.providers.key_vault.secret_store import SecretStore
from keyless.providers.key_vault.vault import Vault
from keyless.store.sealing import Sealer

MAX_VERSIONS = 500
MAX_SEALED_BYTES = 16 * 1024 * 1024
#: A backup in base64, and the JSON around it.
MAX_BODY_BYTES = MAX_SEALED_BYTES // 3 * 4 + 1024


class Version(msgspec.Struct, frozen=True, array_like=True):
    """One version in a backup."""

    version: str
    metadata: Metadata
    value: SecretStr


class Backup(msgspec.Struct, frozen=True, array_like=True):
    """A secret; the newest version comes last."""

    name: str
    versions: list[Version]


@dataclass(frozen=True)
class SecretBackups:
    """Makes backups and restores them; what takes long runs in a thread."""

    store: SecretStore
    sealer: Sealer

    async def make(self, vault: Vault, name: str) -> str:
        """The backup of a live secret; NOT_FOUND, or INVALID for one with more than a backup may hold."""
        found = await self.store.find_all(vault, name, MAX_VERSIONS + 1)
        if len(found) > MAX_VERSIONS:
            raise invalid(f"The secret has more than {MAX_VERSIONS} versions, too many for a backup.", BAD_PARAMETER)
        return await asyncio.to_thread(self._seal, vault, found)

    async def restore(self, vault: Vault, text: str, now: int) -> SecretVersion:
        """Put a secret back under its name, with the versions that it had; its latest.

        INVALID for a text that is no backup of this subscription; CONFLICT if the name is in use.
        """
        backup = await asyncio.to_thread(open_backup, self.sealer, vault.subscription, text)
        versions = [(one.version, one.metadata, one.value) for one in backup.versions]
        return await self.store.put_all(vault, backup.name, versions, now)

    def _seal(self, vault: Vault, found: list[SecretVersion]) -> str:
        versions = [Version(one.version, one.metadata, self.store.unseal(vault, one)) for one in found]
        return seal_backup(self.sealer, vault.subscription, Backup(found[-1].name, versions))


def seal_backup(sealer: Sealer, subscription: str, backup: Backup) -> str:
    """The text of a backup; INVALID for one that is too long."""
    sealed = sealer.seal(_encoder.encode(backup), context=_context(subscription))
    if len(sealed) > MAX_SEALED_BYTES:
        raise invalid(f"The backup would be longer than {MAX_SEALED_BYTES} bytes.", BAD_PARAMETER)
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def open_backup(sealer: Sealer, subscription: str, text: str) -> Backup:
    """What a text holds that `seal_backup` gave; INVALID for any other."""
    try:
        sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return _decoder.decode(sealer.unseal(sealed, context=_context(subscription)))
    except (ValueError, KeylessError):
        raise invalid(
            "The value is not a backup that this server made of a secret in this subscription, or it was altered.",
            BAD_PARAMETER,
        ) from None


def _context(subscription: str) -> bytes:
    return b"key_vault backup " + subscription.lower().encode()


_encoder = msgspec.msgpack.Encoder(enc_hook=write_secret)
_decoder = msgspec.msgpack.Decoder(Backup, dec_hook=read_secret)
