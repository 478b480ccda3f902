"""The vault as a surface of the HTTP kernel: `{vault}.vault.{domain}`.

Owns the challenge and the way from a request to its handler. Must not authenticate or authorise.

Source: Azure Key Vault, "Authentication, requests and responses": a request without a token is answered with
where to get one (`authorization`) and for what (`resource`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from keyless.http.message import Request, Response
from keyless.http.surface import Call, Operation
from keyless.model.clock import Clock
from keyless.model.errors import ErrorKind, KeylessError, not_found
from keyless.model.resource import Resource
from keyless.model.resource_id import ResourceId
from keyless.providers.key_vault import vaults as vaults_type
from keyless.providers.key_vault.access_policies import under_policies
from keyless.providers.key_vault.claims import insufficient_claims
from keyless.providers.key_vault.errors import VAULT_NOT_FOUND, error_response
from keyless.providers.key_vault.routes import Verb, parse_route, requirements
from keyless.providers.key_vault.secrets import SecretHandlers
from keyless.providers.key_vault.vault import vault_of


class VaultSurface:
    """See `http.surface.Surface`.

    `vaults` finds a vault by the name in its host; `login_url` gives `https://login…/{tenant ID}` under the
    name by which the requesting client knows it, without a trailing slash. A vault that is not there is asked
    for at the subscription: only who may read all vaults is told that it is missing.
    """

    name = "vault"

    def __init__(
        self,
        vaults: Callable[[str], Resource | None],
        handlers: SecretHandlers,
        login_url: Callable[[Request], str],
        clock: Clock,
        subscription: ResourceId,
    ) -> None:
        self._vaults = vaults
        self._login_url = login_url
        self._clock = clock
        self._nowhere = subscription.child("providers", *vaults_type.NAME.split("/"))
        self._handlers = {
            Verb.GET: handlers.get,
            Verb.SET: handlers.set,
            Verb.UPDATE: handlers.update,
            Verb.LIST: handlers.list,
            Verb.LIST_VERSIONS: handlers.list_versions,
            Verb.DELETE: handlers.delete,
            Verb.GET_DELETED: handlers.get_deleted,
            Verb.LIST_DELETED: handlers.list_deleted,
            Verb.RECOVER: handlers.recover,
            Verb.PURGE: handlers.purge,
            Verb.BACKUP: handlers.backup,
            Verb.RESTORE: handlers.restore,
        }

    def route(self, request: Request) -> Operation:
        vault = self._vaults(request.target.name)
        route = parse_route(request)
        handle: Callable[[Call], Awaitable[Response]]
        if vault is None:
            handle, needed = _missing, requirements(self._nowhere.child(request.target.name), route)
        else:
            handle = partial(self._handlers[route.verb], vault_of(vault), route)
            needed = requirements(vault.id, route, policies=under_policies(vault))
        return Operation(route.verb.value, handle, needed, changes=route.verb.changes)

    def challenge(self, request: Request, error: KeylessError) -> str:
        # clients demand that the host they called ends with the resource's host, port included, and they split
        # this text by hand: both values are quoted, and a comma and one space stand between them
        port = request.authority.removeprefix(request.host)
        told = f'Bearer authorization="{self._login_url(request)}", resource="https://{request.target.suffix}{port}"'
        return told + insufficient_claims(int(self._clock())) if error.kind is ErrorKind.REVOKED else told

    def error(self, request: Request, error: KeylessError) -> Response:
        return error_response(error)

    def common_headers(self, request: Request) -> dict[str, str]:
        return {"x-ms-request-id": request.request_id, "Cache-Control": "no-store"}


async def _missing(call: Call) -> Response:
    name = call.request.target.name
    raise not_found(f"There is no key vault {name}: create it, or check the name in the URL.", VAULT_NOT_FOUND)
