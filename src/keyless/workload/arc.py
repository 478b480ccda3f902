"""The identity endpoint in the shape of a server connected through Azure Arc, api-version 2020-06-01.

Owns the request's form. Before a request comes here, the launcher has challenged it with a key file of one use
(`launcher/arc.py`): that is between processes of one machine, and the file may have to lie in the instance's own mount
namespace, where only the launcher reaches. What proves the caller here is the lease.

Source: Azure Arc-enabled servers, "Authenticate against Azure resources with Azure Arc-enabled servers".
"""

from __future__ import annotations

from keyless.http.message import Request, Response
from keyless.model.app import Lease
from keyless.model.errors import ErrorKind, KeylessError
from keyless.workload.envelopes import oauth_error
from keyless.workload.selectors import read_selector
from keyless.workload.shape import Asked, check_metadata, check_request, needed_resource, own_port

PATH = "/metadata/identity/oauth2/token"


class Arc:
    """See `shape.Shape`."""

    only_one_is_meant = True

    def addresses(self, identity_port: int) -> frozenset[tuple[str, int]]:
        return own_port(identity_port)

    async def read(self, request: Request, _lease: Lease) -> Asked | Response:
        check_metadata(request)
        check_request(request, ("GET",), PATH)
        if not request.headers.get("authorization").lower().startswith("basic "):
            raise KeylessError(ErrorKind.UNAUTHENTICATED, "This request was not challenged: ask at IDENTITY_ENDPOINT.")
        return Asked(needed_resource(request.query), read_selector(request.query))

    def error(self, request: Request, status: int, error: KeylessError) -> Response:
        return oauth_error(request, status, error)
