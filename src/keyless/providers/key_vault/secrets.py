"""The operations on secrets: what each does once the caller may do it.

Owns the rules of the secrets API that are neither syntax (`routes.py`, `bundles.py`) nor storage. Must not
authorise.

Source: Azure Key Vault, "About secrets": `enabled` governs reading; `nbf` and `exp` inform, they do not keep
anyone from reading a value, because recovery and tests need it.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from keyless.http.message import Request, Response
from keyless.http.surface import Call
from keyless.model.clock import Clock
from keyless.model.errors import ErrorKind, KeylessError, invalid
from keyless.providers.key_vault.bundles import MAX_BODY_BYTES, Bundles, NewAttributes, parse_new_secret
from keyless.providers.key_vault.errors import BAD_PARAMETER, JSON, SECRET_DISABLED
from keyless.providers.key_vault.routes import Route
from keyless.providers.key_vault.secret_store import Metadata, Page, SecretStore

MAX_PAGE = 25


@dataclass(frozen=True)
class SecretHandlers:
    """The handlers. `vault` is the key of the vault's resource ID."""

    store: SecretStore
    clock: Clock

    async def get(self, vault: str, route: Route, call: Call) -> Response:
        """Answer with the value of one version, the latest if the path names none."""
        found = await self.store.find(vault, route.secret, route.version)
        if not found.metadata.enabled:
            raise KeylessError(
                ErrorKind.FORBIDDEN,
                "The operation get is not allowed on a disabled secret: enable it, or read another version.",
                code=SECRET_DISABLED,
            )
        return _ok(_bundles(call).secret(found, self.store.unseal(vault, found)))

    async def set(self, vault: str, route: Route, call: Call) -> Response:
        """Add a version."""
        new = parse_new_secret(await call.request.body.read(MAX_BODY_BYTES))
        attributes = new.attributes or NewAttributes()
        now = self._now()
        metadata = Metadata(
            created=now,
            updated=now,
            enabled=attributes.enabled is not False,
            not_before=attributes.nbf,
            expires=attributes.exp,
            content_type=new.content_type,
            tags=new.tags,
        )
        added = await self.store.put(vault, route.secret, new.value, metadata)
        return _ok(_bundles(call).secret(added, new.value))

    async def list(self, vault: str, _: Route, call: Call) -> Response:
        """List the vault's secrets."""
        limit, skip_token = _page_asked(call.request)
        page = await self.store.live(vault, limit, skip_token)
        return _ok(_bundles(call).page(page.items, _next_link(call.request, "/secrets", limit, page)))

    async def list_versions(self, vault: str, route: Route, call: Call) -> Response:
        """List a secret's versions; as in the service, a secret that is not there has none."""
        limit, skip_token = _page_asked(call.request)
        page = await self.store.versions(vault, route.secret, limit, skip_token)
        link = _next_link(call.request, f"/secrets/{route.secret}/versions", limit, page)
        return _ok(_bundles(call).page(page.items, link, versions=True))

    async def delete(self, vault: str, route: Route, call: Call) -> Response:
        """Delete a secret, recoverably."""
        return _ok(_bundles(call).secret(await self.store.delete(vault, route.secret, self._now())))

    async def get_deleted(self, vault: str, route: Route, call: Call) -> Response:
        """Tell about a deleted secret, without its value."""
        return _ok(_bundles(call).secret(await self.store.find_deleted(vault, route.secret, self._now())))

    async def list_deleted(self, vault: str, _: Route, call: Call) -> Response:
        """List the vault's deleted secrets."""
        limit, skip_token = _page_asked(call.request)
        page = await self.store.deleted(vault, limit, self._now(), skip_token)
        return _ok(_bundles(call).page(page.items, _next_link(call.request, "/deletedsecrets", limit, page)))

    async def recover(self, vault: str, route: Route, call: Call) -> Response:
        """Bring a deleted secret back."""
        return _ok(_bundles(call).secret(await self.store.recover(vault, route.secret, self._now())))

    async def purge(self, vault: str, route: Route, _: Call) -> Response:
        """Remove a deleted secret for good."""
        await self.store.purge(vault, route.secret, self._now())
        return Response(204)

    def _now(self) -> int:
        return int(self.clock())


def _ok(body: bytes) -> Response:
    return Response(200, body, {"Content-Type": JSON})


def _bundles(call: Call) -> Bundles:
    return Bundles(call.request.base_url)


def _page_asked(request: Request) -> tuple[int, str]:
    """How many items to answer with, and the skip token."""
    asked = request.query.get("maxresults", str(MAX_PAGE))
    if not (asked.isascii() and asked.isdecimal() and len(asked) <= 2 and 1 <= int(asked) <= MAX_PAGE):
        raise invalid(f"maxresults is out of range: ask for 1 to {MAX_PAGE}.", BAD_PARAMETER)
    return int(asked), request.query.get("$skiptoken", "")


def _next_link(request: Request, path: str, limit: int, page: Page) -> str:
    """The absolute URL of the next page, where this request went; empty at the end."""
    if not page.skip_token:
        return ""
    query = {"api-version": request.query["api-version"], "$skiptoken": page.skip_token, "maxresults": limit}
    return f"{request.base_url}{path}?{urlencode(query, safe='$')}"
