"""From a request to its operation, and to what the caller must be allowed for it.

Owns the table of operations and their actions, and the refusal of what is not there yet. Pure.

A write that may overwrite needs `blobs/write`. One that can only create, because it says `If-None-Match: *`, may
also be done with `blobs/add/action`, and so may Put Block, which changes nothing that anybody reads, and Append
Block, which leaves all that is there.

Source: Azure Storage REST API; Azure RBAC, "Permissions for blob data operations".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from keyless.http.message import Request, Response
from keyless.http.surface import Call
from keyless.model.access import Permission, Requirement
from keyless.model.errors import invalid
from keyless.model.resource_id import ResourceId
from keyless.providers.storage.blob_store import BlobStore
from keyless.providers.storage.conditions import IF_TAGS, read_conditions
from keyless.providers.storage.errors import unsupported
from keyless.providers.storage.headers import flag
from keyless.providers.storage.moments import read_moment
from keyless.providers.storage.names import Address, address
from keyless.providers.storage.operations import (
    appends,
    batch,
    blobs,
    blocks,
    containers,
    copying,
    delegation,
    leases,
    listing,
    page_ranges,
    pages,
    properties,
    put_blob,
    service,
    snapshots,
    tags,
    tiers,
)
from keyless.providers.storage.operations.checksums import checked_download, checked_upload
from keyless.providers.storage.operations.copying import Copying
from keyless.providers.storage.operations.paging import read_include
from keyless.providers.storage.shared_access import SharedAccess
from keyless.providers.storage.tables.containers import container_scope
from keyless.providers.storage.tables.records import BlobPath, Kind

Handle = Callable[[BlobStore, BlobPath, Call], Awaitable[Response]]
Rules = Mapping[tuple[str, str, str], "Rule"]

_SERVICE = "Microsoft.Storage/storageAccounts/blobServices"
_CONTAINERS = f"{_SERVICE}/containers"
_SERVICE_READ = (Permission(f"{_SERVICE}/read"),)
_SERVICE_WRITE = (Permission(f"{_SERVICE}/write"),)
_INFORMATION = (Permission(f"{_SERVICE}/getInfo/action"),)
_DELEGATE = (Permission(f"{_SERVICE}/generateUserDelegationKey/action"),)
_CONTAINER_READ = (Permission(f"{_CONTAINERS}/read"),)
_CONTAINER_WRITE = (Permission(f"{_CONTAINERS}/write"),)
_CONTAINER_DELETE = (Permission(f"{_CONTAINERS}/delete"),)
_GET_ACL = (Permission(f"{_CONTAINERS}/getAcl/action"),)
_SET_ACL = (Permission(f"{_CONTAINERS}/setAcl/action"),)
_READ = (Permission(f"{_CONTAINERS}/blobs/read", data=True),)
_WRITE = (Permission(f"{_CONTAINERS}/blobs/write", data=True),)
_ADD = (*_WRITE, Permission(f"{_CONTAINERS}/blobs/add/action", data=True))
_DELETE = (Permission(f"{_CONTAINERS}/blobs/delete", data=True),)
_DELETE_VERSION = (Permission(f"{_CONTAINERS}/blobs/deleteBlobVersion/action", data=True),)
_TAGS_READ = (Permission(f"{_CONTAINERS}/blobs/tags/read", data=True),)
_TAGS_WRITE = (Permission(f"{_CONTAINERS}/blobs/tags/write", data=True),)
_FILTER = (Permission(f"{_CONTAINERS}/blobs/filter/action", data=True),)

_SNAPSHOT, _VERSION = "snapshot", "versionid"
_EITHER = frozenset({_SNAPSHOT, _VERSION})


@dataclass(frozen=True, slots=True)
class Rule:
    """One operation. `creates` are the permissions that do if the request can only create.

    Without `needs` it is one that gives nothing away: the kernel asks for a valid credential and no role.

    `of` are the query parameters by which it can be about a snapshot or a version. `tags` says that the header
    `x-ms-tags` counts.
    """

    name: str
    handle: Handle
    needs: tuple[Permission, ...]
    changes: bool = False
    creates: tuple[Permission, ...] = ()
    of: frozenset[str] = frozenset()
    tags: bool = False


@dataclass(frozen=True, slots=True)
class Routed:
    """A request's operation, what it is about, and what it needs."""

    rule: Rule
    path: BlobPath
    requirements: tuple[Requirement, ...]


_GET_CONTAINER = Rule("GetContainerProperties", containers.get_container_properties, _CONTAINER_READ)
_GET_CONTAINER_METADATA = Rule("GetContainerMetadata", containers.get_container_metadata, _CONTAINER_READ)
_GET_CONTAINER_ACL = Rule("GetContainerAcl", containers.get_container_acl, _GET_ACL)
_GET_METADATA = Rule("GetBlobMetadata", properties.get_blob_metadata, _READ, of=_EITHER)
_GET_INFORMATION = Rule("GetAccountInformation", service.get_account_information, _INFORMATION)

_BATCH = Rule("SubmitBatch", batch.submit_batch, ())

#: By what the path names, the method, and `comp`; those that need the store only.
RULES: Rules = {
    ("information", "GET", "properties"): _GET_INFORMATION,
    ("information", "HEAD", "properties"): _GET_INFORMATION,
    ("service", "GET", "properties"): Rule("GetServiceProperties", service.get_service_properties, _SERVICE_READ),
    ("service", "PUT", "properties"): Rule(
        "SetServiceProperties", service.set_service_properties, _SERVICE_WRITE, changes=True
    ),
    ("service", "GET", "stats"): Rule("GetServiceStats", service.get_service_stats, _SERVICE_READ),
    ("account", "POST", "batch"): _BATCH,
    ("container", "POST", "batch"): _BATCH,
    ("account", "GET", "list"): Rule("ListContainers", containers.list_containers, _CONTAINER_READ),
    ("account", "GET", "blobs"): Rule("FindBlobsByTags", tags.find_blobs_by_tags, _FILTER),
    ("container", "PUT", ""): Rule("CreateContainer", containers.create_container, _CONTAINER_WRITE, changes=True),
    ("container", "GET", ""): _GET_CONTAINER,
    ("container", "HEAD", ""): _GET_CONTAINER,
    ("container", "DELETE", ""): Rule("DeleteContainer", containers.delete_container, _CONTAINER_DELETE, changes=True),
    ("container", "PUT", "undelete"): Rule(
        "RestoreContainer", containers.restore_container, _CONTAINER_WRITE, changes=True
    ),
    ("container", "GET", "metadata"): _GET_CONTAINER_METADATA,
    ("container", "HEAD", "metadata"): _GET_CONTAINER_METADATA,
    ("container", "PUT", "metadata"): Rule(
        "SetContainerMetadata", containers.set_container_metadata, _CONTAINER_WRITE, changes=True
    ),
    ("container", "GET", "acl"): _GET_CONTAINER_ACL,
    ("container", "HEAD", "acl"): _GET_CONTAINER_ACL,
    ("container", "PUT", "acl"): Rule("SetContainerAcl", containers.set_container_acl, _SET_ACL, changes=True),
    ("container", "PUT", "lease"): Rule("LeaseContainer", leases.lease_container, _CONTAINER_WRITE, changes=True),
    ("container", "GET", "list"): Rule("ListBlobs", listing.list_blobs, _READ),
    ("container", "GET", "blobs"): Rule("FindBlobsByTags", tags.find_blobs_by_tags, _FILTER),
    ("blob", "PUT", ""): Rule(
        "PutBlob", checked_upload(put_blob.put_blob), _WRITE, changes=True, creates=_ADD, tags=True
    ),
    ("blob", "GET", ""): Rule("GetBlob", checked_download(blobs.get_blob), _READ, of=_EITHER),
    ("blob", "HEAD", ""): Rule("GetBlobProperties", blobs.get_blob_properties, _READ, of=_EITHER),
    ("blob", "DELETE", ""): Rule("DeleteBlob", blobs.delete_blob, _DELETE, changes=True, of=_EITHER),
    ("blob", "PUT", "block"): Rule("PutBlock", checked_upload(blocks.put_block), _ADD, changes=True),
    ("blob", "PUT", "blocklist"): Rule(
        "PutBlockList", checked_upload(blocks.put_block_list), _WRITE, changes=True, creates=_ADD, tags=True
    ),
    ("blob", "GET", "blocklist"): Rule("GetBlockList", blocks.get_block_list, _READ, of=frozenset({_SNAPSHOT})),
    ("blob", "PUT", "appendblock"): Rule("AppendBlock", checked_upload(appends.append_block), _ADD, changes=True),
    ("blob", "PUT", "seal"): Rule("SealAppendBlob", appends.seal_append_blob, _WRITE, changes=True),
    ("blob", "PUT", "page"): Rule("PutPage", checked_upload(pages.put_page), _WRITE, changes=True),
    ("blob", "GET", "pagelist"): Rule("GetPageRanges", page_ranges.get_page_ranges, _READ, of=frozenset({_SNAPSHOT})),
    ("blob", "PUT", "copy"): Rule("AbortCopyBlob", copying.abort_copy, _WRITE),
    ("blob", "GET", "metadata"): _GET_METADATA,
    ("blob", "HEAD", "metadata"): _GET_METADATA,
    ("blob", "PUT", "metadata"): Rule("SetBlobMetadata", properties.set_blob_metadata, _WRITE, changes=True),
    ("blob", "PUT", "properties"): Rule("SetBlobProperties", properties.set_blob_properties, _WRITE, changes=True),
    ("blob", "PUT", "lease"): Rule("LeaseBlob", leases.lease_blob, _WRITE, changes=True),
    ("blob", "GET", "tags"): Rule("GetBlobTags", tags.get_blob_tags, _TAGS_READ, of=_EITHER),
    ("blob", "PUT", "tags"): Rule(
        "SetBlobTags", tags.set_blob_tags, _TAGS_WRITE, changes=True, of=frozenset({_VERSION})
    ),
    ("blob", "PUT", "tier"): Rule("SetBlobTier", tiers.set_blob_tier, _WRITE, changes=True, of=_EITHER),
    ("blob", "PUT", "snapshot"): Rule("SnapshotBlob", snapshots.snapshot_blob, _ADD, changes=True),
    ("blob", "PUT", "undelete"): Rule("UndeleteBlob", snapshots.undelete_blob, _CONTAINER_WRITE, changes=True),
}

_COPY_SOURCE = "x-ms-copy-source"
#: Stand for `comp` where a source is named; being in upper case they are nothing that a client can send.
_COPY, _COPY_AT_ONCE, _PUT_FROM_URL = "COPY", "COPY AT ONCE", "PUT FROM URL"
_PART_FROM_URL = {"block": "BLOCK FROM URL", "appendblock": "APPEND FROM URL", "page": "PAGE FROM URL"}
_METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"})
#: Operations of the real service that are not there yet.
_LATER = frozenset(
    {
        "batch", "copy", "expiry", "filesystem", "immutabilitypolicies", "incrementalcopy", "legalhold", "query",
        "rename", "userdelegationkey",
    }
)  # fmt: skip
_KNOWN = _LATER | {comp for _, _, comp in RULES}
#: Query parameters and headers that ask for what is not there yet, and must not be passed over in silence.
_LATER_PARAMETERS = {"deletetype": "permanent deletion"}
_LATER_HEADERS = {
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
    append = partial(appends.append_block_from_url, copies.find)
    put_page = partial(pages.put_page_from_url, copies.find)
    return {
        **RULES,
        ("service", "POST", "userdelegationkey"): Rule("GetUserDelegationKey", key, _DELEGATE, changes=True),
        ("blob", "PUT", _COPY): Rule("CopyBlob", copy, _WRITE, changes=True, creates=_ADD, tags=True),
        ("blob", "PUT", _COPY_AT_ONCE): Rule("CopyBlobFromURL", copy, _WRITE, changes=True, creates=_ADD, tags=True),
        ("blob", "PUT", _PUT_FROM_URL): Rule("PutBlobFromURL", put, _WRITE, changes=True, creates=_ADD, tags=True),
        ("blob", "PUT", _PART_FROM_URL["block"]): Rule("PutBlockFromURL", put_block, _ADD, changes=True),
        ("blob", "PUT", _PART_FROM_URL["appendblock"]): Rule("AppendBlockFromURL", append, _ADD, changes=True),
        ("blob", "PUT", _PART_FROM_URL["page"]): Rule("PutPageFromURL", put_page, _WRITE, changes=True),
    }


def route(rules: Rules, request: Request, account: ResourceId) -> Routed:
    """Say what a request to this account is; raises INVALID or UNSUPPORTED for what it cannot be."""
    at = address(request)
    rule = _rule(rules, request, at)
    for name, what in _LATER_PARAMETERS.items():
        if name in request.query:
            raise unsupported(what)
    if request.headers.any_of(_LATER_HEADERS.keys()):
        raise unsupported(next(what for name, what in _LATER_HEADERS.items() if name in request.headers))
    kind, moment = _moment(request, rule)
    scope = container_scope(account, at.container) if at.container and rule is not _GET_INFORMATION else account
    needs = tuple(Requirement(scope, permissions) for permissions in _needs(request, rule, kind))
    return Routed(rule, BlobPath(account.key, at.container, at.blob, kind, moment), needs)


def _rule(rules: Rules, request: Request, at: Address) -> Rule:
    method, query = request.method, request.query
    comp, restype = query.get("comp", "").lower(), query.get("restype", "").lower()
    key = _from_url(request, comp) if _COPY_SOURCE in request.headers else comp
    rule = rules.get((_level(at, restype), method, key))
    if rule is not None:
        return rule
    if method not in _METHODS:
        raise invalid("The Blob service knows GET, HEAD, PUT, POST and DELETE only.", "UnsupportedHttpVerb")
    if comp and comp not in _KNOWN:
        raise invalid(f"There is no operation {method} with comp={comp} here.", "InvalidQueryParameterValue")
    raise unsupported(f"{method} with comp={comp or '(none)'} on this path")


def _from_url(request: Request, comp: str) -> str:
    if comp in _PART_FROM_URL:
        return _PART_FROM_URL[comp]
    if comp:
        raise unsupported(f"comp={comp} with a source")
    if "x-ms-blob-type" in request.headers:
        return _PUT_FROM_URL
    return _COPY_AT_ONCE if flag(request.headers, "x-ms-requires-sync") else _COPY


def _level(at: Address, restype: str) -> str:
    """What the path names, as `RULES` has it; empty if `restype` contradicts it."""
    if restype == "account":
        return "information"
    if at.level == "account":
        return {"": "account", "service": "service"}.get(restype, "")
    return at.level if restype == "" or (at.level, restype) == ("container", "container") else ""


def _moment(request: Request, rule: Rule) -> tuple[Kind, int]:
    """Which snapshot or version of a blob a request is about."""
    named = [name for name in (_SNAPSHOT, _VERSION) if request.query.get(name)]
    if not named:
        return Kind.CURRENT, 0
    if len(named) > 1:
        raise invalid("A request names a snapshot or a version, not both.", "MutuallyExclusiveQueryParameters")
    name = named[0]
    if name not in rule.of:
        raise invalid(
            f"{rule.name} does not take the query parameter {name}: send it without.", "InvalidQueryParameterValue"
        )
    return Kind.SNAPSHOT if name == _SNAPSHOT else Kind.VERSION, read_moment(request.query[name], name)


def _needs(request: Request, rule: Rule, kind: Kind) -> Iterator[tuple[Permission, ...]]:
    """All of what a request needs; of each, any one does."""
    headers = request.headers
    if rule.needs is _DELETE and kind is Kind.VERSION:
        yield _DELETE_VERSION
    elif rule.creates and read_conditions(headers).creates_only:
        yield rule.creates
    else:
        yield rule.needs
    if rule.tags and headers.get("x-ms-tags"):
        yield _TAGS_WRITE
    # to try conditions, or to list them, is to read tags
    if IF_TAGS in headers or (rule.name == "ListBlobs" and "tags" in read_include(request)):
        yield _TAGS_READ
