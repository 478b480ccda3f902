"""What a resource provider declares of a resource type; the engine does the rest.

Owns the shape of a declaration. A type says what its properties may be and how they are shown; it may take part
in the write that makes or removes a resource, and add operations of its own below the resource.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from keyless.http.message import Response
from keyless.http.surface import Call
from keyless.model.access import Requirement
from keyless.model.resource import Resource
from keyless.model.resource_id import ResourceId
from keyless.store.engine import Tx


@dataclass(frozen=True)
class Draft:
    """A resource that is about to be written: the request's body, and what is there now."""

    id: ResourceId
    body: Mapping[str, object]
    properties: Mapping[str, object]
    old: Resource | None


@dataclass(frozen=True)
class SubOperation:
    """An operation below a resource (`config/appsettings/list`); any of `other_actions` allows it as well."""

    action: str
    handle: Callable[[Call, Resource], Awaitable[Response]]
    changes: bool = False
    other_actions: tuple[str, ...] = ()


def _same(_tx: Tx, _old: Resource | None, new: Resource) -> Resource:
    return new


def _nothing(_tx: Tx, _gone: Resource) -> None:
    return None


def _no_links(_draft: Draft) -> tuple[Requirement, ...]:
    return ()


@dataclass(frozen=True)
class ResourceType:
    """A resource type, `Microsoft.KeyVault/vaults`.

    `parse` checks a draft's properties and says what to store (raises INVALID); `view` says what to show of
    them. `written` and `deleted` run inside the write. `links` are requirements that the draft's content adds.
    `action_prefix` is what its actions begin with, where that is not the type's own name. What is not `tracked` is a
    part of the resource that it lies below: it has neither location nor tags, and is in no list of all resources.
    """

    name: str
    name_pattern: re.Pattern[str]
    name_rule: str
    parse: Callable[[Draft], Mapping[str, object]]
    view: Callable[[Resource], Mapping[str, object]]
    action_prefix: str = ""
    globally_unique: bool = False
    carries_identity: bool = False
    tracked: bool = True
    written: Callable[[Tx, Resource | None, Resource], Resource] = _same
    deleted: Callable[[Tx, Resource], None] = _nothing
    links: Callable[[Draft], tuple[Requirement, ...]] = _no_links
    operations: Mapping[tuple[str, str], SubOperation] = field(default_factory=dict)

    def action(self, verb: str) -> str:
        """`…/read`, `…/write` or `…/delete`."""
        return f"{self.action_prefix or self.name}/{verb}"
