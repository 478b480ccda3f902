"""The vault as a surface of the HTTP kernel: `{vault}.vault.{domain}`.

Owns the challenge and the way from a request to its handler. Must not authenticate or authorise.

Source: Azure Key Vault, "Authentication, requests and responses": a request without a token is answered with
where to get one (`authorization`) and for what (`resource`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from keyless.http.message import Request, Response
from keyless.http.surface import Operation
from keyless.model.clock import Clock
from keyless.model.errors import KeylessError, not_found
from keyless.model.resource import Resource
from keyless.providers.key_vault.errors import VAULT_NOT_FOUND, error_response
from keyless.providers.key_vault.routes import Verb, parse_route, requirements
from keyless.providers.key_vault.secret_store import SecretStore
from keyless.providers.key_vault.secrets import SecretHandlers


class VaultSurface:
    """See `http.surface.Surface`.

    `vaults` finds a vault by the name in its host; `login_url` gives `https://login…/{tenant ID}` under the
    name by which the requesting client knows it, without a trailing slash.
    """

    name = "vault"

    def __init__(
        self,
        vaults: Callable[[str], Resource | None],
        secrets: SecretStore,
        login_url: Callable[[Request], str],
        clock: Clock,
    ) -> None:
        self._vaults = vaults
        self._login_url = login_url
        handlers = SecretHandlers(secrets, clock)
        self._handlers = {
            Verb.GET: handlers.get,
            Verb.SET: handlers.set,
            Verb.LIST: handlers.list,
            Verb.LIST_VERSIONS: handlers.list_versions,
            Verb.DELETE: handlers.delete,
            Verb.GET_DELETED: handlers.get_deleted,
            Verb.LIST_DELETED: handlers.list_deleted,
            Verb.RECOVER: handlers.recover,
            Verb.PURGE: handlers.purge,
        }

    def route(self, request: Request) -> Operation:
        vault = self._vaults(request.target.name)
        if vault is None:
            raise not_found(
                f"There is no key vault {request.target.name}: create it, or check the name in the URL.",
                VAULT_NOT_FOUND,
            )
        route = parse_route(request)
        return Operation(
            route.verb.value,
            partial(self._handlers[route.verb], vault.id.key, route),
            requirements(vault.id, route),
            changes=route.verb.changes,
        )

    def challenge(self, request: Request) -> str:
        # clients demand that the host they called ends with the resource's host, port included, and they split
        # this text by hand: both values are quoted, and a comma and one space stand between them
        port = request.authority.removeprefix(request.host)
        return f'Bearer authorization="{self._login_url(request)}", resource="https://{request.target.suffix}{port}"'

    def error(self, request: Request, error: KeylessError) -> Response:
        return error_response(error)

    def common_headers(self, request: Request) -> dict[str, str]:
        return {"x-ms-request-id": request.request_id, "Cache-Control": "no-store"}
