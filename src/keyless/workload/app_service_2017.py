"""The identity endpoint in the older shape of App Service, api-version 2017-09-01, which Azure ML kept.

Owns the request's form: the header secret is in `secret`, and an identity is named by `clientid`. The answer and the
errors are those of the newer shape. An empty `clientid`, as Go sends it, names nobody.

Source: App Service, "How to use managed identities", REST endpoint reference, 2017-09-01.
"""

from __future__ import annotations

from keyless.http.message import Request, Response
from keyless.model.app import Lease
from keyless.model.errors import KeylessError
from keyless.workload.app_service import PATH
from keyless.workload.envelopes import app_service_error
from keyless.workload.selectors import read_selector
from keyless.workload.shape import Asked, check_request, check_secret, needed_resource, own_port


class AppService2017:
    """See `shape.Shape`."""

    only_one_is_meant = False

    def addresses(self, identity_port: int) -> frozenset[tuple[str, int]]:
        return own_port(identity_port)

    async def read(self, request: Request, lease: Lease) -> Asked | Response:
        check_request(request, ("GET",), PATH)
        check_secret(lease, request, "secret")
        return Asked(needed_resource(request.query), read_selector(request.query))

    def error(self, request: Request, status: int, error: KeylessError) -> Response:
        return app_service_error(request, status, error)
