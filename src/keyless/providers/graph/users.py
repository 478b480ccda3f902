"""`/users` and `/me`: people.

Owns their operations, and what a password has to be.

Source: Microsoft Graph v1.0, "user resource type" and its methods; NIST SP 800-63B, section 5.1.1.2 (passwords).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from keyless.authority.passwords import Passwords
from keyless.directory.principals import Directory
from keyless.directory.users import User, Users
from keyless.http.message import Response
from keyless.http.surface import Call, Operation
from keyless.management.arm import flag_of, object_of, text_of
from keyless.model.clock import Clock
from keyless.model.errors import invalid, not_found
from keyless.model.secretstr import SecretStr
from keyless.providers.graph.bodies import display_name, must_be, read_body
from keyless.providers.graph.memberships import Memberships
from keyless.providers.graph.odata import collection, entity, json_response, moment
from keyless.providers.graph.rights import changes, need, reads
from keyless.providers.graph.surface import find, unknown
from keyless.store.engine import Store, Tx

KIND = "users"
MIN_PASSWORD, MAX_PASSWORD = 8, 256
_END_SESSIONS = f"{KIND}/invalidateAllRefreshTokens"
_PROPERTIES = ("displayName", "userPrincipalName", "accountEnabled", "passwordProfile", "mailNickname")


@dataclass(frozen=True)
class UsersApi:
    """See `surface.Collection`."""

    store: Store
    directory: Directory
    users: Users
    passwords: Passwords
    memberships: Memberships
    clock: Clock

    def route(self, method: str, key: str, rest: tuple[str, ...]) -> Operation:
        routes = {
            ("GET", ""): lambda: reads(KIND, self._list),
            ("POST", ""): lambda: changes(f"{KIND}/create", self._create),
            ("GET", "{id}"): lambda: reads(KIND, self._on(key, self._get)),
            ("PATCH", "{id}"): lambda: changes(f"{KIND}/basic/update", self._on(key, self._update)),
            ("DELETE", "{id}"): lambda: changes(f"{KIND}/delete", self._on(key, self._delete)),
            ("POST", "{id}/revokesigninsessions"): lambda: changes(_END_SESSIONS, self._on(key, self._end_sessions)),
            ("GET", "{id}/memberof"): lambda: reads(KIND, self._member_of(key, whole=False)),
            ("GET", "{id}/transitivememberof"): lambda: reads(KIND, self._member_of(key, whole=True)),
        }
        return find(KIND, method, key, rest, routes)

    def _on(
        self, key: str, handle: Callable[[Call, User], Awaitable[Response]]
    ) -> Callable[[Call], Awaitable[Response]]:
        async def found(call: Call) -> Response:
            return await handle(call, self._existing(key))

        return found

    def _existing(self, key: str) -> User:
        found = self.users.by_id(key) or self.users.by_upn(key)
        if found is None:
            raise not_found(f"There is no user {key!r}.")
        return found

    def _member_of(self, key: str, *, whole: bool) -> Callable[[Call], Awaitable[Response]]:
        async def handle(call: Call) -> Response:
            return await self.memberships.of(self._existing(key).principal_id, whole=whole)(call)

        return handle

    async def _list(self, call: Call) -> Response:
        return collection(call.request, map(self.view, self.users.all()))

    async def _get(self, call: Call, one: User) -> Response:
        return entity(call.request, self.view(one))

    async def _create(self, call: Call) -> Response:
        body = await read_body(call.request, _PROPERTIES)
        name, upn = display_name(body), text_of(body, "userPrincipalName")
        enabled = flag_of(body, "accountEnabled", True)
        password = _password(body)
        password_hash = await self.passwords.hash(password) if password else ""

        def work(tx: Tx) -> User:
            made = self.users.create(tx, upn, name, password_hash, self.clock())
            if not enabled:
                self.directory.update(tx, made.principal_id, enabled=False)
            return made

        return entity(call.request, self.view(await self.store.write(work)), 201)

    async def _update(self, call: Call, one: User) -> Response:
        body = await read_body(call.request, _PROPERTIES)
        name = display_name(body) if "displayName" in body else None
        upn = text_of(body, "userPrincipalName") if "userPrincipalName" in body else None
        enabled = flag_of(body, "accountEnabled", True) if "accountEnabled" in body else None
        password = _password(body)
        if password is not None:
            await call.require(need(f"{KIND}/password/update"))
        password_hash = await self.passwords.hash(password) if password else None
        # who knew the old password, or was signed in before the account was closed, is signed out
        ended = self.clock() if password or enabled is False else None

        def work(tx: Tx) -> None:
            Users.change(tx, one.principal_id, upn=upn, password_hash=password_hash, sessions_valid_from=ended)
            self.directory.update(tx, one.principal_id, display_name=name, enabled=enabled)

        await self.store.write(work)
        return Response(204)

    async def _delete(self, _call: Call, one: User) -> Response:
        await self.store.write(lambda tx: self.directory.delete(tx, one.principal_id))
        return Response(204)

    async def _end_sessions(self, _call: Call, one: User) -> Response:
        now = self.clock()
        await self.store.write(lambda tx: Users.change(tx, one.principal_id, sessions_valid_from=now))
        return json_response(200, {"value": True})

    def view(self, one: User) -> dict[str, object]:
        """As an answer shows it."""
        principal = self.directory.by_id(one.principal_id)
        name, enabled = (principal.display_name, principal.enabled) if principal else ("", False)
        return {
            "id": one.principal_id,
            "displayName": name,
            "userPrincipalName": one.upn,
            "mailNickname": one.upn.partition("@")[0],
            "mail": None,
            "givenName": None,
            "surname": None,
            "userType": "Member",
            "accountEnabled": enabled,
            "createdDateTime": moment(one.created),
            "signInSessionsValidFromDateTime": moment(one.sessions_valid_from),
        }


@dataclass(frozen=True)
class MeApi:
    """`/me`, which anybody may ask who signed in."""

    users: UsersApi

    def route(self, method: str, key: str, rest: tuple[str, ...]) -> Operation:
        """See `surface.Collection`."""
        if method != "GET" or key or rest:
            raise unknown(method, "me", (key, *rest) if key else rest)
        return Operation("microsoft.directory/users/standard/read", self._get, self_service=True)

    async def _get(self, call: Call) -> Response:
        found = self.users.users.by_id(call.caller.principal_id)
        if found is None:
            raise invalid("/me is for people who signed in; this token is an application's.")
        return entity(call.request, self.users.view(found))


def _password(body: Mapping[str, object]) -> SecretStr | None:
    profile = object_of(body, "passwordProfile")
    must_be(profile, "forceChangePasswordNextSignIn", False)
    must_be(profile, "forceChangePasswordNextSignInWithMfa", False)
    if profile.get("password") is None:
        return None
    text = text_of(profile, "password")
    if not MIN_PASSWORD <= len(text) <= MAX_PASSWORD or not text.isprintable():
        raise invalid(f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} printable characters.")
    return SecretStr(text)
