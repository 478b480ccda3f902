"""The shape of a pod with workload identity: a file with an assertion, and the token endpoint.

Owns the one request that there is: the launcher asks for the assertion that it writes into the file. Tokens are asked
for at the token endpoint, as other clients do (`instance_assertions.py`); the process is not told of this endpoint.

Source: Azure Workload Identity for Kubernetes, the variables and the file of a pod.
"""

from __future__ import annotations

from keyless.http.message import Request, Response
from keyless.model.app import Lease
from keyless.model.errors import KeylessError
from keyless.workload.envelopes import oauth_error
from keyless.workload.instance_assertions import InstanceAssertions
from keyless.workload.shape import Asked, check_request, check_secret, json_response, own_port

PATH = "/workload-identity/assertion"


class WorkloadIdentity:
    """See `shape.Shape`."""

    only_one_is_meant = False

    def __init__(self, assertions: InstanceAssertions) -> None:
        self._assertions = assertions

    def addresses(self, identity_port: int) -> frozenset[tuple[str, int]]:
        return own_port(identity_port)

    async def read(self, request: Request, lease: Lease) -> Asked | Response:
        check_request(request, ("GET",), PATH)
        check_secret(lease, request, "X-IDENTITY-HEADER")
        assertion, expires = await self._assertions.issue(lease)
        return json_response(200, {"assertion": assertion.reveal(), "expires_on": expires})

    def error(self, request: Request, status: int, error: KeylessError) -> Response:
        return oauth_error(request, status, error)
