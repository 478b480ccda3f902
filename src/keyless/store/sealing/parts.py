"""Sealed parts: blob bodies in chunks, so that a range costs only the chunks that it touches.

Owns the sealed form of a chunk and the arithmetic of offsets; no file I/O. A chunk is

    version (1 byte, 0x01) ‖ data key ID (8) ‖ ciphertext and tag (n + 16)

and every chunk but the last holds 64 KiB of plaintext: AES-GCM runs at full speed there, a short range reads
little more than it needs, and a part small enough to lie in the database is one chunk. The AES key is the
part's own (HKDF-SHA-256 with the part ID as salt), the nonce is the chunk's index and whether it is the last;
both are bound as associated data with the part ID. So a chunk moved, swapped or cut off does not open.
"""

from __future__ import annotations

from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keyless.model.errors import ErrorKind, KeylessError
from keyless.store.sealing.data_keys import HEAD_BYTES, DataKey, Sealer, damaged, sealed_head
from keyless.store.sealing.xaes import TAG_BYTES

_KIB = 1024
_OVERHEAD_BYTES = HEAD_BYTES + TAG_BYTES
_MAX_CHUNKS = 2**32
#: Ciphers of parts that were used last, each some hundred bytes.
_REMEMBERED = 1024
_PURPOSE = b"keyless part"


class PartSealer:
    """Seals and unseals chunks. Safe to use from many threads.

    A part ID serves one body, once: to seal two bodies under one ID would give both the same nonces.
    """

    #: Bytes of plaintext in every chunk but the last.
    chunk_plain_size = 64 * _KIB
    #: Bytes of every sealed chunk but the last.
    chunk_sealed_size = chunk_plain_size + _OVERHEAD_BYTES

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        # a part of many chunks has one cipher, and what is read is read again and again
        self._cipher = lru_cache(maxsize=_REMEMBERED)(_part_cipher)

    def encrypt_chunk(self, part_id: bytes, index: int, last: bool, data: bytes) -> bytes:
        """Seal chunk `index` of a part. Only the last may be shorter than `chunk_plain_size`, even empty."""
        full = len(data) == self.chunk_plain_size
        if not (full or (last and len(data) < self.chunk_plain_size)) or not 0 <= index < _MAX_CHUNKS:
            raise KeylessError(ErrorKind.INVALID, f"Chunk {index} of {len(data)} bytes does not fit into a part.")
        key = self._sealer.current
        head, nonce = sealed_head(key), _nonce(index, last)
        return head + self._cipher(key, part_id).encrypt(nonce, data, head + nonce + part_id)

    def decrypt_chunk(self, part_id: bytes, index: int, last: bool, sealed: bytes) -> bytes:
        """Open chunk `index`; INTERNAL if it is damaged, another's, or not where it was put."""
        key = self._sealer.key_of(sealed)
        if not _OVERHEAD_BYTES <= len(sealed) <= self.chunk_sealed_size or not 0 <= index < _MAX_CHUNKS:
            raise damaged()
        nonce = _nonce(index, last)
        body = memoryview(sealed)[HEAD_BYTES:]
        try:
            return self._cipher(key, part_id).decrypt(nonce, body, sealed[:HEAD_BYTES] + nonce + part_id)
        except InvalidTag:
            raise damaged() from None

    def encrypt_chunks(self, part_id: bytes, first: int, last: bool, data: bytes, sealed: bytearray) -> int:
        """Seal `data` into chunks from `first` on, where the caller has room for them; how many bytes these take."""
        size, left = self.chunk_plain_size, memoryview(data)
        count = self.chunk_count(len(left))
        if (len(left) % size and not last) or first + count > _MAX_CHUNKS:
            raise KeylessError(ErrorKind.INVALID, f"{len(left)} bytes from chunk {first} on do not fit into a part.")
        key = self._sealer.current
        head, cipher, out = sealed_head(key), self._cipher(key, part_id), memoryview(sealed)
        end = 0
        for number in range(count):
            chunk = left[number * size : (number + 1) * size]
            nonce = _nonce(first + number, last and number == count - 1)
            begin, end = end + HEAD_BYTES, end + len(chunk) + _OVERHEAD_BYTES
            out[begin - HEAD_BYTES : begin] = head
            cipher.encrypt_into(nonce, chunk, head + nonce + part_id, out[begin:end])
        return end

    def decrypt_chunks(self, part_id: bytes, chunks: range, final: int, sealed: bytes) -> bytearray:
        """Open consecutive chunks; `final` is the part's last one. INTERNAL, likewise, or if one is missing."""
        left, size, plain_size = memoryview(sealed), self.chunk_sealed_size, self.chunk_plain_size
        if -(-len(left) // size) != len(chunks):
            raise damaged()
        plain = bytearray(max(0, len(left) - len(chunks) * _OVERHEAD_BYTES))
        out = memoryview(plain)
        for number, index in enumerate(chunks):
            chunk = left[number * size : (number + 1) * size]
            into = out[number * plain_size : (number + 1) * plain_size]
            self._decrypt_into(part_id, index, index == final, chunk, into)
        return plain

    def _decrypt_into(self, part_id: bytes, index: int, last: bool, chunk: memoryview, out: memoryview) -> None:
        head = bytes(chunk[:HEAD_BYTES])
        key = self._sealer.key_of(head)
        if len(chunk) != len(out) + _OVERHEAD_BYTES:
            raise damaged()
        nonce = _nonce(index, last)
        try:
            self._cipher(key, part_id).decrypt_into(nonce, chunk[HEAD_BYTES:], head + nonce + part_id, out)
        except InvalidTag:
            raise damaged() from None

    @classmethod
    def chunk_count(cls, total: int) -> int:
        """How many chunks a part of `total` bytes of plaintext has; an empty part has one."""
        return max(1, -(-total // cls.chunk_plain_size))

    @classmethod
    def chunks_for_range(cls, start: int, length: int, total: int) -> tuple[int, int, int]:
        """The first and last chunk that a range touches, and the bytes to skip in the first.

        RANGE if the range is empty or reaches outside of the part's `total` bytes.
        """
        if start < 0 or length < 1 or start + length > total:
            raise KeylessError(ErrorKind.RANGE, "The range lies outside of the part: ask for bytes that it has.")
        first, skip = divmod(start, cls.chunk_plain_size)
        return first, (start + length - 1) // cls.chunk_plain_size, skip

    @classmethod
    def sealed_offset(cls, index: int) -> int:
        """Where chunk `index` begins in the sealed part."""
        return index * cls.chunk_sealed_size

    @classmethod
    def sealed_size(cls, total: int) -> int:
        """How many bytes a part of `total` bytes of plaintext takes when sealed."""
        return total + cls.chunk_count(total) * _OVERHEAD_BYTES


def _nonce(index: int, last: bool) -> bytes:
    return index.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


def _part_cipher(key: DataKey, part_id: bytes) -> AESGCM:
    return AESGCM(HKDF(hashes.SHA256(), 32, salt=part_id, info=_PURPOSE).derive(key.part_secret))
