"""What PRINT, RAISERROR and THROW say.

Owns the format of RAISERROR's messages and the errors about their arguments. Pure.
Source: Transact-SQL reference, "RAISERROR", "THROW", "PRINT".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.types import Value

_LONGEST = 2047
_PRINTED = 8000  # as of varchar, which a text may be
_USER = 50_000
_FORMAT = re.compile(
    r"%(?P<flags>[-+0# ]*)(?P<width>\*|\d+)?(?:\.(?P<precision>\*|\d+))?(?:h|l|I64)?(?P<kind>[a-zA-Z%])"
)
_NUMBERS = "diouxX"
_CUT = "..."
_MISFIT = "The data type of a substitution parameter does not match the expected type of the format specification."


def printed(value: Value) -> str:
    """The text that PRINT says."""
    return " " if value is None else str(value)[:_PRINTED] or " "


def raised(parts: Sequence[Value], *, administrator: bool, line: int) -> SqlError:
    """The error of RAISERROR (message, severity, state, arguments…)."""
    message, severity, state, *arguments = parts
    level = severity if isinstance(severity, int) else 0
    level = min(max(level, 0), 25)
    if level > 18 and not administrator:
        raise SqlError(2754, "Error severity levels greater than 18 can only be specified by the administrator.")
    number = state if isinstance(state, int) else 1
    said = formatted(str(message or ""), arguments)
    return SqlError(_USER, said, severity=level, state=min(max(number, 0), 255), line=line)


def thrown(parts: Sequence[Value], *, line: int) -> SqlError:
    """The error of THROW number, message, state."""
    number, message, state = parts
    if not isinstance(number, int) or not _USER <= number <= 2**31 - 1:
        text = (
            f"Error number {number!r} in the THROW statement is outside the valid range."
            f" Specify an error number in the valid range of 50000 to 2147483647."
        )
        raise SqlError(35100, text, line=line)
    if not isinstance(state, int) or not 0 <= state <= 255:
        raise SqlError(
            35101, f"The state {state!r} in the THROW statement is outside the valid range of 0 to 255.", line=line
        )
    return SqlError(number, str(message or "").replace("%%", "%")[:_LONGEST], severity=16, state=state, line=line)


def formatted(message: str, arguments: Sequence[Value]) -> str:
    """The message with its arguments, as printf does it."""
    left = list(arguments)

    def taken(kind: str) -> Value:
        if not left:
            return None
        value = left.pop(0)
        if value is not None and isinstance(value, str) != (kind == "s"):
            raise SqlError(2786, _MISFIT)
        return value

    def one(match: re.Match[str]) -> str:
        kind = match["kind"]
        if kind == "%":
            return "%"
        if kind != "s" and kind not in _NUMBERS:
            raise SqlError(2787, f"Invalid format specification: '{match[0]}'.")
        sizes = [taken("d") if match[part] == "*" else match[part] for part in ("width", "precision")]
        value = taken(kind)
        if value is None:
            return "(null)"
        if kind in _NUMBERS and not isinstance(value, int):
            raise SqlError(2786, _MISFIT)
        width = f"{sizes[0] or ''!s}{'' if sizes[1] is None else f'.{sizes[1]!s}'}"
        if isinstance(value, int) and kind not in "di" and value < 0:
            value += 1 << 32
        return f"%{match['flags']}{width}{'d' if kind in 'iu' else kind}" % value

    text = _FORMAT.sub(one, message)
    return text if len(text) <= _LONGEST else text[: _LONGEST - len(_CUT)] + _CUT
