"""azure-storage-blob, sync and aio."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.clients.place import LARGE_MIB, PROGRAMS, Place, make_place, output_of, python
from tests.clients.themes import not_driven, prepared
from tests.harness import Owner, RunningServer

#: Operations that no program drives: connection strings hold an account key, premium tiers are of premium accounts, ...
NOT_DRIVEN = {"from_connection_string", "set_premium_page_blob_tier_blobs"}
#: ... and this has another name by now.
NOT_DRIVEN |= {"get_page_ranges"}


@pytest.mark.parametrize(
    "program",
    ["blob_life.py", "blob_life_aio.py", "blob_lists.py", "blob_append.py", "blob_pages.py", "blob_kinds_aio.py"],
)
def test_containers_and_blobs(place: Place, program: str) -> None:
    place.allow("Storage Blob Data Contributor", place.account_id)
    assert output_of(place.run(python(program))) == "ok\n"


@pytest.mark.parametrize("kind", ["sync", "aio"])
@pytest.mark.parametrize("theme", ["account", "state", "sharing"])
def test_all_that_blobs_have(place: Place, theme: str, kind: str) -> None:
    program = f"blob_{theme}_aio.py" if kind == "aio" else f"blob_{theme}.py"
    ran = place.run(python(program), **prepared(place, theme))
    assert output_of(ran) == "ok\n"


def test_path_style(place: Place) -> None:
    place.allow("Storage Blob Data Contributor", place.account_id)
    url = f"https://127.0.0.1:{place.owner.server.port}/{place.name}"
    assert output_of(place.run(python("blob_lists.py"), ACCOUNT_URL=url)) == "ok\n"


@pytest.mark.parametrize("kind", ["sync", "aio"])
def test_every_operation_of_the_clients_is_driven(kind: str) -> None:
    command = [*map(str, python("operations.py", kind))]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    programs = [one for one in PROGRAMS.glob("*.py") if one.stem.endswith("_aio") == (kind == "aio")]
    left = not_driven(json.loads(said), [*programs, PROGRAMS / "vault_life.py"])
    assert {name for names in left.values() for name in names} == NOT_DRIVEN


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
