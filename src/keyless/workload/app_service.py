"""The identity endpoint in App Service's shape, api-version 2019-08-01.

Owns the request's form. A request has to show the header secret of its lease.

Source: App Service, "How to use managed identities", REST endpoint reference.
"""

from __future__ import annotations

from keyless.http.message import Request, Response
from keyless.model.app import Lease
from keyless.model.errors import KeylessError
from keyless.workload.envelopes import app_service_error
from keyless.workload.selectors import read_selector
from keyless.workload.shape import Asked, check_request, check_secret, needed_resource, own_port

PATH = "/msi/token"


class AppService:
    """See `shape.Shape`."""

    only_one_is_meant = False

    def addresses(self, identity_port: int) -> frozenset[tuple[str, int]]:
        return own_port(identity_port)

    async def read(self, request: Request, lease: Lease) -> Asked | Response:
        check_request(request, ("GET",), PATH)
        check_secret(lease, request, "X-IDENTITY-HEADER")
        return Asked(needed_resource(request.query), read_selector(request.query))

    def error(self, request: Request, status: int, error: KeylessError) -> Response:
        return app_service_error(request, status, error)
