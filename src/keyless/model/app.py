"""Apps, their instances, and the leases that bind an instance to its launcher.

Owns the nouns. An app is a workload host (`Microsoft.Web/sites`); an instance is one running process of it. The shape
of its host is what the process takes the machine for, and so how it asks for tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

from keyless.model.hosts import APP_SERVICE
from keyless.model.resource_id import ResourceId

#: To launch an app is to borrow its identities, so it is an action that has to be granted.
LAUNCH = "Microsoft.Web/sites/start/action"


@dataclass(frozen=True)
class Lease:
    """A live instance of an app. The hashes are SHA-256 in hex of the launcher's key and of the header secret."""

    id: str
    app: ResourceId
    key_hash: str
    header_hash: str
    identity_port: int
    host: str = APP_SERVICE
    faults: frozenset[str] = frozenset()
