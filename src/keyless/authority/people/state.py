"""The tables of what the authority holds about people, and the end of all of it for one person.

Owns the migration, and which tables a person's end and the passing of time touch.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from keyless.authority.grants import authorization_code, device_code
from keyless.authority.grants.authorization_code import AuthorizationCodes
from keyless.authority.grants.device_code import DeviceCodes
from keyless.authority.people import browser_sessions, sign_in_links, sign_ins
from keyless.authority.people.browser_sessions import BrowserSessions
from keyless.authority.people.sign_in_links import SignInLinks
from keyless.authority.people.sign_ins import SignIns
from keyless.model.clock import Clock
from keyless.store.engine import Migration, Store, Tx

MIGRATION = Migration(
    "people",
    (
        (
            *sign_ins.TABLE,
            *browser_sessions.TABLE,
            *sign_in_links.TABLE,
            *authorization_code.TABLE,
            *device_code.TABLE,
        ),
    ),
)


CLEANING_SECONDS = 3600.0


@dataclass
class SignedInState:
    """Everything that begins with a person's signing in."""

    store: Store
    sign_ins: SignIns
    sessions: BrowserSessions
    links: SignInLinks
    codes: AuthorizationCodes
    devices: DeviceCodes
    clock: Clock
    _clean_until: float = field(default=0.0, repr=False)

    async def sign_out(self, principal_id: str) -> int:
        """End everything of a person, at once; how many sign-ins at clients there were."""
        live = len(self.sign_ins.of(principal_id))

        def work(tx: Tx) -> None:
            for part in (self.sign_ins, self.sessions, self.links, self.codes, self.devices):
                part.end_of_person(tx, principal_id)

        await self.store.write(work)
        return live

    async def tick(self) -> None:
        """Forget what has ended by itself; it counts for nothing already, so once an hour is often enough."""
        now = self.clock()
        if now < self._clean_until:
            return

        def work(tx: Tx) -> None:
            for part in (self.sign_ins, self.sessions, self.links, self.codes, self.devices):
                part.end_lapsed(tx)

        await self.store.write(work)
        self._clean_until = now + CLEANING_SECONDS
