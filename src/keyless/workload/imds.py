"""The instance metadata service of a virtual machine: tokens (api-version 2018-02-01), and what the machine is.

Owns the requests' forms. There is no header secret: what proves a caller is the lease of the port that it came
through. Every request needs `Metadata: true`; probes come without it and are answered at once with the 400 by which
clients know the service. The paths of its second version are not there, by which they know that this is the first.

Source: virtual machines, "How to use managed identities to acquire an access token" and "Azure Instance Metadata
Service"; the SDKs' probes.
"""

from __future__ import annotations

from collections.abc import Callable

from keyless.http.message import Request, Response
from keyless.model.app import Lease
from keyless.model.errors import KeylessError, invalid, not_found
from keyless.model.resource import Resource
from keyless.model.resource_id import ResourceId
from keyless.workload.envelopes import oauth_error
from keyless.workload.instance_metadata import find, instance_metadata
from keyless.workload.selectors import read_selector
from keyless.workload.shape import (
    Asked,
    check_metadata,
    check_method,
    check_request,
    json_response,
    needed_resource,
    own_port,
    parts,
)

PATH = "/metadata/identity/oauth2/token"
#: The address that every virtual machine has for it.
WELL_KNOWN = ("169.254.169.254", 80)
_SECOND_VERSION = (["metadata", "identity", "getplatformmetadata"], ["metadata", "identity", "issuecredential"])


class Imds:
    """See `shape.Shape`."""

    only_one_is_meant = True

    def __init__(self, app: Callable[[ResourceId], Resource | None]) -> None:
        self._app = app

    def addresses(self, identity_port: int) -> frozenset[tuple[str, int]]:
        return own_port(identity_port) | {WELL_KNOWN}

    async def read(self, request: Request, lease: Lease) -> Asked | Response:
        path = parts(request)
        if path in _SECOND_VERSION:
            raise not_found("This is version 1 of the service.")
        check_metadata(request)
        if path[:2] == ["metadata", "instance"]:
            check_method(request, ("GET",))
            return self._instance(lease, path[2:], request.query.get("format", "json"))
        check_request(request, ("GET",), PATH)
        return Asked(needed_resource(request.query), read_selector(request.query))

    def _instance(self, lease: Lease, path: list[str], form: str) -> Response:
        app = self._app(lease.app)
        if app is None:
            raise invalid(f"The app {lease.app.name!r} has been deleted.")
        found = find(instance_metadata(app, lease.id), path)
        if found is None:
            raise not_found("There is no such piece of metadata.")
        if isinstance(found, str) and form == "text":
            return Response(200, found.encode(), {"Content-Type": "text/plain; charset=utf-8"})
        return json_response(200, found)

    def error(self, request: Request, status: int, error: KeylessError) -> Response:
        return oauth_error(request, status, error)
