"""The Blob surface: what the kernel asks of it.

Owns the account behind a host name, the challenge, and what every answer carries.

Source: Azure Storage, "Authorize with Microsoft Entra ID"; the challenge is not quoted and has no commas, which
is what the official clients read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from keyless.http.message import Request, Response
from keyless.http.surface import Call, Operation
from keyless.model.errors import KeylessError, not_found
from keyless.model.resource import Resource
from keyless.model.resource_id import ResourceId
from keyless.providers.storage import accounts as accounts_type
from keyless.providers.storage.blob_store import BlobStore
from keyless.providers.storage.copy_source import FindTarget
from keyless.providers.storage.errors import error_response
from keyless.providers.storage.headers import DEFAULT_VERSION, client_request_id, version_of
from keyless.providers.storage.operations.copying import Copying
from keyless.providers.storage.routes import route, rules
from keyless.providers.storage.sas_rights import overrides
from keyless.providers.storage.shared_access import SharedAccess

Handle = Callable[[Call], Awaitable[Response]]

AUDIENCE = "https://storage.azure.com"


class BlobSurface:
    """See `http.surface.Surface`.

    `accounts` finds a storage account by its name; `login_url` gives the authority of a request's alias with the
    tenant, `https://login…/{tenant ID}`. An account that is not there is asked for at the subscription: only who
    may read all accounts is told that it is missing. `find_target` says what the host and the path of a copy's
    source stand for.
    """

    name = "storage"

    def __init__(
        self,
        accounts: Callable[[str], Resource | None],
        blobs: BlobStore,
        login_url: Callable[[Request], str],
        subscription: ResourceId,
        shared: SharedAccess,
        find_target: FindTarget,
    ) -> None:
        self._accounts = accounts
        self._blobs = blobs
        self._login_url = login_url
        self._rules = rules(shared, Copying(find_target, accounts))
        self._nowhere = subscription.child("providers", *accounts_type.NAME.split("/"))

    def route(self, request: Request) -> Operation:
        version_of(request.headers)
        account = self._accounts(request.target.name)
        scope = self._nowhere.child(request.target.name) if account is None else account.id
        routed = route(self._rules, request, scope)
        handle: Handle = partial(routed.rule.handle, self._blobs, routed.path)
        if "sig" in request.query and (headers := overrides(request.query)):
            handle = partial(_with_headers, handle, headers)
        if not routed.rule.needs:
            # it must go on as if the account were there: only its parts tell, and only those who may know
            return Operation(routed.rule.name, handle, self_service=True)
        return Operation(
            name=routed.rule.name,
            handle=handle if account else _missing,
            requirements=routed.requirements,
            changes=routed.rule.changes,
        )

    def challenge(self, request: Request, _error: KeylessError) -> str:
        return f"Bearer authorization_uri={self._login_url(request)}/oauth2/authorize resource_id={AUDIENCE}"

    def error(self, request: Request, error: KeylessError) -> Response:
        return error_response(request, error)

    def common_headers(self, request: Request) -> dict[str, str]:
        try:
            version = version_of(request.headers)
        except KeylessError:
            version = DEFAULT_VERSION
        headers = {
            "x-ms-request-id": request.request_id,
            "x-ms-version": version,
        }
        if client_id := client_request_id(request.headers):
            headers["x-ms-client-request-id"] = client_id
        return headers


async def _with_headers(handle: Handle, headers: dict[str, str], call: Call) -> Response:
    """What a signature wants its reader to be told in place of the blob's own properties."""
    response = await handle(call)
    if call.request.method in {"GET", "HEAD"} and response.status in {200, 206}:
        response.headers.update(headers)
    return response


async def _missing(call: Call) -> Response:
    name = call.request.target.name
    raise not_found(f"There is no storage account named {name!r}: create it first.", "ResourceNotFound")
