"""Every shape of host, by its name. A new shape is one file, and one line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from keyless.model.app import Lease
from keyless.model.hosts import APP_SERVICE, APP_SERVICE_2017, ARC, CLOUD_SHELL, IMDS, SERVICE_FABRIC, WORKLOAD_IDENTITY
from keyless.model.resource import Resource
from keyless.model.resource_id import ResourceId
from keyless.model.secretstr import SecretStr
from keyless.workload.app_service import AppService
from keyless.workload.app_service_2017 import AppService2017
from keyless.workload.arc import Arc
from keyless.workload.cloud_shell import CloudShell
from keyless.workload.imds import Imds
from keyless.workload.instance_assertions import InstanceAssertions
from keyless.workload.service_fabric import ServiceFabric
from keyless.workload.shape import Shape
from keyless.workload.workload_identity import WorkloadIdentity


@dataclass(frozen=True)
class Material:
    """What a launcher itself needs for some shapes: secrets that it keeps from others than its instance.

    `leaf` makes a certificate for this machine's loopback addresses, and its key, as PEM.
    """

    leaf: Callable[[], SecretStr]
    assertions: InstanceAssertions

    async def of(self, lease: Lease) -> SecretStr:
        """The material for an instance; empty for most shapes."""
        if lease.host == SERVICE_FABRIC:
            return self.leaf()
        if lease.host == WORKLOAD_IDENTITY:
            return (await self.assertions.issue(lease))[0]
        return SecretStr("")


def all_shapes(app: Callable[[ResourceId], Resource | None], assertions: InstanceAssertions) -> dict[str, Shape]:
    """The shapes that instances can have."""
    return {
        APP_SERVICE: AppService(),
        APP_SERVICE_2017: AppService2017(),
        CLOUD_SHELL: CloudShell(),
        IMDS: Imds(app),
        ARC: Arc(),
        SERVICE_FABRIC: ServiceFabric(),
        WORKLOAD_IDENTITY: WorkloadIdentity(assertions),
    }
