"""`keyless token`: a token on standard output, from the identity endpoint or over a lease of a moment."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from keyless.client.access_token import AccessToken
from keyless.client.app_service import Endpoint, endpoint_of, fetch_token, read_answer
from keyless.client.errors import CredentialUnavailable, TokenRefused
from keyless.client.http1 import BadResponse, Response, ResponseReader
from keyless.launcher.lease import Wanted, identity_opening
from keyless.launcher.sources import LOOPBACK
from keyless.launcher.unix_socket import GRANT_SECONDS, connect, find_server, take_lease
from keyless.launcher.usage import WRONG_USAGE, read_options
from keyless.model.errors import ErrorKind, KeylessError, invalid

USAGE = (
    "usage: keyless token --resource URL [--client-id ID | --object-id ID | --resource-id ID] "
    "[--app NAME] [--data DIR] [-o text|json]"
)
_SELECTORS = {"client-id": "client_id", "object-id": "object_id", "resource-id": "mi_res_id"}
#: By one of these a program knows that it is an instance, whatever the shape of its host.
_OF_AN_INSTANCE = (
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "IDENTITY_ENDPOINT",
    "MSI_ENDPOINT",
)
_OPTIONS = ("resource", *_SELECTORS, "app", "data", "output")

_OTHER_HOST = (
    "This program's host has another shape than App Service, which `keyless token` does not ask: "
    "start it with `--host app-service`, or use `--app NAME`."
)


def is_for_a_workload(arguments: Sequence[str], environ: Mapping[str, str]) -> bool:
    """Whether the token asked for is an app's; otherwise it is the owner's, which is not this module's business."""
    if any(name in environ for name in _OF_AN_INSTANCE):
        return True
    return any(word == "--app" or word.startswith("--app=") for word in arguments)


def token(arguments: Sequence[str], environ: Mapping[str, str]) -> str:
    """What to print: the token, or JSON with it. Raises KeylessError."""
    options = read_options(arguments, _OPTIONS, USAGE)
    resource = options.get("resource", "")
    output = options.get("output") or options.get("o") or "text"
    selectors = [(field, options[name]) for name, field in _SELECTORS.items() if options.get(name)]
    if not resource or output not in ("text", "json") or len(selectors) > 1:
        raise invalid(USAGE, WRONG_USAGE)
    selector = selectors[0] if selectors else None
    try:
        if options.get("app"):
            issued = _over_lease(find_server(options.get("data", ""), environ), options["app"], resource, selector)
        else:
            if "IDENTITY_HEADER" not in environ or "IDENTITY_SERVER_THUMBPRINT" in environ:
                raise KeylessError(ErrorKind.UNSUPPORTED, _OTHER_HOST)
            meant = selector or _client(environ.get("AZURE_CLIENT_ID", ""))
            issued = fetch_token(endpoint_of(environ), resource, meant, clock=time.time, sleep=time.sleep)
    except CredentialUnavailable as error:
        raise KeylessError(ErrorKind.UNAVAILABLE, str(error)) from None
    except TokenRefused as error:
        raise KeylessError(ErrorKind.FORBIDDEN, str(error)) from None
    return issued.token if output == "text" else _as_json(issued, resource)


def _client(client_id: str) -> tuple[str, str] | None:
    """Who is meant when nobody is named: the app's only identity, as `DefaultAzureCredential` takes it to be."""
    return (_SELECTORS["client-id"], client_id) if client_id else None


def _over_lease(place: Path, app: str, resource: str, selector: tuple[str, str] | None) -> AccessToken:
    # the port is held only so that no other process can be what the lease names
    with socket.create_server((LOOPBACK, 0)) as holding:
        port = holding.getsockname()[1]
        lease, connection, _ = take_lease(place, Wanted(app, "own"), port)
        with connection:
            meant = selector or _client(lease.client_id)
            request = Endpoint(LOOPBACK, port, "/msi/token", lease.header).request(resource, meant)
            return read_answer(_exchange(place, identity_opening(lease) + request), time.time())


def _exchange(place: Path, request: bytes) -> Response:
    reader = ResponseReader()
    try:
        with connect(place) as connection:
            connection.settimeout(GRANT_SECONDS)
            connection.sendall(request)
            while True:
                response = reader.feed(connection.recv(65536))
                if response is not None:
                    return response
    except (OSError, BadResponse) as error:
        raise KeylessError(ErrorKind.UNAVAILABLE, f"The server gave no token: {error}") from None


def _as_json(issued: AccessToken, resource: str) -> str:
    return json.dumps(
        {
            "token": issued.token,
            "expires_on": issued.expires_on,
            "token_type": issued.token_type,
            "resource": resource,
        }
    )
