"""`/applications`: registrations.

Owns their operations, and how one is shown and read.

Source: Microsoft Graph v1.0, "application resource type" and its methods.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from keyless.directory.applications import Application, Applications, Scope
from keyless.http.message import Response
from keyless.http.surface import Call, Operation
from keyless.management.arm import flag_of, object_of, text_of
from keyless.model.clock import Clock
from keyless.model.errors import KeylessError, invalid, not_found
from keyless.providers.graph import federated_credentials
from keyless.providers.graph.bodies import display_name, must_be, read_body, strings
from keyless.providers.graph.credentials import Credentials, read_kept_secrets, show_certificate, show_secret
from keyless.providers.graph.federated_credentials import FederatedCredentialsApi
from keyless.providers.graph.odata import collection, entity, moment
from keyless.providers.graph.redirect_uris import check_identifier_uri, check_redirect_uri
from keyless.providers.graph.rights import CREDENTIALS, changes, need, reads
from keyless.providers.graph.surface import find
from keyless.store.engine import Store, Tx

KIND = "applications"
_PROPERTIES = (
    "displayName",
    "identifierUris",
    "signInAudience",
    "isFallbackPublicClient",
    "web",
    "spa",
    "publicClient",
    "api",
    "keyCredentials",
    "passwordCredentials",
)
_SCOPE_VALUE = re.compile(r"[A-Za-z0-9_.:/-]{1,120}", re.ASCII)
_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


@dataclass(frozen=True)
class ApplicationsApi:
    """See `surface.Collection`."""

    store: Store
    applications: Applications
    credentials: Credentials
    federated: FederatedCredentialsApi
    clock: Clock
    domain: str

    def route(self, method: str, key: str, rest: tuple[str, ...]) -> Operation:
        if rest and rest[0].lower() == federated_credentials.WORD:
            return self.federated.route(method, lambda handle: self._on(key, handle), rest[1:])
        routes = {
            ("GET", ""): lambda: reads(KIND, self._list),
            ("POST", ""): lambda: changes(f"{KIND}/create", self._create),
            ("GET", "{id}"): lambda: reads(KIND, self._on(key, self._get)),
            ("PATCH", "{id}"): lambda: changes(f"{KIND}/basic/update", self._on(key, self._update)),
            ("DELETE", "{id}"): lambda: changes(f"{KIND}/delete", self._on(key, self._delete)),
            ("POST", "{id}/addpassword"): lambda: changes(
                f"{KIND}/credentials/update", self._on(key, self._add_password)
            ),
            ("POST", "{id}/removepassword"): lambda: changes(
                f"{KIND}/credentials/update", self._on(key, self._remove_password)
            ),
        }
        return find(KIND, method, key, rest, routes)

    def _on(
        self, key: str, handle: Callable[[Call, Application], Awaitable[Response]]
    ) -> Callable[[Call], Awaitable[Response]]:
        async def found(call: Call) -> Response:
            one = self.applications.by_object_id(key) or self.applications.by_client_id(key)
            if one is None:
                raise not_found(f"There is no application {key!r}.")
            return await handle(call, one)

        return found

    async def _list(self, call: Call) -> Response:
        return collection(call.request, map(self.view, self.applications.all()))

    async def _get(self, call: Call, one: Application) -> Response:
        return entity(call.request, self.view(one))

    async def _create(self, call: Call) -> Response:
        body = await read_body(call.request, _PROPERTIES)
        name = display_name(body)
        if body.get("keyCredentials"):
            await call.require(need(CREDENTIALS))

        def work(tx: Tx) -> Application:
            made = self.applications.create(tx, name, self.clock())
            return self.applications.change(tx, made.object_id, lambda held: self._changed(held, body))

        return entity(call.request, self.view(await self.store.write(work)), 201)

    async def _update(self, call: Call, one: Application) -> Response:
        body = await read_body(call.request, _PROPERTIES)
        if "keyCredentials" in body or "passwordCredentials" in body:
            await call.require(need(CREDENTIALS))
        await self.store.write(
            lambda tx: self.applications.change(tx, one.object_id, lambda held: self._changed(held, body))
        )
        return Response(204)

    async def _delete(self, _call: Call, one: Application) -> Response:
        await self.store.write(lambda tx: self.applications.delete(tx, one.object_id))
        return Response(204)

    async def _add_password(self, call: Call, one: Application) -> Response:
        return await self.credentials.add_password(call, one.object_id)

    async def _remove_password(self, call: Call, one: Application) -> Response:
        return await self.credentials.remove_password(call, one.object_id)

    def _changed(self, held: Application, body: Mapping[str, object]) -> Application:
        """The registration with what a body says; raises INVALID. Only one tenant's applications are kept here."""
        must_be(body, "signInAudience", "AzureADMyOrg")
        if "displayName" in body:
            held = replace(held, display_name=display_name(body))
        if "isFallbackPublicClient" in body:
            held = replace(held, public_client=body["isFallbackPublicClient"] is True)
        if "identifierUris" in body:
            uris = strings(body["identifierUris"], "identifierUris")
            for uri in uris:
                check_identifier_uri(uri, self.domain)
            held = replace(held, identifier_uris=uris)
        if "keyCredentials" in body:
            held = replace(held, certificates=self.credentials.read_certificates(body["keyCredentials"], held))
        if "passwordCredentials" in body:
            held = replace(held, secrets=read_kept_secrets(body["passwordCredentials"], held))
        if "oauth2PermissionScopes" in object_of(body, "api"):
            held = replace(held, scopes=_read_scopes(object_of(body, "api")["oauth2PermissionScopes"]))
        return _with_redirects(held, body)

    def view(self, one: Application) -> dict[str, object]:
        """As an answer shows it."""
        return {
            "id": one.object_id,
            "appId": one.client_id,
            "displayName": one.display_name,
            "createdDateTime": moment(one.created),
            "deletedDateTime": None,
            "signInAudience": "AzureADMyOrg",
            "publisherDomain": self.domain,
            "identifierUris": one.identifier_uris,
            "isFallbackPublicClient": one.public_client,
            "web": {"redirectUris": one.web_redirects, "homePageUrl": None, "logoutUrl": None},
            "spa": {"redirectUris": one.spa_redirects},
            "publicClient": {"redirectUris": one.public_redirects},
            "api": {"oauth2PermissionScopes": [_show_scope(scope) for scope in one.scopes]},
            "appRoles": [],
            "requiredResourceAccess": [],
            "tags": [],
            "passwordCredentials": [show_secret(secret) for secret in one.secrets],
            "keyCredentials": [show_certificate(certificate) for certificate in one.certificates],
        }


def _with_redirects(held: Application, body: Mapping[str, object]) -> Application:
    found: dict[str, tuple[str, ...]] = {}
    for name, field in (("web", "web_redirects"), ("spa", "spa_redirects"), ("publicClient", "public_redirects")):
        given = object_of(body, name)
        if "redirectUris" not in given:
            continue
        uris = strings(given["redirectUris"], f"{name}.redirectUris")
        for uri in uris:
            check_redirect_uri(uri, native=name == "publicClient")
        found[field] = uris
    return replace(
        held,
        web_redirects=found.get("web_redirects", held.web_redirects),
        spa_redirects=found.get("spa_redirects", held.spa_redirects),
        public_redirects=found.get("public_redirects", held.public_redirects),
    )


def _read_scopes(value: object) -> tuple[Scope, ...]:
    if not isinstance(value, list):
        raise _bad_scope()
    found: dict[str, Scope] = {}
    for item in value:
        if not isinstance(item, dict):
            raise _bad_scope()
        scope = Scope(
            text_of(item, "id").lower(),
            text_of(item, "value"),
            text_of(item, "adminConsentDisplayName", "")[:256],
            text_of(item, "adminConsentDescription", "")[:1024],
            flag_of(item, "isEnabled", True),
        )
        if not _GUID.fullmatch(scope.scope_id) or not _SCOPE_VALUE.fullmatch(scope.value):
            raise _bad_scope()
        if scope.value in {other.value for other in found.values()}:
            raise invalid(f"The scope {scope.value!r} is there twice.")
        found[scope.scope_id] = scope
    return tuple(found.values())


def _bad_scope() -> KeylessError:
    return invalid("A scope of oauth2PermissionScopes has an id (a GUID) and a value such as files.read.")


def _show_scope(scope: Scope) -> dict[str, object]:
    return {
        "id": scope.scope_id,
        "value": scope.value,
        "adminConsentDisplayName": scope.display_name,
        "adminConsentDescription": scope.description,
        "isEnabled": scope.enabled,
        "type": "User",
        "userConsentDisplayName": None,
        "userConsentDescription": None,
    }
