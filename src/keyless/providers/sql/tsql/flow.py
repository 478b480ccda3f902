"""A body laid out flat: instructions one after the other, with jumps instead of blocks.

Owns where each jump goes, and how many TRY and CATCH blocks hold there, so that a jump leaves those that it leaves.
Nothing nests when it runs, however deep the text does. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tsql.blocks import (
    Body,
    Break,
    Continue,
    Expression,
    Goto,
    If,
    Label,
    Return,
    Simple,
    Statement,
    TableVariable,
    Try,
    While,
)
from keyless.providers.sql.types import SqlType


@dataclass(frozen=True)
class Jump:
    """Go on elsewhere; `tries` and `catches` hold there."""

    target: int
    tries: int
    catches: int
    line: int = 1


@dataclass(frozen=True)
class Branch:
    """Go on elsewhere where the condition is not true."""

    condition: Expression
    target: int
    line: int = 1


@dataclass(frozen=True)
class Enter:
    """A TRY begins; its CATCH is at `handler`, and `catches` are around it."""

    handler: int
    catches: int


@dataclass(frozen=True)
class LeaveTry:
    """A TRY ends."""


@dataclass(frozen=True)
class LeaveCatch:
    """A CATCH ends."""


@dataclass(frozen=True)
class Finish:
    """RETURN."""

    value: Expression | None
    line: int = 1


Instruction = Simple | Jump | Branch | Enter | LeaveTry | LeaveCatch | Finish


@dataclass(frozen=True)
class Program:
    """What runs: the instructions, and the variables that the text declares."""

    code: tuple[Instruction, ...]
    variables: Mapping[str, SqlType]
    tables: tuple[TableVariable, ...]


def program(body: Body) -> Program:
    """A body laid out flat."""
    layout = _Layout()
    layout.add_all(body.statements)
    return Program(layout.finished(), body.variables, body.tables)


class _Layout:
    """The instructions in the making."""

    def __init__(self) -> None:
        self._code: list[Instruction | None] = []
        # the TRY and CATCH blocks around: unique numbers, so that a label's are told from another's
        self._tries: tuple[int, ...] = ()
        self._catches: tuple[int, ...] = ()
        self._numbers = 0
        self._loops: list[tuple[int, list[int], int, int]] = []
        self._labels: dict[str, tuple[int, tuple[int, ...], tuple[int, ...]]] = {}
        self._gotos: list[tuple[int, Goto, tuple[int, ...], tuple[int, ...]]] = []

    def add_all(self, statements: Sequence[Statement]) -> None:
        for statement in statements:
            self._add(statement)

    def finished(self) -> tuple[Instruction, ...]:
        for at, goto, tries, catches in self._gotos:
            if goto.name not in self._labels:
                raise SqlError(
                    133,
                    f"A GOTO statement references the label '{goto.name}' but the label has not been declared.",
                    severity=15,
                    line=goto.line,
                )
            target, label_tries, label_catches = self._labels[goto.name]
            if tries[: len(label_tries)] != label_tries or catches[: len(label_catches)] != label_catches:
                message = "GOTO cannot be used to jump into a TRY or CATCH scope."
                raise SqlError(1026, message, severity=15, line=goto.line)
            self._code[at] = Jump(target, len(label_tries), len(label_catches), goto.line)
        return tuple(instruction for instruction in self._code if instruction is not None)

    def _add(self, statement: Statement) -> None:
        match statement:
            case If():
                self._if(statement)
            case While():
                self._while(statement)
            case Try():
                self._try(statement)
            case Break():
                self._loops[-1][1].append(self._hole())
            case Continue():
                start, _, tries, catches = self._loops[-1]
                self._code.append(Jump(start, tries, catches, statement.line))
            case Label():
                if statement.name in self._labels:
                    message = f"The label '{statement.name}' has already been declared."
                    raise SqlError(132, message, severity=15, line=statement.line)
                self._labels[statement.name] = (len(self._code), self._tries, self._catches)
            case Goto():
                self._gotos.append((self._hole(), statement, self._tries, self._catches))
            case Return():
                self._code.append(Finish(statement.value, statement.line))
            case _:
                self._code.append(statement)

    def _hole(self) -> int:
        self._code.append(None)
        return len(self._code) - 1

    def _here(self, line: int = 1) -> Jump:
        return Jump(len(self._code), len(self._tries), len(self._catches), line)

    def _if(self, statement: If) -> None:
        branch = self._hole()
        self.add_all(statement.then)
        past = self._hole() if statement.otherwise else None
        self._code[branch] = Branch(statement.condition, len(self._code), statement.line)
        if past is not None:
            self.add_all(statement.otherwise)
            self._code[past] = self._here(statement.line)

    def _while(self, statement: While) -> None:
        start, breaks = len(self._code), list[int]()
        branch = self._hole()
        self._loops.append((start, breaks, len(self._tries), len(self._catches)))
        self.add_all(statement.body)
        self._loops.pop()
        self._code.append(Jump(start, len(self._tries), len(self._catches), statement.line))
        self._code[branch] = Branch(statement.condition, len(self._code), statement.line)
        for one in breaks:
            self._code[one] = self._here(statement.line)

    def _try(self, statement: Try) -> None:
        enter, outside = self._hole(), (self._tries, self._catches)
        self._numbers += 1
        self._tries = (*self._tries, self._numbers)
        self.add_all(statement.body)
        self._tries = outside[0]
        self._code.append(LeaveTry())
        past = self._hole()
        self._code[enter] = Enter(len(self._code), len(outside[1]))
        self._catches = (*self._catches, self._numbers)
        self.add_all(statement.handler)
        self._catches = outside[1]
        self._code.append(LeaveCatch())
        self._code[past] = self._here()
