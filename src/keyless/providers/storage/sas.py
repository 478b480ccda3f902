"""Shared access signatures made with a user delegation key: their fields and the text that is signed.

Owns the layouts of that text, one for each range of `sv`, and the comparison of signatures. Sans-IO. Must not know
keys, principals or the time.

Source: Azure Storage REST API, "Create a user delegation SAS"; checked against what the official clients sign:
Python 12.26 to 12.31, JavaScript 12.32, Go 1.8, Java 12.32, .NET 12.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping

from keyless.http.message import Headers
from keyless.model.errors import ErrorKind, KeylessError
from keyless.providers.storage.names import Address

OLDEST = "2018-11-09"
#: The fields that are no field of the query, but follow from the request.
_RESOURCE, _TIME, _SIGNED_HEADERS, _SIGNED_QUERY = "resource", "time", "srh", "srq"
#: The lines of the text that is signed, each with the first version that has it.
_LAYOUT = (
    ("sp", OLDEST),
    ("st", OLDEST),
    ("se", OLDEST),
    (_RESOURCE, OLDEST),
    ("skoid", OLDEST),
    ("sktid", OLDEST),
    ("skt", OLDEST),
    ("ske", OLDEST),
    ("sks", OLDEST),
    ("skv", OLDEST),
    ("saoid", "2020-02-10"),
    ("suoid", "2020-02-10"),
    ("scid", "2020-02-10"),
    ("skdutid", "2025-07-05"),
    ("sduoid", "2025-07-05"),
    ("sip", OLDEST),
    ("spr", OLDEST),
    ("sv", OLDEST),
    ("sr", OLDEST),
    (_TIME, OLDEST),
    ("ses", "2020-12-06"),
    (_SIGNED_HEADERS, "2026-04-06"),
    (_SIGNED_QUERY, "2026-04-06"),
    ("rscc", OLDEST),
    ("rscd", OLDEST),
    ("rsce", OLDEST),
    ("rscl", OLDEST),
    ("rsct", OLDEST),
)
_MAX_SIGNED_NAMES = 16
_VERSION = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DEPTH = re.compile(r"[1-9]\d{0,2}", re.ASCII)
_MOMENTS = {"bs": "snapshot", "bv": "versionid"}


def string_to_sign(account: str, at: Address, query: Mapping[str, str], headers: Headers) -> str:
    """The text whose signature a request must bring along; raises FORBIDDEN with `AuthenticationFailed`.

    `account` is the storage account's name. What restricts a signature without being signed in its version is
    refused: whoever passed the URL on could have taken it away.
    """
    version = query.get("sv", "")
    if not _VERSION.fullmatch(version) or version < OLDEST:
        raise failed(f"its version sv must be a date from {OLDEST} on")
    lines: list[str] = []
    for name, since in _LAYOUT:
        if version >= since:
            lines.append(_line(name, account, at, query, headers))
        elif query.get(name):
            raise failed(f"its version does not know the field {name}")
    return "\n".join(lines)


def sign(key: bytes, text: str) -> str:
    """The signature as it stands in a URL before it is percent-encoded."""
    return base64.b64encode(hmac.digest(key, text.encode(), hashlib.sha256)).decode()


def signed_by(key: bytes, text: str, signature: str) -> bool:
    """Whether this is the text's signature; in constant time."""
    return hmac.compare_digest(sign(key, text).encode(), signature.encode())


def failed(why: str) -> KeylessError:
    """The one error of a signature that does not count; `why` never quotes it."""
    return KeylessError(
        ErrorKind.FORBIDDEN,
        f"The shared access signature cannot be accepted because {why}: ask for a new one.",
        code="AuthenticationFailed",
    )


def _line(name: str, account: str, at: Address, query: Mapping[str, str], headers: Headers) -> str:
    if name == _RESOURCE:
        return _resource(account, at, query)
    if name == _TIME:
        return _moment(query)
    if name == _SIGNED_HEADERS:
        return "".join(f"{n}:{_present(headers.get(n.lower()), n)}\n" for n in _names(query.get(name, "")))
    if name == _SIGNED_QUERY:
        return "".join(f"\n{n}:{_present(query.get(n, ''), n)}" for n in _names(query.get(name, "")))
    return query.get(name, "")


def _resource(account: str, at: Address, query: Mapping[str, str]) -> str:
    kind = query.get("sr", "")
    container = f"/blob/{account}/{at.container}"
    if kind == "c" and at.container:
        return container
    if kind in {"b", "bs", "bv"} and at.blob:
        return f"{container}/{at.blob}"
    if kind == "d" and at.blob and _DEPTH.fullmatch(query.get("sdd", "")):
        folders = at.blob.split("/")
        depth = int(query["sdd"])
        if len(folders) > depth:
            return "/".join([container, *folders[:depth]])
    raise failed("it is for another kind of resource than the request names")


def _moment(query: Mapping[str, str]) -> str:
    kind = query["sr"]
    if kind in _MOMENTS:
        return _present(query.get(_MOMENTS[kind], ""), _MOMENTS[kind])
    if kind == "b" and any(name in query for name in _MOMENTS.values()):
        raise failed("it is for the blob as it is, not for a snapshot or a version of it")
    return ""


def _names(text: str) -> list[str]:
    names = text.split(",") if text else []
    if len(names) > _MAX_SIGNED_NAMES:
        raise failed(f"it binds more than {_MAX_SIGNED_NAMES} headers or parameters")
    return names


def _present(value: str, name: str) -> str:
    if not value:
        raise failed(f"the request must carry {name}")
    return value
