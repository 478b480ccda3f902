"""The schema of the Blob data plane.

Owns the tables. How they hang together:

- A *blob* row holds a short body itself (`part`, `data`), so that a small Put Blob writes one row. A longer body is
  a *manifest*: an ordered list of *blocks*, each naming a *part*.
- An *upload* is what has been put but not committed of one blob: its *staged* blocks, in no order.
- Overwriting or deleting marks the old manifest, upload or container `garbage`, which is one row however large
  it is; the collector takes its rows and parts apart afterwards, in small steps.
- A part is `pending` (0) from before its file is written until a transaction makes it part of something, then
  `live` (1), then `garbage` (2) until its file is gone. Recovery needs these rows alone.

Text is compared by its UTF-8 bytes, which is the order of lists.
"""

from __future__ import annotations

from keyless.store.engine import Migration

PENDING, LIVE, GARBAGE = 0, 1, 2

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
        ("ALTER TABLE storage_blob ADD COLUMN copied TEXT NOT NULL DEFAULT ''",),
    ),
)
