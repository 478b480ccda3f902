"""Which app a process may run as: `Microsoft.Web/sites/attestationRules`, and the choice among all of them.

Owns the form of a rule and its comparison with what the kernel says of a process. Must not ask the kernel
(`attestation.py`). A rule passes the right to launch the app on, so whoever writes one needs that right.

A pattern for control groups is compared segment by segment: `*` stands for any text within one. It begins at the
root, because below a group of their own users may name groups as they like.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from keyless.management import resources as table
from keyless.management.resource_type import Draft, ResourceType
from keyless.model.access import Permission, Requirement
from keyless.model.app import LAUNCH
from keyless.model.errors import ErrorKind, KeylessError, conflict, invalid, not_found
from keyless.model.resource import Resource
from keyless.model.resource_id import ResourceId
from keyless.store.engine import Tx

NAME = "Microsoft.Web/sites/attestationRules"
MAX_RULES = 32
MAX_VALUES = 32
#: The kernel's own limits: the largest number means "no user".
_MAX_ID = 2**32 - 2
_MAX_PATTERN = 1024
#: Segments that name no group: the root's, and those of a group outside of what this process sees.
_NOWHERE = frozenset({"", ".", ".."})


@dataclass(frozen=True)
class Evidence:
    """What the kernel says of a process. `cgroup` is its path in the unified hierarchy, empty where it is not known."""

    uid: int
    gids: frozenset[int]
    pid: int
    cgroup: str

    def __str__(self) -> str:
        return f"user {self.uid}, process {self.pid}, control group {self.cgroup or 'unknown'}"


@dataclass(frozen=True)
class Rule:
    """Matches a process that has one of the users, one of the groups and one of the control groups, as far as given."""

    uids: frozenset[int]
    gids: frozenset[int]
    cgroups: tuple[str, ...]

    def matches(self, process: Evidence) -> bool:
        """Whether everything that the rule asks for is there; a rule that asks for nothing matches nobody."""
        asked = (
            (self.uids, process.uid in self.uids),
            (self.gids, not self.gids.isdisjoint(process.gids)),
            (self.cgroups, any(_covers(pattern, process.cgroup) for pattern in self.cgroups)),
        )
        return any(values for values, _ in asked) and all(found for values, found in asked if values)


def select_app(rules: Iterable[Resource], process: Evidence) -> ResourceId:
    """The one app that the rules select for a process; raises FORBIDDEN for none, and for several."""
    found = {rule.id.parent for rule in rules if read_rule(rule.properties).matches(process)}
    if not found:
        raise KeylessError(
            ErrorKind.FORBIDDEN,
            f"No app has a rule that this process matches ({process}): "
            f"let its owner allow it with `keyless app set APP --allow-uid {process.uid}`.",
            code="NoRuleMatches",
        )
    if len(found) > 1:
        names = ", ".join(sorted(app.name for app in found))
        raise KeylessError(
            ErrorKind.FORBIDDEN,
            f"The rules of several apps ({names}) match this process ({process}): make them narrower, "
            "so that those of one app alone do.",
            code="SeveralAppsMatch",
        )
    return found.pop()


def attestation_rules() -> ResourceType:
    """The declaration."""
    return ResourceType(
        NAME,
        re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,58}[A-Za-z0-9])?"),
        "1 to 60 letters, digits or '-', with a letter or digit at both ends.",
        _parse,
        lambda rule: {**rule.properties, "provisioningState": "Succeeded"},
        written=_written,
        links=lambda draft: (Requirement(draft.id.parent, (Permission(LAUNCH),)),),
    )


def read_rule(properties: Mapping[str, object]) -> Rule:
    """A rule from its properties; raises INVALID."""
    cgroups = tuple(_pattern(text) for text in _values(properties, "controlGroups"))
    rule = Rule(_ids(properties, "uids"), _ids(properties, "gids"), cgroups)
    if not (rule.uids or rule.gids or rule.cgroups):
        raise invalid("A rule names users (uids), groups (gids) or control groups (controlGroups).", "InvalidRule")
    return rule


def _parse(draft: Draft) -> Mapping[str, object]:
    rule = read_rule(draft.properties)
    given = {"uids": sorted(rule.uids), "gids": sorted(rule.gids), "controlGroups": list(rule.cgroups)}
    return {name: values for name, values in given.items() if values}


def _written(tx: Tx, old: Resource | None, new: Resource) -> Resource:
    app = new.id.parent
    if table.read(tx, app) is None:
        raise not_found(f"{app} is not there.", "ParentResourceNotFound")
    held = [one for one in table.read_below(tx, app) if one.id.type.lower() == NAME.lower()]
    if old is None and len(held) >= MAX_RULES:
        raise conflict(f"An app has at most {MAX_RULES} rules: delete one first.", "TooManyRules")
    return new


def _values(properties: Mapping[str, object], name: str) -> list[object]:
    values = properties.get(name)
    if values is None:
        return []
    if not isinstance(values, list) or len(values) > MAX_VALUES:
        raise invalid(f"{name!r} is a list of at most {MAX_VALUES} values.", "InvalidRule")
    return values


def _ids(properties: Mapping[str, object], name: str) -> frozenset[int]:
    found = set()
    for value in _values(properties, name):
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MAX_ID:
            raise invalid(f"{name!r} holds numbers from 0 to {_MAX_ID}.", "InvalidRule")
        found.add(value)
    return frozenset(found)


def _pattern(value: object) -> str:
    good = isinstance(value, str) and len(value) <= _MAX_PATTERN and value.isprintable() and value.startswith("/")
    if not isinstance(value, str) or not good or not _NOWHERE.isdisjoint(_parts(value)):
        raise invalid(
            "A control group is written from the root, such as /system.slice/shop.service; "
            "'*' stands for any text between two slashes.",
            "InvalidRule",
        )
    return value


def _parts(path: str) -> list[str]:
    return path.split("/")[1:]


def _covers(pattern: str, cgroup: str) -> bool:
    wanted, found = _parts(pattern), _parts(cgroup)
    if len(wanted) != len(found) or not _NOWHERE.isdisjoint(found):
        return False
    return all(fnmatchcase(one, glob) for one, glob in zip(found, wanted, strict=True))
