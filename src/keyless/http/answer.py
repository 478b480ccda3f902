"""The head of an answer, from a typed response to bytes.

Owns the status line, the fields that HTTP itself asks for, and that no value ends its line. Pure.

Source: RFC 9112 sections 4 and 6 (status line, framing), RFC 9110 sections 5.5 and 6.6.1 (field values, Date).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

from keyless.http.message import OWN_NAMES

_STATUS_LINES = {int(status): f"HTTP/1.1 {int(status)} {status.phrase}\r\n" for status in HTTPStatus}
_NO_NAME = re.compile(r"[^!#$%&'*+\-.^_`|~0-9A-Za-z]|^$")
_NO_VALUE = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
#: These have no body, and no length of one.
_BARE = {204, 304}


def answer_head(
    status: int, headers: Mapping[str, str], now: int, *, length: int | None, chunked: bool, close: bool
) -> bytes:
    """Everything before the body, whose `length` is said when it is known; raises ValueError for a bad field."""
    values = "".join(headers.values())
    if not values.isprintable() and _NO_VALUE.search(values):
        raise ValueError("a header's value is none")
    lines = [_STATUS_LINES[status], _date(now)]
    lines += [f"{_name(name)}: {value}\r\n" for name, value in headers.items()]
    if status not in _BARE:
        if length is not None:
            lines.append(f"content-length: {length}\r\n")
        elif chunked:
            lines.append("transfer-encoding: chunked\r\n")
    lines.append("connection: close\r\n\r\n" if close else "\r\n")
    return "".join(lines).encode("latin-1")


@lru_cache(maxsize=1)
def _date(now: int) -> str:
    return f"date: {formatdate(now, usegmt=True)}\r\n"


@lru_cache(maxsize=512)
def _name(name: str) -> str:
    """As it goes out: a name that a user chose keeps its case."""
    if _NO_NAME.search(name):
        raise ValueError("a header's name is none")
    return name if name.startswith(OWN_NAMES) else name.lower()
