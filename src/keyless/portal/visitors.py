"""Who is at the browser: its cookie, the people signed in there, and the proof that a form is our own.

Owns cookie, CSRF token, and signing in by password. Must not know which page asks.

Source: RFC 6265bis, section 4.1.3 (`__Host-`); OWASP, "Cross-Site Request Forgery Prevention Cheat Sheet" (token bound
to the session); W3C Fetch Metadata.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from keyless.authority.failures import Failures
from keyless.authority.passwords import Passwords
from keyless.authority.people.browser_sessions import (
    MAX_COOKIE,
    PASSWORD,
    Account,
    BrowserSession,
    BrowserSessions,
)
from keyless.authority.people.people import People, Person
from keyless.http.message import Request, Response
from keyless.model.audit import Audit, AuditEvent
from keyless.model.errors import ErrorKind, KeylessError, invalid
from keyless.model.secretstr import SecretStr
from keyless.store.engine import Store, Tx

COOKIE = "__Host-keyless"
MAX_FORM = 16 * 1024


@dataclass(frozen=True)
class SignedIn:
    """Somebody who is signed in in this browser."""

    person: Person
    account: Account


@dataclass(frozen=True)
class Visitor:
    """A browser. `people` are those who are signed in in it, the newest first; `is_new` if its cookie is to be set."""

    cookie: SecretStr
    is_new: bool
    session: str
    people: tuple[SignedIn, ...]
    csrf: str = field(repr=False)

    def signed_in(self, principal_id: str) -> SignedIn | None:
        """A person, if signed in here."""
        return next((one for one in self.people if one.person.id == principal_id), None)


@dataclass(frozen=True)
class Visitors:
    """Reads browsers; `by_name` and `by_address` count wrong passwords."""

    store: Store
    sessions: BrowserSessions
    people: People
    passwords: Passwords
    by_name: Failures
    by_address: Failures
    audit: Audit
    lifetime: int
    # guesses that come at once must not all be taken before the first of them has been counted
    _guessing: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    async def read(self, request: Request) -> Visitor:
        """Who is at the browser that sent this request."""
        sent = _cookie(request)
        cookie = sent or self.sessions.new_cookie()
        session = await self.sessions.find(cookie) if sent else None
        return self._visitor(cookie, session, is_new=sent is None)

    async def form(self, request: Request, visitor: Visitor) -> dict[str, str]:
        """The form that a request brings; FORBIDDEN if it does not come from a page of ours in this very browser."""
        data = await request.body.read(MAX_FORM)
        try:
            form = dict(parse_qsl(data.decode(), keep_blank_values=True, max_num_fields=32, errors="strict"))
        except ValueError:
            raise invalid("The body has to be a form.") from None
        site = request.headers.get("sec-fetch-site", "same-origin")
        if site != "same-origin" or not hmac.compare_digest(form.get("csrf", "").encode(), visitor.csrf.encode()):
            raise KeylessError(
                ErrorKind.FORBIDDEN, "This form did not come from our own page, or it was open too long: open it again."
            )
        return form

    async def by_password(self, request: Request, visitor: Visitor, form: Mapping[str, str]) -> tuple[Person, Visitor]:
        """Sign somebody in by name and password; UNAUTHENTICATED or THROTTLED if that fails.

        The answer for a name that is not there is the same, and takes as long.
        """
        person = self.people.by_upn(form.get("username", "").strip())
        async with self._guessing:
            is_right = await self._has_password(request, person, form)
        if person is None or not is_right:
            await self.record(request, "sign in", person, "denied", "wrong user name or password")
            raise KeylessError(ErrorKind.UNAUTHENTICATED, "The user name or the password is wrong.")
        await self.record(request, "sign in", person, "allowed", "by password")
        return person, await self.enter(visitor, person.id, PASSWORD)

    async def _has_password(self, request: Request, person: Person | None, form: Mapping[str, str]) -> bool:
        name = form.get("username", "").strip().lower()[:256]
        self.by_name.check(name)
        self.by_address.check(request.peer)
        secret = SecretStr(form.get("password", ""))
        if await self.passwords.matches(secret, person.password_hash if person else ""):
            self.by_name.forget(name)
            return True
        self.by_name.add(name)
        self.by_address.add(request.peer)
        return False

    async def enter(self, visitor: Visitor, principal_id: str, means: str) -> Visitor:
        """Sign a person in who has just proved to be that person; the browser gets another cookie."""
        cookie = self.sessions.new_cookie()

        def work(tx: Tx) -> None:
            self.sessions.sign_in(tx, visitor.cookie, cookie, principal_id, means)

        await self.store.write(work)
        return self._visitor(cookie, await self.sessions.find(cookie), is_new=True)

    async def record(self, request: Request, what: str, person: Person | None, decision: str, reason: str) -> None:
        """Keep in the audit log what a person did at a page; durable before it returns."""
        event = AuditEvent(
            request.request_id,
            "portal",
            what,
            "/people",
            what,
            person.id if person else "",
            person.upn if person else "",
            decision,
            reason,
        )
        await self.audit.decision(event, durable=True)

    def remember(self, visitor: Visitor, response: Response) -> Response:
        """Give the browser its cookie along with an answer."""
        if visitor.is_new:
            lasts = f"; Max-Age={self.lifetime}" if visitor.session else ""
            response.headers["Set-Cookie"] = (
                f"{COOKIE}={visitor.cookie.reveal()}; Path=/; Secure; HttpOnly; SameSite=Lax{lasts}"
            )
        return response

    def forget(self, response: Response) -> Response:
        """Take the cookie back."""
        response.headers["Set-Cookie"] = f"{COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"
        return response

    def _visitor(self, cookie: SecretStr, session: BrowserSession | None, *, is_new: bool) -> Visitor:
        found = []
        for account in session.accounts if session else ():
            person = self.people.by_id(account.principal_id)
            if person is not None and account.authenticated >= person.valid_from:
                found.append(SignedIn(person, account))
        return Visitor(cookie, is_new, session.id if session else "", tuple(found), self.sessions.csrf_token(cookie))


def _cookie(request: Request) -> SecretStr | None:
    for pair in request.headers.get("cookie").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE and 0 < len(value) <= MAX_COOKIE and value.isascii():
            return SecretStr(value)
    return None
