"""The data folder: whole or not at all, and held by one."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from pathlib import Path

import msgspec
import pytest

from keyless.model.errors import ErrorKind, KeylessError
from keyless.store.folder import (
    INSTANCE_FILE,
    FolderLock,
    Instance,
    Owner,
    read_holder,
    read_instance,
    staged,
    write_instance,
)
from tests.harness import small_disk

INSTANCE = Instance("i", "t", "s", "default", "keyless.localhost", "https://x/t", Owner("c", "p"), "127.0.0.1", 8443)


def forget_nothing(_start: str) -> None:
    return None


def test_what_is_written_reads_back(tmp_path: Path) -> None:
    assert read_instance(tmp_path) is None
    write_instance(tmp_path, INSTANCE)
    assert read_instance(tmp_path) == INSTANCE
    assert (tmp_path / INSTANCE_FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", ErrorKind.INTERNAL),
        (b"{", ErrorKind.INTERNAL),
        (b"\xff\xfe", ErrorKind.INTERNAL),
        (b"[]", ErrorKind.INTERNAL),
        (b'{"instance": 5}', ErrorKind.INTERNAL),
        (msgspec.json.encode(INSTANCE)[:-20], ErrorKind.INTERNAL),
        (msgspec.json.encode(msgspec.structs.replace(INSTANCE, format=2)), ErrorKind.CONFLICT),
        (b'{"format": 2, "everything": "else"}', ErrorKind.CONFLICT),
    ],
)
def test_damage_and_a_newer_format_are_told_apart(tmp_path: Path, content: bytes, kind: ErrorKind) -> None:
    (tmp_path / INSTANCE_FILE).write_bytes(content)
    with pytest.raises(KeylessError) as refused:
        read_instance(tmp_path)
    assert refused.value.kind is kind
    assert (tmp_path / INSTANCE_FILE).read_bytes() == content


def test_a_new_folder_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "below" / "data"
    with staged(target, "s", forget_nothing) as folder:
        (folder / "one").write_text("1")
        assert not target.exists()
    assert [path.name for path in target.iterdir()] == ["one"]
    assert target.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in target.parent.iterdir()] == ["data"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), ValueError("x")])
def test_a_failure_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    with (
        pytest.raises((KeylessError, KeyboardInterrupt, ValueError)),
        staged(tmp_path / "data", "s", forget_nothing) as f,
    ):
        (f / "one").write_text("1")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_taken_and_a_foreign_one_is_not(tmp_path: Path) -> None:
    empty, foreign = tmp_path / "empty", tmp_path / "foreign"
    empty.mkdir()
    foreign.mkdir()
    (foreign / "letter.txt").write_text("dear")
    with staged(empty, "s", forget_nothing):
        pass
    with pytest.raises(KeylessError) as refused, staged(foreign, "s", forget_nothing):
        pass
    assert refused.value.kind is ErrorKind.CONFLICT
    assert [path.name for path in foreign.iterdir()] == ["letter.txt"]


def test_what_a_killed_start_left_is_removed_but_not_what_another_is_at(tmp_path: Path) -> None:
    left, busy, other = (tmp_path / f".{name}" for name in ("d[x].new-left", "d[x].new-busy", "other.new-left"))
    for folder in (left, busy, other):
        folder.mkdir()
        (folder / "part").write_text("x")
    holder = os.open(busy, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    forgotten: list[str] = []
    with staged(tmp_path / "d[x]", "new", forgotten.append):
        assert not left.exists()
    os.close(holder)
    assert forgotten == ["left"]
    assert (busy / "part").exists()
    assert (other / "part").exists()


def test_what_is_mounted_is_filled_from_within(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 512) as disk:
        (disk / "lost+found").mkdir()
        (disk / ".new-killed").mkdir()
        (disk / "half").write_text("moved before the kill")
        forgotten: list[str] = []
        with pytest.raises(ZeroDivisionError), staged(disk, "one", forgotten.append) as folder:
            (folder / "x").write_text("x")
            raise ZeroDivisionError
        assert forgotten == ["killed"]
        assert [path.name for path in disk.iterdir()] == ["lost+found"]
        with staged(disk, "two", forget_nothing) as folder:
            (folder / "tls").mkdir()
            write_instance(folder, INSTANCE)
        assert sorted(path.name for path in disk.iterdir()) == [INSTANCE_FILE, "lost+found", "tls"]
        with pytest.raises(KeylessError, match="not keyless's"), staged(disk, "three", forget_nothing):
            pass


def test_one_holds_the_folder_and_the_other_is_told_who(tmp_path: Path) -> None:
    first, second = FolderLock(tmp_path), FolderLock(tmp_path)
    assert read_holder(tmp_path) is None
    first.take(123.0)
    holder = read_holder(tmp_path)
    assert holder is not None
    assert (holder.pid, holder.started) == (os.getpid(), 123.0)
    with pytest.raises(KeylessError) as refused:
        second.take(5.0)
    assert refused.value.kind is ErrorKind.CONFLICT
    assert f"process {os.getpid()}" in refused.value.message
    second.release()
    first.release()
    first.release()
    assert read_holder(tmp_path) is None
    second.take(6.0)
    second.release()


def test_a_look_at_the_lock_keeps_nobody_out(tmp_path: Path) -> None:
    FolderLock(tmp_path).release()
    (tmp_path / "lock").touch()
    looking = os.open(tmp_path / "lock", os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH)

    def look_away() -> None:
        time.sleep(0.03)
        os.close(looking)

    thread = threading.Thread(target=look_away)
    thread.start()
    lock = FolderLock(tmp_path)
    lock.take(1.0)
    lock.release()
    thread.join()
