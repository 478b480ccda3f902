"""azure-identity for Java and msal4j in every shape of host."""

from __future__ import annotations

import json

import pytest

from keyless.model.hosts import HOSTS
from tests.clients.hosts import NAMED, SYSTEM, Expected, Hosts
from tests.clients.java.test_java import Java, output_of
from tests.clients.place import Ran
from tests.clients.tools import BUILD_SECONDS
from tests.harness import Owner

pytestmark = pytest.mark.timeout(BUILD_SECONDS)

NONE_NAMED = {"managed identity": SYSTEM, "default": SYSTEM, "msal": SYSTEM}
ALL = {**NONE_NAMED, "managed identity, client ID": NAMED}

EXPECTED: dict[str, Expected] = {
    "app-service": ALL,
    # msal4j takes it for Cloud Shell, and then sends no secret
    "app-service-2017": {"msal": "secret is missing", "default": "Managed Identity authentication failed"},
    "cloud-shell": NONE_NAMED,
    "imds": ALL,
    "arc": ALL,
    "service-fabric": {
        **NONE_NAMED,
        "managed identity, client ID": "is not supported by the Service Fabric managed identity environment",
    },
    "workload-identity": {
        "managed identity": SYSTEM,
        "managed identity, client ID": NAMED,
        "workload": SYSTEM,
        "default": SYSTEM,
    },
}


def answer_of(ran: Ran) -> str:
    """The answer with each way's seconds beside it."""
    said = json.loads(output_of(ran))
    ways = [way for way in said if not way.endswith(", seconds")]
    return json.dumps({way: [said[way], float(said[f"{way}, seconds"])] for way in ways})


@pytest.mark.parametrize("host", HOSTS)
def test_azure_identity(owner: Owner, java: Java, host: str) -> None:
    Hosts(owner).check(host, java("hosts"), EXPECTED[host], answer_of)
