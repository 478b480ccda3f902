"""The whole schema of a data folder: each room's own migrations, and the data keys.

Owns their order and the table of wrapped data keys.
"""

from __future__ import annotations

from keyless.authority import key_ring
from keyless.directory import principals
from keyless.management import resources
from keyless.providers.authorization import assignments
from keyless.providers.key_vault import schema as key_vault
from keyless.providers.storage import blob_store
from keyless.providers.web import app_settings
from keyless.store.engine import Migration, Store
from keyless.workload import instances

DATABASE = "keyless.db"
AUDIT = "audit.jsonl"
PARTS = "parts"
TLS = "tls"

_SEALING = Migration(
    "sealing",
    (("CREATE TABLE data_key(number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, wrapped BLOB NOT NULL)",),),
)

MIGRATIONS: tuple[Migration, ...] = (
    _SEALING,
    principals.MIGRATION,
    resources.MIGRATION,
    assignments.MIGRATION,
    app_settings.MIGRATION,
    key_vault.MIGRATION,
    blob_store.MIGRATION,
    key_ring.MIGRATION,
    instances.MIGRATION,
)


async def read_data_keys(store: Store) -> list[tuple[str, bytes]]:
    """The wrapped data keys, from the oldest to the current one."""
    rows = await store.rows("SELECT id, wrapped FROM data_key ORDER BY number")
    return [(str(key_id), wrapped) for key_id, wrapped in rows if isinstance(wrapped, bytes)]
