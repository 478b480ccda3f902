"""What a request's body may say, property by property.

Owns the check that nothing is dropped in silence: a property that is not kept here is refused, unless it is empty.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from keyless.http.message import Request
from keyless.management.arm import read_object
from keyless.model.errors import invalid

MAX_NAME = 256


async def read_body(request: Request, known: Collection[str]) -> dict[str, object]:
    """The body, of which every property that says something is one of `known`; raises INVALID."""
    body = await read_object(request)
    for name, value in body.items():
        if name not in known and value not in (None, "", [], {}, False) and not name.startswith("@odata."):
            raise invalid(f"The property {name!r} cannot be set here: leave it out.")
    return body


def display_name(body: Mapping[str, object]) -> str:
    """A name to show; raises INVALID."""
    name = body.get("displayName")
    if not isinstance(name, str) or not 0 < len(name.strip()) <= MAX_NAME or not name.isprintable():
        raise invalid(f"displayName has to be a text of 1 to {MAX_NAME} characters.")
    return name


def strings(value: object, name: str) -> tuple[str, ...]:
    """A list of strings, each once; raises INVALID."""
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise invalid(f"{name} has to be a list of strings.")
    return tuple(dict.fromkeys(value))


def must_be(body: Mapping[str, object], name: str, value: object) -> None:
    """A property that has one possible value here; raises INVALID for another."""
    if body.get(name, value) != value:
        raise invalid(f"{name} can be {value!r} only.".replace("True", "true").replace("False", "false"))
