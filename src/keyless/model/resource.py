"""A resource of the resource manager, as every provider sees it.

Owns the shape. What `properties` may hold is each resource type's own affair.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from keyless.model.resource_id import ResourceId

EMPTY: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True)
class Resource:
    """One resource. `user_identities` are resource IDs; `created`/`changed` are Unix seconds."""

    id: ResourceId
    properties: Mapping[str, object] = field(default_factory=lambda: EMPTY)
    location: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    kind: str = ""
    sku: Mapping[str, object] = field(default_factory=lambda: EMPTY)
    system_identity: str = ""  # the principal ID of its system-assigned identity, if it is on
    user_identities: tuple[str, ...] = ()
    created: float = 0.0
    changed: float = 0.0

    @property
    def name(self) -> str:
        """The resource's own name."""
        return self.id.name
