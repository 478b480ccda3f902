"""From a request to its operation, and to what the caller must be allowed for it.

Owns the table of operations and their actions, and the refusal of what is not there yet. Pure.

A write that may overwrite needs `blobs/write`. One that can only create, because it says `If-None-Match: *`, may
also be done with `blobs/add/action`, and so may Put Block, which changes nothing that anybody reads.

Source: Azure Storage REST API; Azure RBAC, "Permissions for blob data operations".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

from keyless.http.message import Request, Response
from keyless.http.surface import Call
from keyless.model.access import Permission, Requirement
from keyless.model.errors import invalid
from keyless.model.resource_id import ResourceId
from keyless.providers.storage.blob_store import BlobStore
from keyless.providers.storage.conditions import read_conditions
from keyless.providers.storage.errors import unsupported
from keyless.providers.storage.headers import flag
from keyless.providers.storage.names import Address, address
from keyless.providers.storage.operations import batch, blobs, blocks, containers, copying, delegation, listing
from keyless.providers.storage.operations.checksums import checked_download, checked_upload
from keyless.providers.storage.operations.copying import Copying
from keyless.providers.storage.shared_access import SharedAccess
from keyless.providers.storage.tables.containers import container_scope
from keyless.providers.storage.tables.records import BlobPath

Handle = Callable[[BlobStore, BlobPath, Call], Awaitable[Response]]
Rules = Mapping[tuple[str, str, str], "Rule"]

_CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers"
_CONTAINER_READ = (Permission(f"{_CONTAINERS}/read"),)
_CONTAINER_WRITE = (Permission(f"{_CONTAINERS}/write"),)
_CONTAINER_DELETE = (Permission(f"{_CONTAINERS}/delete"),)
_READ = (Permission(f"{_CONTAINERS}/blobs/read", data=True),)
_WRITE = (Permission(f"{_CONTAINERS}/blobs/write", data=True),)
_ADD = (*_WRITE, Permission(f"{_CONTAINERS}/blobs/add/action", data=True))
_DELETE = (Permission(f"{_CONTAINERS}/blobs/delete", data=True),)
_DELEGATE = (Permission("Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action"),)


@dataclass(frozen=True, slots=True)
class Rule:
    """One operation. `creates` are the permissions that do if the request can only create.

    Without `needs` it is one that gives nothing away: the kernel asks for a valid credential and no role.
    """

    name: str
    handle: Handle
    needs: tuple[Permission, ...]
    changes: bool = False
    creates: tuple[Permission, ...] = ()


@dataclass(frozen=True, slots=True)
class Routed:
    """A request's operation, what it is about, and what it needs."""

    rule: Rule
    at: Address
    requirement: Requirement


_BATCH = Rule("SubmitBatch", batch.submit_batch, ())
_CONTAINER_PROPERTIES = Rule("GetContainerProperties", containers.get_container_properties, _CONTAINER_READ)

#: By what the path names, the method, and `comp`; those that need the store only.
RULES: Rules = {
    ("account", "GET", "list"): Rule("ListContainers", containers.list_containers, _CONTAINER_READ),
    ("account", "POST", "batch"): _BATCH,
    ("container", "POST", "batch"): _BATCH,
    ("container", "PUT", ""): Rule("CreateContainer", containers.create_container, _CONTAINER_WRITE, changes=True),
    ("container", "GET", ""): _CONTAINER_PROPERTIES,
    ("container", "HEAD", ""): _CONTAINER_PROPERTIES,
    ("container", "DELETE", ""): Rule("DeleteContainer", containers.delete_container, _CONTAINER_DELETE, changes=True),
    ("container", "GET", "list"): Rule("ListBlobs", listing.list_blobs, _READ),
    ("blob", "PUT", ""): Rule("PutBlob", checked_upload(blobs.put_blob), _WRITE, changes=True, creates=_ADD),
    ("blob", "GET", ""): Rule("GetBlob", checked_download(blobs.get_blob), _READ),
    ("blob", "HEAD", ""): Rule("GetBlobProperties", blobs.get_blob_properties, _READ),
    ("blob", "DELETE", ""): Rule("DeleteBlob", blobs.delete_blob, _DELETE, changes=True),
    ("blob", "PUT", "block"): Rule("PutBlock", checked_upload(blocks.put_block), _ADD, changes=True),
    ("blob", "PUT", "blocklist"): Rule(
        "PutBlockList", checked_upload(blocks.put_block_list), _WRITE, changes=True, creates=_ADD
    ),
    ("blob", "PUT", "copy"): Rule("AbortCopyBlob", copying.abort_copy, _WRITE),
    ("blob", "GET", "blocklist"): Rule("GetBlockList", blocks.get_block_list, _READ),
}

#: The values of `restype`, by what the path names.
_RESTYPES = {"account": {"", "service"}, "container": {"", "container"}, "blob": {""}}
_COPY_SOURCE = "x-ms-copy-source"
#: Stand for `comp` where a source is named; being in upper case they are nothing that a client can send.
_COPY, _COPY_AT_ONCE, _PUT_FROM_URL, _BLOCK_FROM_URL = "COPY", "COPY AT ONCE", "PUT FROM URL", "BLOCK FROM URL"
_METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"})
#: Operations of the real service that are not there yet.
_LATER = frozenset(
    {
        "acl", "appendblock", "batch", "blobs", "copy", "expiry", "filesystem", "immutabilitypolicies",
        "incrementalcopy", "lease", "legalhold", "list", "metadata", "page", "pagelist", "properties", "query",
        "rename", "seal", "snapshot", "stats", "tags", "tier", "undelete", "userdelegationkey",
    }
)  # fmt: skip
#: Query parameters and headers that ask for what is not there yet, and must not be passed over in silence.
_LATER_PARAMETERS = {"snapshot": "snapshots", "versionid": "versions", "deletetype": "permanent deletion"}
_LATER_HEADERS = {
    "x-ms-lease-id": "leases",
    "x-ms-source-lease-id": "leases",
    "x-ms-source-if-tags": "blob tags",
    "x-ms-copy-source-tag-option": "blob tags",
    "x-ms-seal-blob": "append blobs",
    "x-ms-tags": "blob tags",
    "x-ms-if-tags": "blob tags",
    "x-ms-encryption-key": "customer-provided keys",
    "x-ms-encryption-scope": "encryption scopes",
    "x-ms-default-encryption-scope": "encryption scopes",
    "x-ms-immutability-policy-until-date": "immutability policies",
    "x-ms-legal-hold": "legal holds",
    "x-ms-expiry-option": "blob expiry",
}


def rules(shared: SharedAccess, copies: Copying) -> Rules:
    """All operations."""
    key = partial(delegation.get_user_delegation_key, shared)
    copy = partial(copying.copy_blob, copies)
    put = partial(copying.put_blob_from_url, copies)
    put_block = partial(copying.put_block_from_url, copies)
    return {
        **RULES,
        ("account", "POST", "userdelegationkey"): Rule("GetUserDelegationKey", key, _DELEGATE, changes=True),
        ("blob", "PUT", _COPY): Rule("CopyBlob", copy, _WRITE, changes=True, creates=_ADD),
        ("blob", "PUT", _COPY_AT_ONCE): Rule("CopyBlobFromURL", copy, _WRITE, changes=True, creates=_ADD),
        ("blob", "PUT", _PUT_FROM_URL): Rule("PutBlobFromURL", put, _WRITE, changes=True, creates=_ADD),
        ("blob", "PUT", _BLOCK_FROM_URL): Rule("PutBlockFromURL", put_block, _ADD, changes=True),
    }


def route(rules: Rules, request: Request, account: ResourceId) -> Routed:
    """Say what a request to this account is; raises INVALID or UNSUPPORTED for what it cannot be."""
    at = address(request)
    method, query = request.method, request.query
    comp, restype = query.get("comp", "").lower(), query.get("restype", "").lower()
    rule = rules.get((at.level, method, _from_url(request, comp) if _COPY_SOURCE in request.headers else comp))
    if restype not in _RESTYPES[at.level]:
        rule = None
    if rule is None:
        if method not in _METHODS:
            raise invalid("The Blob service knows GET, HEAD, PUT, POST and DELETE only.", "UnsupportedHttpVerb")
        if comp and comp not in _LATER:
            raise invalid(f"There is no operation {method} with comp={comp} here.", "InvalidQueryParameterValue")
        raise unsupported(f"{method} with comp={comp or '(none)'} on this path")
    for name, what in _LATER_PARAMETERS.items():
        if name in query:
            raise unsupported(what)
    for name, what in _LATER_HEADERS.items():
        if name in request.headers:
            raise unsupported(what)
    needs = rule.needs
    if rule.creates and read_conditions(request.headers).creates_only:
        needs = rule.creates
    scope = container_scope(account, at.container) if at.container else account
    return Routed(rule, at, Requirement(scope, needs))


def _from_url(request: Request, comp: str) -> str:
    if comp == "block":
        return _BLOCK_FROM_URL
    if comp:
        raise unsupported(f"comp={comp} with a source")
    if "x-ms-blob-type" in request.headers:
        return _PUT_FROM_URL
    return _COPY_AT_ONCE if flag(request.headers, "x-ms-requires-sync") else _COPY
