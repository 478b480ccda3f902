"""The token authority's HTTP surface, `login.…`: discovery and the token endpoint.

Owns its paths and its error envelope. Every operation is public: a grant proves the caller by its own means.

Source: RFC 6749, sections 4.4 and 5; OpenID Connect Discovery 1.0; Microsoft identity platform endpoints.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import msgspec

from keyless.authority import version_one
from keyless.authority.clients.presented import read_presented
from keyless.authority.device_authorization import DeviceAuthorization
from keyless.authority.discovery import instance_discovery, key_set, openid_configuration
from keyless.authority.grants.grant import Grant, TokenRequest
from keyless.authority.key_ring import KeyRing
from keyless.authority.tokens import TokenAuthority
from keyless.http.message import Request, Response
from keyless.http.surface import PublicOperation, refusal
from keyless.model.audit import Audit, AuditEvent
from keyless.model.clock import Clock
from keyless.model.errors import ErrorKind, KeylessError, invalid, not_found

MAX_FORM = 64 * 1024
_TOKEN_PATH = re.compile(r"/([^/]+)/oauth2/v2\.0/token", re.IGNORECASE)
_FIRST_VERSION = re.compile(r"/([^/]+)/oauth2/token", re.IGNORECASE)
_DEVICE_PATH = re.compile(r"/([^/]+)/oauth2/v2\.0/devicecode", re.IGNORECASE)
_CONFIGURATION = re.compile(r"/([^/]+)(?:/v2\.0)?/\.well-known/openid-configuration", re.IGNORECASE)
_KEYS = re.compile(r"/([^/]+)/discovery(?:/v2\.0)?/keys", re.IGNORECASE)
#: An error's code is either the OAuth error, or the number where the kind tells the OAuth error well enough.
_NUMBER = re.compile(r"AADSTS(\d{4,7})")
_OAUTH_NUMBERS = {
    "invalid_grant": 70000,
    "invalid_scope": 70011,
    "authorization_pending": 70016,
    "expired_token": 70020,
}
_ANY_TENANT = {"common", "organizations"}

#: kind → (status, OAuth error, AADSTS number): clients look at the first two, people search for the third
_ERRORS = {
    ErrorKind.UNAUTHENTICATED: (401, "invalid_client", 700027),
    ErrorKind.FORBIDDEN: (401, "unauthorized_client", 700016),
    ErrorKind.NOT_FOUND: (404, "invalid_request", 90014),
    ErrorKind.TOO_LARGE: (413, "invalid_request", 90014),
    ErrorKind.THROTTLED: (429, "temporarily_unavailable", 90055),
    ErrorKind.UNSUPPORTED: (400, "unsupported_grant_type", 70003),
    ErrorKind.UNAVAILABLE: (503, "temporarily_unavailable", 90033),
    ErrorKind.INTERNAL: (500, "server_error", 90033),
}


@dataclass(frozen=True)
class LoginSurface:
    """See `http.surface.Surface`. `grants` is keyed by grant type.

    `page` finds the pages for people, which browsers reach at `browser_base` (`https://host:port`).
    """

    authority: TokenAuthority
    keys: KeyRing
    grants: Mapping[str, Grant]
    devices: DeviceAuthorization
    page: Callable[[Request], PublicOperation | None]
    audit: Audit
    clock: Clock
    tenant: str
    browser_base: str
    name: str = "login"

    def route(self, request: Request) -> PublicOperation:
        try:
            return self._find(request)
        except KeylessError as error:
            return refusal(error)

    def _find(self, request: Request) -> PublicOperation:
        # msal for Python puts a slash after an authority that ends with one
        path = re.sub("//+", "/", request.path).rstrip("/")
        if request.method == "POST" and (found := self._post(path)):
            return found
        if page := self.page(request):
            return page
        if request.method in {"GET", "HEAD"}:
            if path.lower() == "/common/discovery/instance":
                return PublicOperation("discovery/instance", self._instance)
            if match := _CONFIGURATION.fullmatch(path):
                return self._document(match[1], self._configuration)
            if match := _KEYS.fullmatch(path):
                return self._document(match[1], self._key_set)
        raise not_found(f"The token authority has no {request.method} {path or '/'}.")

    def _post(self, path: str) -> PublicOperation | None:
        for pattern, name, handle in (
            (_TOKEN_PATH, "token", self._token),
            (_FIRST_VERSION, "token", self._token_of_first_version),
            (_DEVICE_PATH, "devicecode", self._device),
        ):
            if match := pattern.fullmatch(path):
                self._check_tenant(match[1])
                return PublicOperation(name, handle)
        return None

    def _document(self, tenant: str, handle: Callable[[Request], Awaitable[Response]]) -> PublicOperation:
        self._check_tenant(tenant)
        return PublicOperation("discovery", handle)

    def _check_tenant(self, tenant: str) -> None:
        if tenant.lower() not in {self.tenant, *_ANY_TENANT}:
            raise invalid(f"There is no such tenant here; this one is {self.tenant}.", "invalid_tenant")

    async def _instance(self, request: Request) -> Response:
        found = instance_discovery(request.query.get("authorization_endpoint", ""), request.authority)
        if found is None:
            raise invalid("authorization_endpoint is not the URL of an authority.", "invalid_instance")
        return _json(200, found)

    async def _configuration(self, request: Request) -> Response:
        return _json(
            200,
            openid_configuration(
                request.base_url, self.browser_base, self.tenant, self.authority.issuer, sorted(self.grants)
            ),
        )

    async def _key_set(self, _request: Request) -> Response:
        return _json(200, key_set(self.keys.public_keys()))

    async def _token(self, request: Request) -> Response:
        return _json(200, await self._granted(request, await _read_form(request)))

    async def _token_of_first_version(self, request: Request) -> Response:
        form = await _read_form(request)
        answer = await self._granted(request, version_one.as_second(form))
        return _json(200, version_one.as_first(answer, form["resource"], self.clock()))

    async def _granted(self, request: Request, form: Mapping[str, str]) -> Mapping[str, object]:
        kind = form.get("grant_type", "")
        grant = self.grants.get(kind)
        if grant is None:
            raise KeylessError(ErrorKind.UNSUPPORTED, f"The grant type {kind[:64]!r} is not there.")
        try:
            authorization = request.headers.get("authorization")
            presented = read_presented(form, authorization, self._audiences(request), request.peer)
            granted = await grant.grant(TokenRequest(form, presented))
        except KeylessError as error:
            if error.kind is ErrorKind.UNAUTHENTICATED:
                await self._record(request, form.get("client_id", "")[:64], "", "denied", error.message)
            raise
        await self._record(request, granted.principal_id, granted.name, "allowed", granted.what)
        return granted.answer

    async def _device(self, request: Request) -> Response:
        form = await _read_form(request)
        presented = read_presented(form, request.headers.get("authorization"), self._audiences(request), request.peer)
        return _json(200, await self.devices.begin(form, presented))

    def _audiences(self, request: Request) -> tuple[str, ...]:
        """The names that an assertion may give this endpoint: as it was asked, as discovery says, and the issuer's."""
        asked = f"{request.base_url}{request.path}".rstrip("/")
        own = f"{request.base_url}/{self.tenant}"
        return (asked, f"{own}/oauth2/v2.0/token", f"{own}/oauth2/token", f"{own}/v2.0", self.authority.issuer)

    async def _record(self, request: Request, principal: str, name: str, decision: str, reason: str) -> None:
        event = AuditEvent(
            request.request_id,
            self.name,
            "token",
            f"/tenants/{self.tenant}",
            "token",
            principal,
            name,
            decision,
            reason,
        )
        await self.audit.decision(event, durable=decision == "denied")

    def challenge(self, _request: Request, _error: KeylessError) -> str:
        return ""

    def error(self, request: Request, error: KeylessError) -> Response:
        status, code, number = _ERRORS.get(error.kind, (400, "invalid_request", 900144))
        if match := _NUMBER.fullmatch(error.code):
            number = int(match[1])
        elif error.code:
            code, number = error.code, _OAUTH_NUMBERS.get(error.code, number)
        body = {
            "error": code,
            "error_description": f"AADSTS{number}: {error.message}",
            "error_codes": [number],
            "timestamp": datetime.fromtimestamp(self.clock(), UTC).strftime("%Y-%m-%d %H:%M:%SZ"),
            "trace_id": request.request_id,
            "correlation_id": request.request_id,
        }
        return _json(status, body)

    def common_headers(self, request: Request) -> dict[str, str]:
        return {"x-ms-request-id": request.request_id, "Cache-Control": "no-store"}


async def _read_form(request: Request) -> dict[str, str]:
    data = await request.body.read(MAX_FORM)
    try:
        return dict(parse_qsl(data.decode(), keep_blank_values=True, max_num_fields=64, errors="strict"))
    except ValueError as error:
        raise invalid("The body has to be a form.") from error


def _json(status: int, body: object) -> Response:
    return Response(status, msgspec.json.encode(body), {"Content-Type": "application/json; charset=utf-8"})
