"""Upload of one blob: in one request, or in blocks of which some are under way at once.

Owns the choice between the two and the transfer in flat memory. Must not overwrite unless told to.

Source: Azure Storage REST API, "Put Blob", "Put Block", "Put Block List".
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import BinaryIO

from keyless.cli.blob_protocol import MAX_BLOCKS, VERSION, Address, block_id, block_list
from keyless.cli.errors import Refused
from keyless.cli.session import Session

MIB = 1024 * 1024
SINGLE_MAX = 64 * MIB
BLOCK = 8 * MIB
IN_FLIGHT = 4
#: What is handed to TLS at once: of anything longer it copies the rest again for each record that it sends.
_PIECE = 64 * 1024

#: Told how many more bytes have gone.
Progress = Callable[[int], None]
#: A block's bytes, in pieces.
Block = list[bytes]


@dataclass(frozen=True)
class Upload:
    """What is to be uploaded where. `size` is None where the source does not know it (a pipe)."""

    session: Session
    address: Address
    content_type: str
    overwrite: bool
    progress: Progress

    def send(self, source: BinaryIO, size: int | None) -> None:
        """Upload; Refused if the blob is there and must not be overwritten, and for whatever the server says."""
        if size is not None and size <= SINGLE_MAX:
            self._put_blob(_counted(source, self.progress), size)
            return
        length = block_size(size)
        first = _read(source, length)
        if (size := _size(first)) < length:
            self._put_blob(first, size)
            self.progress(size)
            return
        self._refuse_early()
        self._commit(*self._put_blocks(first, source, length))

    def _put_blob(self, content: Iterable[bytes], size: int) -> None:
        headers = {
            "x-ms-blob-type": "BlockBlob",
            "x-ms-blob-content-type": self.content_type,
            "Content-Length": str(size),
            **self._condition(),
        }
        self._put({}, headers, content)

    def _put_blocks(self, first: Block, source: BinaryIO, length: int) -> tuple[list[str], str]:
        """Put every block; the IDs in order, and the MD5 of all in base64."""
        upload = secrets.token_hex(8)
        digest = hashlib.md5(usedforsecurity=False)
        ids: list[str] = []
        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            pending: set[Future[None]] = set()
            try:
                for block in _blocks(first, source, length):
                    if len(ids) == MAX_BLOCKS:
                        raise Refused(
                            f"It is longer than {MAX_BLOCKS} blocks of {length} bytes: upload it from a file."
                        )
                    for piece in block:
                        digest.update(piece)
                    ids.append(block_id(upload, len(ids)))
                    pending.add(pool.submit(self._put_block, ids[-1], block))
                    if len(pending) == IN_FLIGHT:
                        pending = _settled(pending)
                while pending:
                    pending = _settled(pending)
            finally:
                for future in pending:
                    future.cancel()
        return ids, base64.b64encode(digest.digest()).decode("ascii")

    def _put_block(self, one: str, block: Block) -> None:
        size = _size(block)
        self._put({"comp": "block", "blockid": one}, {"Content-Length": str(size)}, block)
        # httpx's responses are cycles that hold what was sent until they are collected, which may be much later
        block.clear()
        self.progress(size)

    def _commit(self, ids: list[str], md5: str) -> None:
        headers = {
            "x-ms-blob-content-type": self.content_type,
            "x-ms-blob-content-md5": md5,
            "Content-Type": "application/xml",
            **self._condition(),
        }
        body = block_list(ids)
        self._put({"comp": "blocklist"}, {**headers, "Content-Length": str(len(body))}, [body])

    def _put(self, query: dict[str, str], headers: dict[str, str], content: Iterable[bytes]) -> None:
        endpoint = self.session.instance.account(self.address.account)
        try:
            self.session.request(
                "PUT", endpoint, self.address.path, query=query, headers={**VERSION, **headers}, content=content
            )
        except Refused as error:
            raise self._exists() if error.code == "BlobAlreadyExists" else error from None

    def _refuse_early(self) -> None:
        """Before a long transfer: what the commit would refuse in the end."""
        if self.overwrite:
            return
        endpoint = self.session.instance.account(self.address.account)
        try:
            self.session.request("HEAD", endpoint, self.address.path, headers=VERSION)
        except Refused:
            # not there, or not to be read; if something else is wrong, the first block tells more than this does
            return
        raise self._exists()

    def _exists(self) -> Refused:
        return Refused(f"{self.address.blob!r} is there already: say --overwrite to replace it.", status=409)

    def _condition(self) -> dict[str, str]:
        return {} if self.overwrite else {"If-None-Match": "*"}


def block_size(size: int | None) -> int:
    """How long the blocks of an upload are: 8 MiB, or what fits `size` bytes into as many blocks as may be."""
    least = -(-(size or 0) // MAX_BLOCKS)
    return max(BLOCK, -(-least // MIB) * MIB)


def _blocks(first: Block, source: BinaryIO, length: int) -> Iterator[Block]:
    block = first
    while block:
        yield block
        block = _read(source, length)


def _settled(pending: set[Future[None]]) -> set[Future[None]]:
    """Wait until one is done; raises what it raised."""
    done, left = wait(pending, return_when=FIRST_COMPLETED)
    for future in done:
        future.result()
    return left


def _read(source: BinaryIO, length: int) -> Block:
    """`length` bytes, or what there is up to the end: a pipe gives less at a time."""
    block: Block = []
    left = length
    while left and (piece := source.read(min(left, _PIECE))):
        block.append(piece)
        left -= len(piece)
    return block


def _size(block: Block) -> int:
    return sum(map(len, block))


def _counted(source: BinaryIO, progress: Progress) -> Iterator[bytes]:
    while piece := source.read(_PIECE):
        yield piece
        progress(len(piece))
