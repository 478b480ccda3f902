"""Role assignments: kept in the database, held in memory by principal and scope.

Owns the table and the index from which every access decision is made. Looking up costs one step for each segment
of the scope, however many assignments there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from keyless.model.access import Assignment, Decision, Denied, PolicyGrant, Requirement, Role, decide
from keyless.model.errors import KeylessError, conflict
from keyless.model.identity import Principal
from keyless.model.resource_id import ResourceId
from keyless.store.engine import Migration, Row, Store, Tx

MIGRATION = Migration(
    "authorization",
    (
        (
            """CREATE TABLE role_assignment(
                key TEXT PRIMARY KEY, id TEXT NOT NULL, principal_id TEXT NOT NULL, role TEXT NOT NULL,
                scope TEXT NOT NULL, created REAL NOT NULL, created_by TEXT NOT NULL) WITHOUT ROWID""",
            "CREATE UNIQUE INDEX role_assignment_once ON role_assignment(scope, principal_id, role)",
        ),
    ),
)

_COLUMNS = "id, principal_id, role, scope"


@dataclass(frozen=True)
class AssignmentWritten:
    """A committed change."""

    assignment: Assignment


@dataclass(frozen=True)
class AssignmentDeleted:
    """A committed change."""

    assignment: Assignment


#: The rule that some resources have of their own, for a principal's ID and those of its groups; see
#: `model.access.OwnRule`.
Policies = Callable[[tuple[str, ...], Requirement], PolicyGrant | Denied | None]


def no_policies(_holders: tuple[str, ...], _requirement: Requirement) -> None:
    """Role assignments decide everywhere."""


def no_groups(_principal_id: str) -> tuple[str, ...]:
    """Nobody is in a group."""
    return ()


class Assignments:
    """All role assignments, and the decisions that follow from them.

    Every decision is made here; `policies` is asked first, for resources that are not under role assignments.
    `groups_of` tells the groups of a principal: what is assigned to one counts for its members.
    """

    def __init__(
        self,
        store: Store,
        roles: Mapping[str, Role],
        policies: Policies = no_policies,
        groups_of: Callable[[str], Sequence[str]] = no_groups,
    ) -> None:
        self._store = store
        self.roles = roles
        self._policies = policies
        self._groups_of = groups_of
        self._held: dict[str, dict[str, dict[str, Assignment]]] = {}
        store.subscribe(AssignmentWritten, self._written)
        store.subscribe(AssignmentDeleted, self._deleted)

    async def load(self) -> None:
        """Read all assignments; once, at start."""
        for row in await self._store.rows(f"SELECT {_COLUMNS} FROM role_assignment"):
            self._written(AssignmentWritten(_from_row(row)))

    def authorise(self, caller: Principal, requirements: Iterable[Requirement]) -> Decision:
        """Decide from memory, by what is assigned to the caller or its groups, at each scope and above it."""
        needed = tuple(requirements)
        holders = self._holders(caller)
        of_each = [self._held[holder] for holder in holders if holder in self._held]
        found = [
            one
            for need in needed
            for key in need.scope.ancestors
            for held in of_each
            if key in held
            for one in held[key].values()
        ]
        return decide(needed, found, self.roles, partial(self._policies, holders))

    def has_any(self, caller: Principal) -> bool:
        """Whether anything at all is assigned to the caller or its groups, at whatever scope."""
        return any(holder in self._held for holder in self._holders(caller))

    def _holders(self, caller: Principal) -> tuple[str, ...]:
        return (caller.principal_id, *self._groups_of(caller.principal_id))

    def _written(self, change: AssignmentWritten) -> None:
        one = change.assignment
        self._held.setdefault(one.principal_id, {}).setdefault(one.scope, {})[one.role] = one

    def _deleted(self, change: AssignmentDeleted) -> None:
        one = change.assignment
        held = self._held.get(one.principal_id, {})
        at = held.get(one.scope, {})
        at.pop(one.role, None)
        if not at:
            held.pop(one.scope, None)
        if not held:
            self._held.pop(one.principal_id, None)

    # queries

    async def get(self, resource_id: ResourceId) -> Assignment | None:
        """By the assignment's own ID."""
        row = await self._store.row(f"SELECT {_COLUMNS} FROM role_assignment WHERE key=?", (resource_id.key,))
        return _from_row(row) if row else None

    async def at(
        self, scope: ResourceId, *, below: bool, principal_id: str, after: str, limit: int
    ) -> list[Assignment]:
        """Those at a scope and above it, and `below` it if so asked; ordered by ID, `after` that of the last page."""
        above = list(scope.ancestors)
        marks = ",".join("?" * len(above))
        where, params = f"scope IN ({marks})", [*above]
        if below:
            where = f"({where} OR (scope>? AND scope<?))"
            params += [scope.key.rstrip("/") + "/", scope.key.rstrip("/") + "0"]
        if principal_id:
            where += " AND principal_id=?"
            params.append(principal_id)
        rows = await self._store.rows(
            f"SELECT {_COLUMNS} FROM role_assignment WHERE {where} AND key>? ORDER BY key LIMIT ?",
            (*params, after, limit),
        )
        return [_from_row(row) for row in rows]

    # writes, inside a transaction

    @staticmethod
    def add(tx: Tx, assignment: Assignment, now: float, created_by: str) -> bool:
        """Add it; False when this very assignment is there already. Raises CONFLICT for a double or a changed one."""
        key = assignment.id.lower()
        row = tx.row(f"SELECT {_COLUMNS} FROM role_assignment WHERE key=?", (key,))
        if row:
            if _from_row(row) == assignment:
                return False
            raise conflict(
                "A role assignment cannot be changed: delete it and make a new one.", "RoleAssignmentUpdateNotPermitted"
            )
        double = tx.row(
            "SELECT id FROM role_assignment WHERE scope=? AND principal_id=? AND role=?",
            (assignment.scope, assignment.principal_id, assignment.role),
        )
        if double:
            raise _exists(str(double[0]))
        tx.execute(
            "INSERT INTO role_assignment VALUES(?, ?, ?, ?, ?, ?, ?)",
            (key, assignment.id, assignment.principal_id, assignment.role, assignment.scope, now, created_by),
        )
        tx.emit(AssignmentWritten(assignment))
        return True

    @staticmethod
    def remove(tx: Tx, resource_id: ResourceId) -> Assignment | None:
        """Remove it; what was removed."""
        row = tx.row(f"SELECT {_COLUMNS} FROM role_assignment WHERE key=?", (resource_id.key,))
        return _remove(tx, row) if row else None

    @staticmethod
    def remove_scope(tx: Tx, scope: ResourceId) -> None:
        """Remove those at a scope that is deleted, and below it: a new resource of that name starts with none."""
        for row in tx.rows(
            f"SELECT {_COLUMNS} FROM role_assignment WHERE scope=? OR (scope>? AND scope<?)",
            (scope.key, scope.key + "/", scope.key + "0"),
        ):
            _remove(tx, row)


def _remove(tx: Tx, row: Row) -> Assignment:
    assignment = _from_row(row)
    tx.execute("DELETE FROM role_assignment WHERE key=?", (assignment.id.lower(),))
    tx.emit(AssignmentDeleted(assignment))
    return assignment


def _exists(other: str) -> KeylessError:
    return conflict(f"The role is assigned to that principal at that scope already ({other}).", "RoleAssignmentExists")


def _from_row(row: Row) -> Assignment:
    assignment_id, principal_id, role, scope = map(str, row)
    return Assignment(assignment_id, principal_id, role, scope)
