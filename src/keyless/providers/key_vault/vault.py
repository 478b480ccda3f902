"""A vault as its data plane sees it: how long what is deleted there can be recovered, and whether it may be purged.

Owns the meaning of the properties that say so. Must not know what a vault holds.

Source: Azure REST API, "Vaults" (`softDeleteRetentionInDays`, `enablePurgeProtection`); Azure Key Vault REST API,
`DeletionRecoveryLevel`.
"""

from __future__ import annotations

from dataclasses import dataclass

from keyless.model.resource import Resource

MIN_RETENTION_DAYS, MAX_RETENTION_DAYS = 7, 90
RETENTION = "softDeleteRetentionInDays"
PURGE_PROTECTION = "enablePurgeProtection"
_DAY_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Vault:
    """A vault; `key` is that of its resource ID."""

    key: str
    retention_days: int = MAX_RETENTION_DAYS
    purge_protected: bool = False

    @property
    def subscription(self) -> str:
        """The ID of the subscription that it is in."""
        return self.key.split("/")[2]

    @property
    def retention_seconds(self) -> int:
        """How long what is deleted can be recovered."""
        return self.retention_days * _DAY_SECONDS

    @property
    def recovery_level(self) -> str:
        """The service's word for it; "customized" is what is kept for less than the longest time."""
        level = "Recoverable" if self.retention_days == MAX_RETENTION_DAYS else "CustomizedRecoverable"
        return level if self.purge_protected else f"{level}+Purgeable"

    def horizon(self, now: int) -> int:
        """What was deleted later than this can still be recovered."""
        return max(0, now - self.retention_seconds)


def vault_of(resource: Resource) -> Vault:
    """The vault that a resource is."""
    days = resource.properties.get(RETENTION, MAX_RETENTION_DAYS)
    assert isinstance(days, int)
    return Vault(resource.id.key, days, resource.properties.get(PURGE_PROTECTION) is True)
