"""Sequence numbers of page blobs: what a write demands of one, and how one is set.

Owns `x-ms-if-sequence-number-…` and `x-ms-sequence-number-action`. Pure.

Source: Azure Storage REST API, "Put Page", "Set Blob Properties".
"""

from __future__ import annotations

from dataclasses import dataclass

from keyless.http.message import Headers
from keyless.model.errors import ErrorKind, KeylessError, conflict, invalid
from keyless.providers.storage.headers import MAX_NUMBER, read_number

_IF, _ACTION, NUMBER = "x-ms-if-sequence-number-", "x-ms-sequence-number-action", "x-ms-blob-sequence-number"


@dataclass(frozen=True, slots=True)
class SequenceConditions:
    """What a blob's sequence number has to be; None: nothing was said."""

    at_most: int | None = None
    below: int | None = None
    equal: int | None = None

    def check(self, sequence: int) -> None:
        """Raise PRECONDITION (412) unless a blob with this sequence number may be written."""
        if (
            (self.at_most is not None and sequence > self.at_most)
            or (self.below is not None and sequence >= self.below)
            or (self.equal is not None and sequence != self.equal)
        ):
            raise KeylessError(
                ErrorKind.PRECONDITION,
                f"The blob's sequence number is {sequence}, which the condition of the request does not allow.",
                code="SequenceNumberConditionNotMet",
            )


def read_sequence_conditions(headers: Headers) -> SequenceConditions:
    """The conditions of a write of pages; raises INVALID with `InvalidHeaderValue`."""
    return SequenceConditions(*(read_number(headers, f"{_IF}{name}") for name in ("le", "lt", "eq")))


@dataclass(frozen=True, slots=True)
class SequenceChange:
    """How a sequence number changes; `number` None adds one."""

    number: int | None
    only_up: bool = False

    def apply(self, sequence: int) -> int:
        """The new sequence number; raises CONFLICT `SequenceNumberIncrementTooLarge`."""
        if self.number is None:
            if sequence >= MAX_NUMBER:
                raise conflict(
                    "The sequence number cannot grow any more: set it with the action update.",
                    "SequenceNumberIncrementTooLarge",
                )
            return sequence + 1
        return max(sequence, self.number) if self.only_up else self.number


def read_sequence_change(headers: Headers) -> SequenceChange | None:
    """The change that is asked for; None if none is. Raises INVALID."""
    number = read_number(headers, NUMBER)
    if _ACTION not in headers:
        if number is not None:
            raise invalid(f"To set a sequence number takes the header {_ACTION} too.", "MissingRequiredHeader")
        return None
    action = headers.get(_ACTION).lower()
    if action not in {"max", "update", "increment"}:
        raise invalid(f"The header {_ACTION} must be max, update or increment.", "InvalidHeaderValue")
    if (action == "increment") != (number is None):
        raise invalid(
            f"The header {NUMBER} comes with the actions max and update, and not with increment.", "InvalidHeaderValue"
        )
    return SequenceChange(number, only_up=action == "max")
