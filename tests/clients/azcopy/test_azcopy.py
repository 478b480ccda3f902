"""azcopy copies trees up, down and between accounts as a managed identity, with its checks on."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tests.clients.place import Place, make_place

FILES = 10_000
#: What one copy may take, on a busy machine; it took 25 seconds on two cores.
COPY_SECONDS = 280

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Ten thousand small files in a hundred folders; one of them is of several blocks."""
    folder, chance = tmp_path / "tree", random.Random(1)
    for number in range(FILES):
        path = folder / f"folder ä {number % 100:02}" / f"file #{number} %41.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chance.randbytes(20_000_000 if number == 0 else number % 2000))
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def run(place: Place, azcopy: Path, home: Path, *arguments: str | Path, code: int = 0) -> list[tuple[str, str]]:
    """azcopy under `keyless run`: the type and the content of each of its messages."""
    environ = {
        "HOME": str(home),
        "AZCOPY_AUTO_LOGIN_TYPE": "MSI",
        "AZCOPY_MSI_CLIENT_ID": place.identity["clientId"],
        "AZCOPY_LOG_LOCATION": str(home),
        "AZCOPY_JOB_PLAN_LOCATION": str(home),
    }
    process = place.start([azcopy, *arguments, "--output-type=json"], **environ)
    out, err = process.communicate(timeout=COPY_SECONDS)
    assert (process.returncode, err) == (code, ""), out[-3000:]
    messages = map(json.loads, out.splitlines())
    return [(message["MessageType"], message["MessageContent"]) for message in messages]


def copied(messages: list[tuple[str, str]]) -> tuple[str, int, int]:
    """How a copy ended, how many files went over, and how many did not."""
    (end,) = (json.loads(said) for kind, said in messages if kind == "EndOfJob")
    return end["JobStatus"], int(end["TransfersCompleted"]), int(end["TransfersFailed"]) + int(end["TransfersSkipped"])


def listed(messages: list[tuple[str, str]]) -> dict[str, int]:
    items = (json.loads(said) for kind, said in messages if kind == "ListObject")
    return {item["Path"]: int(item["ContentLength"]) for item in items}


def container(place: Place) -> str:
    """A new container, by the cloud's name, for which azcopy sends tokens unasked."""
    place.owner.container(place.name, "box")
    return f"https://{place.name}.blob.core.windows.net/box"


def test_a_tree_of_ten_thousand_files(place: Place, azcopy: Path, tree: Path, tmp_path: Path) -> None:
    other, down = make_place(place.owner), tmp_path / "down"
    for one in (place, other):
        place.allow("Storage Blob Data Contributor", one.account_id)
    first, second, files = container(place), container(other), content(tree)
    up, checked = ("--recursive", "--put-md5"), ("--recursive", "--check-md5=FailIfDifferentOrMissing")
    all_of_them = ("Completed", FILES, 0)
    assert copied(run(place, azcopy, tmp_path, "copy", tree, first, *up, "--block-size-mb=4")) == all_of_them
    sizes = {f"tree/{name}": len(data) for name, data in files.items()}
    assert listed(run(place, azcopy, tmp_path, "list", first, "--machine-readable")) == sizes
    assert copied(run(place, azcopy, tmp_path, "copy", f"{first}/tree", down, *checked)) == all_of_them
    assert content(down / "tree") == files

    assert copied(run(place, azcopy, tmp_path, "copy", f"{first}/tree", second, "--recursive")) == all_of_them
    again = tmp_path / "again"
    assert copied(run(place, azcopy, tmp_path, "copy", f"{second}/tree", again, *checked)) == all_of_them
    assert content(again / "tree") == files


def test_what_is_refused(place: Place, azcopy: Path, tmp_path: Path) -> None:
    url = container(place)
    place.owner.blob(place.name, "box/hello.txt", b"hello")
    place.allow("Storage Blob Data Reader", place.account_id)
    assert listed(run(place, azcopy, tmp_path, "list", url, "--machine-readable")) == {"hello.txt": 5}
    (tmp_path / "hello.txt").write_bytes(b"changed")
    messages = run(place, azcopy, tmp_path, "copy", tmp_path / "hello.txt", f"{url}/hello.txt", code=1)
    assert copied(messages) == ("Cancelled", 0, 1)
    messages = run(place, azcopy, tmp_path, "remove", f"{url}/hello.txt", code=1)
    assert any(
        kind == "Error" and "403" in said and "AuthorizationPermissionMismatch" in said for kind, said in messages
    )
    assert listed(run(place, azcopy, tmp_path, "list", url, "--machine-readable")) == {"hello.txt": 5}


def test_own_names_are_trusted_when_it_is_told_to(place: Place, azcopy: Path, tmp_path: Path) -> None:
    container(place)
    place.owner.blob(place.name, "box/hello.txt", b"hello")
    place.allow("Storage Blob Data Reader", place.account_id)
    trusted = f"--trusted-microsoft-suffixes=*{place.account_url.partition('.blob')[2]}"  # with the port
    url, down = f"{place.account_url}/box/hello.txt", tmp_path / "down.txt"
    messages = run(place, azcopy, tmp_path, "copy", url, down, "--from-to=BlobLocal", trusted)
    assert copied(messages) == ("Completed", 1, 0)
    assert down.read_bytes() == b"hello"
