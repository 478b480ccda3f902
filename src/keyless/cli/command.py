"""What every command is handed, and the options that every command has.

Owns `-o` and `--data` and what follows from them. Must not know any noun.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

import click

from keyless.cli import scopes
from keyless.cli.errors import Refused
from keyless.cli.graph import Graph
from keyless.cli.instance import Instance, read_instance
from keyless.cli.output import Output
from keyless.cli.principals import Principals
from keyless.cli.program import Program
from keyless.cli.resources import ResourceManager
from keyless.cli.session import Session
from keyless.model.errors import KeylessError
from keyless.model.paths import config_folder, data_folder
from keyless.model.resource_id import ResourceId, parse_resource_id

P = ParamSpec("P")
#: A resource ID in a sentence; the full stop after it is not its own.
_RESOURCE_ID = re.compile(r"/subscriptions/[^\s,()]*[^\s,().]")


@dataclass
class Keyless:
    """What a command works with; each part is made when it is first used."""

    program: Program
    data: Path
    output: Output
    _open: list[Session] = field(default_factory=list)

    @cached_property
    def instance(self) -> Instance:
        """The instance in the data folder."""
        return read_instance(self.data)

    @cached_property
    def session(self) -> Session:
        """The connection to it."""
        session = self.program.connect(self.instance, config_folder(self.program.environ))
        click.get_current_context().call_on_close(session.close)
        return session

    @cached_property
    def resources(self) -> ResourceManager:
        """Its resource manager."""
        return ResourceManager(self.session)

    @cached_property
    def principals(self) -> Principals:
        """Who can hold a role there."""
        return Principals(self.resources, self.graph)

    @cached_property
    def graph(self) -> Graph:
        """Its directory."""
        return Graph(self.session)

    def scope(self, text: str) -> ResourceId:
        """The resource ID of a scope as people write it; wrong usage for what is none."""
        try:
            scope = scopes.parse_scope(text)
        except KeylessError as error:
            raise click.BadParameter(error.message) from None
        return scopes.resolve(scope, self.resources.subscription, self._find)

    def short(self, scope: str) -> str:
        """A scope as people write it."""
        try:
            return scopes.shorten(parse_resource_id(scope), self.resources.subscription, self.instance.resource_group)
        except KeylessError:
            return scope

    def shortened(self, text: str) -> str:
        """A sentence of the server's, with the scopes in it as people write them."""
        return _RESOURCE_ID.sub(lambda found: self.short(found[0]), text)

    def _find(self, kind: str, name: str) -> ResourceId:
        return parse_resource_id(self.resources.find(kind, name)["id"])


_data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Data folder of the server.  [default: $KEYLESS_DATA, or ~/.local/share/keyless]",
)


def with_keyless(function: Callable[Concatenate[Keyless, P], None]) -> Callable[P, None]:
    """Make a function a command's body: it is handed a `Keyless` first, and the command has `-o` and `--data`."""

    @click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", help="Output format.")
    @_data_option
    @functools.wraps(function)
    def body(*args: P.args, **kwargs: P.kwargs) -> None:
        output = kwargs.pop("output")
        function(_keyless(kwargs.pop("data"), output == "json"), *args, **kwargs)

    return body


def with_output(kinds: Sequence[str], default: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The same for a command with output formats of its own: it is handed the chosen one as `kind`."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @click.option("-o", "--output", "kind", type=click.Choice(kinds), default=default, help="Output format.")
        @_data_option
        @functools.wraps(function)
        def body(*args: Any, **kwargs: Any) -> None:
            function(_keyless(kwargs.pop("data"), kwargs["kind"] == "json"), *args, **kwargs)

        return body

    return decorate


def _keyless(data: object, as_json: bool) -> Keyless:
    program = click.get_current_context().find_object(Program)
    assert program is not None
    assert data is None or isinstance(data, Path)
    return Keyless(program, data or data_folder(program.environ), Output(as_json))


#: For commands about things that stand in a resource group.
in_group = click.option("--group", metavar="GROUP", help="Resource group.")


def confirm(question: str, yes: bool) -> None:
    """Ask before what cannot be undone; Refused unless the person says yes, or `--yes` was given."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refused(f"{question} Nobody is here to ask: say --yes if that is meant.")
    if not click.confirm(f"{question} Go on?", err=True):
        raise Refused("Nothing was changed.")


yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
