"""App settings that are references to a vault, resolved when an instance is launched.

Owns reading a reference and fetching its value: with the app's own identity, through the kernel like any other
request, so that the same role assignments count and the same audit is kept.

Source: App Service, "Use Key Vault references": `@Microsoft.KeyVault(SecretUri=…)` and
`@Microsoft.KeyVault(VaultName=…;SecretName=…;SecretVersion=…)`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec

from keyless.authority.tokens import TokenAuthority
from keyless.directory.principals import Directory
from keyless.http.hosts import Hosts
from keyless.http.message import Body, Headers, Request, Response
from keyless.model.errors import KeylessError, invalid
from keyless.model.identity import Principal
from keyless.model.resource import Resource
from keyless.model.resource_id import parse_resource_id
from keyless.workload.assigned import identities_of, select
from keyless.workload.selectors import Selector

_REFERENCE = re.compile(r"@Microsoft\.KeyVault\((.*)\)", re.IGNORECASE | re.DOTALL)
_SECRET_PATH = re.compile(r"/secrets/([0-9A-Za-z-]{1,127})(?:/([0-9A-Fa-f]{32}))?/?")
_VAULT_NAME = re.compile(r"[0-9A-Za-z-]{1,63}")
_VAULT_AUDIENCE = "https://vault.azure.net"
_API = "7.4"


@dataclass(frozen=True)
class SecretReference:
    """Where a secret lies; an empty version is the latest."""

    host: str
    port: int | None
    name: str
    version: str


def parse_reference(value: str, domain: str) -> SecretReference | None:
    """Read a setting's value: a reference, or None for an ordinary value. Raises INVALID for a malformed one."""
    match = _REFERENCE.fullmatch(value.strip())
    if match is None:
        return None
    fields: dict[str, str] = {}
    for part in match[1].split(";"):
        name, _, text = part.partition("=")
        if part.strip():
            fields[name.strip().lower()] = text.strip()
    if set(fields) == {"secreturi"}:
        return _from_uri(fields["secreturi"])
    whole = {"vaultname", "secretname"} <= set(fields) <= {"vaultname", "secretname", "secretversion"}
    if whole and _VAULT_NAME.fullmatch(fields["vaultname"]):
        path = f"/secrets/{fields['secretname']}/{fields.get('secretversion', '')}"
        return _from_uri(f"https://{fields['vaultname']}.vault.{domain}{path}")
    raise invalid("a reference has SecretUri, or VaultName and SecretName and perhaps SecretVersion")


def _from_uri(uri: str) -> SecretReference:
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    path = _SECRET_PATH.fullmatch(parts.path) if host else None
    if not host or path is None or parts.scheme != "https":
        raise invalid("SecretUri is like https://{vault}.vault…/secrets/{name} with or without a version")
    return SecretReference(host, port, path[1], path[2] or "")


@dataclass(frozen=True)
class References:
    """Resolves an app's settings."""

    dispatch: Callable[[Request], Awaitable[Response]]
    authority: TokenAuthority
    directory: Directory
    hosts: Hosts
    domain: str

    async def resolve(self, app: Resource, settings: Mapping[str, str]) -> dict[str, str]:
        """All settings with their values; raises INVALID that names the first setting which cannot be resolved."""
        resolved: dict[str, str] = {}
        for name, value in settings.items():
            try:
                reference = parse_reference(value, self.domain)
                resolved[name] = await self._fetch(app, reference) if reference else value
            except KeylessError as error:
                raise invalid(f"The setting {name} cannot be resolved: {error.message}", "ReferenceFailed") from None
        return resolved

    async def _fetch(self, app: Resource, reference: SecretReference) -> str:
        token = (await self.authority.issue(self._identity(app), _VAULT_AUDIENCE)).token
        path = f"/secrets/{reference.name}/{reference.version}"
        target = self.hosts.target(reference.host, path)
        if target is None or target.surface != "vault":
            raise invalid(f"{reference.host} is not a vault here.")
        request = Request(
            method="GET",
            host=reference.host,
            port=reference.port,
            target=target,
            path=path,
            query={"api-version": _API},
            headers=Headers([("authorization", f"Bearer {token.reveal()}")]),
            body=Body(),
            request_id=str(uuid4()),
        )
        response = await self.dispatch(request)
        assert isinstance(response.body, bytes), "a vault answers with whole bodies"
        answer = msgspec.json.decode(response.body)
        if response.status != 200:
            raise invalid(f"the vault answered {response.status}: {answer['error']['message']}")
        return str(answer["value"])

    def _identity(self, app: Resource) -> Principal:
        """The identity chosen for references; else the system-assigned one; else the only one that there is."""
        chosen = app.properties.get("keyVaultReferenceIdentity")
        if isinstance(chosen, str):
            return select(app, self.directory, Selector(resource_id=str(parse_resource_id(chosen))))
        assigned = list(identities_of(app, self.directory))
        if len(assigned) == 1 or (assigned and app.system_identity):
            return assigned[0]
        if not assigned:
            raise invalid(f"no identity is assigned to the app {app.name!r}.")
        raise invalid(
            f"several identities are assigned: choose with `keyless app create {app.name} --vault-identity NAME`."
        )
