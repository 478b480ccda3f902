"""@azure/identity in every shape of host."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyless.model.hosts import HOSTS
from tests.clients.hosts import NAMED, SYSTEM, Expected, Hosts
from tests.clients.place import output_of
from tests.harness import Owner

PROGRAM = Path(__file__).parent / "programs" / "hosts.mjs"

NONE_NAMED = {"managed identity": SYSTEM, "default": SYSTEM}
ALL = {**NONE_NAMED, "managed identity, client ID": NAMED}

EXPECTED: dict[str, Expected] = {
    "app-service": ALL,
    "app-service-2017": ALL,
    "cloud-shell": {**NONE_NAMED, "managed identity, client ID": "is not supported for CloudShell"},
    "imds": ALL,
    # the first credential of a process decides where all ask, and its checks are the only ones
    "arc": {"managed identity, client ID": "can only be system assigned", **NONE_NAMED},
    "service-fabric": {
        **NONE_NAMED,
        "managed identity, client ID": "is not supported by the Service Fabric managed identity environment",
    },
    "workload-identity": {**ALL, "workload": SYSTEM},
}


@pytest.mark.parametrize("host", HOSTS)
def test_azure_identity(owner: Owner, node: str, host: str) -> None:
    Hosts(owner).check(host, [node, PROGRAM], EXPECTED[host], output_of)
