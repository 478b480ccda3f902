"""rclone copies trees to and from an account as a managed identity: the installed version, and the current one."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.clients.place import Place, Ran, output_of
from tests.clients.rclone.conftest import Rclone
from tests.clients.tools import BUILD_SECONDS

pytestmark = pytest.mark.timeout(BUILD_SECONDS)

NAMES = ("a.txt", "empty", "deep/er/and/deeper.bin", "deep/ä ö %41 #?&+.txt", "deep/~tilde'quote(1).txt", "🔑")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small tree; one file is larger than a block, one is empty."""
    folder = tmp_path / "tree"
    for number, name in enumerate(NAMES):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(random.Random(number).randbytes(0 if name == "empty" else 1000 * number))
        os.utime(path, (1_700_000_000 + number,) * 2)
    (folder / "large.bin").write_bytes(random.Random(7).randbytes(11_000_000))
    return folder


def content(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file's time of change and bytes, by its name below the folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def run(place: Place, rclone: Rclone, *arguments: str | Path, endpoint: str = "") -> Ran:
    """rclone, told of the account by its environment only; without an endpoint it goes to the cloud's name."""
    remote = {
        "TYPE": "azureblob",
        "ACCOUNT": place.name,
        "ENDPOINT": endpoint,
        "USE_MSI": "true",
        "MSI_CLIENT_ID": place.identity["clientId"],
        "CHUNK_SIZE": "4M",
    }
    environ = {f"RCLONE_CONFIG_STORE_{name}": value for name, value in remote.items() if value}
    start = place.run_isolated if rclone.old else place.run
    return start([*rclone.command, "--quiet", "--retries=1", *arguments], RCLONE_CONFIG="", **environ)


def test_a_tree_up_and_down(place: Place, rclone: Rclone, tree: Path, tmp_path: Path) -> None:
    place.allow("Storage Blob Data Contributor", place.account_id)

    def told(*arguments: str | Path) -> str:
        return output_of(run(place, rclone, *arguments, endpoint=rclone.endpoint(place.account_url)))

    told("copy", tree, "store:box/tree")
    sizes = {name: (tree / name).stat().st_size for name in (*NAMES, "large.bin")}
    listed = told("lsf", "--recursive", "--files-only", "--format=sp", "store:box").splitlines()
    assert sorted(listed) == sorted(f"{size};tree/{name}" for name, size in sizes.items())
    assert set(told("lsf", "store:box/tree").splitlines()) == {"a.txt", "deep/", "empty", "large.bin", "🔑"}
    told("check", tree, "store:box/tree")
    told("copy", "store:box/tree", tmp_path / "down")
    assert content(tmp_path / "down") == content(tree)

    (tree / "a.txt").write_text("changed")
    (tree / "large.bin").unlink()
    assert run(place, rclone, "check", tree, "store:box/tree").returncode == 1
    told("sync", tree, "store:box/tree")
    told("check", "--download", tree, "store:box/tree")
    told("delete", "store:box/tree/deep")
    assert set(told("lsf", "store:box/tree").splitlines()) == {"a.txt", "empty", "🔑"}
    told("purge", "store:box")
    assert told("lsf", "store:") == ""


def test_what_is_refused(place: Place, rclone: Rclone, tree: Path) -> None:
    place.owner.container(place.name, "box")
    place.owner.blob(place.name, "box/hello.txt", b"hello")
    place.allow("Storage Blob Data Reader", place.account_id)
    assert output_of(run(place, rclone, "lsf", "store:box")) == "hello.txt\n"
    for arguments in (("copy", tree / "a.txt", "store:box"), ("delete", "store:box")):
        ran = run(place, rclone, *arguments)
        assert ran.returncode != 0
        assert "AuthorizationPermissionMismatch" in ran.stderr
    assert output_of(run(place, rclone, "lsf", "store:box")) == "hello.txt\n"
