"""The rules by which processes of other users run as an app: options of `keyless app create` and `keyless app set`.

Owns the options and the rule that one command's options make: all kinds that are given must match.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import click

from keyless.cli.command import Keyless
from keyless.cli.errors import Refused
from keyless.cli.output import Json
from keyless.model.resource_id import parse_resource_id

DEFAULT = "default"
_MAX_ID = 2**32 - 2
_ID = click.IntRange(0, _MAX_ID)


@dataclass(frozen=True)
class Allowed:
    """What the options say."""

    uids: tuple[int, ...]
    gids: tuple[int, ...]
    cgroups: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.uids or self.gids or self.cgroups)

    @property
    def properties(self) -> Json:
        """As the resource manager takes it."""
        return {"uids": list(self.uids), "gids": list(self.gids), "controlGroups": list(self.cgroups)}


def allow_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options."""
    options = (
        click.option("--allow-uid", "uids", type=_ID, multiple=True, metavar="N", help="Processes of this user."),
        click.option("--allow-gid", "gids", type=_ID, multiple=True, metavar="N", help="Processes of this group."),
        click.option(
            "--allow-cgroup", "cgroups", multiple=True, metavar="GLOB", help="Processes in this control group."
        ),
    )
    return reduce(lambda made, option: option(made), reversed(options), function)


def put_rule(keyless: Keyless, app: str, name: str, allowed: Allowed) -> None:
    """Make a rule of an app, or replace it."""
    keyless.resources.put(f"{app}/attestationRules/{name}", {"properties": allowed.properties})


def remove_rule(keyless: Keyless, app: str, name: str) -> None:
    """Remove a rule that is there; Refused if it is not."""
    held = keyless.resources.items(f"{app}/attestationRules")
    if name.lower() not in {rule["name"].lower() for rule in held}:  # a misspelt name must not look like a success
        owner = parse_resource_id(app).name
        raise Refused(f"{owner} has no rule {name!r}: `keyless app show {owner}` shows those there are.", status=404)
    keyless.resources.delete(f"{app}/attestationRules/{name}")


def rules_of(keyless: Keyless, app: str) -> list[str]:
    """The rules of an app as people read them."""
    return [_spoken(rule) for rule in keyless.resources.items(f"{app}/attestationRules")]


def _spoken(rule: Json) -> str:
    kinds = (("uids", "user"), ("gids", "group"), ("controlGroups", "control group"))
    held = ((spoken, rule["properties"].get(name)) for name, spoken in kinds)
    return f"{rule['name']}: " + " and ".join(
        f"{spoken} {' or '.join(map(str, values))}" for spoken, values in held if values
    )
