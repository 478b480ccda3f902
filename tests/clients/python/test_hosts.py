"""azure-identity (sync and aio) and msal in every shape of host."""

from __future__ import annotations

import pytest

from keyless.model.hosts import FAULTS, HOSTS
from tests.clients.hosts import NAMED, SYSTEM, Expected, Hosts
from tests.clients.place import output_of, python
from tests.harness import Owner

NONE_NAMED = {"sync": SYSTEM, "sync, default": SYSTEM, "aio": SYSTEM, "aio, default": SYSTEM}
ALL = {**NONE_NAMED, "msal": SYSTEM, "sync, client ID": NAMED, "aio, client ID": NAMED, "msal, client ID": NAMED}
EVERY_WAY = {
    **ALL,
    **dict.fromkeys(
        ("sync, object ID", "sync, resource ID", "aio, resource ID", "msal, object ID", "msal, resource ID"), NAMED
    ),
}
WORKLOAD = {"sync, workload": SYSTEM, "aio, workload": SYSTEM}

EXPECTED: dict[str, Expected] = {
    "app-service": EVERY_WAY,
    "app-service-2017": ALL,
    # msal has no Cloud Shell in its client for managed identities
    "cloud-shell": {
        **NONE_NAMED,
        "sync, client ID": "client_id should not be set for cloud shell",
        "aio, client ID": "client_id should not be set for cloud shell",
    },
    "imds": EVERY_WAY,
    "arc": EVERY_WAY,
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


@pytest.mark.parametrize("way", ["sync", "aio"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_day_that_azure_identity_gets_over(owner: Owner, fault: str, way: str) -> None:
    Hosts(owner).check("app-service", python("hosts.py"), {way: SYSTEM}, output_of, "--fault", fault)
