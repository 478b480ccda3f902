"""The XML that the Blob surface writes: well-formed whatever a name holds, and the name can be had back."""

from __future__ import annotations

from urllib.parse import unquote
from xml.etree import ElementTree

from keyless.providers.storage.xml import ListingHead, error_document, list_closing, list_opening, prefix_entry

SEEDS = (
    b"a name",
    b"</Name><Name>",
    b"]]>",
    b'"&quot;',
    b"a\x00b",
    "line\r\nline\u2028\ufffe\U0001f600".encode(),
    b"%41",
    b"<?xml?>",
)


def fuzz(data: bytes) -> None:
    """One input."""
    text = data.decode("utf-8", "ignore")
    head = ListingHead("https://a/", prefix=text, delimiter=text[:3], marker="MQ", container="box")
    document = list_opening(head, "Blobs") + prefix_entry(text) + list_closing("MQ", "Blobs")
    root = ElementTree.fromstring(document.encode())
    name = root.find("Blobs/BlobPrefix/Name")
    assert name is not None
    assert _plain(name) == text
    prefix = root.find("Prefix")
    assert (_plain(prefix) if prefix is not None else "") == text
    told = ElementTree.fromstring(error_document("Code", text, "id"))
    assert told.findtext("Code") == "Code"


def _plain(element: ElementTree.Element) -> str:
    found = element.text or ""
    return unquote(found) if element.get("Encoded") == "true" else found
