"""The HTTP surface of Microsoft Graph, `graph.…`: from a path to the collection that answers it.

Owns the way from a path to a collection, and the challenge. Must not know any collection's objects.

Source: Microsoft Graph v1.0, "use the API" (paths, alternate keys).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from keyless.http.message import Request, Response
from keyless.http.surface import Operation
from keyless.model.clock import Clock
from keyless.model.errors import KeylessError, not_found
from keyless.providers.graph.odata import error_response

VERSION = "v1.0"
_ALTERNATE_KEY = re.compile(r"(\w+)\(appId='([0-9A-Za-z-]{1,64})'\)", re.ASCII)


class Collection(Protocol):
    """Objects of one kind."""

    def route(self, method: str, key: str, rest: tuple[str, ...]) -> Operation:
        """The operation on the collection (empty `key`), or on the object that `key` names, and what lies below it.

        Raises KeylessError if there is none.
        """
        ...


@dataclass(frozen=True)
class GraphSurface:
    """See `http.surface.Surface`. `collections` is keyed by the path's word in lower case."""

    collections: Mapping[str, Collection]
    login_url: Callable[[Request], str]
    clock: Clock
    name: str = "graph"

    def route(self, request: Request) -> Operation:
        version, *words = [segment for segment in request.segments() if segment] or [""]
        if version.lower() != VERSION or not words:
            raise not_found(f"There is only /{VERSION} here, and only what lies below it.")
        first, *rest = words
        if match := _ALTERNATE_KEY.fullmatch(first):
            first, rest = match[1], [match[2], *rest]
        found = self.collections.get(first.lower())
        if found is None:
            known = ", ".join(sorted(self.collections))
            raise not_found(f"There is no {first!r} here, only {known}.", "BadRequest")
        return found.route(request.method, rest[0] if rest else "", tuple(rest[1:]))

    def challenge(self, request: Request, _error: KeylessError) -> str:
        return f'Bearer realm="", authorization_uri="{self.login_url(request)}/oauth2/authorize"'

    def error(self, request: Request, error: KeylessError) -> Response:
        return error_response(request, error, self.clock())

    def common_headers(self, request: Request) -> dict[str, str]:
        return {"request-id": request.request_id, "client-request-id": request.request_id, "Cache-Control": "no-cache"}


def find(
    kind: str, method: str, key: str, rest: tuple[str, ...], routes: Mapping[tuple[str, str], Callable[[], Operation]]
) -> Operation:
    """The operation of a method and a shape: "", "{id}" or "{id}/word"; raises NOT_FOUND if there is none."""
    made = routes.get((method, "/".join((*(["{id}"] if key else []), *map(str.lower, rest)))))
    if made is None:
        raise unknown(method, kind, rest)
    return made()


def unknown(method: str, kind: str, rest: tuple[str, ...]) -> KeylessError:
    """The error for an operation that a collection does not have."""
    below = "/".join(("", *rest)) if rest else ""
    return not_found(f"There is no {method} of {kind}{below} here.", "BadRequest")
