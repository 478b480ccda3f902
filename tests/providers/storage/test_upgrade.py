"""A data folder that an older keyless has written: its blobs are there, and can do all that new ones can."""

from __future__ import annotations

from pathlib import Path

from keyless.providers.storage.blob_store import MIGRATION
from keyless.store.engine import Migration
from keyless.store.sqlite import open_store
from tests.providers.storage.harness import ACCOUNT, blob_client

OLD = Migration("storage", MIGRATION.steps[:1])


async def test_blobs_of_the_first_schema(tmp_path: Path) -> None:
    old = open_store(tmp_path / "keyless.db", [OLD])
    await old.write(
        lambda tx: tx.execute(
            "INSERT INTO storage_container(account, name, etag, changed, metadata) VALUES(?, 'box', '0x1', 1, '')",
            (ACCOUNT.key,),
        )
    )
    await old.write(
        lambda tx: tx.execute(
            """INSERT INTO storage_blob(container, name, size, etag, created, changed, content_type, encoding, language,
                disposition, cache_control, md5, metadata)
                VALUES(1, 'b', 0, '0x2', 1, 1, 'a/b', '', '', '', '', '', '')"""
        )
    )
    await old.close()
    async with blob_client(tmp_path) as blob:
        seen = await blob.send("HEAD", "/box/b")
        assert [seen.headers[n] for n in ("ETag", "x-ms-access-tier", "x-ms-lease-state")] == [
            '"0x2"',
            "Hot",
            "available",
        ]
        assert (await blob.send("PUT", "/box/b", "comp=snapshot")).status == 201
        assert (await blob.send("PUT", "/box/b", "comp=metadata", headers={"x-ms-meta-k": "v"})).status == 200
        listed = (await blob.send("GET", "/box", "restype=container&comp=list&include=snapshots,versions")).xml()
        assert len(listed.findall("Blobs/Blob")) == 2
        assert (await blob.send("GET", "/", "comp=list")).xml().findtext("Containers/Container/Name") == "box"
