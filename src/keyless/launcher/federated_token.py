"""Keeping the file with the assertion about this instance fresh while the program runs.

Owns when and how an assertion is asked for; the file is `token_file.py`'s.
"""

from __future__ import annotations

import asyncio
import json

from keyless.client.http1 import BadResponse, ResponseReader, get_request
from keyless.launcher.keeper import Keeper
from keyless.launcher.lease import Lease
from keyless.launcher.sources import LOOPBACK
from keyless.launcher.token_file import write_token
from keyless.model.errors import KeylessError

PATH = "/workload-identity/assertion"
#: How often the file is replaced. An assertion lives much longer, but its signing key may be revoked.
RENEW_SECONDS = 300.0
RETRY_SECONDS = 5.0
ANSWER_SECONDS = 30.0


async def keep_fresh(keeper: Keeper, lease: Lease, port: int, folder: str, owner: tuple[int, int]) -> None:
    """Replace the file, which `owner` may read, again and again, until the lease is over."""
    request = get_request(f"{LOOPBACK}:{port}", PATH, {"X-IDENTITY-HEADER": lease.header.reveal()})
    pause = RENEW_SECONDS
    while True:
        await asyncio.sleep(pause)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                assertion = await _fetch(keeper, request)
            await asyncio.to_thread(write_token, folder, assertion, owner)
            pause = RENEW_SECONDS
        except KeylessError:
            return  # the keeper has said so
        except (OSError, TimeoutError, BadResponse, ValueError, KeyError):
            pause = RETRY_SECONDS


async def _fetch(keeper: Keeper, request: bytes) -> str:
    endpoint = await keeper.open_identity()
    try:
        endpoint.transport.write(request)
        response = ResponseReader().feed(await endpoint.read_all())
        if response is None or response.status != 200:
            raise BadResponse("no assertion came")
        return str(json.loads(response.body)["assertion"])
    finally:
        endpoint.transport.abort()
