"""The codec of the resource manager's REST API: paths, bodies, lists and the error envelope. Does no I/O.

Source: Azure Resource Manager REST API, "Common API details" and "Resource provider contract".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from keyless.http.message import Request, Response
from keyless.model.errors import ErrorKind, KeylessError, invalid, not_found
from keyless.model.resource_id import ResourceId, parse_resource_id

MAX_BODY = 1024 * 1024
MAX_PAGE = 1000

T = TypeVar("T")
#: What is stored is read and shown again from other depths of the stack, where less room may be left.
MAX_DEPTH = 64

_STATUS = {
    ErrorKind.INVALID: (400, "InvalidRequest"),
    ErrorKind.UNAUTHENTICATED: (401, "InvalidAuthenticationToken"),
    ErrorKind.REVOKED: (401, "InvalidAuthenticationToken"),
    ErrorKind.FORBIDDEN: (403, "AuthorizationFailed"),
    ErrorKind.NOT_FOUND: (404, "ResourceNotFound"),
    ErrorKind.CONFLICT: (409, "Conflict"),
    ErrorKind.PRECONDITION: (412, "PreconditionFailed"),
    ErrorKind.NOT_MODIFIED: (304, "NotModified"),
    ErrorKind.RANGE: (416, "RangeNotSatisfiable"),
    ErrorKind.TOO_LARGE: (413, "RequestEntityTooLarge"),
    ErrorKind.THROTTLED: (429, "TooManyRequests"),
    ErrorKind.UNSUPPORTED: (501, "NotImplemented"),
    ErrorKind.UNAVAILABLE: (503, "ServiceUnavailable"),
    ErrorKind.INTERNAL: (500, "InternalServerError"),
}


@dataclass(frozen=True)
class ArmPath:
    """A path, split at its last `providers`: what it is about (`scope`), and what of it is wanted (`rest`).

    Without a `providers` segment the namespace is empty and `scope` is the whole path.
    """

    id: ResourceId
    scope: ResourceId
    namespace: str
    rest: tuple[str, ...]


def parse_path(request: Request) -> ArmPath:
    """Read the path of a request; case and repeated slashes do not matter, names keep their case."""
    parts = [part for part in request.segments() if part]
    if any("/" in part for part in parts):
        raise invalid("A name in the path has a slash in it.", "InvalidResourceId")
    whole = parse_resource_id("/" + "/".join(parts))
    at = whole.provider_index
    if at < 0:
        return ArmPath(whole, whole, "", ())
    namespace = whole.segments[at + 1].lower() if len(whole.segments) > at + 1 else ""
    return ArmPath(whole, ResourceId(whole.segments[:at]), namespace, whole.segments[at + 2 :])


def at_subscription(path: ArmPath) -> ArmPath:
    """The path again, if its scope is a whole subscription; raises NOT_FOUND for one that is narrower.

    What concerns the whole tenant must not be had by a role at one resource group.
    """
    if len(path.scope.segments) != 2 or not path.scope.subscription:
        raise not_found(f"{path.namespace} is to be had at a subscription only.", "InvalidResourceType")
    return path


async def read_object(request: Request) -> dict[str, object]:
    """The body as a JSON object; an empty body is an empty object. Raises INVALID for anything else."""
    data = await request.body.read(MAX_BODY)
    if not data.strip():
        return {}
    try:
        body = msgspec.json.decode(data, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise invalid("The body has to be a JSON object.", "InvalidRequestContent") from error
    _check_depth(body)
    return body


def _check_depth(body: object) -> None:
    level = [body]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise invalid(f"The body may be nested at most {MAX_DEPTH} deep.", "InvalidRequestContent")


def _children(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def text_of(body: Mapping[str, object], name: str, default: str | None = None) -> str:
    """A string member; raises INVALID when it is something else, or missing without a default."""
    value = body.get(name, default)
    if not isinstance(value, str):
        raise invalid(f"The request's {name!r} has to be a string.", "InvalidRequestContent")
    return value


def flag_of(body: Mapping[str, object], name: str, default: bool) -> bool:
    """A boolean member, likewise."""
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise invalid(f"The request's {name!r} has to be true or false.", "InvalidRequestContent")
    return value


def object_of(body: Mapping[str, object], name: str) -> dict[str, object]:
    """An object member; missing or null is an empty one."""
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid(f"The request's {name!r} has to be an object.", "InvalidRequestContent")
    return value


def texts_of(body: Mapping[str, object], name: str, limit: int) -> dict[str, str]:
    """An object member whose values are all strings (tags, settings)."""
    found = object_of(body, name)
    if len(found) > limit:
        raise invalid(f"The request's {name!r} may have at most {limit} members.", "InvalidRequestContent")
    return {key: text_of(found, key) for key in found}


def json_response(status: int, body: object) -> Response:
    """A JSON answer."""
    return Response(status, msgspec.json.encode(body), {"Content-Type": "application/json; charset=utf-8"})


def list_response(items: Sequence[object], next_link: str = "") -> Response:
    """A list as the resource manager gives it."""
    return json_response(200, {"value": items, "nextLink": next_link} if next_link else {"value": items})


def page_of(request: Request, items: Iterable[T], key: Callable[[T], str]) -> tuple[list[T], str]:
    """One page of items that are ordered by `key`, and the link to the next; `$top` may ask for fewer."""
    top = request.query.get("$top", str(MAX_PAGE))
    if not (top.isascii() and top.isdigit() and len(top) < 10 and int(top) > 0):
        raise invalid("$top is a number of at least 1.", "InvalidQueryParameterValue")
    limit, after = min(int(top), MAX_PAGE), request.query.get("$skipToken", "")
    found = list(islice((one for one in items if key(one) > after), limit + 1))
    return found[:limit], next_link(request, key(found[limit - 1])) if len(found) > limit else ""


def next_link(request: Request, after: str) -> str:
    """The link to the page that follows the item `after`."""
    return f"{request.base_url}{request.path}?{urlencode({**request.query, '$skipToken': after})}"


def error_response(error: KeylessError) -> Response:
    """The error envelope."""
    status, code = _STATUS[error.kind]
    return json_response(status, {"error": {"code": error.code or code, "message": error.message}})
