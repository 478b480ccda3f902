"""What is the same for every noun that is a resource: create, list, show, delete.

Owns these commands. Must not know any noun: each one declares itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import click

from keyless.cli.command import Keyless, confirm, in_group, with_keyless, yes_option
from keyless.cli.output import Columns, Json
from keyless.cli.resources import group_of


@dataclass(frozen=True)
class Noun:
    """A resource type as people see it.

    `columns` are shown of it besides its name and group, `body` is what it is created with. `holds` says what is
    lost with it; where that is not empty, deleting asks first. `example` is a name that one could have.
    """

    kind: str
    spoken: str
    example: str
    columns: Columns
    body: Json = field(default_factory=dict)
    holds: str = ""

    @property
    def row(self) -> Columns:
        """What a list shows of it."""
        return {"name": "name", "group": group_of, **self.columns}

    @property
    def details(self) -> Columns:
        """What is shown of one."""
        return {**self.row, "resource ID": "id"}


def add_create(group: click.Group, noun: Noun, rule: str = "") -> None:
    """Add `create NAME`; `rule` is a sentence for its help."""

    @group.command(help=_help(f"Create a {noun.spoken}. {rule}", group, "create", noun.example))
    @click.argument("name")
    @in_group
    @with_keyless
    def create(keyless: Keyless, name: str, group: str | None) -> None:
        resources = keyless.resources
        made = resources.put(str(resources.id_of(noun.kind, name, group)), noun.body)
        keyless.output.object(made, noun.details)


def add_list(group: click.Group, noun: Noun) -> None:
    """Add `list`."""

    @group.command("list", help=_help(f"List every {noun.spoken}, or those of one group.", group, "list"))
    @in_group
    @with_keyless
    def list_(keyless: Keyless, group: str | None) -> None:
        keyless.output.objects(keyless.resources.all(noun.kind, group), noun.row)


def add_show(group: click.Group, noun: Noun) -> None:
    """Add `show NAME`."""

    @group.command(help=_help(f"Show a {noun.spoken}.", group, "show", noun.example))
    @click.argument("name")
    @in_group
    @with_keyless
    def show(keyless: Keyless, name: str, group: str | None) -> None:
        keyless.output.object(keyless.resources.find(noun.kind, name, group), noun.details)


def add_delete(group: click.Group, noun: Noun, rule: str = "") -> None:
    """Add `delete NAME`; `rule` is a sentence for its help."""

    def delete_one(keyless: Keyless, name: str, group: str | None, yes: bool = True) -> None:
        found = keyless.resources.find(noun.kind, name, group)
        confirm(f"This deletes the {noun.spoken} {found['name']} {noun.holds}.", yes)
        keyless.resources.delete(found["id"])
        keyless.output.say(f"Deleted the {noun.spoken} {found['name']}.")

    body = in_group(with_keyless(delete_one))
    if noun.holds:
        body = yes_option(body)
    told = _help(
        f"Delete a {noun.spoken}{f' {noun.holds}' if noun.holds else ''}. {rule}", group, "delete", noun.example
    )
    group.command("delete", help=told)(click.argument("name")(body))


def _help(text: str, group: click.Group, *example: str) -> str:
    return f"{text.strip()}\n\n\b\nkeyless {group.name} {' '.join(example)}"
