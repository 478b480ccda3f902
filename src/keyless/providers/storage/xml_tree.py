"""Reading small XML documents that clients send.

Owns the safe parsing into a tree: document types and entities are refused, so that nothing is expanded or
fetched, and whatever a document says of itself, it is read as UTF-8. Sans-IO. What the elements mean is known by
their operations.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from keyless.model.errors import KeylessError, invalid

MAX_DOCUMENT_BYTES = 64 * 1024
MAX_DEPTH = 16


def read_tree(document: bytes, root: str) -> Element:
    """The tree of a document whose root element is `root`; raises INVALID with `InvalidXmlDocument`."""
    builder = TreeBuilder()
    depth = 0

    def start(tag: str, _attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise bad_document("its elements lie too deep in each other")
        builder.start(tag, {})

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    def doctype(*_: object) -> None:
        raise bad_document("it declares a document type")

    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(document, True)
    except expat.ExpatError as error:
        raise bad_document(f"the XML breaks off or is malformed at line {error.lineno}") from None
    tree = builder.close()
    if tree.tag != root:
        raise bad_document(f"its root element is not {root}")
    return tree


def text_of(element: Element, name: str) -> str:
    """The text of a child; empty if it is not there."""
    return (element.findtext(name) or "").strip()


def flag_of(element: Element, name: str) -> bool:
    """A child that is `true` or `false`; false if it is not there."""
    text = text_of(element, name).lower()
    if text not in {"", "true", "false"}:
        raise bad_document(f"{name} must be true or false")
    return text == "true"


def bad_document(what: str) -> KeylessError:
    """The document cannot be used, and why."""
    return invalid(f"The XML in the body cannot be used: {what}.", "InvalidXmlDocument")
