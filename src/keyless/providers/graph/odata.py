"""The forms of OData that Microsoft Graph speaks: filters, selections, pages and the error envelope. Does no I/O.

A filter is read into terms and compared with what an answer would show, so that nothing can be found out by a filter
that cannot be read.

Source: OData 4.0, part 2 (URL conventions), sections 5.1.1 ($filter), 5.1.3 ($select), 5.1.5 ($top); Microsoft Graph
v1.0, "query parameters", "error responses".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from itertools import islice
from urllib.parse import urlencode

import msgspec

from keyless.http.message import Request, Response
from keyless.model.errors import ErrorKind, KeylessError, invalid

MAX_PAGE = 999
MAX_TERMS = 10
_DEFAULT_PAGE = 100
_VALUE = r"'((?:[^']|'')*)'"


def _equals(held: object, value: str) -> bool:
    return held == value


def _begins(held: object, value: str) -> bool:
    return isinstance(held, str) and held.startswith(value)


def _holds(held: object, value: str) -> bool:
    return isinstance(held, list) and value in held


_TERMS = (
    (re.compile(rf"(\w+)\s+eq\s+{_VALUE}", re.ASCII), _equals),
    (re.compile(rf"startswith\(\s*(\w+)\s*,\s*{_VALUE}\s*\)", re.ASCII | re.IGNORECASE), _begins),
    (re.compile(rf"(\w+)/any\(\s*\w+\s*:\s*\w+\s+eq\s+{_VALUE}\s*\)", re.ASCII), _holds),
)
#: Between two terms, never within a value: values are quoted.
_AND = re.compile(r"\s+and\s+(?=(?:[^']*'[^']*')*[^']*$)")
_TOP = re.compile(r"[1-9]\d{0,4}", re.ASCII)
_NOT_THERE = ("$expand", "$search", "$orderby", "$apply", "$skip")

_STATUS = {
    ErrorKind.INVALID: (400, "Request_BadRequest"),
    ErrorKind.UNAUTHENTICATED: (401, "InvalidAuthenticationToken"),
    ErrorKind.REVOKED: (401, "InvalidAuthenticationToken"),
    ErrorKind.FORBIDDEN: (403, "Authorization_RequestDenied"),
    ErrorKind.NOT_FOUND: (404, "Request_ResourceNotFound"),
    ErrorKind.CONFLICT: (409, "Request_MultipleObjectsWithSameKeyValue"),
    ErrorKind.TOO_LARGE: (413, "RequestEntityTooLarge"),
    ErrorKind.THROTTLED: (429, "TooManyRequests"),
    ErrorKind.UNSUPPORTED: (501, "NotImplemented"),
    ErrorKind.UNAVAILABLE: (503, "ServiceUnavailable"),
    ErrorKind.INTERNAL: (500, "InternalServerError"),
}

#: An object as an answer shows it.
View = Mapping[str, object]


def read_filter(text: str) -> Callable[[View], bool]:
    """Whether a view fulfils `$filter`; raises INVALID for a form that is not understood. Case is ignored."""
    terms = _AND.split(text.strip()) if text.strip() else []
    if len(terms) > MAX_TERMS:
        raise invalid(f"$filter may have at most {MAX_TERMS} terms.", "Request_UnsupportedQuery")
    tests = [_term(term.strip()) for term in terms]
    return lambda view: all(test(view) for test in tests)


def _term(text: str) -> Callable[[View], bool]:
    for pattern, compare in _TERMS:
        match = pattern.fullmatch(text)
        if match:
            name, value = match[1], match[2].replace("''", "'").lower()
            return lambda view: compare(_comparable(view, name), value)
    raise invalid(
        "$filter takes NAME eq 'VALUE', startswith(NAME,'VALUE') and NAMES/any(n:n eq 'VALUE'), joined by 'and'.",
        "Request_UnsupportedQuery",
    )


def _comparable(view: View, name: str) -> object:
    if name not in view:
        raise invalid(f"There is no property {name!r} to filter by.", "Request_UnsupportedQuery")
    held = view[name]
    if isinstance(held, str):
        return held.lower()
    return [str(one).lower() for one in held] if isinstance(held, list | tuple) else []


def collection(request: Request, views: Iterable[View]) -> Response:
    """A page of a list that comes ordered by `id`, filtered and selected as the query says."""
    for name in _NOT_THERE:
        if name in request.query:
            raise invalid(f"{name} is not there.", "Request_UnsupportedQuery")
    top = request.query.get("$top", str(_DEFAULT_PAGE))
    if not _TOP.fullmatch(top):
        raise invalid(f"$top is a number from 1 to {MAX_PAGE}.", "Request_UnsupportedQuery")
    limit, after = min(int(top), MAX_PAGE), request.query.get("$skiptoken", "")
    wanted = read_filter(request.query.get("$filter", ""))
    found = list(islice((view for view in views if str(view["id"]) > after and wanted(view)), limit + 1))
    body: dict[str, object] = {"@odata.context": f"{request.base_url}/v1.0/$metadata#directoryObjects"}
    if len(found) > limit:
        query = urlencode({**request.query, "$skiptoken": str(found[limit - 1]["id"])})
        body["@odata.nextLink"] = f"{request.base_url}{request.path}?{query}"
    return json_response(200, body | {"value": [_selected(request, view) for view in found[:limit]]})


def entity(request: Request, view: View, status: int = 200) -> Response:
    """One object."""
    context = {"@odata.context": f"{request.base_url}/v1.0/$metadata#directoryObjects/$entity"}
    return json_response(status, {**context, **_selected(request, view)})


def _selected(request: Request, view: View) -> View:
    wanted = [name.strip() for name in request.query.get("$select", "").split(",") if name.strip()]
    if not wanted:
        return view
    return {name: view[name] for name in view if name in wanted or name.startswith("@")}


def json_response(status: int, body: object) -> Response:
    """A JSON answer."""
    return Response(status, msgspec.json.encode(body), {"Content-Type": "application/json; charset=utf-8"})


def error_response(request: Request, error: KeylessError, now: float) -> Response:
    """The error envelope."""
    status, code = _STATUS.get(error.kind, (400, "Request_BadRequest"))
    inner = {
        "date": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "request-id": request.request_id,
        "client-request-id": request.request_id,
    }
    told = {"code": error.code or code, "message": error.message, "innerError": inner}
    return json_response(status, {"error": told})


def moment(seconds: float) -> str:
    """A time as Graph writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_moment(text: object, default: float) -> float:
    """A time in Unix seconds; raises INVALID for what is none."""
    if text is None:
        return default
    try:
        if not isinstance(text, str) or len(text) > 40:
            raise ValueError
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, OSError):
        raise invalid("A time is written like 2027-01-31T12:00:00Z.") from None
