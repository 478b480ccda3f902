"""The device code grant: somebody signs in elsewhere, for a program that has no browser.

Owns the pairs of device code (the program's) and user code (the person's), of which digests are held, what the person
decided, and how often the program may ask.

Source: RFC 8628, sections 3.2 to 3.5 and 6.1; Microsoft identity platform, "device authorization grant".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from keyless.authority.grants.authorization import Authorization, ProvenClient, refuse_grant
from keyless.authority.jwt import encode_base64url
from keyless.authority.people.digests import Digests
from keyless.authority.people.sign_ins import SignIns
from keyless.authority.scopes import Scope, parse_scope
from keyless.model.clock import Clock
from keyless.model.errors import ErrorKind, KeylessError, invalid
from keyless.model.secretstr import SecretStr
from keyless.store.engine import Row, Store, Tx

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
#: What @azure/msal-node sends instead.
SHORT_GRANT_TYPE = "device_code"
LIFETIME = 900
INTERVAL = 5
#: What a poll may come too early by: the way to the server takes a different time each time.
_JITTER = 1.0
CODE_BYTES = 32
#: Letters that make no words and look like no others (RFC 8628, 6.1).
ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
_LETTERS = 8
MAX_WAITING = 1000
TABLE = (
    """CREATE TABLE device_code(
        digest BLOB PRIMARY KEY, user_digest BLOB NOT NULL UNIQUE, client_id TEXT NOT NULL, scope TEXT NOT NULL,
        expires REAL NOT NULL, state TEXT NOT NULL, principal_id TEXT NOT NULL, session TEXT NOT NULL,
        authenticated REAL NOT NULL)""",
    "CREATE INDEX device_code_expires ON device_code(expires)",
)
_PENDING, _APPROVED, _DECLINED = "pending", "approved", "declined"


@dataclass(frozen=True)
class DeviceCode:
    """What the program gets: `user_code` is to be shown to the person."""

    device_code: SecretStr
    user_code: str


@dataclass(frozen=True)
class WaitingDevice:
    """A program that waits for a person's decision."""

    client_id: str
    scope: str
    expires: float


@dataclass
class _Polling:
    last: float
    interval: float
    expires: float


class DeviceCodes:
    """All pairs of codes."""

    def __init__(
        self, store: Store, digests: Digests, clock: Clock, random: Callable[[int], bytes], sign_ins: SignIns
    ) -> None:
        self._store = store
        self._digests = digests
        self._clock = clock
        self._random = random
        self._sign_ins = sign_ins
        # how often a program asked is not worth a write: after a restart each may ask at once
        self._polling: dict[bytes, _Polling] = {}

    async def begin(self, client_id: str, scope: Scope) -> DeviceCode:
        """A new pair for a client; THROTTLED while too many wait."""
        code, user_code = encode_base64url(self._random(CODE_BYTES)).decode("ascii"), self._user_code()
        row = (self._kept(code), self._kept_user(user_code), client_id, str(scope), self._clock() + LIFETIME)

        def work(tx: Tx) -> None:
            self.end_lapsed(tx)
            (waiting,) = tx.row("SELECT count(*) FROM device_code WHERE expires>?", (self._clock(),)) or (0,)
            if not isinstance(waiting, int) or waiting >= MAX_WAITING:
                raise KeylessError(ErrorKind.THROTTLED, "Too many device codes wait: try again later.", retry_after=60)
            tx.execute("INSERT INTO device_code VALUES(?, ?, ?, ?, ?, ?, '', '', 0.0)", (*row, _PENDING))

        await self._store.write(work)
        return DeviceCode(SecretStr(code), user_code)

    async def waiting(self, user_code: str) -> WaitingDevice | None:
        """The program that waits behind a user code, as a person may type it; None if none does."""
        row = await self._store.row(
            "SELECT client_id, scope, expires FROM device_code WHERE user_digest=? AND state=? AND expires>?",
            (self._kept_user(user_code), _PENDING, self._clock()),
        )
        if row is None or not isinstance(row[2], float):
            return None
        return WaitingDevice(str(row[0]), str(row[1]), row[2])

    async def approve(self, user_code: str, principal_id: str, session: str, authenticated: float) -> bool:
        """Let the program act for a person; False if it does not wait any more."""
        values = (_APPROVED, principal_id, session, authenticated)
        where = (self._kept_user(user_code), _PENDING, self._clock())
        changed = await self._store.write(
            lambda tx: tx.execute(
                "UPDATE device_code SET state=?, principal_id=?, session=?, authenticated=?"
                " WHERE user_digest=? AND state=? AND expires>?",
                (*values, *where),
            )
        )
        return changed == 1

    async def decline(self, user_code: str) -> None:
        """Tell the program that the person said no."""
        where = (_DECLINED, self._kept_user(user_code), _PENDING)
        await self._store.write(
            lambda tx: tx.execute("UPDATE device_code SET state=? WHERE user_digest=? AND state=?", where)
        )

    async def redeem(self, form: Mapping[str, str], client: ProvenClient) -> Authorization:
        """What a device code gives by now; INVALID with RFC 8628's code (`authorization_pending`) if nothing yet."""
        code = form.get("device_code", "")
        if not code:
            raise invalid("A poll needs device_code.", "invalid_request")
        kept = self._kept(code)
        query = "SELECT client_id, scope, expires, state, principal_id, session, authenticated FROM device_code"
        row = await self._store.row(f"{query} WHERE digest=?", (kept,))
        self._check(row, kept, client.client_id)

        def work(tx: Tx) -> Authorization | None:
            row = tx.row(f"{query} WHERE digest=? AND state=?", (kept, _APPROVED))
            if row is None:
                return None
            tx.execute("DELETE FROM device_code WHERE digest=?", (kept,))
            _client, text, _expires, _state, principal_id, session, authenticated = row
            assert isinstance(authenticated, float)
            scope = parse_scope(str(text))
            sign_in = self._sign_ins.begin(
                tx,
                str(principal_id),
                client.client_id,
                str(text),
                session=str(session),
                authenticated=authenticated,
                refreshable=scope.offline,
                confidential=client.confidential,
            )
            return Authorization(sign_in, client.client_id, scope, refreshable=scope.offline)

        authorization = await self._store.write(work)
        if authorization is None:
            raise _unknown()
        self._polling.pop(kept, None)
        return authorization

    def _check(self, row: Row | None, kept: bytes, client_id: str) -> None:
        if row is None or row[0] != client_id:
            raise _unknown()
        expires, state = row[2], row[3]
        if not isinstance(expires, float) or self._clock() >= expires:
            raise invalid("The device code has expired: begin again.", "expired_token")
        if state == _DECLINED:
            raise invalid("The person declined to sign in.", "authorization_declined")
        if state == _PENDING:
            if self._is_too_early(kept, expires):
                raise invalid("This program asks too often: wait five seconds longer from now on.", "slow_down")
            raise invalid("Nobody has entered the code yet: ask again after the interval.", "authorization_pending")

    def _is_too_early(self, kept: bytes, expires: float) -> bool:
        now = self._clock()
        if len(self._polling) >= MAX_WAITING:
            self._polling = {code: one for code, one in self._polling.items() if now < one.expires}
        known = self._polling.get(kept)
        if known is None:
            self._polling[kept] = _Polling(now, INTERVAL, expires)
            return False
        early = now - known.last < known.interval - _JITTER
        known.last = now
        if early:
            known.interval += INTERVAL
        return early

    def end_of_person(self, tx: Tx, principal_id: str) -> None:
        """Make what a person approved worthless, inside a write."""
        tx.execute("DELETE FROM device_code WHERE principal_id=?", (principal_id,))

    def end_lapsed(self, tx: Tx) -> None:
        """Forget old codes, inside a write; a program may ask once more after the end, to learn of it."""
        tx.execute("DELETE FROM device_code WHERE expires<=?", (self._clock() - LIFETIME,))

    def _user_code(self) -> str:
        letters: list[str] = []
        while len(letters) < _LETTERS:
            # of 256 values, the last 16 would make some letters more likely than others
            letters += [ALPHABET[byte % len(ALPHABET)] for byte in self._random(_LETTERS) if byte < 240]
        return as_shown("".join(letters[:_LETTERS]))

    def _kept(self, code: str) -> bytes:
        return self._digests.of("device code", code)

    def _kept_user(self, user_code: str) -> bytes:
        return self._digests.of("user code", as_shown(user_code))


def as_shown(user_code: str) -> str:
    """A user code as programs show it, whatever a person typed for case, spaces and dashes."""
    letters = "".join(letter for letter in user_code[:64].upper() if letter in ALPHABET)
    return f"{letters[:4]}-{letters[4:]}"


def _unknown() -> KeylessError:
    return refuse_grant("This device code is unknown, or another client's: begin again.")
