"""SQL servers, their databases and their Entra administrator.

Owns the resource types `Microsoft.Sql/servers` and `servers/databases`, and the operations on a server's administrator.
There are no SQL logins, so a server takes no password. Must not know what a database holds.
Source: Azure REST API, "Servers", "Databases", "Server Azure AD Administrators" and "Server Azure AD Only
Authentications" (2023-08-01).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

from keyless.http.message import Response
from keyless.http.surface import Call
from keyless.management import resources as table
from keyless.management.arm import flag_of, json_response, list_response, object_of, read_object, text_of
from keyless.management.resource_type import Draft, ResourceType, SubOperation
from keyless.model.clock import Clock
from keyless.model.errors import ErrorKind, KeylessError, invalid, not_found
from keyless.model.identity import Principal
from keyless.model.resource import Resource
from keyless.model.resource_id import ResourceId
from keyless.providers.sql.engine import Database
from keyless.providers.sql.upstreams import parse_upstream, upstream_of
from keyless.store.engine import Store, Tx

SERVERS = "Microsoft.Sql/servers"
DATABASES = f"{SERVERS}/databases"
MASTER = "master"
_ADMINISTRATORS = f"{SERVERS}/administrators"
_ONLY = f"{SERVERS}/azureADOnlyAuthentications"
_ADMINISTRATOR = "administrators"
_GUID = "databaseId"
_CHARACTER = r"""[^<>*%&:\\/?#;'"\x00-\x1f\x7f]"""


def sql_servers(address: Callable[[str], str], tenant: str, store: Store, clock: Clock, *, port: int) -> ResourceType:
    """The declaration of servers. `address` gives a server's host name from its own.

    `port` is where the gateway takes SQL drivers; where there is none (0), no server can be made.
    """

    def view(server: Resource) -> Mapping[str, object]:
        return {
            "fullyQualifiedDomainName": address(server.name),
            "version": "12.0",
            "state": "Ready",
            "tcpPort": port,
            "minimalTlsVersion": "1.2",
            "publicNetworkAccess": "Enabled",
            "restrictOutboundNetworkAccess": "Disabled",
            "administrators": _shown(server, tenant),
            **({"upstream": server.properties["upstream"]} if upstream_of(server) else {}),
        }

    def parse(draft: Draft) -> Mapping[str, object]:
        if not port:
            raise KeylessError(
                ErrorKind.UNSUPPORTED,
                "There is no SQL here: install `keyless[sql]`, do not set KEYLESS_SQL_PORT to 0, and start again.",
            )
        return _parse_server(draft)

    return ResourceType(
        SERVERS,
        re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"),
        "1 to 63 lower-case letters, digits or '-', with no '-' at either end.",
        parse,
        view,
        globally_unique=True,
        operations=_Administrators(tenant, store, clock).operations(),
    )


def sql_databases() -> ResourceType:
    """The declaration of databases. A new one has a GUID of its own, so that it never finds what another held."""

    def view(database: Resource) -> Mapping[str, object]:
        return {
            _GUID: database.properties[_GUID],
            "collation": database.properties["collation"],
            "status": "Online",
            "creationDate": datetime.fromtimestamp(database.created, UTC).isoformat(),
            "defaultSecondaryLocation": "",
        }

    def written(tx: Tx, old: Resource | None, new: Resource) -> Resource:
        server = ResourceId(new.id.segments[:-2])
        if table.read(tx, server) is None:
            raise not_found(f"The SQL server {server.name!r} is not there: create it first.", "ParentResourceNotFound")
        guid = old.properties[_GUID] if old else str(uuid4())
        return replace(new, properties={**new.properties, _GUID: guid})

    def deleted(tx: Tx, gone: Resource) -> None:
        tx.emit(DatabaseDeleted(database_of(gone)))

    return ResourceType(
        DATABASES,
        re.compile(rf"(?!(?i:master|model|msdb|tempdb)\Z){_CHARACTER}{{1,128}}(?<![. ])"),
        "1 to 128 characters without < > * % & : \\ / ? # ; or quotes, not ending with '.' or a space,"
        " and not one of SQL Server's own.",
        _parse_database,
        view,
        written=written,
        deleted=deleted,
    )


@dataclass(frozen=True)
class DatabaseDeleted:
    """A committed change."""

    database: Database


def database_of(resource: Resource) -> Database:
    """A database as the engine knows it."""
    return Database(resource.id, str(resource.properties[_GUID]))


def is_administrator(server: Resource, principal: Principal, groups: Sequence[str]) -> bool:
    """Whether the server's administrator is this principal, by object or client ID, or one of its groups."""
    sid = str(_administrator(server).get("sid", "")).lower()
    return bool(sid) and sid in {principal.principal_id.lower(), principal.client_id.lower(), *map(str.lower, groups)}


def _administrator(server: Resource) -> Mapping[str, object]:
    return object_of(server.properties, _ADMINISTRATOR)


def _shown(server: Resource, tenant: str) -> Mapping[str, object] | None:
    found = _administrator(server)
    if not found:
        return None
    return {
        "administratorType": "ActiveDirectory",
        "principalType": found["principalType"],
        "login": found["login"],
        "sid": found["sid"],
        "tenantId": tenant,
        "azureADOnlyAuthentication": True,
    }


def _parse_server(draft: Draft) -> Mapping[str, object]:
    if draft.properties.get("administratorLogin") or draft.properties.get("administratorLoginPassword"):
        raise invalid(
            "There are no SQL logins here: leave administratorLogin and its password out, and name an Entra principal"
            " in 'administrators'.",
            "InvalidParameterValue",
        )
    upstream = parse_upstream(draft)
    given = object_of(draft.properties, _ADMINISTRATOR)
    if not given:
        before = _administrator(draft.old) if draft.old else {}
        return {_ADMINISTRATOR: before, **upstream} if before else upstream
    if not flag_of(given, "azureADOnlyAuthentication", True):
        raise _only()
    return {_ADMINISTRATOR: _parse_administrator(given), **upstream}


def _parse_administrator(given: Mapping[str, object]) -> Mapping[str, object]:
    login, sid = text_of(given, "login"), text_of(given, "sid")
    kind = text_of(given, "principalType", "Application")
    if not 0 < len(login) <= 128 or kind not in {"User", "Group", "Application"}:
        raise invalid(
            "An administrator has a login of 1 to 128 characters, and is a User, a Group or an Application.",
            "InvalidParameterValue",
        )
    try:
        UUID(sid)
    except ValueError:
        raise invalid(
            "The administrator's 'sid' is the object ID or client ID of a principal.", "InvalidParameterValue"
        ) from None
    return {"login": login, "sid": sid.lower(), "principalType": kind}


def _parse_database(draft: Draft) -> Mapping[str, object]:
    for name in ("sourceDatabaseId", "restorePointInTime", "recoverableDatabaseId"):
        if draft.properties.get(name):
            raise invalid(f"{name} is not to be had: only new databases are made.", "UnsupportedCreateMode")
    if text_of(draft.properties, "createMode", "Default") != "Default":
        raise invalid("createMode is 'Default': only new databases are made.", "UnsupportedCreateMode")
    default = str(draft.old.properties["collation"]) if draft.old else "SQL_Latin1_General_CP1_CI_AS"
    collation = text_of(draft.properties, "collation", default)
    if collation != default:
        raise invalid(f"The collation is {default}, and no other.", "InvalidParameterValue")
    return {"collation": collation}


def _only() -> KeylessError:
    return invalid("azureADOnlyAuthentication is true here, and stays so.", "InvalidParameterValue")


@dataclass(frozen=True)
class _Administrators:
    """`administrators/ActiveDirectory` and `azureADOnlyAuthentications/Default` below a server."""

    tenant: str
    store: Store
    clock: Clock

    def operations(self) -> Mapping[tuple[str, str], SubOperation]:
        read, write = f"{_ADMINISTRATORS}/read", f"{_ADMINISTRATORS}/write"
        one, only = "administrators/activedirectory", "azureadonlyauthentications/default"
        return {
            ("GET", "administrators"): SubOperation(read, self._list),
            ("GET", one): SubOperation(read, self._get),
            ("PUT", one): SubOperation(write, self._put, changes=True),
            ("DELETE", one): SubOperation(f"{_ADMINISTRATORS}/delete", self._delete, changes=True),
            ("GET", only): SubOperation(f"{_ONLY}/read", self._only),
            ("PUT", only): SubOperation(f"{_ONLY}/write", self._put_only, changes=True),
        }

    async def _list(self, _call: Call, server: Resource) -> Response:
        return list_response([self._view(server)] if _administrator(server) else [])

    async def _get(self, _call: Call, server: Resource) -> Response:
        if not _administrator(server):
            raise not_found(f"The server {server.name!r} has no administrator.", "ResourceNotFound")
        return json_response(200, self._view(server))

    async def _put(self, call: Call, server: Resource) -> Response:
        given = _parse_administrator(object_of(await read_object(call.request), "properties"))
        return json_response(200, self._view(await self._change(server, {_ADMINISTRATOR: given})))

    async def _delete(self, _call: Call, server: Resource) -> Response:
        await self._change(server, {})
        return Response(204)

    async def _change(self, server: Resource, properties: Mapping[str, object]) -> Resource:
        def work(tx: Tx) -> Resource:
            old = table.read(tx, server.id)
            if old is None:
                raise not_found(f"{server.id} is not there.", "ResourceNotFound")
            kept = {name: value for name, value in old.properties.items() if name != _ADMINISTRATOR}
            new = replace(old, properties={**kept, **properties}, changed=self.clock())
            table.write(tx, new, unique=True)
            return new

        return await self.store.write(work)

    async def _only(self, _call: Call, server: Resource) -> Response:
        return _only_view(server)

    async def _put_only(self, call: Call, server: Resource) -> Response:
        if not flag_of(object_of(await read_object(call.request), "properties"), "azureADOnlyAuthentication", True):
            raise _only()
        return _only_view(server)

    def _view(self, server: Resource) -> dict[str, object]:
        return {
            "id": f"{server.id}/administrators/ActiveDirectory",
            "name": "ActiveDirectory",
            "type": _ADMINISTRATORS,
            "properties": _shown(server, self.tenant),
        }


def _only_view(server: Resource) -> Response:
    shown = {"id": f"{server.id}/azureADOnlyAuthentications/Default", "name": "Default", "type": _ONLY}
    return json_response(200, shown | {"properties": {"azureADOnlyAuthentication": True}})
