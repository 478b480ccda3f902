"""azure-storage-blob, sync and aio."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.clients.place import LARGE_MIB, Place, make_place, output_of, python
from tests.harness import Owner, RunningServer


@pytest.mark.parametrize("program", ["blob_life.py", "blob_lists.py", "blob_aio.py", "blob_append.py", "blob_pages.py"])
def test_containers_and_blobs(place: Place, program: str) -> None:
    place.allow("Storage Blob Data Contributor", place.account_id)
    assert output_of(place.run(python(program))) == "ok\n"


def test_what_blobs_are_besides_their_bodies(place: Place) -> None:
    place.allow("Storage Blob Data Owner", place.account_id)
    place.keep_everything()
    assert output_of(place.run(python("blob_state.py"))) == "ok\n"


def test_path_style(place: Place) -> None:
    place.allow("Storage Blob Data Contributor", place.account_id)
    url = f"https://127.0.0.1:{place.owner.server.port}/{place.name}"
    assert output_of(place.run(python("blob_lists.py"), ACCOUNT_URL=url)) == "ok\n"


def test_signatures_copies_and_batches(place: Place) -> None:
    other = make_place(place.owner)
    place.owner.container(other.name, "box")
    place.owner.blob(other.name, "box/b", b"from elsewhere")
    place.allow("Storage Blob Data Contributor", place.account_id)
    place.allow("Storage Blob Data Reader", other.account_id)
    assert output_of(place.run(python("blob_sharing.py"), OTHER_BLOB=f"{other.account_url}/box/b")) == "ok\n"


def test_large_blobs_stream_in_flat_memory(own_server: RunningServer) -> None:
    owner = Owner(own_server)
    place = make_place(owner)
    place.allow("Storage Blob Data Contributor", place.account_id)
    before = peak(own_server)
    lines = output_of(place.run(python("blob_large.py"), LARGE_MIB=f"{LARGE_MIB}")).splitlines()
    blocks = LARGE_MIB // 4
    assert lines == [f"sync: True {0 if LARGE_MIB <= 1024 else blocks}", f"aio: True {blocks}"]
    assert peak(own_server) - before < 64 * 1024
    owner.close()


def peak(server: RunningServer) -> int:
    """The most memory that the server has had, in KiB."""
    assert server.process
    found = re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{server.process.pid}/status").read_text())
    assert found
    return int(found[1])
