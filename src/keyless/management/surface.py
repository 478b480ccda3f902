"""The resource manager's HTTP surface: from a path to the provider that answers it.

Owns the way from a namespace to its router, and the metadata document by which clients learn a private cloud's
endpoints. Must not know any resource type.

Source: Azure Resource Manager REST API; the metadata document is what `az cloud register` and Terraform read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from keyless.http.message import Request, Response
from keyless.http.surface import Operation, PublicOperation
from keyless.management.arm import ArmPath, error_response, json_response, parse_path
from keyless.model.errors import KeylessError, not_found

#: From a method and a path to an operation; raises KeylessError when there is none.
Router = Callable[[str, ArmPath], Operation]


@dataclass(frozen=True)
class ManagementSurface:
    """See `http.surface.Surface`. `routers` is keyed by namespace in lower case; the empty one serves the rest."""

    routers: Mapping[str, Router]
    login_url: Callable[[Request], str]
    endpoints: Callable[[Request], Mapping[str, object]]
    name: str = "management"

    def route(self, request: Request) -> Operation | PublicOperation:
        if request.path.rstrip("/").lower() == "/metadata/endpoints":
            return PublicOperation("metadata/endpoints", self._metadata)
        path = parse_path(request)
        router = self.routers.get(path.namespace)
        if router is None:
            known = ", ".join(sorted(name for name in self.routers if name))
            raise not_found(
                f"There is no resource provider {path.namespace!r} here, only {known}.", "InvalidResourceNamespace"
            )
        return router(request.method, path)

    async def _metadata(self, request: Request) -> Response:
        return json_response(200, self.endpoints(request))

    def challenge(self, request: Request, _error: KeylessError) -> str:
        login = self.login_url(request)
        return (
            f'Bearer authorization_uri="{login}", error="invalid_token", error_description="A valid token is needed."'
        )

    def error(self, _request: Request, error: KeylessError) -> Response:
        return error_response(error)

    def common_headers(self, request: Request) -> dict[str, str]:
        correlation = request.headers.get("x-ms-correlation-request-id") or request.request_id
        return {
            "x-ms-request-id": request.request_id,
            "x-ms-correlation-request-id": _printable(correlation),
            "Cache-Control": "no-cache",
        }


def _printable(text: str) -> str:
    return "".join(c for c in text[:128] if c.isascii() and c.isprintable())
