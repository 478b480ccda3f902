"""How a process learns where its tokens come from: the variables of each shape of host.

Owns their names and values. Pure. A new shape is one function, and one line in `SOURCES`. Of the variables of all
shapes a process has only those of its own: the SDKs take the first host whose variables they find, and each has another
order.

Source: the SDKs' managed identity clients; Azure Workload Identity for Kubernetes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from keyless.launcher.arc_files import FOLDER as KEY_FOLDER
from keyless.launcher.lease import Lease
from keyless.launcher.pinned_tls import thumbprint
from keyless.model.hosts import APP_SERVICE, APP_SERVICE_2017, ARC, CLOUD_SHELL, IMDS, SERVICE_FABRIC, WORKLOAD_IDENTITY

LOOPBACK = "127.0.0.1"
#: Where every virtual machine has its metadata service; here it is only ever in a network of an instance's own.
METADATA_ADDRESS = "169.254.169.254"
#: Where Cloud Shell is by its origin; here it is only ever in a network of an instance's own.
CLOUD_SHELL_PORT = 50342
#: In the instance's own folder.
TOKEN_FILE = "federated-token"  # noqa: S105

_METADATA = "/metadata/identity/oauth2/token"


class Around(NamedTuple):
    """What an instance has: its lease, the port of its identity endpoint, and its own folder.

    `address` is the endpoint's, and `key_folder` where key files of Azure Arc are written.
    """

    lease: Lease
    port: int
    folder: str
    address: str = LOOPBACK
    key_folder: str = KEY_FOLDER

    @property
    def origin(self) -> str:
        """Where its identity endpoint is."""
        return f"http://{self.address}:{self.port}"


def _app_service(around: Around) -> dict[str, str]:
    return {
        "IDENTITY_ENDPOINT": f"{around.origin}/msi/token",
        "IDENTITY_HEADER": around.lease.header.reveal(),
    }


def _app_service_2017(around: Around) -> dict[str, str]:
    client_id = around.lease.default_client_id
    return {
        "MSI_ENDPOINT": f"{around.origin}/msi/token",
        "MSI_SECRET": around.lease.header.reveal(),
        # of the SDKs some send it when no identity is named, and some cannot do without it
        **({"DEFAULT_IDENTITY_CLIENT_ID": client_id} if client_id else {}),
    }


def _cloud_shell(around: Around) -> dict[str, str]:
    # they make msal for Python, and `az` with it, ask at that one port, whatever the endpoint is
    known = {"ACC_CLOUD": "PROD", "AZUREPS_HOST_ENVIRONMENT": "cloud-shell/1.0"}
    return {"MSI_ENDPOINT": f"{around.origin}/oauth2/token", **(known if around.port == CLOUD_SHELL_PORT else {})}


def _imds(around: Around) -> dict[str, str]:
    if around.address == METADATA_ADDRESS:
        return {}  # where everybody looks
    # Terraform has its own
    return {
        "AZURE_POD_IDENTITY_AUTHORITY_HOST": around.origin,
        "ARM_MSI_ENDPOINT": around.origin + _METADATA,
    }


def _arc(around: Around) -> dict[str, str]:
    return {"IDENTITY_ENDPOINT": around.origin + _METADATA, "IMDS_ENDPOINT": around.origin}


def _service_fabric(around: Around) -> dict[str, str]:
    return {
        "IDENTITY_ENDPOINT": f"https://{LOOPBACK}:{around.port}{_METADATA}",
        "IDENTITY_HEADER": around.lease.header.reveal(),
        "IDENTITY_SERVER_THUMBPRINT": thumbprint(around.lease.material),
    }


def _workload_identity(around: Around) -> dict[str, str]:
    return {"AZURE_FEDERATED_TOKEN_FILE": f"{around.folder}/{TOKEN_FILE}"}


#: By the shape's name: the variables that only the launcher sets.
SOURCES: dict[str, Callable[[Around], dict[str, str]]] = {
    APP_SERVICE: _app_service,
    APP_SERVICE_2017: _app_service_2017,
    CLOUD_SHELL: _cloud_shell,
    IMDS: _imds,
    ARC: _arc,
    SERVICE_FABRIC: _service_fabric,
    WORKLOAD_IDENTITY: _workload_identity,
}

#: The variables of all shapes, and those that send the requests of workload identity elsewhere.
ALL_SOURCES = frozenset(
    {
        "ACC_CLOUD",
        "ARM_MSI_ENDPOINT",
        "AZUREPS_HOST_ENVIRONMENT",
        "AZURE_FEDERATED_TOKEN_FILE",
        "AZURE_KUBERNETES_CA_DATA",
        "AZURE_KUBERNETES_CA_FILE",
        "AZURE_KUBERNETES_SNI_NAME",
        "AZURE_KUBERNETES_TOKEN_PROXY",
        "AZURE_POD_IDENTITY_AUTHORITY_HOST",
        "DEFAULT_IDENTITY_CLIENT_ID",
        "IDENTITY_ENDPOINT",
        "IDENTITY_HEADER",
        "IDENTITY_SERVER_THUMBPRINT",
        "IMDS_ENDPOINT",
        "MSI_ENDPOINT",
        "MSI_SECRET",
    }
)


def named_identity(lease: Lease) -> str:
    """The client ID that programs are to name unless they know better; empty where a host knows it by itself.

    Clients of hosts that have one identity only refuse to name any.
    """
    if lease.host == WORKLOAD_IDENTITY:
        return lease.default_client_id
    return lease.client_id if lease.host in (APP_SERVICE, APP_SERVICE_2017) else ""
