"""Results of a query on standard output: a table for people, CSV, or JSON; row by row, whatever their number.

Owns how each value is written. Must not hold more than the beginning of a result.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

import click
from rich.cells import cell_len

from keyless.cli.output import one_line, printable
from keyless.providers.sql.types import Row, Value

FORMATS = ("table", "json", "csv")
#: By so many rows a table's columns get their widths; a later value that is wider moves its own line only.
_LOOKED_AT = 500
_GAP = "  "


class Output(Protocol):
    """Prints results, one after the other."""

    def begin(self, names: Sequence[str]) -> None:
        """A result begins."""
        ...

    def rows(self, rows: Iterable[Row]) -> None:
        """Rows of it."""
        ...

    def end(self) -> None:
        """It is over."""
        ...

    def changed(self, count: int) -> None:
        """A statement without a result changed so many rows."""
        ...


def output_of(kind: str) -> Output:
    """What prints in one of `FORMATS`."""
    made: dict[str, type[Output]] = {"table": _Table, "json": _Json, "csv": _Csv}
    return made[kind]()


def text_of(value: Value) -> str:
    """A value as SQL Server's tools show it."""
    write = _TEXTS.get(type(value))
    return write(value) if write else str(value)


_TEXTS: dict[type, Callable[[Any], str]] = {
    type(None): lambda _null: "NULL",
    bool: lambda value: "1" if value else "0",
    bytes: lambda value: f"0x{value.hex().upper()}",
    Decimal: lambda value: format(value, "f"),
    UUID: lambda value: str(value).upper(),
    datetime: lambda value: value.isoformat(" "),
    date: date.isoformat,
    time: time.isoformat,
}


class _Table:
    def __init__(self) -> None:
        self._before = False
        self._first: list[list[str]] = []
        self._widths: list[int] = []

    def begin(self, names: Sequence[str]) -> None:
        if self._before:
            click.echo()
        self._before = True
        self._first, self._widths = [list(map(printable, names))], []

    def rows(self, rows: Iterable[Row]) -> None:
        for row in rows:
            cells = [printable(text_of(value)) for value in row]
            if self._widths:
                click.echo(self._line(cells))
            else:
                self._first.append(cells)
                if len(self._first) > _LOOKED_AT:
                    self._release()

    def end(self) -> None:
        if not self._widths:
            self._release()

    def changed(self, count: int) -> None:
        click.echo(f"{count} {'row' if count == 1 else 'rows'} changed.")

    def _release(self) -> None:
        self._widths = [max(map(cell_len, column)) for column in zip(*self._first, strict=True)]
        for number, cells in enumerate(self._first):
            line = self._line(cells)
            click.echo(click.style(line, bold=True) if number == 0 else line)
        self._first = []

    def _line(self, cells: Sequence[str]) -> str:
        padded = (text + " " * (width - cell_len(text)) for text, width in zip(cells, self._widths, strict=True))
        return _GAP.join(padded).rstrip()


class _Csv:
    """RFC 4180; NULL is empty."""

    def __init__(self) -> None:
        self._writer = csv.writer(sys.stdout, lineterminator="\n")

    def begin(self, names: Sequence[str]) -> None:
        self._writer.writerow(names)

    def rows(self, rows: Iterable[Row]) -> None:
        self._writer.writerows([["" if value is None else text_of(value) for value in row] for row in rows])

    def end(self) -> None:
        return None

    def changed(self, count: int) -> None:
        return None


class _Json:
    """An array of objects for each result."""

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._rows = 0

    def begin(self, names: Sequence[str]) -> None:
        self._keys = [json.dumps(name, ensure_ascii=False) for name in _distinct(names)]
        self._rows = 0

    def rows(self, rows: Iterable[Row]) -> None:
        for row in rows:
            members = ", ".join(f"{key}: {_json(value)}" for key, value in zip(self._keys, row, strict=True))
            click.echo(f"{',' if self._rows else '['}\n  {{{members}}}", nl=False)
            self._rows += 1

    def end(self) -> None:
        click.echo("\n]" if self._rows else "[]")

    def changed(self, count: int) -> None:
        return None


def say(text: str) -> None:
    """What PRINT and warnings say: for the person, so not among the results."""
    click.echo(one_line(text), err=True)


def _json(value: Value) -> str:
    if isinstance(value, Decimal):
        return text_of(value)  # with all its digits
    if isinstance(value, bool | int | float) or value is None:
        return json.dumps(value)
    return json.dumps(value.isoformat() if isinstance(value, datetime) else text_of(value), ensure_ascii=False)


def _distinct(names: Sequence[str]) -> list[str]:
    """A name for each member: a column may have none, or another's."""
    found: list[str] = []
    for number, name in enumerate(names, 1):
        wanted = name or f"column{number}"
        found.append(wanted if wanted not in found else f"{wanted}_{number}")
    return found
