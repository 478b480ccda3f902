"""azidentity for Go in every shape of host."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyless.model.hosts import HOSTS, IMDS
from tests.clients.hosts import NAMED, SYSTEM, Expected, Hosts
from tests.clients.place import output_of
from tests.clients.tools import BUILD_SECONDS
from tests.harness import Owner

pytestmark = pytest.mark.timeout(BUILD_SECONDS)

NONE_NAMED = {"managed identity": SYSTEM, "default": SYSTEM}
ALL = {**NONE_NAMED, "managed identity, client ID": NAMED}

EXPECTED: dict[str, Expected] = {
    "app-service": ALL,
    "app-service-2017": ALL,
    "cloud-shell": {**NONE_NAMED, "managed identity, client ID": "doesn't support user-assigned managed identities"},
    "arc": ALL,
    "service-fabric": {
        **NONE_NAMED,
        "managed identity, client ID": "doesn't support specifying a user-assigned identity",
    },
    # its managed identity credential knows no workload identity
    "workload-identity": {"workload": SYSTEM, "default": SYSTEM},
}


# no variable moves the address at which azidentity asks a virtual machine
@pytest.mark.parametrize("host", [host for host in HOSTS if host != IMDS])
def test_azidentity(owner: Owner, go: Path, host: str) -> None:
    Hosts(owner).check(host, [go, "hosts"], EXPECTED[host], output_of)
