"""The identity endpoint in Cloud Shell's shape: a form that is posted or, as Java has it, a query.

Owns the request's form. There is no header secret: what proves a caller is the lease of the port that it came through,
which only processes of the instance's user reach. `Metadata: true` keeps web pages out, which cannot send it.

Source: the SDKs' Cloud Shell clients.
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from keyless.http.message import Request, Response
from keyless.model.app import Lease
from keyless.model.errors import KeylessError, invalid
from keyless.workload.envelopes import nested_error
from keyless.workload.selectors import read_selector
from keyless.workload.shape import Asked, check_metadata, check_request, needed_resource, own_port

PATH = "/oauth2/token"
MAX_FORM = 16 * 1024
_MAX_FIELDS = 32


class CloudShell:
    """See `shape.Shape`."""

    only_one_is_meant = True

    def addresses(self, identity_port: int) -> frozenset[tuple[str, int]]:
        return own_port(identity_port)

    async def read(self, request: Request, _lease: Lease) -> Asked | Response:
        check_metadata(request)
        check_request(request, ("GET", "POST"), PATH)
        fields = request.query if request.method == "GET" else read_form(await request.body.read(MAX_FORM))
        return Asked(needed_resource(fields), read_selector(fields))

    def error(self, request: Request, status: int, error: KeylessError) -> Response:
        return nested_error(request, status, error)


def read_form(data: bytes) -> dict[str, str]:
    """The fields of a form; raises INVALID when it is none, or when a field is there twice."""
    try:
        pairs = parse_qsl(data.decode("ascii"), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
    except ValueError:
        raise invalid("The body has to be a form: resource=URI.") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise invalid("A field may be in the form once only.")
    return form
