"""Blob index tags: what a blob may carry, and the expressions that look for them.

Owns the rules of tags, their two spellings (`x-ms-tags`, XML) and the grammar of `where` and `x-ms-if-tags`. Pure.

Source: Azure Storage REST API, "Set Blob Tags", "Find Blobs by Tags", "Specifying conditional headers" (x-ms-if-tags).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from keyless.model.errors import KeylessError, invalid
from keyless.providers.storage.xml_tree import bad_document, read_tree

MAX_TAGS = 10
MAX_KEY = 128
MAX_VALUE = 256
MAX_EXPRESSION = 8 * 1024
#: Terms of an expression; many more than there can be tags.
_MAX_TERMS = 32
_ALLOWED = re.compile(r"[A-Za-z0-9 +\-./:=_]*")
_CONTAINER = "@container"
_Bad = Callable[[str], KeylessError]


def read_tags_header(text: str) -> dict[str, str]:
    """The tags of `x-ms-tags` (`a=1&b=2`, percent-encoded); raises INVALID with the code of what is wrong."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), max_num_fields=MAX_TAGS + 1)
    except ValueError:
        raise invalid("The header x-ms-tags must have the form name=value&name=value.", "InvalidHeaderValue") from None
    return _checked(pairs)


def read_tags_document(document: bytes) -> dict[str, str]:
    """The tags of a `Tags` document; raises INVALID."""
    sets = list(read_tree(document, "Tags"))
    tags = [tag for tag_set in sets for tag in tag_set]
    if any(tag_set.tag != "TagSet" for tag_set in sets) or any(tag.tag != "Tag" for tag in tags):
        raise bad_document("it is no set of tags")
    return _checked((tag.findtext("Key") or "", tag.findtext("Value") or "") for tag in tags)


def tags_element(tags: Mapping[str, str]) -> str:
    """A `Tags` element."""
    inner = "".join(f"<Tag><Key>{escape(k)}</Key><Value>{escape(v)}</Value></Tag>" for k, v in tags.items())
    return f"<Tags><TagSet>{inner}</TagSet></Tags>"


def _checked(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    tags: dict[str, str] = {}
    for key, value in pairs:
        if not key:
            raise invalid("A tag needs a name.", "EmptyTagName")
        if key in tags:
            raise invalid(f"The tag {key!r} is given twice.", "DuplicateTagNames")
        if len(key) > MAX_KEY or len(value) > MAX_VALUE or len(tags) == MAX_TAGS:
            raise invalid(
                f"A blob has at most {MAX_TAGS} tags; a name has up to {MAX_KEY} characters, a value {MAX_VALUE}.",
                "TagsTooLarge",
            )
        if not _ALLOWED.fullmatch(key) or not _ALLOWED.fullmatch(value):
            raise invalid("A tag holds letters, digits, spaces and + - . / : = _ only.", "InvalidTag")
        tags[key] = value
    return tags


@dataclass(frozen=True, slots=True)
class Term:
    """A comparison of one tag with a value; values are compared as text."""

    key: str
    operator: str
    value: str

    def holds(self, tags: Mapping[str, str]) -> bool:
        """Whether it is true; of a blob without the tag nothing is."""
        there = tags.get(self.key)
        if there is None:
            return False
        return {
            "=": there == self.value,
            "<>": there != self.value,
            "<": there < self.value,
            "<=": there <= self.value,
            ">": there > self.value,
            ">=": there >= self.value,
        }[self.operator]


@dataclass(frozen=True, slots=True)
class Expression:
    """Alternatives, of which each is a row of terms that must all hold; and the container it is limited to, if any."""

    any_of: tuple[tuple[Term, ...], ...]
    container: str = ""

    def holds(self, tags: Mapping[str, str]) -> bool:
        """Whether a blob with these tags is meant."""
        return any(all(term.holds(tags) for term in terms) for terms in self.any_of)


def read_where(text: str) -> Expression:
    """The query parameter `where`: terms joined by AND, one of them perhaps `@container = 'name'`; raises INVALID."""
    rows = _rows(text, {"=", "<", "<=", ">", ">="}, _bad_where)
    if len(rows) != 1:
        raise _bad_where("OR is not to be had here")
    named = [term for term in rows[0] if term.key == _CONTAINER]
    rest = tuple(term for term in rows[0] if term.key != _CONTAINER)
    if len(named) > 1 or any(term.operator != "=" for term in named):
        raise _bad_where("@container is compared once, with =")
    if not rest:
        raise _bad_where("it names no tag")
    return Expression((rest,), named[0].value if named else "")


def read_if_tags(text: str) -> Expression:
    """The header `x-ms-if-tags`: terms joined by AND and OR, AND binding closer; raises INVALID."""
    rows = _rows(text, {"=", "<>", "<", "<=", ">", ">="}, _bad_if_tags)
    if any(term.key == _CONTAINER for row in rows for term in row):
        raise _bad_if_tags("@container is not to be had here")
    return Expression(rows)


_TOKEN = re.compile(
    r"""\s*(?:(?P<operator><>|<=|>=|<|>|=)|'(?P<value>[^']*)'|"(?P<key>[^"]*)"|(?P<word>@?[A-Za-z0-9_]+))\s*"""
)


def _rows(text: str, operators: set[str], bad: _Bad) -> tuple[tuple[Term, ...], ...]:
    if len(text) > MAX_EXPRESSION:
        raise bad("it is too long")
    tokens: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or len(tokens) > 4 * _MAX_TERMS:
            raise bad(f"it cannot be read from character {at + 1} on")
        kind = found.lastgroup or ""
        tokens.append((kind, found[kind]))
        at = found.end()
    rows: list[list[Term]] = [[]]
    for index in range(0, len(tokens), 4):
        kinds = [kind for kind, _ in tokens[index : index + 3]]
        if len(kinds) < 3 or kinds[0] not in {"key", "word"} or kinds[1:] != ["operator", "value"]:
            raise bad("each part has the form \"name\" = 'value'")
        (_, key), (_, operator), (_, value) = tokens[index : index + 3]
        if operator not in operators:
            raise bad(f"the operator {operator} is not to be had here")
        rows[-1].append(Term(key, operator, value))
        if joint := tokens[index + 3 : index + 4]:
            word = joint[0][1].upper()
            if joint[0][0] != "word" or word not in {"AND", "OR"} or index + 4 == len(tokens):
                raise bad("its parts are joined by AND or OR")
            if word == "OR":
                rows.append([])
    if not rows[0]:
        raise bad("it is empty")
    return tuple(tuple(row) for row in rows)


def _bad_where(what: str) -> KeylessError:
    return invalid(f"The query parameter where cannot be used: {what}.", "InvalidQueryParameterValue")


def _bad_if_tags(what: str) -> KeylessError:
    return invalid(f"The header x-ms-if-tags cannot be used: {what}.", "InvalidHeaderValue")
