"""The page of a browser's accounts: one-time links, signing in without a client, and signing out.

Owns these steps. A link is used up by a button and not by being opened, because browsers and mail programs open links
beforehand; the page says whom it signs in, so that nobody works as somebody else unawares.

Source: OpenID Connect RP-Initiated Logout 1.0, sections 2 and 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from keyless.authority.people.browser_sessions import LINK
from keyless.authority.people.people import People
from keyless.authority.people.sign_in_links import SignInLinks
from keyless.authority.people.sign_ins import SignIns
from keyless.authority.redirects import is_registered
from keyless.directory.applications import Applications
from keyless.http.message import Request, Response
from keyless.model.errors import ErrorKind, KeylessError, not_found
from keyless.portal.pages import Pages
from keyless.portal.visitors import Visitor, Visitors
from keyless.store.engine import Tx

PATH = "/signin"
_STATUS = {ErrorKind.UNAUTHENTICATED: 403, ErrorKind.THROTTLED: 429}


@dataclass(frozen=True)
class AccountPages:
    """Serves `/signin` and `/{tenant}/oauth2/v2.0/logout`."""

    links: SignInLinks
    people: People
    sign_ins: SignIns
    applications: Applications
    visitors: Visitors
    pages: Pages

    async def sign_in(self, request: Request) -> Response:
        """The accounts of this browser; with `link`, the person whom that signs in."""
        visitor = await self.visitors.read(request)
        if "link" in request.query:
            return await self._link(request, visitor, request.query["link"])
        if request.method != "POST":
            return await self._accounts(request, visitor)
        form = await self.visitors.form(request, visitor)
        try:
            _, visitor = await self.visitors.by_password(request, visitor, form)
        except KeylessError as error:
            return await self._accounts(request, visitor, error, form.get("username", ""))
        return self.visitors.remember(visitor, self.pages.see_other(request, PATH))

    async def _link(self, request: Request, visitor: Visitor, secret: str) -> Response:
        principal_id = await self.links.find(secret)
        person = self.people.by_id(principal_id) if principal_id else None
        if person is None:
            raise not_found("This link has been used or has expired: run `keyless login` again.")
        if request.method != "POST":
            values = {"person": person, "csrf": visitor.csrf}
            return self.visitors.remember(visitor, await self.pages.page(request, "link.html", values))
        await self.visitors.form(request, visitor)
        if await self.visitors.store.write(lambda tx: self.links.use(tx, secret)) != person.id:
            raise not_found("This link has just been used: run `keyless login` again.")
        await self.visitors.record(request, "sign in", person, "allowed", "by a one-time link")
        visitor = await self.visitors.enter(visitor, person.id, LINK)
        return self.visitors.remember(visitor, self.pages.see_other(request, PATH))

    async def _accounts(
        self, request: Request, visitor: Visitor, error: KeylessError | None = None, name: str = ""
    ) -> Response:
        values = {
            "people": [one.person for one in visitor.people],
            "csrf": visitor.csrf,
            "problem": error.message if error else "",
            "name": name,
            "hidden": {},
        }
        status = _STATUS.get(error.kind, 400) if error else 200
        page = await self.pages.page(request, "accounts.html", values, status=status)
        return self.visitors.remember(visitor, page)

    async def sign_out(self, request: Request) -> Response:
        """Ask, then sign everybody out of this browser, and end what they began in it."""
        visitor = await self.visitors.read(request)
        back = self._way_back(request.query)
        if request.method == "POST":
            await self.visitors.form(request, visitor)
            await self._end(request, visitor)
        elif visitor.people:
            values = {"people": [one.person for one in visitor.people], "csrf": visitor.csrf}
            page = await self.pages.page(request, "sign_out.html", values, form_target=back)
            return self.visitors.remember(visitor, page)
        if back:
            return self.visitors.forget(self.pages.see_other(request, back))
        return self.visitors.forget(await self.pages.page(request, "signed_out.html", {}))

    async def _end(self, request: Request, visitor: Visitor) -> None:
        def work(tx: Tx) -> None:
            for one in visitor.people:
                self.sign_ins.end_of_session(tx, visitor.session, one.person.id)
            self.visitors.sessions.sign_out(tx, visitor.session)

        for one in visitor.people:
            await self.visitors.record(request, "sign out", one.person, "allowed", "at the page")
        await self.visitors.store.write(work)

    def _way_back(self, query: Mapping[str, str]) -> str:
        """Where to lead after signing out: only to a redirect URI of the application that asks."""
        uri = query.get("post_logout_redirect_uri", "")
        application = self.applications.by_client_id(query.get("client_id", "")) if uri else None
        if application is None:
            return ""
        known = is_registered(uri, application.public_redirects, any_port=True)
        if not known and not is_registered(uri, application.web_redirects, any_port=False):
            return ""
        state = query.get("state", "")
        return f"{uri}{'&' if '?' in uri else '?'}{urlencode({'state': state})}" if state else uri
