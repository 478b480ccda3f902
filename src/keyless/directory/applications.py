"""Application registrations: what a client is, where it may be answered, and how it proves itself.

Owns the table of registrations with their credentials, and the lookups that grants make. The principal under which an
application acts on its own is a row of `principals.py` with the same client ID. Must not know how a credential is
checked (`authority/clients/`): it keeps hashes and certificates as they are.

Source: Microsoft Graph v1.0, "application resource type"; RFC 8252 (native clients).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import msgspec

from keyless.directory.principals import Directory
from keyless.model.errors import conflict, invalid, not_found
from keyless.model.federation import FederatedCredential
from keyless.model.identity import Principal, PrincipalKind
from keyless.store.engine import Migration, Row, Store, Tx

MAX_CREDENTIALS = 20
MAX_URIS = 256
MAX_SCOPES = 100

MIGRATION = Migration(
    "applications",
    (
        (
            """CREATE TABLE application(
                object_id TEXT PRIMARY KEY, client_id TEXT NOT NULL UNIQUE, body BLOB NOT NULL) WITHOUT ROWID""",
            """CREATE TABLE identifier_uri(
                uri TEXT PRIMARY KEY,
                object_id TEXT NOT NULL REFERENCES application(object_id) ON DELETE CASCADE) WITHOUT ROWID""",
        ),
    ),
)


@dataclass(frozen=True)
class ClientSecret:
    """A client secret; `hash` is its Argon2id hash, `hint` its first characters. Times in Unix seconds."""

    key_id: str
    hash: str = field(repr=False)
    hint: str
    start: float
    end: float
    display_name: str = ""


@dataclass(frozen=True)
class ClientCertificate:
    """A certificate (DER) whose key signs the client's assertions. Times in Unix seconds."""

    key_id: str
    der: bytes = field(repr=False)
    start: float
    end: float
    display_name: str = ""

    @property
    def sha1(self) -> bytes:
        """The thumbprint that `x5t` holds."""
        return hashlib.sha1(self.der, usedforsecurity=False).digest()

    @property
    def sha256(self) -> bytes:
        """The thumbprint that `x5t#S256` holds."""
        return hashlib.sha256(self.der).digest()


@dataclass(frozen=True)
class ApplicationFederation:
    """A federated credential of an application; `credential_id` is its ID in the directory."""

    credential_id: str
    credential: FederatedCredential
    description: str = ""


@dataclass(frozen=True)
class Scope:
    """A permission that an application exposes to others (`api://…/value`)."""

    scope_id: str
    value: str
    display_name: str = ""
    description: str = ""
    enabled: bool = True


@dataclass(frozen=True)
class Application:
    """One registration. `created` in Unix seconds.

    A `public_client` may sign people in without a credential of its own; so may every client at a redirect URI of
    `public_redirects` or `spa_redirects`.
    """

    object_id: str
    client_id: str
    display_name: str
    created: float = 0.0
    identifier_uris: tuple[str, ...] = ()
    web_redirects: tuple[str, ...] = ()
    spa_redirects: tuple[str, ...] = ()
    public_redirects: tuple[str, ...] = ()
    public_client: bool = False
    scopes: tuple[Scope, ...] = ()
    secrets: tuple[ClientSecret, ...] = ()
    certificates: tuple[ClientCertificate, ...] = ()
    federated: tuple[ApplicationFederation, ...] = ()

    @property
    def allows_public_clients(self) -> bool:
        """Whether one may come without a credential."""
        return self.public_client or bool(self.public_redirects)


#: What clients of the cloud use when they are told no client ID; known in every tenant, and nobody can change it.
AZURE_CLI = Application(
    object_id="04b07795-8ddb-461a-bbee-02f9e1bf7b46",
    client_id="04b07795-8ddb-461a-bbee-02f9e1bf7b46",
    display_name="Microsoft Azure CLI",
    public_redirects=("http://localhost", "https://login.microsoftonline.com/common/oauth2/nativeclient"),
    public_client=True,
)


@dataclass(frozen=True)
class ApplicationWritten:
    """A committed change."""

    application: Application


@dataclass(frozen=True)
class ApplicationDeleted:
    """A committed change."""

    application: Application


class Applications:
    """All registrations."""

    def __init__(self, store: Store, directory: Directory, new_guid: Callable[[], str]) -> None:
        self._store = store
        self._directory = directory
        self._new_guid = new_guid
        self._by_object: dict[str, Application] = {}
        self._by_client: dict[str, Application] = {}
        self._by_uri: dict[str, Application] = {}
        store.subscribe(ApplicationWritten, self._written)
        store.subscribe(ApplicationDeleted, self._deleted)

    async def load(self) -> None:
        """Read all registrations; once, at start."""
        for row in await self._store.rows("SELECT body FROM application"):
            self._written(ApplicationWritten(_decode(row)))

    def by_client_id(self, client_id: str) -> Application | None:
        """By application ID; the well-known client is there too."""
        if client_id.lower() == AZURE_CLI.client_id:
            return AZURE_CLI
        return self._by_client.get(client_id.lower())

    def by_object_id(self, object_id: str) -> Application | None:
        """By the registration's own object ID, which is not its service principal's."""
        return self._by_object.get(object_id.lower())

    def by_audience(self, audience: str) -> Application | None:
        """The application that a token is for: by identifier URI, `api://{client ID}` or the client ID."""
        named = self._by_uri.get(audience.rstrip("/").lower())
        return named or self._by_client.get(audience.lower().removeprefix("api://"))

    def all(self) -> Iterator[Application]:
        """All of this tenant's, by object ID."""
        for object_id in sorted(self._by_object):
            yield self._by_object[object_id]

    def create(self, tx: Tx, display_name: str, now: float) -> Application:
        """Make a registration with new IDs, inside a write; it has no service principal yet."""
        made = Application(self._new_guid(), self._new_guid(), display_name, now)
        self._write(tx, made)
        return made

    def create_service_principal(self, tx: Tx, client_id: str) -> Principal:
        """Make the principal under which an application acts, inside a write.

        Raises INVALID if there is no such application, CONFLICT if it has a principal.
        """
        row = tx.row("SELECT body FROM application WHERE client_id=?", (client_id.lower(),))
        if row is None:
            raise invalid(f"There is no application {client_id!r} in this tenant: create it first.")
        one = _decode(row)
        return self._directory.create(tx, PrincipalKind.APPLICATION, one.display_name, client_id=one.client_id)

    def change(self, tx: Tx, object_id: str, how: Callable[[Application], Application]) -> Application:
        """Replace a registration by what `how` makes of it as it stands now, inside a write.

        Raises NOT_FOUND, INVALID beyond a limit, and CONFLICT for an identifier URI that another one has.
        """
        changed = how(_read(tx, object_id))
        _check_limits(changed)
        self._write(tx, changed)
        principal = tx.row("SELECT principal_id FROM principal WHERE client_id=?", (changed.client_id,))
        if principal:
            self._directory.update(tx, str(principal[0]), display_name=changed.display_name)
        return changed

    def delete(self, tx: Tx, object_id: str) -> None:
        """Delete a registration and its service principal, inside a write; NOT_FOUND if it is not there."""
        gone = _read(tx, object_id)
        tx.execute("DELETE FROM application WHERE object_id=?", (gone.object_id,))
        tx.emit(ApplicationDeleted(gone))
        principal = tx.row("SELECT principal_id FROM principal WHERE client_id=?", (gone.client_id,))
        if principal:
            self._directory.delete(tx, str(principal[0]))

    @staticmethod
    def _write(tx: Tx, application: Application) -> None:
        tx.execute(
            "INSERT INTO application VALUES(?, ?, ?) ON CONFLICT(object_id) DO UPDATE SET body=excluded.body",
            (application.object_id, application.client_id, msgspec.json.encode(application)),
        )
        tx.execute("DELETE FROM identifier_uri WHERE object_id=?", (application.object_id,))
        for uri in application.identifier_uris:
            key = _uri_key(uri)
            if tx.row("SELECT 1 FROM identifier_uri WHERE uri=?", (key,)):
                raise conflict(f"The identifier URI {uri} is another application's.")
            tx.execute("INSERT INTO identifier_uri VALUES(?, ?)", (key, application.object_id))
        tx.emit(ApplicationWritten(application))

    def _written(self, change: ApplicationWritten) -> None:
        application = change.application
        self._forget_uris(self._by_object.get(application.object_id))
        self._by_object[application.object_id] = application
        self._by_client[application.client_id] = application
        for uri in application.identifier_uris:
            self._by_uri[_uri_key(uri)] = application

    def _deleted(self, change: ApplicationDeleted) -> None:
        self._forget_uris(self._by_object.pop(change.application.object_id, None))
        self._by_client.pop(change.application.client_id, None)

    def _forget_uris(self, application: Application | None) -> None:
        for uri in application.identifier_uris if application else ():
            self._by_uri.pop(_uri_key(uri), None)


def without_credential(application: Application, key_id: str) -> Application:
    """The registration without one of its credentials; NOT_FOUND if it has none of that ID."""
    left = replace(
        application,
        secrets=tuple(one for one in application.secrets if one.key_id != key_id),
        certificates=tuple(one for one in application.certificates if one.key_id != key_id),
    )
    if left == application:
        raise not_found(f"{application.display_name!r} has no credential {key_id}.")
    return left


def _check_limits(application: Application) -> None:
    uris = (application.web_redirects, application.spa_redirects, application.public_redirects)
    if len(application.secrets) + len(application.certificates) > MAX_CREDENTIALS:
        raise invalid(f"An application has at most {MAX_CREDENTIALS} credentials: remove one first.")
    if sum(map(len, uris)) > MAX_URIS or len(application.identifier_uris) > MAX_URIS:
        raise invalid(f"An application has at most {MAX_URIS} URIs of a kind.")
    if len(application.scopes) > MAX_SCOPES:
        raise invalid(f"An application exposes at most {MAX_SCOPES} scopes.")


def _uri_key(uri: str) -> str:
    return uri.rstrip("/").lower()


def _read(tx: Tx, object_id: str) -> Application:
    row = tx.row("SELECT body FROM application WHERE object_id=?", (object_id.lower(),))
    if row is None:
        raise not_found(f"There is no application {object_id}.")
    return _decode(row)


def _decode(row: Row) -> Application:
    (body,) = row
    assert isinstance(body, bytes)
    return msgspec.json.decode(body, type=Application)
