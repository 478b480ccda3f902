"""Sealing: the published vectors, what must open, and everything that must not."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.model.errors import ErrorKind, KeylessError
from keyless.store.private_file import create_private, write_private
from keyless.store.sealing import (
    MasterKey,
    PartSealer,
    Sealer,
    create_master_key,
    key_password,
    load_master_key,
    new_wrapped_key,
)
from keyless.store.sealing.xaes import Xaes256Gcm

MASTER = MasterKey(b"m" * 32)
ROW = new_wrapped_key(MASTER, os.urandom)
SEALER = Sealer.from_wrapped(MASTER, [ROW])
PARTS = PartSealer(SEALER)
CHUNK = PartSealer.chunk_plain_size


def kind_of(error: pytest.ExceptionInfo[KeylessError]) -> ErrorKind:
    return error.value.kind


class TestXaes:
    """Source of the vectors: https://c2sp.org/XAES-256-GCM, "Test vectors" and "Accumulated randomized tests"."""

    @pytest.mark.parametrize(
        ("key", "associated", "expected"),
        [
            (b"\x01" * 32, b"", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"),
            (
                b"\x03" * 32,
                b"c2sp.org/XAES-256-GCM",
                "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d",
            ),
        ],
    )
    def test_vectors(self, key: bytes, associated: bytes, expected: str) -> None:
        nonce = b"ABCDEFGHIJKLMNOPQRSTUVWX"
        sealed = Xaes256Gcm(key).encrypt(nonce, b"XAES-256-GCM", associated)
        assert sealed.hex() == expected
        assert Xaes256Gcm(key).decrypt(nonce, sealed, associated) == b"XAES-256-GCM"

    def test_accumulated(self) -> None:
        stream = io.BytesIO(hashlib.shake_128().digest(10_000 * (32 + 24 + 2 + 2 * 255)))
        sealed_ones = hashlib.shake_128()
        for _ in range(10_000):
            key, nonce = stream.read(32), stream.read(24)
            plaintext = stream.read(stream.read(1)[0])
            associated = stream.read(stream.read(1)[0])
            sealed_ones.update(Xaes256Gcm(key).encrypt(nonce, plaintext, associated))
        expected = "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939"
        assert sealed_ones.digest(32).hex() == expected


def test_a_message_that_was_opened_before_is_checked_again() -> None:
    cipher, nonce = Xaes256Gcm(bytes(32)), bytes(24)
    sealed = cipher.encrypt(nonce, b"text", b"row")
    assert cipher.decrypt(nonce, sealed, b"row") == b"text"
    assert cipher.decrypt(nonce, sealed, b"another row") is None
    assert cipher.decrypt(nonce, bytes([sealed[0] ^ 1]) + sealed[1:], b"row") is None
    assert cipher.decrypt(nonce, sealed, b"row") == b"text"


class TestMasterKeyFile:
    def test_created_key_loads_again(self, tmp_path: Path) -> None:
        path = tmp_path / "config" / "master-key"
        made = create_master_key(path, os.urandom)
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.read_text().startswith("keyless-master-key v1\n")
        assert load_master_key(path).derive(b"x") == made.derive(b"x")
        assert [entry.name for entry in path.parent.iterdir()] == ["master-key"]

    def test_never_replaces_a_key(self, tmp_path: Path) -> None:
        path = tmp_path / "master-key"
        made = create_master_key(path, os.urandom)
        with pytest.raises(KeylessError, match="exists already") as error:
            create_master_key(path, os.urandom)
        assert kind_of(error) is ErrorKind.CONFLICT
        assert load_master_key(path).derive(b"x") == made.derive(b"x")

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660, 0o601, 0o777])
    def test_refuses_a_file_that_others_can_open(self, tmp_path: Path, mode: int) -> None:
        path = tmp_path / "master-key"
        create_master_key(path, os.urandom)
        path.chmod(mode)
        with pytest.raises(KeylessError, match="chmod 600") as error:
            load_master_key(path)
        assert kind_of(error) is ErrorKind.FORBIDDEN

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
    def test_refuses_a_file_of_another_user(self, tmp_path: Path) -> None:
        path = tmp_path / "master-key"
        create_master_key(path, os.urandom)
        os.chown(path, 65534, 65534)
        with pytest.raises(KeylessError, match="belongs to another user"):
            load_master_key(path)

    @pytest.mark.parametrize(("mode", "accepted"), [(0o440, True), (0o400, True), (0o444, False), (0o460, False)])
    def test_takes_a_credential_that_systemd_gives(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, accepted: bool
    ) -> None:
        path = tmp_path / "master-key"
        create_master_key(path, os.urandom)
        path.chmod(mode)
        if path.stat().st_uid != 0:
            pytest.skip("only root can make a file of root's")
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        if accepted:
            load_master_key(path)
        else:
            with pytest.raises(KeylessError, match="open to other users"):
                load_master_key(path)

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"keyless-master-key v1\n",
            b"keyless-master-key v1\nAAAA\n",
            b"keyless-master-key v2\n" + b"A" * 43 + b"=\n",
            b"keyless-master-key v1\n" + b"A" * 43 + b"=\nmore\n",
            b"keyless-master-key v1\n" + b"A" * 42 + b"!=\n",
            b"x" * 10_000,
        ],
    )
    def test_refuses_what_is_no_key(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "master-key"
        write_private(path, content)
        with pytest.raises(KeylessError, match="restore it from your backup") as error:
            load_master_key(path)
        assert kind_of(error) is ErrorKind.INVALID

    def test_missing_and_odd_files(self, tmp_path: Path) -> None:
        with pytest.raises(KeylessError, match="is missing") as error:
            load_master_key(tmp_path / "nothing")
        assert kind_of(error) is ErrorKind.NOT_FOUND
        os.mkfifo(tmp_path / "pipe", 0o600)
        with pytest.raises(KeylessError, match="not a regular file"):
            load_master_key(tmp_path / "pipe")

    def test_shows_nothing(self) -> None:
        assert "mmm" not in repr(MASTER)
        with pytest.raises(TypeError):
            pickle.dumps(MASTER)
        with pytest.raises(KeylessError):
            MasterKey(b"short")


class TestPrivateFile:
    def test_replaces_whole_files(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_bytes(b"old")
        path.chmod(0o644)
        write_private(path, b"new")
        assert path.read_bytes() == b"new"
        assert path.stat().st_mode & 0o777 == 0o600

    def test_a_failure_leaves_the_old_file_and_no_litter(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "file"
        write_private(path, b"old")

        def full(_descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            write_private(path, b"new")
        assert path.read_bytes() == b"old"
        assert [entry.name for entry in tmp_path.iterdir()] == ["file"]

    def test_create_takes_no_place(self, tmp_path: Path) -> None:
        create_private(tmp_path / "file", b"old")
        with pytest.raises(FileExistsError):
            create_private(tmp_path / "file", b"new")
        assert (tmp_path / "file").read_bytes() == b"old"


def test_key_passwords_differ_by_purpose_and_key() -> None:
    passwords = {
        key_password(master, purpose).reveal()
        for master in (MASTER, MasterKey(b"n" * 32))
        for purpose in (b"tls", b"ca")
    }
    assert len(passwords) == 4
    assert all(len(password) == 44 for password in passwords)
    assert key_password(MASTER, b"tls") == key_password(MasterKey(b"m" * 32), b"tls")


class TestMessages:
    @given(st.binary(max_size=2000), st.binary(max_size=100))
    def test_opens_what_it_sealed(self, plaintext: bytes, context: bytes) -> None:
        assert SEALER.unseal(SEALER.seal(plaintext, context=context), context=context) == plaintext

    @given(st.binary(max_size=40), st.data())
    def test_no_changed_bit_opens(self, plaintext: bytes, data: st.DataObject) -> None:
        sealed = bytearray(SEALER.seal(plaintext, context=b"row"))
        bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
        sealed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(KeylessError, match="damaged or was sealed under another key") as error:
            SEALER.unseal(bytes(sealed), context=b"row")
        assert kind_of(error) is ErrorKind.INTERNAL

    @given(st.binary(max_size=120))
    def test_noise_never_opens(self, noise: bytes) -> None:
        with pytest.raises(KeylessError):
            SEALER.unseal(noise, context=b"")

    def test_no_prefix_opens(self) -> None:
        sealed = SEALER.seal(b"secret", context=b"row")
        for length in range(len(sealed)):
            with pytest.raises(KeylessError):
                SEALER.unseal(sealed[:length], context=b"row")

    def test_is_bound_to_its_row(self) -> None:
        sealed = SEALER.seal(b"secret", context=b"vault/a")
        with pytest.raises(KeylessError):
            SEALER.unseal(sealed, context=b"vault/b")

    def test_equal_messages_look_different(self) -> None:
        assert len({SEALER.seal(b"same", context=b"row") for _ in range(50)}) == 50
        assert b"secret" not in SEALER.seal(b"secret", context=b"row")


class TestDataKeys:
    def test_the_newest_seals_and_the_old_ones_open(self) -> None:
        old = SEALER.seal(b"old", context=b"row")
        rotated = Sealer.from_wrapped(MASTER, [ROW, new_wrapped_key(MASTER, os.urandom)])
        new = rotated.seal(b"new", context=b"row")
        assert rotated.unseal(old, context=b"row") == b"old"
        assert rotated.unseal(new, context=b"row") == b"new"
        with pytest.raises(KeylessError):
            SEALER.unseal(new, context=b"row")

    def test_another_master_key_is_told(self) -> None:
        with pytest.raises(KeylessError, match="This master key does not open") as error:
            Sealer.from_wrapped(MasterKey(b"n" * 32), [ROW])
        assert kind_of(error) is ErrorKind.FORBIDDEN

    def test_a_wrapped_key_is_bound_to_its_id(self) -> None:
        key_id, wrapped = ROW
        other = "0" * 16 if key_id != "0" * 16 else "1" * 16
        with pytest.raises(KeylessError):
            Sealer.from_wrapped(MASTER, [(other, wrapped)])

    @pytest.mark.parametrize("row", [("zz", b"x" * 73), (ROW[0], b""), (ROW[0], ROW[1][:-1]), ("00", ROW[1])])
    def test_damaged_rows(self, row: tuple[str, bytes]) -> None:
        with pytest.raises(KeylessError, match="damaged"):
            Sealer.from_wrapped(MASTER, [row])

    def test_no_key_at_all(self) -> None:
        with pytest.raises(KeylessError, match="holds no data key"):
            Sealer.from_wrapped(MASTER, [])

    def test_wrapped_keys_hide_the_key(self) -> None:
        drawn: list[bytes] = []

        def random(count: int) -> bytes:
            drawn.append(os.urandom(count))
            return drawn[-1]

        _, wrapped = new_wrapped_key(MASTER, random)
        secret = next(value for value in drawn if len(value) == 32)
        assert secret not in wrapped
        assert "part_secret" not in repr(SEALER.current)
        assert SEALER.current.part_secret.hex() not in repr(SEALER.current)


def seal_part(part_id: bytes, body: bytes) -> bytes:
    count = PARTS.chunk_count(len(body))
    return b"".join(
        PARTS.encrypt_chunk(part_id, index, index == count - 1, body[index * CHUNK : (index + 1) * CHUNK])
        for index in range(count)
    )


def read_range(part_id: bytes, sealed: bytes, start: int, length: int, total: int) -> bytes:
    first, last, skip = PARTS.chunks_for_range(start, length, total)
    final = PARTS.chunk_count(total) - 1
    plain = b"".join(
        PARTS.decrypt_chunk(
            part_id, index, index == final, sealed[PARTS.sealed_offset(index) : PARTS.sealed_offset(index + 1)]
        )
        for index in range(first, last + 1)
    )
    return plain[skip : skip + length]


BODY = os.urandom(3 * CHUNK + 1000)
SEALED_BODY = seal_part(b"p", BODY)


class TestParts:
    @pytest.mark.parametrize("total", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 7])
    def test_sizes(self, total: int) -> None:
        sealed = seal_part(b"p", BODY[:total])
        assert len(sealed) == PARTS.sealed_size(total)
        if total:
            assert read_range(b"p", sealed, 0, total, total) == BODY[:total]
        else:
            assert PARTS.decrypt_chunk(b"p", 0, True, sealed) == b""

    @given(st.data())
    def test_ranges(self, data: st.DataObject) -> None:
        total = len(BODY)
        start = data.draw(st.integers(0, total - 1))
        length = data.draw(st.integers(1, total - start))
        first, last, _ = PARTS.chunks_for_range(start, length, total)
        assert last - first <= length // CHUNK + 1
        assert read_range(b"p", SEALED_BODY, start, length, total) == BODY[start : start + length]

    @pytest.mark.parametrize(("start", "length"), [(-1, 2), (0, 0), (0, 11), (10, 1), (5, 6)])
    def test_ranges_outside(self, start: int, length: int) -> None:
        with pytest.raises(KeylessError) as error:
            PARTS.chunks_for_range(start, length, 10)
        assert kind_of(error) is ErrorKind.RANGE

    @pytest.mark.parametrize(
        ("part_id", "index", "last"),
        [(b"other", 0, False), (b"p", 1, False), (b"p", 0, True), (b"p", -1, False), (b"p", 2**32, False)],
    )
    def test_a_chunk_opens_only_where_it_was_put(self, part_id: bytes, index: int, last: bool) -> None:
        chunk = SEALED_BODY[: PARTS.chunk_sealed_size]
        assert PARTS.decrypt_chunk(b"p", 0, False, chunk) == BODY[:CHUNK]
        with pytest.raises(KeylessError, match="damaged"):
            PARTS.decrypt_chunk(part_id, index, last, chunk)

    @pytest.mark.parametrize("total", [1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 7])
    @pytest.mark.parametrize("first", [0, 5])
    def test_many_chunks_at_once_are_the_same_chunks(self, total: int, first: int) -> None:
        sealed = bytearray(PARTS.sealed_size(total) + 3)
        size = PARTS.encrypt_chunks(b"p", first, True, BODY[:total], sealed)
        assert size == PARTS.sealed_size(total)
        count = PARTS.chunk_count(total)
        one_by_one = [
            PARTS.encrypt_chunk(b"p", first + i, i == count - 1, BODY[i * CHUNK : min(total, (i + 1) * CHUNK)])
            for i in range(count)
        ]
        assert sealed[:size] == b"".join(one_by_one)
        chunks = range(first, first + count)
        assert PARTS.decrypt_chunks(b"p", chunks, chunks[-1], bytes(sealed[:size])) == BODY[:total]

    @pytest.mark.parametrize(("first", "last", "size"), [(0, False, CHUNK - 1), (2**32 - 1, True, CHUNK + 1)])
    def test_many_chunks_of_a_wrong_size_are_not_sealed(self, first: int, last: bool, size: int) -> None:
        with pytest.raises(KeylessError):
            PARTS.encrypt_chunks(b"p", first, last, bytes(size), bytearray(2 * size + 100))

    @pytest.mark.parametrize(
        ("chunks", "final", "sealed"),
        [
            (range(4), 4, SEALED_BODY),
            (range(1, 5), 4, SEALED_BODY),
            (range(4), 3, SEALED_BODY[: PARTS.sealed_offset(3)]),
            (range(3), 3, SEALED_BODY),
            (range(4), 3, SEALED_BODY[:-1]),
            (range(4), 3, SEALED_BODY[: PARTS.sealed_offset(3) + 5]),
            (range(1), 0, b""),
            (range(1), 0, b"x"),
            (range(4), 3, SEALED_BODY[:CHUNK] + b"x" + SEALED_BODY[CHUNK + 1 :]),
        ],
    )
    def test_many_chunks_open_only_where_they_were_put_and_whole(
        self, chunks: range, final: int, sealed: bytes
    ) -> None:
        assert PARTS.decrypt_chunks(b"p", range(4), 3, SEALED_BODY) == BODY
        with pytest.raises(KeylessError, match="damaged"):
            PARTS.decrypt_chunks(b"p", chunks, final, sealed)

    def test_a_part_cut_off_at_a_chunk_does_not_read(self) -> None:
        cut = SEALED_BODY[: PARTS.sealed_offset(2)]
        with pytest.raises(KeylessError, match="damaged"):
            read_range(b"p", cut, 0, 2 * CHUNK, 2 * CHUNK)

    @given(st.data())
    def test_no_changed_bit_opens(self, data: st.DataObject) -> None:
        sealed = bytearray(PARTS.encrypt_chunk(b"p", 0, True, b"body"))
        bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
        sealed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(KeylessError, match="damaged"):
            PARTS.decrypt_chunk(b"p", 0, True, bytes(sealed))

    @given(st.binary(max_size=60))
    def test_noise_never_opens(self, noise: bytes) -> None:
        with pytest.raises(KeylessError, match="damaged"):
            PARTS.decrypt_chunk(b"p", 0, True, noise)

    @pytest.mark.parametrize(
        ("index", "last", "size"), [(0, False, CHUNK - 1), (0, False, 0), (0, True, CHUNK + 1), (2**32, True, 1)]
    )
    def test_chunks_of_a_wrong_size_are_not_sealed(self, index: int, last: bool, size: int) -> None:
        with pytest.raises(KeylessError):
            PARTS.encrypt_chunk(b"p", index, last, bytes(size))

    def test_parts_do_not_share_a_key_stream(self) -> None:
        one, other = (PARTS.encrypt_chunk(part, 0, True, bytes(64)) for part in (b"one", b"other"))
        assert one[:9] == other[:9]
        assert one[9:73] != other[9:73]
