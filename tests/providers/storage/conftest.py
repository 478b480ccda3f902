"""A storage account for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.providers.storage.harness import blob_client

if TYPE_CHECKING:
    from tests.providers.storage.harness import BlobClient


@pytest.fixture
async def blob(tmp_path: Path) -> AsyncIterator[BlobClient]:
    async with blob_client(tmp_path) as client:
        yield client
