"""What the shape of a host is to the identity endpoint, and what most shapes have in common.

Owns the port between the endpoint (`endpoint.py`) and one file for each shape. A shape says how a request looks and
how it is refused; it must not choose an identity, issue a token or keep a record.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec

from keyless.http.message import Request, Response
from keyless.model.app import Lease
from keyless.model.errors import ErrorKind, KeylessError, invalid, not_found
from keyless.workload.instances import hash_of
from keyless.workload.selectors import Selector

LOOPBACK = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class Asked:
    """A token that is asked for: the resource that it is for, and whose it is.

    `rejected` is the SHA-256 in hex of a token that a service refused, and that is not wanted again.
    """

    resource: str
    selector: Selector
    rejected: str = ""


class Shape(Protocol):
    """One shape of host."""

    @property
    def only_one_is_meant(self) -> bool:
        """Whether an app's only identity is meant by a request that names none, also when it is user-assigned."""
        ...

    def addresses(self, identity_port: int) -> frozenset[tuple[str, int]]:
        """Hosts and ports that a request may name in its Host header; any other was meant for somebody else."""
        ...

    async def read(self, request: Request, lease: Lease) -> Asked | Response:
        """What a request of a live instance asks for, or the answer if it is no token.

        Raises UNAUTHENTICATED for a request that does not show this shape's proof, NOT_FOUND for a path that it does
        not have, and INVALID.
        """
        ...

    def error(self, request: Request, status: int, error: KeylessError) -> Response:
        """The error in this shape's envelope."""
        ...


def own_port(identity_port: int) -> frozenset[tuple[str, int]]:
    """The addresses of a shape that is reached at the instance's own port only."""
    return frozenset((host, identity_port) for host in LOOPBACK)


def parts(request: Request) -> list[str]:
    """The path's parts in lower case; clients make paths with repeated slashes, and with one at the end."""
    return [part for part in request.path.lower().split("/") if part]


def check_request(request: Request, methods: tuple[str, ...], path: str) -> None:
    """Raises NOT_FOUND for another path, INVALID for another method."""
    if parts(request) != path.split("/")[1:]:
        raise not_found(f"The identity endpoint is {path}.")
    check_method(request, methods)


def check_method(request: Request, methods: tuple[str, ...]) -> None:
    """Raises INVALID for another method."""
    if request.method not in methods:
        raise invalid(f"The identity endpoint takes {' or '.join(methods)}.")


def check_metadata(request: Request) -> None:
    """Raises INVALID without `Metadata: true`, which no web page and no forwarded address can add."""
    if request.headers.get("metadata").lower() != "true":
        raise invalid("The header 'Metadata: true' is missing.")


def check_secret(lease: Lease, request: Request, header: str) -> None:
    """Raises UNAUTHENTICATED unless `header` holds this instance's secret."""
    shown = hash_of(request.headers.get(header.lower()))
    if not hmac.compare_digest(shown, lease.header_hash):
        raise KeylessError(ErrorKind.UNAUTHENTICATED, f"{header} is missing, or is not this instance's.")


def needed_resource(fields: Mapping[str, str]) -> str:
    """The resource that a token is for; raises INVALID when there is none."""
    if not (resource := fields.get("resource")):
        raise invalid("The request needs 'resource': the URI of what the token is for.", "ArgumentNullOrEmpty")
    return resource


def json_response(status: int, body: object) -> Response:
    """An answer in JSON."""
    return Response(status, msgspec.json.encode(body), {"Content-Type": "application/json; charset=utf-8"})
