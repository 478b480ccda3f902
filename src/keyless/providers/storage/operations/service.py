"""The account's Blob service: its properties, its statistics, and what kind of account it is."""

from __future__ import annotations

from dataclasses import replace

from keyless.http.message import Response
from keyless.http.surface import Call
from keyless.model.errors import invalid
from keyless.providers.storage.blob_store import BlobStore
from keyless.providers.storage.tables.records import BlobPath
from keyless.providers.storage.tables.services import Policy
from keyless.providers.storage.xml_service import read_delete_days, service_document
from keyless.providers.storage.xml_tree import MAX_DOCUMENT_BYTES


async def get_service_properties(blobs: BlobStore, at: BlobPath, _call: Call) -> Response:
    """`GET /?restype=service&comp=properties`."""
    policy = await blobs.services.get(at.account)
    return Response(200, service_document(policy), {"Content-Type": "application/xml"})


async def set_service_properties(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`PUT /?restype=service&comp=properties`; what is not named stays as it is."""
    days = read_delete_days(await call.request.body.read(MAX_DOCUMENT_BYTES))

    def change(policy: Policy) -> Policy:
        return policy if days is None else replace(policy, delete_days=days)

    await blobs.services.change(at.account, change)
    return Response(202)


async def get_service_stats(_blobs: BlobStore, _at: BlobPath, _call: Call) -> Response:
    """`GET /?restype=service&comp=stats`: there is no second region, nor an endpoint of one."""
    raise invalid(
        "Statistics of geo-replication are there only for accounts with read access to a second region.",
        "InvalidQueryParameterValue",
    )


async def get_account_information(_blobs: BlobStore, _at: BlobPath, _call: Call) -> Response:
    """`GET` or `HEAD` of anything in the account with `restype=account&comp=properties`."""
    return Response(
        200,
        b"",
        {"x-ms-sku-name": "Standard_LRS", "x-ms-account-kind": "StorageV2", "x-ms-is-hns-enabled": "false"},
    )
