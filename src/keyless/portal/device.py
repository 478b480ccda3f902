"""The verification page of the device code grant: a person enters the code that a program shows.

Owns the page's steps: the code, signing in, and the decision. A person decides after having read which program asks and
that the code has to be on a screen of one's own: whoever sends a code to somebody else is a thief.

Source: RFC 8628, sections 3.3 and 5.4 (remote phishing).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from keyless.authority.failures import Failures
from keyless.authority.grants.device_code import DeviceCodes, WaitingDevice, as_shown
from keyless.directory.applications import Applications
from keyless.http.message import Request, Response
from keyless.model.errors import ErrorKind, KeylessError
from keyless.portal.pages import Pages
from keyless.portal.visitors import Visitor, Visitors

PATH = "/devicelogin"
_STATUS = {ErrorKind.UNAUTHENTICATED: 403, ErrorKind.THROTTLED: 429}
_UNKNOWN = "No program waits with this code: it is mistyped, it has been used, or it has expired."


@dataclass(frozen=True)
class DevicePage:
    """Serves `/devicelogin` and `/{tenant}/oauth2/deviceauth`; `guesses` counts wrong codes."""

    codes: DeviceCodes
    applications: Applications
    visitors: Visitors
    pages: Pages
    guesses: Failures

    async def handle(self, request: Request) -> Response:
        """Answer a GET or a POST."""
        visitor = await self.visitors.read(request)
        if request.method != "POST":
            return await self._enter(request, visitor)
        form = await self.visitors.form(request, visitor)
        user_code = as_shown(form.get("user_code", ""))
        try:
            self.guesses.check(request.peer)
        except KeylessError as error:
            return await self._enter(request, visitor, error.message, 429)
        device = await self.codes.waiting(user_code)
        if device is None:
            self.guesses.add(request.peer)
            return await self._enter(request, visitor, _UNKNOWN, 400)
        return await self._decide(request, visitor, device, user_code, form)

    async def _decide(
        self, request: Request, visitor: Visitor, device: WaitingDevice, user_code: str, form: Mapping[str, str]
    ) -> Response:
        if form.get("decision") == "cancel":
            await self.codes.decline(user_code)
            return await self._done(request, visitor, device, declined=True)
        if "account" in form:
            return await self._approve(request, visitor, device, user_code, form["account"])
        if "password" in form:
            return await self._sign_in(request, visitor, device, user_code, form)
        return await self._confirm(request, visitor, device, user_code)

    async def _sign_in(
        self, request: Request, visitor: Visitor, device: WaitingDevice, user_code: str, form: Mapping[str, str]
    ) -> Response:
        try:
            _, visitor = await self.visitors.by_password(request, visitor, form)
        except KeylessError as error:
            status, name = _STATUS.get(error.kind, 400), form.get("username", "")
            return await self._confirm(request, visitor, device, user_code, error.message, name=name, status=status)
        return await self._confirm(request, visitor, device, user_code)

    async def _approve(
        self, request: Request, visitor: Visitor, device: WaitingDevice, user_code: str, principal_id: str
    ) -> Response:
        chosen = visitor.signed_in(principal_id)
        if chosen is None:
            problem = "This account has been signed out: sign in again."
            return await self._confirm(request, visitor, device, user_code, problem)
        reason = f"{self._name(device)} ({device.client_id}) may act for this person, with a device code"
        await self.visitors.record(request, "authorize", chosen.person, "allowed", reason)
        account = chosen.account
        if not await self.codes.approve(user_code, account.principal_id, visitor.session, account.authenticated):
            return await self._enter(request, visitor, _UNKNOWN, 400)
        return await self._done(request, visitor, device, declined=False)

    async def _enter(self, request: Request, visitor: Visitor, problem: str = "", status: int = 200) -> Response:
        values = {"csrf": visitor.csrf, "problem": problem}
        return self.visitors.remember(
            visitor, await self.pages.page(request, "device_code.html", values, status=status)
        )

    async def _confirm(
        self,
        request: Request,
        visitor: Visitor,
        device: WaitingDevice,
        user_code: str,
        problem: str = "",
        *,
        name: str = "",
        status: int = 200,
    ) -> Response:
        values = {
            "application": self._name(device),
            "user_code": user_code,
            "people": [one.person for one in visitor.people],
            "csrf": visitor.csrf,
            "problem": problem,
            "name": name,
            "hidden": {"user_code": user_code},
        }
        page = await self.pages.page(request, "device_confirm.html", values, status=status)
        return self.visitors.remember(visitor, page)

    async def _done(self, request: Request, visitor: Visitor, device: WaitingDevice, *, declined: bool) -> Response:
        values = {"application": self._name(device), "declined": declined}
        return self.visitors.remember(visitor, await self.pages.page(request, "device_done.html", values))

    def _name(self, device: WaitingDevice) -> str:
        application = self.applications.by_client_id(device.client_id)
        return application.display_name if application else device.client_id
