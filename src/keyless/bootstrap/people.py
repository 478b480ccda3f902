"""Builds what people sign in with, from its parts: grants, sessions and pages.

Owns which part is handed to which. Nothing here does any work of its own.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from keyless.authority.clients.clients import Clients
from keyless.authority.device_authorization import DeviceAuthorization
from keyless.authority.failures import Failures
from keyless.authority.grants import device_code, on_behalf_of
from keyless.authority.grants.authorization import PersonGrant
from keyless.authority.grants.authorization_code import AuthorizationCodes
from keyless.authority.grants.device_code import DeviceCodes
from keyless.authority.grants.grant import Grant
from keyless.authority.grants.on_behalf_of import OnBehalfOf
from keyless.authority.grants.refresh_token import RefreshTokenGrant, RefreshTokens
from keyless.authority.passwords import Passwords
from keyless.authority.people.browser_sessions import BrowserSessions
from keyless.authority.people.digests import Digests
from keyless.authority.people.people import People
from keyless.authority.people.sign_in_links import SignInLinks
from keyless.authority.people.sign_ins import SignIns
from keyless.authority.people.state import SignedInState
from keyless.authority.tokens import TokenAuthority
from keyless.authority.user_tokens import UserTokens
from keyless.config import Config
from keyless.directory.applications import Applications
from keyless.directory.principals import Directory
from keyless.directory.users import Users
from keyless.model.audit import Audit
from keyless.model.clock import Clock
from keyless.model.secretstr import SecretStr
from keyless.portal.accounts import PATH as SIGN_IN_PATH
from keyless.portal.accounts import AccountPages
from keyless.portal.authorize import Authorize
from keyless.portal.device import PATH as DEVICE_PATH
from keyless.portal.device import DevicePage
from keyless.portal.pages import Pages
from keyless.portal.router import Portal
from keyless.portal.visitors import Visitors
from keyless.providers.sign_in.router import SignInRouter
from keyless.store.engine import Store
from keyless.store.folder import Instance
from keyless.store.sealing import MasterKey

_DIGEST_SECRET = b"keyless digests of codes"
_REFRESH_SECRET = b"keyless refresh tokens"
#: Wrong passwords in a quarter of an hour: for one name, and from one address, where many people may sit.
_WINDOW, _PER_NAME, _PER_ADDRESS = 900.0, 10, 50
#: Wrong user codes: of 20^8 there are at most 1000 that wait.
_WRONG_CODES = 20


@dataclass(frozen=True)
class PeopleParts:
    """What there is of people before the token authority: it asks whether a sign-in counts."""

    state: SignedInState
    people: People


async def load_people(
    config: Config,
    instance: Instance,
    master: MasterKey,
    store: Store,
    clock: Clock,
    directory: Directory,
    users: Users,
    applications: Applications,
) -> PeopleParts:
    """Read who is signed in."""
    digests = Digests(master.derive(_DIGEST_SECRET))
    sign_ins = SignIns(
        store, clock, os.urandom, lifetime=config.refresh_lifetime, token_lifetime=config.user_token_lifetime
    )
    await sign_ins.load()
    state = SignedInState(
        store,
        sign_ins,
        BrowserSessions(store, digests, clock, os.urandom, lifetime=config.session_lifetime),
        SignInLinks(store, digests, clock, os.urandom),
        AuthorizationCodes(store, digests, clock, os.urandom, sign_ins),
        DeviceCodes(store, digests, clock, os.urandom, sign_ins),
        clock,
    )
    people = People(directory, users, applications, sign_ins, instance.owner.principal_id, instance.domain)
    return PeopleParts(state, people)


def people_grants(
    config: Config,
    instance: Instance,
    master: MasterKey,
    store: Store,
    clock: Clock,
    parts: PeopleParts,
    clients: Clients,
    authority: TokenAuthority,
) -> Mapping[str, Grant]:
    """The grants whose tokens are people's, by grant type."""
    state, people = parts.state, parts.people
    refresh_tokens = RefreshTokens(master.derive(_REFRESH_SECRET))
    tokens = UserTokens(
        authority, people, refresh_tokens, clock, os.urandom, instance.tenant, config.user_token_lifetime
    )
    refresh = RefreshTokenGrant(store, clock, state.sign_ins, refresh_tokens, config.refresh_leeway)
    redeem = {
        "authorization_code": state.codes.redeem,
        "refresh_token": refresh.redeem,
        device_code.GRANT_TYPE: state.devices.redeem,
        device_code.SHORT_GRANT_TYPE: state.devices.redeem,
        on_behalf_of.GRANT_TYPE: OnBehalfOf(authority, clients.applications, people).redeem,
    }
    return {name: PersonGrant(clients, one, tokens) for name, one in redeem.items()}


def device_authorization(base: str, parts: PeopleParts, clients: Clients) -> DeviceAuthorization:
    """`base` is the token authority's own address: people's browsers reach no other."""
    return DeviceAuthorization(clients, parts.state.devices, f"{base}{DEVICE_PATH}")


def portal(
    config: Config,
    instance: Instance,
    store: Store,
    clock: Clock,
    parts: PeopleParts,
    applications: Applications,
    passwords: Passwords,
    audit: Audit,
) -> Portal:
    """The pages."""
    state, people = parts.state, parts.people
    pages = Pages(instance.domain)
    visitors = Visitors(
        store,
        state.sessions,
        people,
        passwords,
        Failures(clock, _PER_NAME, _WINDOW),
        Failures(clock, _PER_ADDRESS, _WINDOW),
        audit,
        config.session_lifetime,
    )
    return Portal(
        Authorize(applications, state.codes, visitors, pages, clock),
        DevicePage(state.devices, applications, visitors, pages, Failures(clock, _WRONG_CODES, _WINDOW)),
        AccountPages(state.links, people, state.sign_ins, applications, visitors, pages),
        pages,
        instance.tenant,
    )


def sign_in_router(base: str, parts: PeopleParts) -> SignInRouter:
    """The operations behind `keyless login`; `base` as above."""

    def link_url(secret: SecretStr) -> str:
        return f"{base}{SIGN_IN_PATH}?{urlencode({'link': secret.reveal()})}"

    return SignInRouter(parts.people, parts.state.links, link_url, parts.state.sign_out)
