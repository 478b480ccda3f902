"""Get User Delegation Key."""

from __future__ import annotations

from keyless.http.message import Response
from keyless.http.surface import Call
from keyless.model.errors import not_found
from keyless.providers.storage.blob_store import BlobStore
from keyless.providers.storage.conditions import read_lease_only
from keyless.providers.storage.headers import version_of
from keyless.providers.storage.shared_access import SharedAccess
from keyless.providers.storage.tables.records import BlobPath
from keyless.providers.storage.user_delegation_key import MAX_KEY_INFO_BYTES, key_document, parse_key_info


async def get_user_delegation_key(shared: SharedAccess, _blobs: BlobStore, _at: BlobPath, call: Call) -> Response:
    """`POST /?restype=service&comp=userdelegationkey`."""
    request = call.request
    read_lease_only(request.headers)
    asked = parse_key_info(await request.body.read(MAX_KEY_INFO_BYTES))
    account = shared.accounts(request.target.name)
    if account is None:
        raise not_found("The storage account has just been deleted.", "ResourceNotFound")
    terms, value = shared.issue(account, call.caller, asked, version_of(request.headers))
    headers = {"Content-Type": "application/xml", "Cache-Control": "no-store"}
    return Response(200, key_document(terms, value), headers)
