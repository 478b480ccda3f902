"""What the whole run of a command is handed: the environment, and the way to the server.

Must not load what only some commands need: the libraries of the session cost as much as half a start of the server,
which never talks to itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keyless.cli.instance import Instance
    from keyless.cli.session import Session


def connect(instance: Instance, config: Path) -> Session:
    """The session of the owner, whose key lies in the configuration folder."""
    from keyless.cli.owner import FILE_NAME, read_owner_key  # noqa: PLC0415
    from keyless.cli.session import Session  # noqa: PLC0415

    return Session(instance, lambda: read_owner_key(config / instance.id / FILE_NAME))


@dataclass(frozen=True)
class Program:
    """The environment, and how to connect."""

    environ: Mapping[str, str]
    connect: Callable[[Instance, Path], Session] = connect
