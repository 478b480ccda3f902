"""How a process learns where its tokens come from: the variables of each shape of host.

Owns their names and values. Pure. A new shape is one function, and one line in `SOURCES`.

Source: the SDKs' managed identity clients, which take the first host whose variables they find.
"""

from __future__ import annotations

from collections.abc import Callable

from keyless.launcher.lease import Lease
from keyless.model.app import APP_SERVICE

LOOPBACK = "127.0.0.1"


def _app_service(lease: Lease, port: int) -> dict[str, str]:
    return {
        "IDENTITY_ENDPOINT": f"http://{LOOPBACK}:{port}/msi/token",
        "IDENTITY_HEADER": lease.header.reveal(),
    }


#: By the shape's name: what a lease and the port of the instance's identity endpoint come to.
SOURCES: dict[str, Callable[[Lease, int], dict[str, str]]] = {APP_SERVICE: _app_service}
