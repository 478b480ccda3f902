"""The challenge of a server connected through Azure Arc: who asks has to read a key file first.

Owns the decision about each request before it goes to the server. Bytes in, a verdict out; the files are
`arc_files.py`. A request that cannot be a client's (no `Metadata: true`) gets no challenge: the server refuses it.

Source: Azure Arc-enabled servers, "Authenticate against Azure resources with Azure Arc-enabled servers"; RFC 7617.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from keyless.model.errors import invalid

_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\0\r\n]*?)[ \t]*")
_BASIC = "basic "


class Asked(NamedTuple):
    """What the challenge looks at: the key that was shown, or whether a challenge is to be answered with."""

    key: str | None
    wants_challenge: bool


def read_head(head: bytes) -> Asked:
    """Read a request's header block; raises INVALID for what is none, or comes with a body."""
    headers: dict[str, str] = {}
    for line in head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")[1:]:
        found = _HEADER.fullmatch(line)
        if found is None or found[1].lower() in headers:
            raise invalid("This is not an HTTP/1.1 request, or a header is in it twice.")
        headers[found[1].lower()] = found[2]
    # what follows the header block is not passed on
    if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
        raise invalid("A request for a token has no body.")
    authorization = headers.get("authorization")
    if authorization is None:
        return Asked(None, headers.get("metadata", "").lower() == "true")
    is_basic = authorization.lower().startswith(_BASIC)
    return Asked(authorization[len(_BASIC) :].strip() if is_basic else "", wants_challenge=False)


def single(head: bytes) -> bytes:
    """The header block of a request after which the connection ends."""
    lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    kept = [line for line in lines if not line.lower().startswith((b"connection:", b"keep-alive:"))]
    return b"\r\n".join([*kept, b"Connection: close", b"", b""])


def challenge(path: str) -> bytes:
    """The answer that sends the client to a key file."""
    return _answer("This request needs the key in the file that the header names.", path)


def refusal() -> bytes:
    """The answer to a key that is none, or was used already."""
    return _answer("The key is not one of this instance's, or was used before: ask without it first.", None)


def _answer(message: str, path: str | None) -> bytes:
    body = json.dumps({"error": "unauthorized_client", "error_description": message}).encode()
    lines = [
        "HTTP/1.1 401 Unauthorized",
        *([f"WWW-Authenticate: Basic realm={path}"] if path else []),
        "Content-Type: application/json",
        "Cache-Control: no-store",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
