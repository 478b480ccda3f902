"""Groups: which principals belong together, so that roles can be assigned to all of them at once.

Owns memberships, and the groups of a principal with those that they lie in. Nested groups count to a stated depth;
what lies deeper gives nothing. Must not know roles.

Source: Microsoft Graph v1.0, "group resource type".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from keyless.directory.principals import Directory, PrincipalDeleted
from keyless.model.errors import conflict, invalid, not_found
from keyless.model.identity import Principal, PrincipalKind
from keyless.store.engine import Migration, Store, Tx

MAX_MEMBERS = 10_000
MAX_DIRECT_GROUPS = 250
#: A member of a group in a group in a group… may be so many steps away.
MAX_DEPTH = 8
_MAX_GROUPS = 2_000
_MAX_CACHED = 20_000

MIGRATION = Migration(
    "groups",
    (
        (
            """CREATE TABLE membership(
                group_id TEXT NOT NULL REFERENCES principal(principal_id) ON DELETE CASCADE,
                member_id TEXT NOT NULL REFERENCES principal(principal_id) ON DELETE CASCADE,
                PRIMARY KEY(group_id, member_id)) WITHOUT ROWID""",
            "CREATE INDEX membership_of ON membership(member_id)",
        ),
    ),
)


@dataclass(frozen=True)
class MemberAdded:
    """A committed change."""

    group_id: str
    member_id: str


@dataclass(frozen=True)
class MemberRemoved:
    """A committed change."""

    group_id: str
    member_id: str


class Groups:
    """All memberships."""

    def __init__(self, store: Store, directory: Directory) -> None:
        self._store = store
        self._directory = directory
        self._members: dict[str, set[str]] = {}
        self._direct: dict[str, set[str]] = {}
        self._whole: dict[str, tuple[str, ...]] = {}
        store.subscribe(MemberAdded, self._added)
        store.subscribe(MemberRemoved, self._removed)
        store.subscribe(PrincipalDeleted, self._gone)

    async def load(self) -> None:
        """Read all memberships; once, at start."""
        for group_id, member_id in await self._store.rows("SELECT group_id, member_id FROM membership"):
            self._added(MemberAdded(str(group_id), str(member_id)))

    def members(self, group_id: str) -> Iterator[Principal]:
        """The direct members of a group, by object ID."""
        for member_id in sorted(self._members.get(group_id.lower(), ())):
            member = self._directory.by_id(member_id)
            if member is not None:
                yield member

    def of(self, principal_id: str) -> tuple[str, ...]:
        """The object IDs of the groups that a principal is in, directly or through groups; nearest first."""
        found = self._whole.get(principal_id)
        if found is None:
            if len(self._whole) >= _MAX_CACHED:
                self._whole.clear()
            found = self._whole[principal_id] = self._closure(principal_id)
        return found

    def direct(self, principal_id: str) -> tuple[str, ...]:
        """The object IDs of the groups that a principal itself is a member of."""
        return tuple(sorted(self._direct.get(principal_id, ())))

    def create(self, tx: Tx, display_name: str) -> Principal:
        """Make an empty group, inside a write; `Directory.delete` deletes it."""
        return self._directory.create(tx, PrincipalKind.GROUP, display_name)

    @staticmethod
    def add(tx: Tx, group_id: str, member_id: str) -> None:
        """Add a member, inside a write; NOT_FOUND, CONFLICT if it is one already, INVALID beyond a limit."""
        _check_group(tx, group_id)
        if tx.row("SELECT 1 FROM principal WHERE principal_id=?", (member_id,)) is None:
            raise not_found(f"There is no principal {member_id}.")
        if group_id == member_id:
            raise invalid("A group cannot be a member of itself.")
        if tx.row("SELECT 1 FROM membership WHERE group_id=? AND member_id=?", (group_id, member_id)):
            raise conflict("That principal is a member of the group already.")
        if _count(tx, "group_id", group_id) >= MAX_MEMBERS:
            raise invalid(f"A group has at most {MAX_MEMBERS} members.", "Directory_QuotaExceeded")
        if _count(tx, "member_id", member_id) >= MAX_DIRECT_GROUPS:
            raise invalid(f"Nobody is in more than {MAX_DIRECT_GROUPS} groups.", "Directory_QuotaExceeded")
        tx.execute("INSERT INTO membership VALUES(?, ?)", (group_id, member_id))
        tx.emit(MemberAdded(group_id, member_id))

    @staticmethod
    def remove(tx: Tx, group_id: str, member_id: str) -> None:
        """Remove a member, inside a write; NOT_FOUND if it is none."""
        if not tx.execute("DELETE FROM membership WHERE group_id=? AND member_id=?", (group_id, member_id)):
            raise not_found("That principal is not a member of the group.")
        tx.emit(MemberRemoved(group_id, member_id))

    def _closure(self, principal_id: str) -> tuple[str, ...]:
        found: dict[str, None] = {}
        level = [principal_id]
        for _ in range(MAX_DEPTH):
            above = {group for one in level for group in self._direct.get(one, ()) if group not in found}
            level = sorted(above)[: _MAX_GROUPS - len(found)]
            if not level:
                break
            found |= dict.fromkeys(level)
        return tuple(found)

    def _added(self, change: MemberAdded) -> None:
        self._members.setdefault(change.group_id, set()).add(change.member_id)
        self._direct.setdefault(change.member_id, set()).add(change.group_id)
        self._whole.clear()

    def _removed(self, change: MemberRemoved) -> None:
        _discard(self._members, change.group_id, change.member_id)
        _discard(self._direct, change.member_id, change.group_id)
        self._whole.clear()

    def _gone(self, change: PrincipalDeleted) -> None:
        for member in self._members.pop(change.principal_id, set()):
            _discard(self._direct, member, change.principal_id)
        for group in self._direct.pop(change.principal_id, set()):
            _discard(self._members, group, change.principal_id)
        self._whole.clear()


def _check_group(tx: Tx, group_id: str) -> None:
    kind = PrincipalKind.GROUP.value
    if tx.row("SELECT 1 FROM principal WHERE principal_id=? AND kind=?", (group_id, kind)) is None:
        raise not_found(f"There is no group {group_id}.")


def _count(tx: Tx, column: str, value: str) -> int:
    row = tx.row(f"SELECT count(*) FROM membership WHERE {column}=?", (value,))
    assert row is not None
    assert isinstance(row[0], int)
    return row[0]


def _discard(held: dict[str, set[str]], key: str, value: str) -> None:
    left = held.get(key)
    if left is None:
        return
    left.discard(value)
    if not left:
        del held[key]
