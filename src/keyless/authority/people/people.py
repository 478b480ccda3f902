"""The people who can sign in: the tenant's users, and the owner.

Owns one view of both. The owner is an application to everything else, because it proves itself with a key; in a browser
it is a person, and what that person may do is what is assigned to the owner. Must not change anything.
"""

from __future__ import annotations

from dataclasses import dataclass

from keyless.authority.people.sign_ins import SignIn, SignIns
from keyless.directory.applications import Applications
from keyless.directory.principals import Directory
from keyless.directory.users import Users
from keyless.model.identity import Principal, PrincipalKind


@dataclass(frozen=True)
class Person:
    """Somebody who may sign in. `valid_from`: what began before that (Unix seconds) counts no more.

    `password_hash` is empty for one who has no password.
    """

    principal: Principal
    upn: str
    password_hash: str
    valid_from: float

    @property
    def id(self) -> str:
        """The object ID."""
        return self.principal.principal_id

    @property
    def name(self) -> str:
        """What to call this person."""
        return self.principal.display_name or self.upn


@dataclass(frozen=True)
class People:
    """All of them; `owner_id` is the owner's object ID, `domain` the instance's."""

    directory: Directory
    users: Users
    applications: Applications
    sign_ins: SignIns
    owner_id: str
    domain: str

    @property
    def owner_upn(self) -> str:
        """The name under which the owner signs in."""
        return f"owner@{self.domain}"

    def by_id(self, principal_id: str) -> Person | None:
        """By object ID; None for whoever has been deleted or disabled, or is no person."""
        principal = self.directory.by_id(principal_id)
        if principal is None or not principal.enabled:
            return None
        if principal.principal_id == self.owner_id:
            return Person(principal, self.owner_upn, "", 0.0)
        user = self.users.by_id(principal_id) if principal.kind is PrincipalKind.USER else None
        return Person(principal, user.upn, user.password_hash, user.sessions_valid_from) if user else None

    def by_upn(self, upn: str) -> Person | None:
        """By user principal name, whatever its case; None as above."""
        user = self.users.by_upn(upn)
        if user is not None:
            return self.by_id(user.principal_id)
        return self.by_id(self.owner_id) if upn.lower() == self.owner_upn else None

    def signed_in(self, sign_in_id: str) -> tuple[Person, SignIn] | None:
        """Who is behind a sign-in that counts; None if it has ended, for whatever reason."""
        sign_in = self.sign_ins.get(sign_in_id)
        person = self.by_id(sign_in.principal_id) if sign_in else None
        if sign_in is None or person is None or sign_in.authenticated < person.valid_from:
            return None
        return (person, sign_in) if self._has_client(sign_in.client_id) else None

    def is_signed_in(self, sign_in_id: str, principal_id: str) -> bool:
        """Whether a sign-in counts, and is that person's."""
        found = self.signed_in(sign_in_id)
        return found is not None and found[0].id == principal_id

    def _has_client(self, client_id: str) -> bool:
        principal = self.directory.by_client_id(client_id)
        return self.applications.by_client_id(client_id) is not None and (principal is None or principal.enabled)
