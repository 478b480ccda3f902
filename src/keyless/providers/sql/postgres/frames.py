"""What runs now: a batch, a procedure or a dynamic text, each with variables of its own.

Owns the state of one such run. No I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tsql.flow import Enter, Program
from keyless.providers.sql.types import SqlType, Value

DEEPEST = 32


@dataclass
class Frame:
    """One run. `tries` are the TRY blocks that are open, `caught` how many errors were caught around it."""

    program: Program
    types: dict[str, SqlType]
    values: dict[str, Value]
    outer: Frame | None = None
    procedure: str = ""
    at: int = 0
    tries: list[Enter] = field(default_factory=list)
    caught: int = 0
    status: int = 0
    #: Rows go into the table of INSERT … EXEC somewhere around.
    collects: bool = False

    @property
    def level(self) -> int:
        """How many are around."""
        return 0 if self.outer is None else self.outer.level + 1

    @property
    def protected(self) -> bool:
        """Whether a TRY is open here or around."""
        return bool(self.tries) or (self.outer is not None and self.outer.protected)

    def jump(self, target: int, tries: int) -> None:
        """Go on elsewhere."""
        self.at = target
        del self.tries[tries:]


def frame(program: Program, types: Mapping[str, SqlType], values: Mapping[str, Value], outer: Frame | None) -> Frame:
    """A run that begins; SqlError 217 where there are too many around it."""
    if outer is not None and outer.level + 1 > DEEPEST:
        message = f"Maximum stored procedure, function, trigger, or view nesting level exceeded (limit {DEEPEST})."
        raise SqlError(217, message)
    known = {**types, **program.variables}
    made = Frame(program, known, {**dict.fromkeys(program.variables), **values}, outer)
    if outer is not None:
        made.collects = outer.collects
    return made
