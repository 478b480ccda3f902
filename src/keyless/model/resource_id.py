"""Resource IDs and scopes of the resource manager.

Owns parsing, comparison and containment. A scope is a resource ID, a subscription, a resource group, or a part
of a resource (a container, a secret) written as a child resource. Containment is by segment and ignores case;
`rg-app` never contains `rg-app2`.

Source: Azure Resource Manager, "Resource IDs and scope":
`/subscriptions/{s}/resourceGroups/{g}/providers/{namespace}/{type}/{name}…`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from keyless.model.errors import invalid

MAX_LENGTH = 2048
MAX_SEGMENTS = 32
_SEGMENT = re.compile(r"[^/\x00-\x1f\x7f%&?#\\]+")
_PROVIDERS = "providers"


@dataclass(frozen=True, eq=False)
class ResourceId:
    """A parsed resource ID; equal to another when all segments agree, whatever their case."""

    segments: tuple[str, ...]
    #: The form for comparison and storage: lower case, leading slash, no trailing one.
    key: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", "/" + "/".join(self.segments).lower())

    def __str__(self) -> str:
        return "/" + "/".join(self.segments)

    def __repr__(self) -> str:
        return f"ResourceId({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ResourceId) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def contains(self, other: ResourceId) -> bool:
        """Whether `other` is this scope or lies below it."""
        return self.key in {other.key, "/"} or other.key.startswith(self.key + "/")

    def child(self, *segments: str) -> ResourceId:
        """This ID with further segments, each checked."""
        for segment in segments:
            if not _SEGMENT.fullmatch(segment):
                raise invalid(f"{segment!r} cannot be a segment of a resource ID.", "InvalidResourceName")
        return ResourceId(self.segments + segments)

    @property
    def ancestors(self) -> tuple[str, ...]:
        """The keys of every scope that contains this one, from itself up to `/`."""
        return _ancestors(self.key)

    @property
    def name(self) -> str:
        """The last segment."""
        return self.segments[-1] if self.segments else ""

    @property
    def subscription(self) -> str:
        """The subscription's ID, or an empty string."""
        return self.segments[1] if len(self.segments) > 1 and self._is(0, "subscriptions") else ""

    @property
    def resource_group(self) -> str:
        """The resource group's name, or an empty string."""
        return self.segments[3] if len(self.segments) > 3 and self._is(2, "resourcegroups") else ""

    @property
    def provider_index(self) -> int:
        """Where the last `providers` segment stands, or -1 (an extension resource has two)."""
        for i in range(len(self.segments) - 1, -1, -1):
            # names can be "providers" as well: the keyword always stands at an even place
            if i % 2 == 0 and self._is(i, _PROVIDERS):
                return i
        return -1

    @property
    def type(self) -> str:
        """The resource type, `Microsoft.KeyVault/vaults/secrets`; subscriptions and groups have theirs too."""
        at = self.provider_index
        if at >= 0:
            rest = self.segments[at + 1 :]
            return "/".join((*rest[:1], *rest[1::2]))
        if self.resource_group:
            return "Microsoft.Resources/resourceGroups"
        return "Microsoft.Resources/subscriptions" if self.subscription else ""

    @property
    def parent(self) -> ResourceId:
        """The scope right above: a child's resource, a resource's group, an extension's target."""
        at = self.provider_index
        if at >= 0 and len(self.segments) - at <= 4:
            return ResourceId(self.segments[:at])
        return ResourceId(self.segments[:-2])

    def _is(self, index: int, word: str) -> bool:
        return self.segments[index].lower() == word


@lru_cache(maxsize=1024)
def _ancestors(key: str) -> tuple[str, ...]:
    keys = []
    while len(key) > 1:
        keys.append(key)
        key = key[: key.rindex("/")] or "/"
    return (*keys, "/")


ROOT = ResourceId(())


def parse_resource_id(text: str) -> ResourceId:
    """Read a resource ID or scope; raises `invalid` with code `InvalidResourceId` for anything else."""
    if len(text) > MAX_LENGTH:
        raise invalid(f"A resource ID has at most {MAX_LENGTH} characters.", "InvalidResourceId")
    if not text.startswith("/"):
        raise invalid("A resource ID begins with '/'.", "InvalidResourceId")
    stripped = text.strip("/")
    if not stripped:
        return ROOT
    segments = tuple(stripped.split("/"))
    if len(segments) > MAX_SEGMENTS:
        raise invalid(f"A resource ID has at most {MAX_SEGMENTS} segments.", "InvalidResourceId")
    if not all(_SEGMENT.fullmatch(s) and s not in {".", ".."} for s in segments):
        raise invalid(
            "A segment of the resource ID is empty or has a character that none may have.",
            "InvalidResourceId",
        )
    first = segments[0].lower()
    if first not in {"subscriptions", "tenants", _PROVIDERS}:
        raise invalid("A resource ID begins with '/subscriptions/…' or '/providers/…'.", "InvalidResourceId")
    return ResourceId(segments)
