"""The whole of a data folder: its files, each room's own migrations, and the data keys.

Owns the files' names and which of them a backup holds, the migrations' order, and the table of wrapped data keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from keyless.authority import key_ring
from keyless.authority.people import state as people
from keyless.directory import applications, groups, principals, users
from keyless.management import resources
from keyless.providers.authorization import assignments
from keyless.providers.authorization.builtin_roles import GLOBAL_ADMINISTRATOR
from keyless.providers.federation import issuers
from keyless.providers.key_vault import schema as key_vault
from keyless.providers.storage import blob_store
from keyless.providers.storage.blob_store import BlobStore
from keyless.providers.web import app_settings
from keyless.store.archive import Member
from keyless.store.engine import Migration, Store
from keyless.store.folder import INSTANCE_FILE
from keyless.store.snapshot import Snapshot
from keyless.workload import hosted, instances

DATABASE = "keyless.db"
AUDIT = "audit.jsonl"
PARTS = "parts"
TLS = "tls"
#: There while a backup is made, and only then.
SNAPSHOT = "backup.db"
#: PostgreSQL's folder.
SQL = "sql"
#: There where the databases are in a PostgreSQL of the operator's; says in which.
SQL_ELSEWHERE = "sql.elsewhere"
#: A copy of it: there while a backup is made or restored, and only then.
SQL_COPY = "sql.backup"

_SEALING = Migration(
    "sealing",
    (("CREATE TABLE data_key(number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, wrapped BLOB NOT NULL)",),),
)

#: An owner of the time before there was a directory to manage gets the role over it, as a first start gives it.
_TENANT = Migration(
    "tenant",
    (
        (
            f"""INSERT INTO role_assignment(key, id, principal_id, role, scope, created, created_by)
                SELECT '/providers/microsoft.authorization/roleassignments/' || principal_id,
                    '/providers/Microsoft.Authorization/roleAssignments/' || principal_id,
                    principal_id, '{GLOBAL_ADMINISTRATOR}', '/', CAST(strftime('%s', 'now') AS REAL), principal_id
                FROM principal WHERE assertion_key IS NOT NULL""",
        ),
    ),
)

MIGRATIONS: tuple[Migration, ...] = (
    _SEALING,
    principals.MIGRATION,
    applications.MIGRATION,
    users.MIGRATION,
    groups.MIGRATION,
    resources.MIGRATION,
    assignments.MIGRATION,
    app_settings.MIGRATION,
    key_vault.MIGRATION,
    blob_store.MIGRATION,
    key_ring.MIGRATION,
    people.MIGRATION,
    instances.MIGRATION,
    issuers.MIGRATION,
    hosted.MIGRATION,
    _TENANT,
)


async def read_data_keys(store: Store) -> list[tuple[str, bytes]]:
    """The wrapped data keys, from the oldest to the current one."""
    rows = await store.rows("SELECT id, wrapped FROM data_key ORDER BY number")
    return [(str(key_id), wrapped) for key_id, wrapped in rows if isinstance(wrapped, bytes)]


def backed_up(data: Path, snapshot: Snapshot, blobs: BlobStore) -> Iterator[Member]:
    """The files of a data folder that belong to a snapshot of its database.

    The audit log stays where it is, as the record of what was done there.
    """
    yield Member(INSTANCE_FILE, data / INSTANCE_FILE)
    for file in sorted((data / TLS).glob("[!.]*.pem")):
        yield Member(f"{TLS}/{file.name}", file)
    if (data / SQL_ELSEWHERE).exists():
        yield Member(SQL_ELSEWHERE, data / SQL_ELSEWHERE)
    for file in sorted((data / SQL_COPY).glob("*")):
        yield Member(f"{SQL_COPY}/{file.name}", file)
    yield Member(DATABASE, snapshot.file)
    for file in blobs.files(snapshot.rows):
        yield Member(str(file.relative_to(data)), file)
