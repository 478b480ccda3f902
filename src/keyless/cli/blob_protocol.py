"""The Blob protocol as the commands need it: addresses, lists, block lists. Does no I/O.

Source: Azure Storage REST API, "List Blobs", "List Containers", "Put Block", "Put Block List".
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote
from xml.etree import ElementTree

from keyless.cli.output import Json
from keyless.model.errors import invalid

VERSION = {"x-ms-version": "2023-11-03"}
#: The most blocks that one blob can have.
MAX_BLOCKS = 50_000

_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")


@dataclass(frozen=True)
class Address:
    """What `ACCOUNT[/CONTAINER[/BLOB]]` says; what is not said is empty."""

    account: str
    container: str = ""
    blob: str = ""

    @property
    def path(self) -> str:
        """The path of the container or blob in a URL."""
        parts = [self.container, *(self.blob.split("/") if self.blob else [])]
        return "/" + "/".join(map(_segment, parts))


def parse_address(text: str) -> Address:
    """Read an address; KeylessError INVALID unless its account could be one, for it becomes part of a host name."""
    account, _, rest = text.partition("/")
    container, _, blob = rest.partition("/")
    if not _ACCOUNT.fullmatch(account):
        raise invalid(f"{account!r} is not a storage account's name: 3 to 24 lower-case letters or digits.")
    return Address(account, container, blob)


@dataclass(frozen=True)
class Page:
    """A page of a list, and the marker of the next one; an empty marker says that it was the last."""

    items: list[Json]
    next_marker: str


def parse_list(document: bytes, kind: str) -> Page:
    """A page of `kind` (`Blob` or `Container`): names, properties by their names in the protocol, metadata."""
    root = ElementTree.fromstring(document)  # noqa: S314 (from the server whose certificate was checked)
    return Page([_item(found) for found in root.iter(kind)], root.findtext("NextMarker", ""))


def block_id(upload: str, number: int) -> str:
    """The ID of a block; all of one upload have the same length, and no other upload's are among them."""
    return base64.b64encode(f"{upload}-{number:05}".encode()).decode("ascii")


def block_list(ids: list[str]) -> bytes:
    """The body of Put Block List: these blocks, in this order."""
    blocks = "".join(f"<Uncommitted>{one}</Uncommitted>" for one in ids)
    return f'<?xml version="1.0" encoding="utf-8"?><BlockList>{blocks}</BlockList>'.encode()


def _item(found: ElementTree.Element) -> Json:
    properties = {child.tag: child.text or "" for child in found.find("Properties") or ()}
    metadata = {child.tag: child.text or "" for child in found.find("Metadata") or ()}
    return {"name": _name(found.find("Name")), "properties": properties, "metadata": metadata}


def _name(element: ElementTree.Element | None) -> str:
    if element is None:
        return ""
    text = element.text or ""
    return unquote(text) if element.get("Encoded") == "true" else text


def _segment(text: str) -> str:
    # a client takes dots that stand alone for steps in a path, not for names
    return text.replace(".", "%2E") if text in {".", ".."} else quote(text, safe="")
