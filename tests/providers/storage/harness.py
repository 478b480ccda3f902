"""A storage account behind the real kernel: SQLite, sealing, files and the decision are real, tokens are words."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from keyless.http.hosts import Hosts
from keyless.http.kernel import Kernel
from keyless.http.message import Body, Headers, Request, Response, Target, parse_query
from keyless.model.access import Assignment, Decision, Requirement, Role, decide
from keyless.model.audit import AuditEvent
from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.identity import Principal, PrincipalKind
from keyless.model.resource import Resource
from keyless.model.resource_id import parse_resource_id
from keyless.providers.storage.blob_store import MIGRATION, BlobStore, open_blob_store
from keyless.providers.storage.shared_access import SharedAccess
from keyless.providers.storage.surface import BlobSurface
from keyless.providers.storage.user_delegation_key import DelegationKeys
from keyless.store.sealing import MasterKey, PartSealer, Sealer, new_wrapped_key
from keyless.store.sqlite import SqliteStore, open_store

TENANT = "5a1f0d3c-0000-4000-8000-00000000beef"
SUBSCRIPTION = parse_resource_id("/subscriptions/s-1")
ACCOUNT = parse_resource_id("/subscriptions/s-1/resourceGroups/Shop/providers/Microsoft.Storage/storageAccounts/shop")
OTHER_ACCOUNT = parse_resource_id(str(ACCOUNT).replace("/shop", "/mill"))
_CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers"
_DELEGATION_KEY = "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action"
ROLES = {
    "data owner": Role(
        "data owner",
        "Storage Blob Data Owner, who manages the service too",
        actions=("Microsoft.Storage/storageAccounts/blobServices/*",),
        data_actions=(f"{_CONTAINERS}/blobs/*",),
    ),
    "contributor": Role(
        "contributor",
        "Storage Blob Data Contributor",
        actions=(*(f"{_CONTAINERS}/{verb}" for verb in ("read", "write", "delete")), _DELEGATION_KEY),
        data_actions=tuple(f"{_CONTAINERS}/blobs/{verb}" for verb in ("read", "write", "delete", "add/action")),
    ),
    "reader": Role(
        "reader",
        "Storage Blob Data Reader",
        actions=(f"{_CONTAINERS}/read",),
        data_actions=(f"{_CONTAINERS}/blobs/read",),
    ),
    "adder": Role("adder", "Adder", data_actions=(f"{_CONTAINERS}/blobs/add/action",)),
}


@dataclass
class FakeClock:
    now: float = 1_800_000_000.75

    def __call__(self) -> float:
        return self.now


@dataclass
class FakeAudit:
    events: list[AuditEvent] = field(default_factory=list)

    async def decision(self, event: AuditEvent, *, durable: bool) -> None:
        assert durable or event.decision == "allowed"
        self.events.append(event)

    def outcome(self, event: AuditEvent, status: int) -> None:
        assert event in self.events


@dataclass
class Access:
    """A token is the name of its principal; one that begins with `bad` is no good."""

    assignments: list[Assignment] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)

    def grant(self, who: str, role: str, scope: str) -> None:
        self.assignments.append(Assignment(f"a{len(self.assignments)}", who, role, scope))

    def authenticate(self, token: str, surface: str) -> Principal:
        if surface != "storage" or token.startswith("bad"):
            raise KeylessError(ErrorKind.UNAUTHENTICATED, "The token is not good.")
        return self.principal(token)

    def principal(self, name: str) -> Principal:
        return Principal(name, name, name, PrincipalKind.USER_ASSIGNED)

    def by_id(self, name: str) -> Principal | None:
        return None if name in self.deleted else self.principal(name)

    def authorise(self, who: Principal, requirements: Iterable[Requirement]) -> Decision:
        return decide(requirements, [a for a in self.assignments if a.principal_id == who.principal_id], ROLES)


@dataclass
class Answer:
    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def code(self) -> str:
        """The error's code, which the header and the document agree on."""
        code = self.headers.get("x-ms-error-code", "")
        if self.body and code:
            document = ElementTree.fromstring(self.body)
            assert (document.tag, document.findtext("Code")) == ("Error", code)
            assert document.findtext("Message")
        return code

    def xml(self) -> ElementTree.Element:
        assert self.headers["Content-Type"] == "application/xml"
        return ElementTree.fromstring(self.body)


async def read_answer(response: Response) -> Answer:
    if isinstance(response.body, bytes):
        body = response.body
    else:
        body = b"".join([chunk async for chunk in response.body])
        assert response.length in {None, len(body)}
    return Answer(response.status, body, response.headers)


@dataclass
class BlobClient:
    """Sends requests to the kernel as they would come from a connection."""

    kernel: Kernel
    access: Access
    audit: FakeAudit
    clock: FakeClock
    blobs: BlobStore
    store: SqliteStore
    folder: Path
    accounts: dict[str, Resource]

    def request(
        self,
        method: str,
        path: str,
        query: str = "",
        body: bytes | Body = b"",
        headers: dict[str, str] | None = None,
        token: str = "owner",
        target: Target | None = None,
    ) -> Request:
        target = target or Target("storage", "shop", "blob.keyless.localhost")
        fields = {"x-ms-version": "2025-05-05"} | ({"Authorization": f"Bearer {token}"} if token else {})
        return Request(
            method=method,
            host=f"{target.name}.{target.suffix}" if target.suffix else "127.0.0.1",
            port=8443,
            target=target,
            path=target.prefix + path,
            query=parse_query(query),
            headers=Headers((fields | (headers or {})).items()),
            body=Body.of(body) if isinstance(body, bytes) else body,
            request_id="r-1",
            raw_query=query,
        )

    async def send(self, method: str, path: str, query: str = "", body: bytes | Body = b"", **more: object) -> Answer:
        """`more`: headers, token, target."""
        request = self.request(method, path, query, body, **more)  # type: ignore[arg-type]
        return await read_answer(await self.kernel.dispatch(request))

    async def container(self, name: str = "box") -> None:
        answer = await self.send("PUT", f"/{name}", "restype=container")
        assert answer.status == 201, answer.body

    async def put(self, path: str, body: bytes | Body = b"x", **headers: str) -> Answer:
        """Put a block blob; `_` in the name of a header stands for `-`."""
        fields = {"x-ms-blob-type": "BlockBlob"} | {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.send("PUT", path, "", body, headers=fields)

    def files(self) -> set[str]:
        """The names of all files of parts."""
        return {path.name for path in (self.folder / "parts").rglob("*") if path.is_file()}

    async def live_files(self) -> set[str]:
        """The names of those that the database knows as live."""
        rows = await self.store.rows("SELECT id FROM storage_part WHERE state = 1 AND data IS NULL")
        return {row[0].hex() for row in rows if isinstance(row[0], bytes)}


def new_sealer(key: bytes = b"") -> PartSealer:
    master = MasterKey(key or os.urandom(32))
    return PartSealer(Sealer.from_wrapped(master, [new_wrapped_key(master, os.urandom)]))


@asynccontextmanager
async def blob_client(folder: Path) -> AsyncIterator[BlobClient]:
    """A client of the account `shop`; the principal `owner` may do everything there, and in the account `mill`."""
    store = open_store(folder / "keyless.db", [MIGRATION])
    clock, access, audit = FakeClock(), Access(), FakeAudit()
    for account in (ACCOUNT, OTHER_ACCOUNT):
        access.grant("owner", "data owner", str(account))
    blobs = open_blob_store(
        store, folder / "parts", new_sealer(), clock, os.urandom, scope_deleted=lambda tx, scope: None
    )
    accounts = {"shop": Resource(ACCOUNT, created=1.5), "mill": Resource(OTHER_ACCOUNT, created=2.5)}
    shared = SharedAccess(DelegationKeys(bytes(32)), accounts.get, access.by_id, access.authenticate, clock, TENANT)
    surface = BlobSurface(
        accounts.get,
        blobs,
        lambda r: f"https://login.keyless.localhost:{r.port}/{TENANT}",
        SUBSCRIPTION,
        shared,
        Hosts("keyless.localhost").target,
    )
    kernel = Kernel(lambda r: surface, access.authenticate, access.authorise, audit, {"storage": shared.read})
    yield BlobClient(kernel, access, audit, clock, blobs, store, folder, accounts)
    await store.close()


def chunked(data: bytes, size: int = 60_000, length: int | None = -1) -> Body:
    """A body that arrives in chunks; `length` is what it announces, by default the truth."""

    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(data), size):
            yield data[at : at + size]

    return Body(chunks(), len(data) if length == -1 else length)
