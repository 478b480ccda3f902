"""The operations on secrets: what each does once the caller may do it.

Owns the rules of the secrets API that are neither syntax (`routes.py`, `bundles.py`) nor storage. Must not
authorise.

Source: Azure Key Vault, "About secrets", "Date-time controlled operations": `enabled` governs reading; `nbf` and
`exp` inform, they do not keep anyone from reading a value, because recovery and tests need it.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from keyless.http.message import Request, Response
from keyless.http.surface import Call
from keyless.model.clock import Clock
from keyless.model.errors import ErrorKind, KeylessError, invalid
from keyless.providers.key_vault.backups import MAX_BODY_BYTES as MAX_BACKUP_BYTES
from keyless.providers.key_vault.backups import SecretBackups
from keyless.providers.key_vault.bundles import (
    MAX_BODY_BYTES,
    Bundles,
    backup_answer,
    parse_backup,
    parse_new_secret,
    parse_update,
)
from keyless.providers.key_vault.errors import BAD_PARAMETER, FORBIDDEN, JSON, SECRET_DISABLED
from keyless.providers.key_vault.routes import Route
from keyless.providers.key_vault.secret_lists import Page, SecretLists
from keyless.providers.key_vault.secret_rows import Metadata
from keyless.providers.key_vault.secret_store import SecretStore
from keyless.providers.key_vault.vault import Vault

MAX_PAGE = 25


@dataclass(frozen=True)
class SecretHandlers:
    """The handlers."""

    store: SecretStore
    lists: SecretLists
    backups: SecretBackups
    clock: Clock

    async def get(self, vault: Vault, route: Route, call: Call) -> Response:
        """Answer with the value of one version, the latest if the path names none."""
        found = await self.store.find(vault, route.secret, route.version)
        if not found.metadata.enabled:
            raise KeylessError(
                ErrorKind.FORBIDDEN,
                "The operation get is not allowed on a disabled secret: enable it, or read another version.",
                code=SECRET_DISABLED,
            )
        return _ok(_bundles(vault, call).secret(found, self.store.unseal(vault, found)))

    async def set(self, vault: Vault, route: Route, call: Call) -> Response:
        """Add a version."""
        new = parse_new_secret(await call.request.body.read(MAX_BODY_BYTES))
        now = self._now()
        metadata = new.apply(Metadata(created=now, updated=now), now)
        added = await self.store.put(vault, route.secret, new.value, metadata)
        return _ok(_bundles(vault, call).secret(added, new.value))

    async def update(self, vault: Vault, route: Route, call: Call) -> Response:
        """Change a version's attributes, tags or content type; its value stays, and is not shown."""
        wanted = parse_update(await call.request.body.read(MAX_BODY_BYTES))
        now = self._now()
        changed = await self.store.update(vault, route.secret, route.version, lambda old: wanted.apply(old, now))
        return _ok(_bundles(vault, call).secret(changed))

    async def list(self, vault: Vault, _: Route, call: Call) -> Response:
        """List the vault's secrets."""
        limit, skip_token = _page_asked(call.request)
        page = await self.lists.live(vault, limit, skip_token)
        return _ok(_bundles(vault, call).page(page.items, _next_link(call.request, "/secrets", limit, page)))

    async def list_versions(self, vault: Vault, route: Route, call: Call) -> Response:
        """List a secret's versions; as in the service, a secret that is not there has none."""
        limit, skip_token = _page_asked(call.request)
        page = await self.lists.versions(vault, route.secret, limit, skip_token)
        link = _next_link(call.request, f"/secrets/{route.secret}/versions", limit, page)
        return _ok(_bundles(vault, call).page(page.items, link, versions=True))

    async def delete(self, vault: Vault, route: Route, call: Call) -> Response:
        """Delete a secret, recoverably."""
        return _ok(_bundles(vault, call).secret(await self.store.delete(vault, route.secret, self._now())))

    async def get_deleted(self, vault: Vault, route: Route, call: Call) -> Response:
        """Tell about a deleted secret, without its value."""
        return _ok(_bundles(vault, call).secret(await self.store.find_deleted(vault, route.secret, self._now())))

    async def list_deleted(self, vault: Vault, _: Route, call: Call) -> Response:
        """List the vault's deleted secrets."""
        limit, skip_token = _page_asked(call.request)
        page = await self.lists.deleted(vault, limit, self._now(), skip_token)
        return _ok(_bundles(vault, call).page(page.items, _next_link(call.request, "/deletedsecrets", limit, page)))

    async def recover(self, vault: Vault, route: Route, call: Call) -> Response:
        """Bring a deleted secret back."""
        return _ok(_bundles(vault, call).secret(await self.store.recover(vault, route.secret, self._now())))

    async def purge(self, vault: Vault, route: Route, _: Call) -> Response:
        """Remove a deleted secret for good, which a vault with purge protection leaves to time alone."""
        if vault.purge_protected:
            raise KeylessError(
                ErrorKind.FORBIDDEN,
                "The operation purge is not allowed, because purge protection is enabled for this vault: "
                f"the secret goes by itself {vault.retention_days} days after its deletion.",
                code=FORBIDDEN,
            )
        await self.store.purge(vault, route.secret, self._now())
        return Response(204)

    async def backup(self, vault: Vault, route: Route, _: Call) -> Response:
        """Give out a secret with all its versions, sealed."""
        return _ok(backup_answer(await self.backups.make(vault, route.secret)))

    async def restore(self, vault: Vault, _: Route, call: Call) -> Response:
        """Put a backup back; who may restore into a vault may do so under any name."""
        text = parse_backup(await call.request.body.read(MAX_BACKUP_BYTES))
        return _ok(_bundles(vault, call).secret(await self.backups.restore(vault, text, self._now())))

    def _now(self) -> int:
        return int(self.clock())


def _ok(body: bytes) -> Response:
    return Response(200, body, {"Content-Type": JSON})


def _bundles(vault: Vault, call: Call) -> Bundles:
    return Bundles(call.request.base_url, vault)


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
