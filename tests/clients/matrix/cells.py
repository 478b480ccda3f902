"""What the matrix says: a row for each client, a column for each place that a token comes from, and what is in a cell.

Owns the words. What each client does is in `rows.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from keyless.model.hosts import HOSTS

SECRET, CERTIFICATE, DEFAULT_CHAIN, SIGN_IN = "secret", "certificate", "default", "sign-in"

#: By the column's name: its heading. The first ones are the shapes of hosts.
COLUMNS = {
    "app-service": "App Service",
    "app-service-2017": "App Service 2017, Azure ML",
    "cloud-shell": "Cloud Shell",
    "imds": "virtual machine",
    "arc": "Azure Arc",
    "service-fabric": "Service Fabric",
    "workload-identity": "workload identity",
    SECRET: "environment, secret",
    CERTIFICATE: "environment, certificate",
    DEFAULT_CHAIN: "default chain",
    SIGN_IN: "a person",
}
assert tuple(COLUMNS)[: len(HOSTS)] == HOSTS


class Whose(StrEnum):
    """Whose token is expected."""

    SYSTEM = "the system-assigned identity"
    NAMED = "the user-assigned identity"
    REGISTERED = "the registered application"
    PERSON = "the person"


#: By the kind of asking: whose token comes back, or words of the refusal.
Ways = Mapping[str, str]


@dataclass(frozen=True)
class Cell:
    """One client in one column: its ways of asking there. It works if any of them gives a token.

    `note` says what differs, or by which rule of which file of its own the client cannot; a client that has no way at
    all, not even one that is refused, is not started.
    """

    ways: Ways
    note: str = ""
    options: tuple[str, ...] = ()

    @property
    def works(self) -> bool:
        return any(whose in set(Whose) for whose in self.ways.values())


@dataclass(frozen=True)
class Row:
    """One client. `program` starts it, and calls it `client`."""

    title: str
    program: str
    client: str
    cells: Mapping[str, Cell]

    @property
    def default(self) -> Cell:
        """What the columns before it say of the chain that is asked first in most programs."""
        kept = {name: cell.ways["default"] for name, cell in self.cells.items() if "default" in cell.ways}
        return Cell(kept, self.cells[DEFAULT_CHAIN].note if DEFAULT_CHAIN in self.cells else "")

    def cell(self, column: str) -> Cell:
        return self.default if column == DEFAULT_CHAIN else self.cells[column]


def word(cell: Cell) -> str:
    """What the table says."""
    return "yes" if cell.works else "no"
