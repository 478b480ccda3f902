"""The App Service shape of the managed-identity endpoint, asked from the application's side.

Owns the request (api-version 2019-08-01, `X-IDENTITY-HEADER`), the meaning of the answer, and the one round trip
over a fresh connection that no proxy sees. Source: Azure App Service, "REST endpoint reference" for managed identities.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping

from keyless.client.access_token import AccessToken
from keyless.client.errors import CredentialUnavailable, TokenRefused
from keyless.client.http1 import BadResponse, Response, ResponseReader, get_request
from keyless.model.clock import Clock
from keyless.model.secretstr import SecretStr

API_VERSION = "2019-08-01"
#: A token is renewed this long before it expires, or at half its life if that is shorter.
MARGIN = 300
#: In all, with every repetition.
MAX_SECONDS = 30.0
MAX_TRIES = 3

_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_HOW_TO_START = "start the program with `keyless run --app NAME -- …`"


class Endpoint:
    """Where to ask, and the header secret that proves who asks."""

    __slots__ = ("_secret", "host", "path", "port")

    def __init__(self, host: str, port: int, path: str, secret: SecretStr) -> None:
        self.host = host
        self.port = port
        self.path = path
        self._secret = secret

    def request(self, resource: str, selector: tuple[str, str] | None) -> bytes:
        """The request for a token for `resource`; `selector` is a query field and its value (`client_id`, …)."""
        fields = [("api-version", API_VERSION), ("resource", resource), *([selector] if selector else [])]
        query = "&".join(f"{name}={_quote(value)}" for name, value in fields)
        try:
            return get_request(
                f"{self.host}:{self.port}", f"{self.path}?{query}", {"X-IDENTITY-HEADER": self._secret.reveal()}
            )
        except ValueError:  # its cause is kept out: the secret is among its locals
            raise CredentialUnavailable("IDENTITY_HEADER or IDENTITY_ENDPOINT holds a line break.") from None


def endpoint_of(environ: Mapping[str, str]) -> Endpoint:
    """Read `IDENTITY_ENDPOINT` and `IDENTITY_HEADER`; raises CredentialUnavailable where they are missing."""
    url = environ.get("IDENTITY_ENDPOINT", "")
    secret = environ.get("IDENTITY_HEADER", "")
    if not url or not secret:
        raise CredentialUnavailable(f"IDENTITY_ENDPOINT and IDENTITY_HEADER are not set: {_HOW_TO_START}.")
    authority, slash, path = url.removeprefix("http://").partition("/")
    host, colon, port = authority.rpartition(":")
    if not colon or authority.endswith("]"):
        host, port = authority, "80"
    valid_port = port.isascii() and port.isdigit() and 0 < int(port) < 65536
    if not url.startswith("http://") or not host or not valid_port:
        raise CredentialUnavailable(f"IDENTITY_ENDPOINT is not an http:// address: {_HOW_TO_START}.")
    return Endpoint(host, int(port), slash + path or "/", SecretStr(secret))


def fetch_token(
    endpoint: Endpoint, resource: str, selector: tuple[str, str] | None, *, clock: Clock, sleep: Callable[[float], None]
) -> AccessToken:
    """Ask for a token; waits as told when the endpoint is throttled.

    Raises CredentialUnavailable (nobody answers, or with nonsense) or TokenRefused (with the endpoint's message).
    """
    request = endpoint.request(resource, selector)
    deadline = clock() + MAX_SECONDS
    for remaining_tries in reversed(range(MAX_TRIES)):
        response = _exchange(endpoint, request, deadline, clock)
        pause = _retry_after(response)
        if response.status != 429 or not remaining_tries or clock() + pause > deadline:
            break
        sleep(pause)
    return read_answer(response, clock())


def read_answer(response: Response, now: float) -> AccessToken:
    """The token in an answer of the endpoint; raises as `fetch_token` does."""
    try:
        document = json.loads(response.body)
    except ValueError:
        document = None
    fields = document if isinstance(document, dict) else {}
    if response.status != 200:
        message = fields.get("message")
        sentence = message if isinstance(message, str) and message else f"HTTP status {response.status}"
        if response.status >= 500:
            raise CredentialUnavailable(f"The identity endpoint cannot answer: {sentence}")
        raise TokenRefused(sentence, response.status)
    token = fields.get("access_token")
    try:
        expires_on = int(fields["expires_on"])
    except (KeyError, TypeError, ValueError):
        expires_on = 0
    if not isinstance(token, str) or not token or expires_on <= now:
        raise CredentialUnavailable(f"The identity endpoint's answer holds no valid token: {_HOW_TO_START}.")
    return AccessToken(token, expires_on, expires_on - int(min(MARGIN, (expires_on - now) / 2)))


def _exchange(endpoint: Endpoint, request: bytes, deadline: float, clock: Clock) -> Response:
    reader = ResponseReader()
    host = endpoint.host.strip("[]")
    try:
        with socket.create_connection((host, endpoint.port), timeout=max(deadline - clock(), 0.01)) as connection:
            connection.sendall(request)
            while True:
                connection.settimeout(max(deadline - clock(), 0.01))
                response = reader.feed(connection.recv(65536))
                if response is not None:
                    return response
    except BadResponse as error:
        raise CredentialUnavailable(f"The identity endpoint's answer makes no sense: {error}.") from None
    except OSError as error:
        raise CredentialUnavailable(
            f"The identity endpoint at {endpoint.host}:{endpoint.port} does not answer ({error}): {_HOW_TO_START}."
        ) from None


def _retry_after(response: Response) -> float:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else 1.0


def _quote(text: str) -> str:
    return "".join(c if c in _UNRESERVED else "".join(f"%{b:02X}" for b in c.encode()) for c in text)
