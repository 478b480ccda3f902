"""azure-identity on a bad day: `keyless run --fault`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from keyless.model.hosts import FAULTS
from tests.clients.matrix.cells import Whose
from tests.clients.matrix.scene import make_scene
from tests.clients.place import output_of, python
from tests.harness import Owner


@pytest.mark.parametrize("client", ["sync", "aio"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_day_that_azure_identity_gets_over(owner: Owner, tmp_path: Path, fault: str, client: str) -> None:
    scene = make_scene(owner, "app-service", tmp_path)
    way = f"{client} managed identity"
    ran = scene.place.run(python("matrix.py"), "--fault", fault, **scene.environ({way: Whose.SYSTEM}))
    assert json.loads(output_of(ran))[way][0] == scene.principals[Whose.SYSTEM]
