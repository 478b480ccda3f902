"""Signing people in without a password, and out everywhere, as operations of the subscription.

Owns these REST operations. The cloud has the second one only (in Microsoft Graph, `revokeSignInSessions`); the first is
for one machine, where whoever holds the owner key need not type a password as well. Both are matters of the directory:
whoever may sign somebody in may do all that this somebody may, so no role over resources gives it.

Source: Microsoft Entra, "built-in roles" (the actions; a temporary access pass is what comes nearest to a link).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

from keyless.authority.people.people import People, Person
from keyless.authority.people.sign_in_links import LIFETIME, SignInLinks
from keyless.http.message import Response
from keyless.http.surface import Call, Operation
from keyless.management.arm import ArmPath, at_subscription, json_response
from keyless.model.access import Permission, Requirement
from keyless.model.errors import invalid, not_found
from keyless.model.resource_id import ROOT
from keyless.model.secretstr import SecretStr

NAMESPACE = "Keyless.SignIn"
_LINK = "microsoft.directory/users/authenticationMethods/create"
_REVOKE = "microsoft.directory/users/invalidateAllRefreshTokens"
_MAX_BODY = 4096


class _Body(msgspec.Struct):
    """Whom it is about; the owner if empty."""

    userPrincipalName: str = ""


@dataclass(frozen=True)
class SignInRouter:
    """Serves `{subscription}/providers/Keyless.SignIn/links` and `…/revoke`.

    `link_url` makes the URL of a link's secret; `sign_out` ends everything that a person began.
    """

    people: People
    links: SignInLinks
    link_url: Callable[[SecretStr], str]
    sign_out: Callable[[str], Awaitable[int]]

    def route(self, method: str, path: ArmPath) -> Operation:
        """See `management.surface.Router`."""
        words = tuple(word.lower() for word in at_subscription(path).rest)
        match (method, words):
            case ("POST", ("links",)):
                return Operation(_LINK, self._link, _need(_LINK), changes=True)
            case ("POST", ("revoke",)):
                return Operation(_REVOKE, self._revoke, _need(_REVOKE), changes=True)
        raise not_found(f"There is no {method} {NAMESPACE}/{'/'.join(path.rest)} here.", "InvalidResourceType")

    async def _link(self, call: Call) -> Response:
        person = await self._person(call)
        secret = await self.links.make(person.id)
        body = {"url": self.link_url(secret), "userPrincipalName": person.upn, "expiresIn": LIFETIME}
        return json_response(200, body)

    async def _revoke(self, call: Call) -> Response:
        person = await self._person(call)
        return json_response(200, {"userPrincipalName": person.upn, "ended": await self.sign_out(person.id)})

    async def _person(self, call: Call) -> Person:
        data = await call.request.body.read(_MAX_BODY)
        try:
            asked = msgspec.json.decode(data or b"{}", type=_Body)
        except msgspec.MsgspecError:
            raise invalid("The body is a JSON object with userPrincipalName.", "InvalidRequestContent") from None
        person = self.people.by_upn(asked.userPrincipalName or self.people.owner_upn)
        if person is None:
            raise not_found(f"There is no user {asked.userPrincipalName!r} who may sign in.", "UserNotFound")
        return person


def _need(action: str) -> tuple[Requirement, ...]:
    return (Requirement(ROOT, (Permission(action),)),)
