"""Download of one blob, in flat memory, whole or not at all.

Owns the temporary file beside the target and the check of what arrived. Must not leave half a file.

Source: Azure Storage REST API, "Get Blob".
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import httpx

from keyless.cli.blob_protocol import VERSION, Address
from keyless.cli.errors import Refused
from keyless.cli.session import Session

#: Told how long the blob is; returns what is told how many more bytes have come.
Started = Callable[[int], Callable[[int], None]]


def download(session: Session, address: Address, sink: BinaryIO, started: Started) -> None:
    """Write the blob to `sink`; Refused if it is not there, or if what came is not what was put."""
    endpoint = session.instance.account(address.account)
    with session.stream("GET", endpoint, address.path, headers=VERSION) as response:
        progress = started(int(response.headers.get("Content-Length", "0")))
        digest = hashlib.md5(usedforsecurity=False)
        for chunk in response.iter_raw():
            digest.update(chunk)
            sink.write(chunk)
            progress(len(chunk))
        _check(response, digest.digest())


@contextmanager
def target(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes the place of `path` when all went well, and is gone otherwise."""
    if path.exists() and not path.is_file():
        # a named pipe or a device cannot be replaced
        with path.open("wb") as sink:
            yield sink
        return
    temporary = path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}.part")
    try:
        with open(temporary, "xb") as sink:
            yield sink
            sink.flush()
            os.fsync(sink.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _check(response: httpx.Response, digest: bytes) -> None:
    expected = response.headers.get("Content-MD5")
    if expected and base64.b64encode(digest).decode("ascii") != expected:
        raise Refused("What arrived does not have the blob's MD5: try again; if it stays, the blob is damaged.")
