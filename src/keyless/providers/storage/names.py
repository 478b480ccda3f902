"""Which names containers, blobs and blocks may have, and which of them a path speaks of.

Owns the rules of naming and addressing. Pure.

Source: Azure Storage, "Naming and referencing containers, blobs, and metadata".
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from keyless.http.message import Request
from keyless.model.errors import KeylessError, invalid

MAX_BLOB_NAME = 1024
MAX_SLASHES = 254
MAX_BLOCK_ID = 64
ROOT_CONTAINER = "$root"
_SPECIAL = frozenset({ROOT_CONTAINER, "$web"})
_CONTAINER = re.compile(r"[a-z0-9](?:[a-z0-9]|-(?!-)){1,61}[a-z0-9]")


@dataclass(frozen=True, slots=True)
class Address:
    """What a path speaks of: an account (both empty), a container (no blob), or a blob."""

    container: str = ""
    blob: str = ""

    @property
    def level(self) -> str:
        """`account`, `container` or `blob`."""
        if self.blob:
            return "blob"
        return "container" if self.container else "account"


def address(request: Request) -> Address:
    """Read the path; raises INVALID with `InvalidResourceName` for a name that none may have.

    A blob's name is all that follows its container, slashes and encoded slashes alike. A lone segment names a
    container where `restype=container` says so, else a blob of the root container.
    """
    segments = request.segments() or [""]
    if len(segments) > 2 and not segments[0]:
        # Java's client takes every host with "localhost" in it for path style, and writes the account that it
        # misses there as nothing: //container/blob
        del segments[0]
    container, *rest = segments
    blob = "/".join(rest)
    if container and not blob and request.query.get("restype") != "container":
        container, blob = ROOT_CONTAINER, container
    if container:
        check_container(container)
    elif blob:
        raise _bad("A container's name is missing before the blob's in the path.")
    if blob:
        check_blob(blob)
    return Address(container, blob)


def check_container(name: str) -> None:
    """Raise INVALID unless a container may have this name."""
    if name not in _SPECIAL and not _CONTAINER.fullmatch(name):
        raise _bad(
            "A container's name has 3 to 63 lower-case letters, digits and single hyphens, none of these first or last."
        )


def check_blob(name: str) -> None:
    """Raise INVALID unless a blob may have this name."""
    if not 1 <= len(name) <= MAX_BLOB_NAME:
        raise _bad(f"A blob's name has 1 to {MAX_BLOB_NAME} characters.")
    if name.count("/") > MAX_SLASHES:
        raise _bad(f"A blob's name has at most {MAX_SLASHES} slashes.")
    if "\x00" in name:
        raise _bad("A blob's name cannot hold the character U+0000.")


def read_block_id(text: str) -> str:
    """A block ID in its one base64 form; raises INVALID with `InvalidBlockId`."""
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if not 1 <= len(decoded) <= MAX_BLOCK_ID:
        raise invalid(f"A block ID is the base64 form of 1 to {MAX_BLOCK_ID} bytes.", "InvalidBlockId")
    return base64.b64encode(decoded).decode()


def _bad(message: str) -> KeylessError:
    return invalid(message, "InvalidResourceName")
