"""What a command prints on standard output: a table for people, or JSON.

Owns their form. Must not choose what is shown of a thing; the nouns do. Nothing that is printed for people can
steer the terminal: characters that do not print are shown as escapes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click
from rich.cells import cell_len

#: An object of an API, as it came.
Json = dict[str, Any]
#: A column's heading, and where its value is: a dotted path, or a function of the object.
Columns = Mapping[str, str | Callable[[Json], object]]

_GAP = "  "


@dataclass(frozen=True)
class Output:
    """Prints in the form that `-o` names."""

    as_json: bool = False

    def objects(self, items: Sequence[Json], columns: Columns) -> None:
        """Print a list: a row for each object, or the objects themselves."""
        if self.as_json:
            print_json(items)
            return
        rows = [[printable(_cell(item, where)) for where in columns.values()] for item in items]
        for number, line in enumerate(table([list(columns), *rows])):
            click.echo(click.style(line, bold=True) if number == 0 else line)

    def object(self, item: Json, columns: Columns) -> None:
        """Print one object: a line for each of its values, or the object itself."""
        if self.as_json:
            print_json(item)
            return
        for line in table([[name, printable(_cell(item, where))] for name, where in columns.items()]):
            click.echo(line)

    def say(self, message: str) -> None:
        """Tell a person that something was done; a program reads the exit code."""
        if not self.as_json:
            click.echo(one_line(message))


def print_json(value: object) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines with the columns below each other. Nothing is cut or folded, so that `grep` and `awk` work."""
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    return [_GAP.join(_padded(text, width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def pick(item: Json, path: str) -> Any:
    """The member at a dotted path; None if there is none."""
    found: Any = item
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def time_text(at: object) -> str:
    """A time in Unix seconds, in UTC; empty if it is none."""
    if not isinstance(at, int | float):
        return ""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def printable(text: str) -> str:
    """The text with what would not print, or would move the cursor, written as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def one_line(text: str) -> str:
    """The text on one line, printable."""
    return printable(" ".join(text.split()))


def _cell(item: Json, where: str | Callable[[Json], object]) -> str:
    value = where(item) if callable(where) else pick(item, where)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(map(str, value))
    return str(value)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))
