"""azure-identity (sync and aio) and msal in every shape of host."""

from __future__ import annotations

import pytest

from keyless.model.app import HOSTS
from tests.clients.hosts import NAMED, SYSTEM, Expected, Hosts
from tests.clients.place import output_of, python
from tests.harness import Owner

NONE_NAMED = {"sync": SYSTEM, "sync, default": SYSTEM, "aio": SYSTEM, "aio, default": SYSTEM}
ALL = {**NONE_NAMED, "msal": SYSTEM, "sync, client ID": NAMED, "aio, client ID": NAMED, "msal, client ID": NAMED}
WORKLOAD = {"sync, workload": SYSTEM, "aio, workload": SYSTEM}

EXPECTED: dict[str, Expected] = {
    "app-service": ALL,
    "app-service-2017": ALL,
    # msal has no Cloud Shell in its client for managed identities
    "cloud-shell": {
        **NONE_NAMED,
        "sync, client ID": "client_id should not be set for cloud shell",
        "aio, client ID": "client_id should not be set for cloud shell",
    },
    "imds": ALL,
    "arc": ALL,
    "service-fabric": {
        **NONE_NAMED,
        "msal": SYSTEM,
        "sync, client ID": "is not supported by the Service Fabric managed identity environment",
        "aio, client ID": "is not supported by the Service Fabric managed identity environment",
    },
    # msal has no workload identity in its client for managed identities
    "workload-identity": {**NONE_NAMED, **WORKLOAD, "sync, client ID": NAMED, "aio, client ID": NAMED},
}


@pytest.mark.parametrize("host", HOSTS)
def test_azure_identity_and_msal(owner: Owner, host: str) -> None:
    Hosts(owner).check(host, python("hosts.py"), EXPECTED[host], output_of)
