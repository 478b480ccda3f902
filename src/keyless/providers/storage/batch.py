"""The body of a batch: HTTP requests as the parts of a multipart message, and their answers as those of another.

Owns reading and writing of both, and the limits of a batch. Sans-IO. Must not know which requests a batch may hold.

Source: RFC 2046, 5.1 (multipart); RFC 9112, 2 to 5 (requests and answers); Azure Storage REST API, "Blob Batch".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from keyless.http.message import Headers, Response
from keyless.model.errors import KeylessError, invalid

MAX_BATCH_BYTES = 4 * 1024 * 1024
MAX_PARTS = 256
_MAX_LINES = 64

_CONTENT_TYPE = re.compile(r"multipart/mixed\s*;\s*boundary=(?:\"([^\"]{1,70})\"|([^\s;\"]{1,70}))\s*", re.IGNORECASE)
_REQUEST_LINE = re.compile(r"([A-Z]{1,16}) (/[\x21-\x7e]*) HTTP/1\.[01]")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e\x80-\xff\t]*?)[ \t]*")
_CONTENT_ID = re.compile(r"[\x21-\x7e]{1,128}")


@dataclass(frozen=True, slots=True)
class BatchPart:
    """One request of a batch. `path` is percent-encoded as it was sent, `content_id` names the part's answer."""

    content_id: str
    method: str
    path: str
    raw_query: str
    headers: Headers


def parse_batch(content_type: str, body: bytes) -> list[BatchPart]:
    """The requests of a batch in order; raises INVALID with `InvalidInput` for anything but 1 to 256 whole ones."""
    found = _CONTENT_TYPE.fullmatch(content_type.strip())
    if found is None:
        raise _bad("its Content-Type is not multipart/mixed with a boundary")
    delimiter = b"--" + (found[1] or found[2]).encode("latin-1")
    # the first delimiter may stand at the very beginning, every other one is preceded by a line's end
    pieces = (b"\r\n" + body).split(b"\r\n" + delimiter)
    if len(pieces) < 2 or pieces[-1].strip() != b"--":
        raise _bad("it does not end with its boundary")
    parts = pieces[1:-1]
    if not 1 <= len(parts) <= MAX_PARTS:
        raise _bad(f"it has {len(parts)} parts instead of 1 to {MAX_PARTS}")
    return [_part(number, piece) for number, piece in enumerate(parts)]


def batch_answer(boundary: str, answers: Sequence[tuple[str, Response]]) -> bytes:
    """The answers of a batch, each with its part's Content-ID; their bodies are bytes, not streams."""
    pieces: list[bytes] = []
    for content_id, answer in answers:
        assert isinstance(answer.body, bytes)
        head = [
            f"--{boundary}",
            "Content-Type: application/http",
            f"Content-ID: {content_id}",
            "",
            f"HTTP/1.1 {answer.status} {_phrase(answer.status)}",
            *(f"{name}: {value}" for name, value in answer.headers.items()),
            f"Content-Length: {len(answer.body)}",
            "",
            "",
        ]
        # where there is no body, the empty line before it is the boundary's: Java's client takes any line more for one
        pieces += ("\r\n".join(head).encode("latin-1"), answer.body, b"\r\n" if answer.body else b"")
    return b"".join(pieces) + f"--{boundary}--\r\n".encode("latin-1")


def _part(number: int, piece: bytes) -> BatchPart:
    lines = iter(piece.decode("latin-1").split("\r\n", _MAX_LINES))
    if next(lines).strip(" \t"):
        raise _bad(f"part {number} does not begin on a line of its own")
    outer = Headers(_headers(number, lines))
    if outer.get("content-type").lower() != "application/http":
        raise _bad(f"part {number} is not of the type application/http")
    content_id = outer.get("content-id", str(number))
    request = _REQUEST_LINE.fullmatch(next(lines, ""))
    if request is None or not _CONTENT_ID.fullmatch(content_id):
        raise _bad(f"part {number} has no request line or an odd Content-ID")
    headers = Headers(_headers(number, lines))
    if any(lines) or headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
        raise _bad(f"part {number} has a body or more than {_MAX_LINES} lines")
    path, _, query = request[2].partition("?")
    return BatchPart(content_id, request[1], path, query, headers)


def _headers(number: int, lines: Iterable[str]) -> list[tuple[str, str]]:
    """Those up to the empty line, or to the end: some clients leave the last empty line to the boundary."""
    pairs: list[tuple[str, str]] = []
    for line in lines:
        if not line:
            break
        found = _HEADER.fullmatch(line)
        if found is None:
            raise _bad(f"part {number} has a malformed header")
        pairs.append((found[1], found[2]))
    return pairs


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _bad(what: str) -> KeylessError:
    return invalid(f"The body is not a batch that can be read: {what}.", "InvalidInput")
