"""What an append demands of the blob's end: `x-ms-blob-condition-appendpos` and `x-ms-blob-condition-maxsize`.

Owns their reading and their evaluation. Pure.

Source: Azure Storage REST API, "Append Block".
"""

from __future__ import annotations

from dataclasses import dataclass

from keyless.http.message import Headers
from keyless.model.errors import ErrorKind, KeylessError
from keyless.providers.storage.headers import read_number

_POSITION, _LARGEST = "x-ms-blob-condition-appendpos", "x-ms-blob-condition-maxsize"


@dataclass(frozen=True, slots=True)
class AppendConditions:
    """Where an append has to begin, and how large the blob may be after it, in bytes. None: nothing was said."""

    position: int | None = None
    largest: int | None = None

    def check(self, size: int, added: int) -> None:
        """Raise PRECONDITION (412) unless `added` bytes may go to the end of a blob of `size`."""
        if self.position not in {None, size}:
            raise KeylessError(
                ErrorKind.PRECONDITION,
                f"The blob ends at {size}, not where the append was to begin: look at what was appended meanwhile.",
                code="AppendPositionConditionNotMet",
            )
        if self.largest is not None and size + added > self.largest:
            raise KeylessError(
                ErrorKind.PRECONDITION,
                f"The blob would have more than the {self.largest} bytes that the request allows.",
                code="MaxBlobSizeConditionNotMet",
            )


def read_append_conditions(headers: Headers) -> AppendConditions:
    """The conditions of an append; raises INVALID with `InvalidHeaderValue`."""
    return AppendConditions(read_number(headers, _POSITION), read_number(headers, _LARGEST))
