"""The source of a copy: a URL that names a blob of this keyless, and the request by which it is read.

Owns the reading of `x-ms-copy-source` and its kin, and what a refused source means for the copy. No address is ever
connected to: the request goes to the kernel, which authenticates, authorises and audits it like any other, and so a
copy needs the right to read at its source and the right to write at its destination. Must not know what is done
with what is read.

Source: Azure Storage REST API, "Copy Blob", "Copy Blob From URL", "Put Blob From URL", "Put Block From URL".
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from keyless.http.head import split_authority
from keyless.http.message import Body, Headers, Request, Response, Target, parse_query
from keyless.http.surface import Call
from keyless.model.errors import ErrorKind, KeylessError, invalid
from keyless.providers.storage.conditions import IF_TAGS, LEASE_ID, NAMES
from keyless.providers.storage.names import address

#: What a host name and a path stand for; None if they are nobody's here.
FindTarget = Callable[[str, str], Target | None]

#: By their `comp`, the operations that take a part of their source.
_RANGED = frozenset({"block", "appendblock", "page"})
MAX_URL = 16 * 1024
_RANGE = "x-ms-source-range"
#: What a source takes over from the request, by the names that they have there.
_TAKEN = {
    **{f"x-ms-source-{name}": name for name in NAMES},
    "x-ms-source-if-tags": IF_TAGS,
    "x-ms-source-lease-id": LEASE_ID,
    _RANGE: "x-ms-range",
}
#: Kept of a source's URL when it is shown: which of a blob's lives was copied, and no signature.
_SHOWN = frozenset({"snapshot", "versionid"})
_REFUSED = {
    401: ErrorKind.FORBIDDEN,  # 401 would have the client fetch a new token for the destination
    403: ErrorKind.FORBIDDEN,
    404: ErrorKind.NOT_FOUND,
    409: ErrorKind.CONFLICT,
    501: ErrorKind.UNSUPPORTED,
    503: ErrorKind.UNAVAILABLE,
}


def source_request(find: FindTarget, call: Call, method: str) -> Request:
    """The request (`GET` or `HEAD`) for a copy's source, under the conditions and in the range that it states.

    It carries the token of `x-ms-copy-source-authorization`, or else the caller's own within one account; a
    signature is part of the URL. Raises INVALID, and FORBIDDEN for a source that is not of this keyless.
    """
    given = call.request
    if _RANGE in given.headers and given.query.get("comp", "").lower() not in _RANGED:
        raise invalid(f"This copies a whole blob: send it without the header {_RANGE}.", "InvalidHeaderValue")
    parts, host, port = _take_apart(given.headers.get("x-ms-copy-source"))
    target = find(host, parts.path)
    if target is None or target.surface != "storage":
        raise _unverified(
            ErrorKind.FORBIDDEN, "keyless copies from its own accounts only: download the blob and upload it."
        )
    query = parse_query(parts.query)
    request = replace(
        given,
        method=method,
        host=host,
        port=port,
        target=target,
        path=parts.path,
        query=query,
        raw_query=parts.query,
        headers=Headers(_headers(given, target, query)),
        body=Body(),
        request_id=f"{given.request_id}-source",
    )
    if address(request).level != "blob" or {"comp", "restype"} & {name.lower() for name in query}:
        raise invalid("The header x-ms-copy-source must name a blob.", "InvalidHeaderValue")
    return request


async def look_at_source(find: FindTarget, call: Call) -> tuple[Request, Response]:
    """The request for the source and its properties; raises as the source refuses."""
    request = source_request(find, call, "HEAD")
    return request, _accepted(await call.dispatch(request))


@asynccontextmanager
async def open_source(find: FindTarget, call: Call) -> AsyncIterator[tuple[Response, Body]]:
    """The source's properties and its body as a stream; raises as the source refuses."""
    response = _accepted(await call.dispatch(source_request(find, call, "GET")))
    if isinstance(response.body, bytes):
        yield response, Body.of(response.body)
        return
    try:
        yield response, Body(response.body, response.length)
    finally:
        # whoever stops in the middle lets go of what is being read
        close = getattr(response.body, "aclose", None)
        if close is not None:
            await close()


def shown_url(request: Request) -> str:
    """The source's URL without its signature: what `x-ms-copy-source` tells of a copy later on."""
    kept = [(name, value) for name, value in parse_qsl(request.raw_query) if name.lower() in _SHOWN]
    return f"https://{request.authority}{request.path}{'?' + urlencode(kept) if kept else ''}"


def _take_apart(url: str) -> tuple[SplitResult, str, int | None]:
    """A URL with its host and port, in the one spelling that is read in the same way everywhere."""
    try:
        parts = urlsplit(url)
        host, port = split_authority(parts.netloc)
    except (ValueError, KeylessError):
        raise _no_url() from None
    odd = len(url) > MAX_URL or not url.isascii() or not url.isprintable() or "@" in parts.netloc
    if odd or parts.scheme != "https" or parts.fragment:
        raise _no_url()
    return parts, host, port


def _headers(given: Request, target: Target, query: Mapping[str, str]) -> list[tuple[str, str]]:
    headers = given.headers
    found = [("x-ms-version", headers.get("x-ms-version"))] if "x-ms-version" in headers else []
    if "x-ms-copy-source-authorization" in headers:
        found.append(("authorization", headers.get("x-ms-copy-source-authorization")))
    elif "sig" not in query and target.name == given.target.name and "authorization" in headers:
        found.append(("authorization", headers.get("authorization")))
    return found + [(to, headers.get(name)) for name, to in _TAKEN.items() if name in headers]


def _accepted(response: Response) -> Response:
    status, code = response.status, response.headers.get("x-ms-error-code", "")
    if status in {200, 206}:
        return response
    if status in {304, 412}:
        raise KeylessError(
            ErrorKind.PRECONDITION, "The condition on the copy's source is not met.", code="SourceConditionNotMet"
        )
    if status == 416:
        raise KeylessError(ErrorKind.RANGE, "The range lies outside of the copy's source.", code="InvalidRange")
    raise _unverified(
        _REFUSED.get(status, ErrorKind.INVALID),
        f"The copy's source cannot be read ({status} {code}): check its URL and the rights of the credential for it.",
    )


def _no_url() -> KeylessError:
    return invalid("The header x-ms-copy-source must be the https URL of a blob.", "InvalidHeaderValue")


def _unverified(kind: ErrorKind, message: str) -> KeylessError:
    return KeylessError(kind, message, code="CannotVerifyCopySource")
