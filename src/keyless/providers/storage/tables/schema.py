"""The schema of the Blob data plane.

Owns the tables. How they hang together:

- A *blob* row holds a short body itself (`part`, `data`), so that a small Put Blob writes one row. A longer body is
  a *manifest*: an ordered list of *blocks*, each naming a *part*.
- An *upload* is what has been put but not committed of one blob: its *staged* blocks, in no order.
- Overwriting or deleting marks the old manifest, upload or container `garbage`, which is one row however large
  it is; the collector takes its rows and parts apart afterwards, in small steps.
- What a blob was is a *past* row with the columns of a blob: a snapshot, a previous version, or the blob itself after a
  soft delete. It shares the manifest of the blob it was taken from, and so does a copy of a blob: a manifest that was
  dropped is taken apart only when no row names it any more.
- The manifest of an append blob grows while snapshots, versions and copies share it: what lies beyond a row's own
  size is not its.
- A page blob's manifest has *pages* in place of blocks, each of which lives for some generations of the manifest;
  `page_map.py` tells how. A manifest is `stale` while pages may have died that nobody needs any more, those that died
  up to `swept` having been looked at; a *ragged* cell of it has pieces to be merged.
- A *service* row holds what an account keeps of blobs that are overwritten or deleted; none means nothing.
- A container that was deleted softly has `garbage` 2 until it expires.
- A part is `pending` (0) from before its file is written until a transaction makes it part of something, then
  `live` (1), then `garbage` (2) until its file is gone. Recovery needs these rows alone.

Text is compared by its UTF-8 bytes, which is the order of lists.
"""

from __future__ import annotations

from keyless.store.engine import Migration

PENDING, LIVE, GARBAGE = 0, 1, 2
#: A container's `garbage`.
PRESENT, DROPPED, KEPT = 0, 1, 2

MIGRATION = Migration(
    "storage",
    (
        (
            """CREATE TABLE storage_container(
                id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, name TEXT NOT NULL, etag TEXT NOT NULL,
                changed INTEGER NOT NULL, metadata TEXT NOT NULL, garbage INTEGER NOT NULL DEFAULT 0)""",
            "CREATE UNIQUE INDEX storage_container_name ON storage_container(account, name) WHERE garbage = 0",
            "CREATE INDEX storage_container_garbage ON storage_container(id) WHERE garbage = 1",
            """CREATE TABLE storage_blob(
                id INTEGER PRIMARY KEY, container INTEGER NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL,
                etag TEXT NOT NULL, created INTEGER NOT NULL, changed INTEGER NOT NULL, content_type TEXT NOT NULL,
                encoding TEXT NOT NULL, language TEXT NOT NULL, disposition TEXT NOT NULL, cache_control TEXT NOT NULL,
                md5 TEXT NOT NULL, metadata TEXT NOT NULL, manifest INTEGER, part BLOB, data BLOB)""",
            "CREATE UNIQUE INDEX storage_blob_name ON storage_blob(container, name)",
            """CREATE TABLE storage_manifest(
                id INTEGER PRIMARY KEY AUTOINCREMENT, garbage INTEGER NOT NULL DEFAULT 0)""",
            "CREATE INDEX storage_manifest_garbage ON storage_manifest(id) WHERE garbage = 1",
            """CREATE TABLE storage_block(
                manifest INTEGER NOT NULL, start INTEGER NOT NULL, size INTEGER NOT NULL, block_id TEXT NOT NULL,
                part BLOB NOT NULL, PRIMARY KEY(manifest, start)) WITHOUT ROWID""",
            "CREATE INDEX storage_block_part ON storage_block(part)",
            """CREATE TABLE storage_upload(
                id INTEGER PRIMARY KEY AUTOINCREMENT, container INTEGER NOT NULL, blob TEXT NOT NULL,
                id_size INTEGER NOT NULL, blocks INTEGER NOT NULL, changed INTEGER NOT NULL,
                garbage INTEGER NOT NULL DEFAULT 0)""",
            "CREATE UNIQUE INDEX storage_upload_blob ON storage_upload(container, blob) WHERE garbage = 0",
            "CREATE INDEX storage_upload_changed ON storage_upload(changed) WHERE garbage = 0",
            "CREATE INDEX storage_upload_garbage ON storage_upload(id) WHERE garbage = 1",
            """CREATE TABLE storage_staged(
                upload INTEGER NOT NULL, block_id TEXT NOT NULL, size INTEGER NOT NULL, part BLOB NOT NULL,
                PRIMARY KEY(upload, block_id)) WITHOUT ROWID""",
            """CREATE TABLE storage_part(
                id BLOB PRIMARY KEY, state INTEGER NOT NULL, data BLOB)""",
            "CREATE INDEX storage_part_unsettled ON storage_part(state) WHERE state <> 1",
        ),
        (
            "ALTER TABLE storage_container ADD COLUMN lease TEXT NOT NULL DEFAULT ''",
            "ALTER TABLE storage_container ADD COLUMN deleted INTEGER",
            "ALTER TABLE storage_container ADD COLUMN expires INTEGER",
            "CREATE INDEX storage_container_expires ON storage_container(expires) WHERE garbage = 2",
            "CREATE INDEX storage_container_kept ON storage_container(account, name, id) WHERE garbage <> 1",
            "ALTER TABLE storage_blob ADD COLUMN lease TEXT NOT NULL DEFAULT ''",
            "ALTER TABLE storage_blob ADD COLUMN tags TEXT NOT NULL DEFAULT ''",
            "ALTER TABLE storage_blob ADD COLUMN tier TEXT NOT NULL DEFAULT ''",
            "ALTER TABLE storage_blob ADD COLUMN tier_changed INTEGER",
            "ALTER TABLE storage_blob ADD COLUMN version INTEGER",
            "CREATE INDEX storage_blob_manifest ON storage_blob(manifest) WHERE manifest IS NOT NULL",
            "CREATE INDEX storage_blob_tagged ON storage_blob(container, name) WHERE tags <> ''",
            """CREATE TABLE storage_past(
                id INTEGER PRIMARY KEY, container INTEGER NOT NULL, name TEXT NOT NULL, kind INTEGER NOT NULL,
                moment INTEGER NOT NULL, deleted INTEGER, expires INTEGER, size INTEGER NOT NULL,
                etag TEXT NOT NULL, created INTEGER NOT NULL, changed INTEGER NOT NULL, content_type TEXT NOT NULL,
                encoding TEXT NOT NULL, language TEXT NOT NULL, disposition TEXT NOT NULL, cache_control TEXT NOT NULL,
                md5 TEXT NOT NULL, metadata TEXT NOT NULL, manifest INTEGER, part BLOB, data BLOB,
                tags TEXT NOT NULL, tier TEXT NOT NULL, tier_changed INTEGER, version INTEGER)""",
            "CREATE UNIQUE INDEX storage_past_moment ON storage_past(container, name, kind, moment)",
            "CREATE INDEX storage_past_manifest ON storage_past(manifest) WHERE manifest IS NOT NULL",
            "CREATE INDEX storage_past_expires ON storage_past(expires) WHERE expires IS NOT NULL",
            """CREATE TABLE storage_service(
                account TEXT PRIMARY KEY, delete_days INTEGER NOT NULL, container_days INTEGER NOT NULL,
                versioning INTEGER NOT NULL) WITHOUT ROWID""",
        ),
        (
            "ALTER TABLE storage_blob ADD COLUMN copied TEXT NOT NULL DEFAULT ''",
            "ALTER TABLE storage_past ADD COLUMN copied TEXT NOT NULL DEFAULT ''",
        ),
        (
            "ALTER TABLE storage_blob ADD COLUMN form TEXT NOT NULL DEFAULT ''",
            "ALTER TABLE storage_past ADD COLUMN form TEXT NOT NULL DEFAULT ''",
            """CREATE TABLE storage_page(
                manifest INTEGER NOT NULL, start INTEGER NOT NULL, born INTEGER NOT NULL, died INTEGER NOT NULL,
                size INTEGER NOT NULL, part BLOB NOT NULL, part_size INTEGER NOT NULL, skip INTEGER NOT NULL,
                PRIMARY KEY(manifest, start, born)) WITHOUT ROWID""",
            "CREATE INDEX storage_page_part ON storage_page(part)",
            "CREATE INDEX storage_page_dead ON storage_page(manifest, died) WHERE died < 9223372036854775807",
            "ALTER TABLE storage_manifest ADD COLUMN generation INTEGER NOT NULL DEFAULT 0",
            "ALTER TABLE storage_manifest ADD COLUMN swept INTEGER NOT NULL DEFAULT 0",
            "ALTER TABLE storage_manifest ADD COLUMN stale INTEGER NOT NULL DEFAULT 0",
            "CREATE INDEX storage_manifest_stale ON storage_manifest(id) WHERE stale = 1",
            """CREATE TABLE storage_ragged(
                manifest INTEGER NOT NULL, cell INTEGER NOT NULL, PRIMARY KEY(manifest, cell)) WITHOUT ROWID""",
        ),
    ),
)
