"""The identity endpoint in Service Fabric's shape, api-version 2019-07-01-preview.

Owns the request's form. It comes over TLS, which the launcher ends with a key made for this lease alone
(`launcher/pinned_tls.py`). A client whose token was refused for a claims challenge says so by the token's SHA-256, and
gets another.

Source: Service Fabric, "How to leverage a Service Fabric application's managed identity to access Azure services".
"""

from __future__ import annotations

from keyless.http.message import Request, Response
from keyless.model.app import Lease
from keyless.model.errors import KeylessError
from keyless.workload.envelopes import nested_error
from keyless.workload.selectors import read_selector
from keyless.workload.shape import Asked, check_request, check_secret, needed_resource, own_port

PATH = "/metadata/identity/oauth2/token"


class ServiceFabric:
    """See `shape.Shape`."""

    only_one_is_meant = True

    def addresses(self, identity_port: int) -> frozenset[tuple[str, int]]:
        return own_port(identity_port)

    async def read(self, request: Request, lease: Lease) -> Asked | Response:
        check_request(request, ("GET",), PATH)
        check_secret(lease, request, "Secret")
        rejected = request.query.get("token_sha256_to_refresh", "").lower()
        return Asked(needed_resource(request.query), read_selector(request.query), rejected)

    def error(self, request: Request, status: int, error: KeylessError) -> Response:
        return nested_error(request, status, error)
