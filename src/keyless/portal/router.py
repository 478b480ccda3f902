"""The paths of the pages, and what goes wrong on them, as a page.

Owns the table of paths on the token authority's names.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from keyless.http.message import Request, Response
from keyless.http.surface import PublicOperation
from keyless.model.errors import ErrorKind, KeylessError, not_found
from keyless.portal.accounts import PATH, AccountPages
from keyless.portal.authorize import Authorize
from keyless.portal.device import PATH as DEVICE_PATH
from keyless.portal.device import DevicePage
from keyless.portal.pages import Pages

Handler = Callable[[Request], Awaitable[Response]]
_TENANTS = re.compile(r"/([^/]+)/oauth2/(?:v2\.0/)?(authorize|logout|deviceauth)")
_ASSET = re.compile(r"/assets/([a-z.]+)")
_ANY_TENANT = {"common", "organizations"}
_STATUS = {
    ErrorKind.FORBIDDEN: 403,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.TOO_LARGE: 413,
    ErrorKind.THROTTLED: 429,
    ErrorKind.UNAVAILABLE: 503,
}


@dataclass(frozen=True)
class Portal:
    """Finds the page for a request."""

    authorize: Authorize
    device: DevicePage
    accounts: AccountPages
    pages: Pages
    tenant: str

    def find(self, request: Request) -> PublicOperation | None:
        """The operation of a page; None if the path is no page's."""
        path = request.path.rstrip("/").lower()
        asset = _ASSET.fullmatch(path)
        if asset and request.method in {"GET", "HEAD"}:
            return PublicOperation("asset", self._as_page(self._asset(asset[1])))
        handler = self._page(path) if request.method in {"GET", "HEAD", "POST"} else None
        return PublicOperation(path.rpartition("/")[2], self._as_page(handler)) if handler else None

    def _page(self, path: str) -> Handler | None:
        if path in {PATH, DEVICE_PATH}:
            return self.accounts.sign_in if path == PATH else self.device.handle
        match = _TENANTS.fullmatch(path)
        if match is None:
            return None
        if match[1] not in {self.tenant, *_ANY_TENANT}:
            return self._no_tenant
        handlers: dict[str, Handler] = {
            "authorize": self.authorize.handle,
            "logout": self.accounts.sign_out,
            "deviceauth": self.device.handle,
        }
        return handlers[match[2]]

    def _as_page(self, handle: Handler) -> Handler:
        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except KeylessError as error:
                if error.kind is ErrorKind.INTERNAL:
                    raise
                values = {"problem": error.message, "request_id": request.request_id}
                status = _STATUS.get(error.kind, 400)
                page = await self.pages.page(request, "error.html", values, status=status)
                if error.retry_after is not None:
                    page.headers["Retry-After"] = str(error.retry_after)
                return page

        return answer

    def _asset(self, name: str) -> Handler:
        async def answer(request: Request) -> Response:
            found = self.pages.asset(request, name)
            if found is None:
                raise not_found("There is no such page.")
            return found

        return answer

    async def _no_tenant(self, _request: Request) -> Response:
        raise not_found(f"There is no such tenant here; this one is {self.tenant}.")
