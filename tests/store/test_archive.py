"""Archives: files come out as they went in, and nothing comes out of what was changed by a byte."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keyless.model.errors import ErrorKind, KeylessError
from keyless.store.archive import PIECE_BYTES, ArchiveWriter, Member, read_archive
from keyless.store.sealing import MasterKey
from keyless.store.sealing.archive import CHUNK_BYTES, SEALED_CHUNK_BYTES, ArchiveSealer, new_head, split_head

MASTER = MasterKey(b"m" * 32)
INSTANCE = "0d000000-0000-4000-8000-000000000005"
#: Bytes around a file's content: two entries, a name, and the tag of a chunk are in the archive too.
ENTRY = 10

Files = dict[str, bytes]


def write(folder: Path, files: Files, master: MasterKey = MASTER) -> bytes:
    """The archive of these files, which are put into `folder` first."""
    members = []
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        members.append(Member(name, path))
    writer = ArchiveWriter(master, INSTANCE, os.urandom, lambda: members)
    archive = b"".join(writer.pieces())
    assert writer.size == len(archive)
    return archive


def read(archive: bytes, folder: Path, master: Callable[[str], MasterKey] = lambda _: MASTER) -> Files:
    """What comes out of an archive."""
    folder.mkdir()
    read_archive(io.BytesIO(archive), master, folder)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(archive: bytes, folder: Path, master: MasterKey = MASTER) -> KeylessError:
    with pytest.raises(KeylessError) as error:
        read(archive, folder, lambda _: master)
    return error.value


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    files = {"a.json": b"{}", "tls/b.pem": b"x" * 300, "parts/00/c": b"y" * (CHUNK_BYTES + 5)}
    return write(tmp_path_factory.mktemp("small"), files)


# sizes at which the last chunk is just full, or a piece is, and those beside them
BRIMS = [n * size - ENTRY * 2 - 1 + d for size in (CHUNK_BYTES, PIECE_BYTES) for n in (1, 2) for d in (-1, 0, 1)]


@pytest.mark.parametrize("size", [0, 1, *BRIMS])
def test_a_file_of_any_size_comes_back(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    assert read(write(tmp_path, {"a": content}), tmp_path / "out") == {"a": content}


@settings(deadline=None, max_examples=40)
@given(
    st.dictionaries(st.from_regex(r"[a-z][a-z0-9.]{0,5}/[0-9][0-9a-z]{0,5}", fullmatch=True), st.binary(), max_size=6)
)
def test_files_come_back(files: Files) -> None:
    with TemporaryDirectory() as folder:
        assert read(write(Path(folder), files), Path(folder) / "out-") == files


def test_what_comes_out_is_private(tmp_path: Path, small: bytes) -> None:
    read(small, tmp_path / "out")
    for path in (tmp_path / "out").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600)


def test_nothing_of_the_content_shows(small: bytes) -> None:
    assert b"x" * 8 not in small
    assert b"tls" not in small
    assert b"m" * 8 not in small


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_a_changed_byte_is_refused(small: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(small) - 1))
    flipped = small[at] ^ data.draw(st.integers(1, 255))
    with TemporaryDirectory() as folder:
        refused(small[:at] + bytes([flipped]) + small[at + 1 :], Path(folder) / "out")


@settings(deadline=None, max_examples=100)
@given(st.data())
@example(data=None)
def test_a_torn_archive_is_refused(small: bytes, data: st.DataObject | None) -> None:
    length = data.draw(st.integers(0, len(small) - 1)) if data else small.index(b"\n", 20) + 1 + SEALED_CHUNK_BYTES
    with TemporaryDirectory() as folder:
        error = refused(small[:length], Path(folder) / "out")
    assert error.kind is ErrorKind.INVALID


@settings(deadline=None, max_examples=50)
@given(st.binary(min_size=1, max_size=2 * SEALED_CHUNK_BYTES))
@example(b"\0")
def test_what_follows_is_refused(small: bytes, more: bytes) -> None:
    with TemporaryDirectory() as folder:
        refused(small + more, Path(folder) / "out")


def test_chunks_that_changed_places_are_refused(tmp_path: Path) -> None:
    archive = write(tmp_path, {"a": b"z" * 4 * CHUNK_BYTES})
    head, rest, _ = split_head(archive)
    chunks = [rest[at : at + SEALED_CHUNK_BYTES] for at in range(0, len(rest), SEALED_CHUNK_BYTES)]
    for number, order in enumerate([(1, 0, 2, 3, 4), (0, 1, 1, 2, 3, 4), (0, 2, 3, 4), (0, 1, 2, 4)]):
        refused(head + b"".join(chunks[i] for i in order), tmp_path / f"out{number}")


def test_a_chunk_of_another_archive_is_refused(tmp_path: Path) -> None:
    first, second = (write(tmp_path / name, {"a": b"same"}) for name in "xy")
    head, rest = split_head(first)[:2]
    assert head + rest == first
    assert "torn or damaged" in refused(head + split_head(second)[1], tmp_path / "out").message


def test_another_master_key_is_told(tmp_path: Path, small: bytes) -> None:
    error = refused(small, tmp_path / "out", MasterKey(b"o" * 32))
    assert error.kind is ErrorKind.FORBIDDEN
    assert "another master key" in error.message


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"keyless", b"\n", b"SQLite format 3\0" * 100])
def test_what_is_no_archive_is_told(tmp_path: Path, data: bytes) -> None:
    assert "no archive of keyless" in refused(data, tmp_path / "out").message


def test_a_newer_format_is_told(tmp_path: Path, small: bytes) -> None:
    error = refused(small.replace(b" v1\n", b" v2\n", 1), tmp_path / "out")
    assert (error.kind, "newer keyless" in error.message) == (ErrorKind.CONFLICT, True)


@pytest.mark.parametrize("name", ["../a", "/a", "a/../b", ".ssh", "a//b", "a\0b", "", "a/b/c/d/e", "a" * 300])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    """Whoever has the master key could write one; it opens no other folder all the same."""
    encoded = name.encode()
    plain = len(encoded).to_bytes(2, "big") + (1).to_bytes(8, "big") + encoded + b"x" + bytes(10)
    head = new_head(MASTER, INSTANCE, os.urandom)
    if name:
        refused(head + ArchiveSealer(MASTER, head).seal(0, True, plain), tmp_path / "out")
        assert not list((tmp_path / "out").iterdir())
        assert [path.name for path in tmp_path.iterdir()] == ["out"]
    else:  # an empty name is the end, and nothing may follow it
        refused(head + ArchiveSealer(MASTER, head).seal(0, True, plain), tmp_path / "out")


def test_a_file_that_is_missing_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(KeylessError, match="parts/00/x is missing"):
        ArchiveWriter(MASTER, INSTANCE, os.urandom, lambda: [Member("parts/00/x", tmp_path / "x")])


def test_both_ways_take_little_memory(tmp_path: Path) -> None:
    import tracemalloc

    big = tmp_path / "big"
    with big.open("wb") as file:
        file.truncate(64 << 20)
    tracemalloc.start()
    try:
        writer = ArchiveWriter(MASTER, INSTANCE, os.urandom, lambda: [Member("big", big)])
        with (tmp_path / "archive").open("wb") as file:
            file.writelines(writer.pieces())
        (tmp_path / "out").mkdir()
        with (tmp_path / "archive").open("rb") as file:
            read_archive(file, lambda _: MASTER, tmp_path / "out")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (tmp_path / "out" / "big").stat().st_size == 64 << 20
    assert peak < 12 << 20, peak
