"""The connection from a command to the server.

Owns the HTTPS connection to the instance's own address under the surfaces' own names (which do not resolve
everywhere), the owner's tokens, and what goes wrong on the way. Must not know any API.

Tokens are kept in memory only. The server's certificate is checked against the own-names authority of the data
folder and nothing else; proxies are not used.
"""

from __future__ import annotations

import json as jsonlib
import ssl
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from keyless.cli.errors import Refused, refusal
from keyless.cli.instance import Endpoint, Instance
from keyless.cli.output import Json
from keyless.cli.owner import ASSERTION_TYPE, OwnerKey
from keyless.model.clock import Clock, system_clock
from keyless.model.secretstr import SecretStr

MAX_ANSWER = 64 * 1024 * 1024
MAX_PAGES = 10_000
CONNECTIONS = 8
#: A token is renewed when it has less than this many seconds left.
_MARGIN = 60
_SECONDS = 60.0
_TIMEOUT = httpx.Timeout(_SECONDS, connect=5)
_REPEATABLE = (bytes, list, type(None))


@dataclass(frozen=True)
class AccessToken:
    """A token of the owner's and the Unix time at which it ends."""

    token: SecretStr
    expires_on: int


class Session:
    """Sends requests as the owner. `key` reads the owner key when the first token is needed."""

    def __init__(
        self,
        instance: Instance,
        key: Callable[[], OwnerKey],
        *,
        transport: httpx.BaseTransport | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self.instance = instance
        self._key = key
        self._clock = clock
        self._tokens: dict[str, AccessToken] = {}
        self._client = httpx.Client(
            transport=transport or _transport(instance), timeout=_TIMEOUT, trust_env=False, follow_redirects=False
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def token(self, audience: str) -> AccessToken:
        """The owner's token for a resource (`https://vault.azure.net`)."""
        held = self._tokens.get(audience)
        if held is None or held.expires_on - self._clock() < _MARGIN:
            held = self._tokens[audience] = self._fetch_token(audience)
        return held

    def json(
        self,
        method: str,
        endpoint: Endpoint,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
    ) -> Any:
        """A request with a JSON body (none if None) and its JSON answer; {} if the answer has no body."""
        content = None if body is None else jsonlib.dumps(body).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        with self.stream(method, endpoint, path, query=query, headers=headers, content=content) as response:
            data = _read(response)
        try:
            return jsonlib.loads(data) if data else {}
        except ValueError:
            raise _not_keyless(self.instance) from None

    def pages(self, endpoint: Endpoint, path: str, query: Mapping[str, str]) -> Iterator[Json]:
        """The items of a list, following its links (`nextLink`, `@odata.nextLink`)."""
        wanted: Mapping[str, str] | None = query
        for _ in range(MAX_PAGES):
            page = self.json("GET", endpoint, path, query=wanted)
            yield from page.get("value", [])
            link = urlsplit(page.get("nextLink") or page.get("@odata.nextLink") or "")
            if not link.path:
                return
            if link.hostname != endpoint.host:
                raise _not_keyless(self.instance)
            path, wanted = f"{link.path}?{link.query}", None
        raise Refused(f"The list has more than {MAX_PAGES} pages: narrow it.")

    def request(
        self,
        method: str,
        endpoint: Endpoint,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | Iterable[bytes] | None = None,
    ) -> bytes:
        """Any other request, and the whole body of its answer."""
        with self.stream(method, endpoint, path, query=query, headers=headers, content=content) as response:
            return _read(response)

    @contextmanager
    def stream(
        self,
        method: str,
        endpoint: Endpoint,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | Iterable[bytes] | None = None,
        seconds: float = _SECONDS,
    ) -> Iterator[httpx.Response]:
        """An answer whose body the caller reads with `iter_raw`; Refused for a status of 400 or more.

        `seconds` is how long the server may be silent.

        A token that is not taken any more (its signing key was revoked) is fetched anew, once, where the body can
        be sent again.
        """
        with self._failures():
            response = self._send(method, endpoint, path, query, headers, content, seconds)
            if response.status_code == 401 and isinstance(content, _REPEATABLE):
                response.close()
                self._tokens.pop(endpoint.audience, None)
                response = self._send(method, endpoint, path, query, headers, content, seconds)
            try:
                if response.status_code >= 400:
                    raise refusal(response, _read(response))
                yield response
            finally:
                response.close()

    def _send(
        self,
        method: str,
        endpoint: Endpoint,
        path: str,
        query: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        content: bytes | Iterable[bytes] | None,
        seconds: float,
    ) -> httpx.Response:
        bearer = {"Authorization": f"Bearer {self.token(endpoint.audience).token.reveal()}"}
        request = self._build(
            method, endpoint.host, path, params=query, headers={**(headers or {}), **bearer}, content=content
        )
        request.extensions["timeout"]["read"] = seconds
        return self._client.send(request, stream=True)

    def _fetch_token(self, audience: str) -> AccessToken:
        instance = self.instance
        path = f"/{instance.tenant}/oauth2/v2.0/token"
        url = f"https://{instance.authority(instance.login_host)}{path}"
        form = {
            "grant_type": "client_credentials",
            "client_id": instance.owner_client_id,
            "scope": f"{audience.rstrip('/')}/.default",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._key().assertion(
                instance.owner_client_id, url, now=self._clock(), token_id=str(uuid.uuid4())
            ),
        }
        with self._failures():
            response = self._client.send(self._build("POST", instance.login_host, path, data=form))
        if response.status_code != 200:
            raise refusal(response, response.content)
        try:
            answer = response.json()
            return AccessToken(SecretStr(answer["access_token"]), int(self._clock()) + int(answer["expires_in"]))
        except (ValueError, KeyError, TypeError):
            raise _not_keyless(instance) from None

    def _build(
        self,
        method: str,
        host: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | Iterable[bytes] | None = None,
        data: Mapping[str, str] | None = None,
    ) -> httpx.Request:
        instance = self.instance
        address = f"[{instance.address}]" if ":" in instance.address else instance.address
        own = {"Host": instance.authority(host), "User-Agent": "keyless", "Accept-Encoding": "identity"}
        return self._client.build_request(
            method,
            f"https://{address}:{instance.port}{path}",
            params=params,
            headers={**own, **(headers or {})},
            content=content,
            data=data,
            extensions={"sni_hostname": host},
        )

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """What goes wrong on the way, in one line."""
        instance = self.instance
        where = f"{instance.address}:{instance.port}"
        try:
            yield
        except httpx.ConnectError as error:
            if _is_about_tls(error):
                raise Refused(
                    f"Who answers at {where} is not the keyless of {instance.data}: stop that program, or name another "
                    "data folder with --data."
                ) from None
            raise Refused(f"keyless is not running ({where}): start it with `keyless up`.") from None
        except httpx.TimeoutException:
            raise Refused(f"keyless at {where} did not answer in time: look at its log, then try again.") from None
        except httpx.LocalProtocolError:
            raise Refused("What was to be sent changed while it was read: try again.") from None
        except httpx.TransportError:
            raise Refused(f"The connection to keyless at {where} broke off: try again.") from None


def _transport(instance: Instance) -> httpx.BaseTransport:
    try:
        context = ssl.create_default_context(cafile=instance.ca_file)
    except (OSError, ssl.SSLError):
        raise Refused(f"{instance.ca_file} cannot be read: `keyless up` says what to do.") from None
    return httpx.HTTPTransport(verify=context, trust_env=False, limits=httpx.Limits(max_connections=CONNECTIONS))


def _read(response: httpx.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    for chunk in response.iter_raw():
        size += len(chunk)
        if size > MAX_ANSWER:
            raise Refused(f"The answer has more than {MAX_ANSWER} bytes: ask for less at a time.")
        parts.append(chunk)
    return b"".join(parts)


def _is_about_tls(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _not_keyless(instance: Instance) -> Refused:
    return Refused(
        f"What answers at {instance.address}:{instance.port} is not keyless, or not this version: see `keyless status`."
    )
