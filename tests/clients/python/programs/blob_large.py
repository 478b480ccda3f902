"""LARGE_MIB up and down as streams, sync and aio. Prints whether they came back as they were sent, and their blocks."""

import asyncio
import hashlib
import io
import os
import random

import azure.identity.aio
import azure.storage.blob.aio
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient

MIB = 1024 * 1024
SIZE = int(os.environ["LARGE_MIB"]) * MIB
#: The service takes no more in one request than 5,000 MiB; a client that reads slowly should not hold one for long.
ONE_PUT = 1024 * MIB


class Numbers(io.RawIOBase):
    """A file of that size that is nowhere, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._left = SIZE
        self._rest = b""
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        while len(self._rest) < wanted:
            self._rest += self._random.randbytes(MIB)
        piece, self._rest = self._rest[:wanted], self._rest[wanted:]
        self._left -= wanted
        self.digest.update(piece)
        return piece


url = os.environ["ACCOUNT_URL"]
service = BlobServiceClient(url, DefaultAzureCredential(), max_single_put_size=ONE_PUT)
box = service.create_container("large")
numbers, came = Numbers(1), hashlib.sha256()
blob = box.upload_blob("sync", numbers, length=SIZE)
for chunk in blob.download_blob().chunks():
    came.update(chunk)
assert blob.get_blob_properties().size == SIZE
print("sync:", numbers.digest.hexdigest() == came.hexdigest(), len(blob.get_block_list()[0]))


async def asynchronously() -> None:
    async with (
        azure.identity.aio.DefaultAzureCredential() as credential,
        azure.storage.blob.aio.BlobServiceClient(url, credential) as aio,
    ):
        numbers, came = Numbers(2), hashlib.sha256()
        blob = aio.get_blob_client("large", "aio")
        await blob.upload_blob(numbers, max_concurrency=2)
        async for chunk in (await blob.download_blob()).chunks():
            came.update(chunk)
        print("aio:", numbers.digest.hexdigest() == came.hexdigest(), len((await blob.get_block_list())[0]))


asyncio.run(asynchronously())
service.delete_container("large")
