"""Role-based access: permissions, roles, assignments and the one decision.

Owns the rule by which a request is allowed. Pure: assignments go in, a reasoned decision comes out. Must not
know where assignments are kept. A resource may have a rule of its own in place of them; that rule is handed in.

Source: Azure RBAC, "How Azure RBAC determines if a user has access to a resource": the effective permissions of
one role are its actions less its notActions; an assignment applies at its scope and everything below it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from keyless.model.resource_id import ResourceId


@dataclass(frozen=True)
class Permission:
    """An action of the resource manager, or (`data`) of a resource's own data plane."""

    action: str
    data: bool = False

    def __str__(self) -> str:
        return f"{'data action' if self.data else 'action'} {self.action}"


@dataclass(frozen=True)
class Requirement:
    """What a request needs: any one of `any_of`, at `scope`. A request may have several requirements."""

    scope: ResourceId
    any_of: tuple[Permission, ...]


@dataclass(frozen=True)
class Role:
    """A role definition; `guid` is its name in the resource manager. `*` in an action matches any text."""

    guid: str
    name: str
    description: str = ""
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()
    not_data_actions: tuple[str, ...] = ()

    def grants(self, permission: Permission) -> bool:
        """Whether this role holds the permission."""
        yes = self.data_actions if permission.data else self.actions
        no = self.not_data_actions if permission.data else self.not_actions
        return _matches(permission.action, yes) and not _matches(permission.action, no)


@dataclass(frozen=True)
class Assignment:
    """A role assignment: this principal has this role at this scope and below. `id` is its resource ID."""

    id: str
    principal_id: str
    role: str
    scope: str

    def __post_init__(self) -> None:
        # the scope is compared as a key: lower case, no trailing slash
        object.__setattr__(self, "scope", self.scope.lower())


@dataclass(frozen=True)
class PolicyGrant:
    """What allows a request in place of a role assignment: a policy of the resource's own.

    `id` names it in the audit log; `why` is a sentence.
    """

    id: str
    why: str


@dataclass(frozen=True)
class Allowed:
    """Allowed, and by which assignments or policies (one for each requirement)."""

    by: tuple[Assignment | PolicyGrant, ...]

    @property
    def reason(self) -> str:
        """Their IDs, for the audit log."""
        return ", ".join(a.id for a in self.by)


@dataclass(frozen=True)
class Denied:
    """Denied: why, and what would allow it; `code` is the service's own where it has one for just this."""

    requirement: Requirement
    why: str
    remedy: str
    code: str = ""

    @property
    def reason(self) -> str:
        """Both sentences."""
        return f"{self.why} {self.remedy}".strip()


Decision = Allowed | Denied
#: What a resource decides by a rule of its own; None where role assignments decide.
OwnRule = Callable[[Requirement], PolicyGrant | Denied | None]


def roles_decide(_requirement: Requirement) -> None:
    """The rule where no resource has one of its own."""


def decide(
    requirements: Iterable[Requirement],
    assignments: Iterable[Assignment],
    roles: Mapping[str, Role],
    own_rule: OwnRule = roles_decide,
) -> Decision:
    """Decide for one principal.

    `assignments` are that principal's own; those elsewhere are ignored here, so that a caller may hand in all of
    them or only those that its index found. `roles` maps a role definition's GUID to it. `own_rule` is asked first,
    and what it says holds. Every requirement must be met; no requirement at all is denied, because an operation that
    forgot to say what it needs is a defect.
    """
    held = tuple(assignments)
    by: list[Assignment | PolicyGrant] = []
    requirement = None
    for requirement in requirements:
        found = own_rule(requirement) or _grant(requirement, held, roles) or _denied(requirement, held, roles)
        if isinstance(found, Denied):
            return found
        by.append(found)
    if requirement is None:
        nothing = Requirement(ResourceId(()), ())
        return Denied(nothing, "The operation states no requirement, so nothing can allow it.", "")
    return Allowed(tuple(by))


def _grant(requirement: Requirement, held: tuple[Assignment, ...], roles: Mapping[str, Role]) -> Assignment | None:
    scopes = requirement.scope.ancestors
    for assignment in held:
        role = roles.get(assignment.role)
        if role and assignment.scope in scopes:
            for permission in requirement.any_of:
                if role.grants(permission):
                    return assignment
    return None


def _denied(requirement: Requirement, held: tuple[Assignment, ...], roles: Mapping[str, Role]) -> Denied:
    needed = " or ".join(str(p) for p in requirement.any_of)
    scopes = requirement.scope.ancestors
    here = sorted({roles[a.role].name for a in held if a.scope in scopes and a.role in roles})
    if here:
        why = f"The roles held at {requirement.scope} ({', '.join(here)}) do not include {needed}."
    else:
        why = f"No role is assigned at {requirement.scope} or above it; {needed} is needed."
    fitting = [(role, p) for role in roles.values() for p in requirement.any_of if role.grants(p)]
    least = min(fitting, key=lambda found: _breadth(*found), default=None)
    remedy = f"Assign {least[0].name!r} at that scope." if least else "No role includes it."
    return Denied(requirement, why, remedy)


def _breadth(role: Role, permission: Permission) -> tuple[int, int, str]:
    """How much more than the permission a role gives, roughly: the least is the one to propose."""
    patterns = role.data_actions if permission.data else role.actions
    closest = max(len(p) for p in patterns if _pattern(p).fullmatch(permission.action))
    return -closest, len(role.actions) + len(role.data_actions), role.name


@lru_cache(maxsize=4096)
def _matches(action: str, patterns: tuple[str, ...]) -> bool:
    return any(_pattern(p).fullmatch(action) for p in patterns)


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    # "/*/" also stands for no segment at all: "userAssignedIdentities/*/assign/action" is how the real roles
    # name "userAssignedIdentities/assign/action"
    inner = [".*".join(re.escape(piece) for piece in part.split("*")) for part in text.split("/*/")]
    return re.compile("(?:/.*)?/".join(inner), re.IGNORECASE | re.DOTALL)
