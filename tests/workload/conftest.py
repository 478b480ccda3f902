from __future__ import annotations

from uuid import uuid4

import pytest

from tests.harness import Owner, RunningServer
from tests.workload.shapes import World


@pytest.fixture(scope="module")
def world(server: RunningServer, owner: Owner) -> World:
    one, other = (owner.identity(f"i{uuid4().hex[:8]}") for _ in range(2))
    name = f"a{uuid4().hex[:8]}"
    app = owner.app(name, one["id"], system=True)
    owner.app(f"b{uuid4().hex[:8]}", other["id"])
    return World(server, owner, name, app["identity"]["principalId"], one, other)
