"""The authorize endpoint: a person chooses an account or signs in, and the client gets a code.

Owns the page's steps. What may be asked, and where the answer may go, is `authority/authorization_request.py`; it is
read anew for every step, from the URL, so that nothing is kept of a sign-in that is not finished. There is no consent
to give in a single tenant, but no code leaves for a program on the machine before the person has seen which program
asks and has pressed a button: any program could ask.

Source: RFC 6749, section 4.1.1; OpenID Connect Core 1.0, section 3.1.2; RFC 8252, section 8.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from keyless.authority.authorization_request import (
    FORM_POST,
    AuthorizationRequest,
    Destination,
    read_destination,
    read_request,
)
from keyless.authority.grants.authorization_code import AuthorizationCodes, Binding
from keyless.authority.people.browser_sessions import LINK
from keyless.authority.redirects import is_loopback, origin
from keyless.directory.applications import Applications
from keyless.http.message import MAX_QUERY_FIELDS, Request, Response
from keyless.model.clock import Clock
from keyless.model.errors import ErrorKind, KeylessError, invalid
from keyless.portal.pages import Pages
from keyless.portal.visitors import SignedIn, Visitor, Visitors

#: With prompt=login, how long ago somebody who has no password may have come in by a link.
FRESH_SECONDS = 300
_STATUS = {ErrorKind.UNAUTHENTICATED: 403, ErrorKind.THROTTLED: 429}


@dataclass(frozen=True)
class Authorize:
    """Serves `/{tenant}/oauth2/v2.0/authorize`."""

    applications: Applications
    codes: AuthorizationCodes
    visitors: Visitors
    pages: Pages
    clock: Clock

    async def handle(self, request: Request) -> Response:
        """Answer a GET or a POST; raises KeylessError where the answer must not go to a client."""
        _refuse_repeated(request.raw_query)
        destination = read_destination(request.query, self.applications)
        try:
            asked = read_request(request.query, destination)
        except KeylessError as error:
            return await self._refuse(request, destination, error.code or "invalid_request", error.message)
        visitor = await self.visitors.read(request)
        if request.method == "POST":
            return await self._decide(request, asked, visitor)
        chosen = self._silent(asked, visitor)
        if chosen is not None:
            return await self._give(request, asked, visitor, chosen)
        if asked.prompt == "none":
            code = "interaction_required" if self._offered(asked, visitor) else "login_required"
            return await self._refuse(request, destination, code, "Somebody has to sign in on the page.")
        return await self._ask(request, asked, visitor)

    def _offered(self, asked: AuthorizationRequest, visitor: Visitor) -> list[SignedIn]:
        """The accounts that will do, the one that the client hints at first."""
        people = list(visitor.people)
        if asked.prompt == "login":
            since = self.clock() - FRESH_SECONDS
            people = [one for one in people if one.account.means == LINK and one.account.authenticated >= since]
        hint = asked.login_hint.lower()
        return sorted(people, key=lambda one: one.person.upn.lower() != hint)

    def _silent(self, asked: AuthorizationRequest, visitor: Visitor) -> SignedIn | None:
        """Who is signed in without being asked: only at a web application, whose address nobody else has."""
        if not asked.destination.web or asked.prompt not in {"", "none"}:
            return None
        people = self._offered(asked, visitor)
        if asked.login_hint:
            people = [one for one in people if one.person.upn.lower() == asked.login_hint.lower()]
        return people[0] if len(people) == 1 else None

    async def _decide(self, request: Request, asked: AuthorizationRequest, visitor: Visitor) -> Response:
        form = await self.visitors.form(request, visitor)
        if form.get("decision") == "cancel":
            return await self._refuse(
                request, asked.destination, "access_denied", "The person did not want to sign in."
            )
        if "account" in form:
            chosen = next((one for one in self._offered(asked, visitor) if one.person.id == form["account"]), None)
            if chosen is None:
                return await self._ask(request, asked, visitor, "This account has been signed out: sign in again.")
            return await self._give(request, asked, visitor, chosen)
        if asked.prompt == "none":
            raise invalid("prompt=none asks nobody.")
        try:
            person, visitor = await self.visitors.by_password(request, visitor, form)
        except KeylessError as error:
            name = form.get("username", "")
            return await self._ask(
                request, asked, visitor, error.message, name=name, status=_STATUS.get(error.kind, 400)
            )
        signed_in = visitor.signed_in(person.id)
        assert signed_in is not None
        return await self._give(request, asked, visitor, signed_in)

    async def _ask(
        self,
        request: Request,
        asked: AuthorizationRequest,
        visitor: Visitor,
        problem: str = "",
        *,
        name: str = "",
        status: int = 200,
    ) -> Response:
        destination = asked.destination
        values = {
            "application": destination.application.display_name,
            "destination": origin(destination.redirect_uri),
            "is_local": is_loopback(destination.redirect_uri),
            "people": [one.person for one in self._offered(asked, visitor)],
            "csrf": visitor.csrf,
            "problem": problem,
            "name": name or asked.login_hint,
            "hidden": {},
        }
        page = await self.pages.page(
            request, "sign_in.html", values, status=status, form_target=destination.redirect_uri
        )
        return self.visitors.remember(visitor, page)

    async def _give(
        self, request: Request, asked: AuthorizationRequest, visitor: Visitor, chosen: SignedIn
    ) -> Response:
        destination = asked.destination
        client = destination.application
        binding = Binding(
            client.client_id,
            destination.redirect_uri,
            asked.challenge,
            chosen.person.id,
            visitor.session,
            chosen.account.authenticated,
            str(asked.scope),
            asked.nonce,
            destination.web,
        )
        reason = f"{client.display_name} ({client.client_id}) may act for this person at {asked.scope.resource}"
        await self.visitors.record(request, "authorize", chosen.person, "allowed", reason)
        code = await self.codes.give(binding)
        return self.visitors.remember(visitor, await self._send(request, destination, {"code": code.reveal()}))

    async def _refuse(self, request: Request, destination: Destination, code: str, why: str) -> Response:
        return await self._send(request, destination, {"error": code, "error_description": why})

    async def _send(self, request: Request, destination: Destination, answer: Mapping[str, str]) -> Response:
        if destination.mode != FORM_POST:
            return self.pages.see_other(request, destination.location(answer))
        values = {
            "application": destination.application.display_name,
            "target": destination.redirect_uri,
            "fields": destination.with_state(answer),
        }
        return await self.pages.page(request, "return.html", values, form_target=destination.redirect_uri, script=True)


def _refuse_repeated(raw_query: str) -> None:
    names = [name for name, _ in parse_qsl(raw_query, keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS)]
    if len(names) != len(set(names)):
        raise invalid("A parameter of the request is there twice.")
