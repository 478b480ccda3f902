"""What a surface is to the kernel: how to route a request, and how to say no in its own envelope.

Owns the port between the kernel and every HTTP surface. Must not know any of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from keyless.http.message import Request, Response
from keyless.model.access import Requirement
from keyless.model.errors import KeylessError
from keyless.model.identity import Principal

Require = Callable[[Iterable[Requirement]], Awaitable[None]]
Dispatch = Callable[[Request], Awaitable[Response]]


@dataclass  # not frozen, which would make it three times as dear: this and the next are made for every request
class Call:
    """A request that may go ahead: for what, and who asks.

    `require` is for what only the body or the state can tell (a linked resource, an overwrite): it raises
    FORBIDDEN and keeps the decision, as the kernel did for the operation's own requirements. `dispatch` is for
    requests that a request holds (the parts of a batch): each goes the whole way by itself. It never raises.
    """

    request: Request
    caller: Principal
    require: Require
    dispatch: Dispatch


@dataclass
class Operation:
    """What a request turned out to be.

    `name` is what the audit log keeps. `requirements` must all hold. `changes` says that the operation writes:
    its audit record is then durable before the handler starts. `self_service` needs a valid token but no role,
    because it only tells callers about themselves, or only dispatches requests that are authorised one by one.
    """

    name: str
    handle: Callable[[Call], Awaitable[Response]]
    requirements: tuple[Requirement, ...] = ()
    changes: bool = False
    self_service: bool = False


@dataclass(frozen=True)
class Delegation:
    """Some of a principal's rights in another's hand.

    `principal` passed them on and answers for them; what is asked for must be allowed to it too. `means` says by
    what ("a user delegation SAS"). `withholds` tells of an operation's name and one of its requirements why they
    do not reach so far; empty if they do.
    """

    principal: Principal
    means: str
    withholds: Callable[[str, Requirement], str]


@dataclass(frozen=True)
class PublicOperation:
    """An operation that needs no token: discovery, or one that proves the caller by its own means."""

    name: str
    handle: Callable[[Request], Awaitable[Response]]


def refusal(error: KeylessError) -> PublicOperation:
    """An operation that says no to everybody: on a surface whose callers have no token to show first."""

    async def handle(_request: Request) -> Response:
        raise error

    return PublicOperation("refused", handle)


class Surface(Protocol):
    """One HTTP surface (vault, blob, management, login, …)."""

    @property
    def name(self) -> str:
        """Its name in the audit log; also the family of audiences that its tokens must be for."""
        ...

    def route(self, request: Request) -> Operation | PublicOperation:
        """Say what the request is, from method, path, query and headers alone; raise KeylessError if nothing.

        Pure and quick. An error raised here is answered only after the caller has been authenticated.
        """
        ...

    def challenge(self, request: Request, error: KeylessError) -> str:
        """The value of `WWW-Authenticate` for a request without a good token; empty where there is none.

        `error` is UNAUTHENTICATED or REVOKED.
        """
        ...

    def error(self, request: Request, error: KeylessError) -> Response:
        """The error in this surface's own envelope. The kernel adds the challenge to a 401."""
        ...

    def common_headers(self, request: Request) -> dict[str, str]:
        """What every answer of this surface carries (request ID, version)."""
        ...
