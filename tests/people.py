"""People, applications and browsers for the tests of signing in, on a platform in the test's own process.

Owns making users and registrations in the directory, and a browser that is a cookie jar: it reads forms out of pages
and sends them as a browser would. Real browsers are `tests/clients/browser/`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from html import unescape
from typing import Any, TypeVar
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit
from uuid import uuid4

import httpx

from keyless.authority.passwords import Passwords
from keyless.directory.applications import AZURE_CLI, Application, Applications
from keyless.directory.principals import Directory
from keyless.directory.users import User, Users
from keyless.model.secretstr import SecretStr
from keyless.store.engine import Tx
from tests.harness import VAULT
from tests.inprocess import PORT, Platform, PlatformOwner, _Transport

T = TypeVar("T")
BASE = f"https://login.keyless.localhost:{PORT}"
CLI = AZURE_CLI.client_id
LOOPBACK = "http://localhost:54321"
COOKIE = "__Host-keyless"
PASSWORD = "correct horse battery staple"
VERIFIER = "v" * 64
TOKEN = "/common/oauth2/v2.0/token"
SCOPE = f"{VAULT}/.default openid profile offline_access"


def challenge_of(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


@dataclass
class Page:
    """What a browser got."""

    response: httpx.Response

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def text(self) -> str:
        """The page as a person reads it."""
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", self.response.text)).split())

    @property
    def csrf(self) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.response.text)
        assert found, self.text
        return found[1]

    @property
    def accounts(self) -> list[str]:
        """The object IDs of the accounts that can be chosen."""
        return re.findall(r'name="account" value="([^"]+)"', self.response.text)

    @property
    def location(self) -> str:
        return str(self.response.headers.get("location", ""))

    @property
    def answer(self) -> dict[str, str]:
        """The parameters that go to the client, in whichever mode."""
        if self.location:
            parts = urlsplit(self.location)
            return dict(parse_qsl(parts.fragment or parts.query, keep_blank_values=True))
        fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', self.response.text)
        return {name: unescape(value) for name, value in fields}


@dataclass
class Browser:
    """A browser with a cookie jar of its own; follows no redirect by itself."""

    platform: Platform
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx.Client(transport=_Transport(self.platform), base_url=BASE, timeout=30)

    @property
    def cookie(self) -> str:
        return str(self.http.cookies.get(COOKIE, ""))

    def get(self, url: str, **headers: str) -> Page:
        return Page(self.http.get(url, headers=headers))

    def post(self, url: str, form: dict[str, str], **headers: str) -> Page:
        return Page(self.http.post(url, data=form, headers={"Sec-Fetch-Site": "same-origin", **headers}))

    def submit(self, url: str, **fields: str) -> Page:
        """Open a page and send its form back with these fields."""
        return self.post(url, {"csrf": self.get(url).csrf, **fields})

    def follow_link(self, link: str) -> Page:
        parts = urlsplit(link)
        return self.submit(f"{parts.path}?{parts.query}")

    def sign_in(self, upn: str, password: str = PASSWORD) -> Page:
        return self.submit("/signin", username=upn, password=password)


@dataclass
class World:
    """A platform with what tests of people need."""

    platform: Platform
    owner: PlatformOwner

    def write(self, work: Callable[[Tx], T]) -> T:
        return self.platform.run(self.platform.built.store.write(work))

    @property
    def directory(self) -> Directory:
        return Directory(self.platform.built.store, lambda: str(uuid4()))

    @property
    def users(self) -> Users:
        return Users(self.platform.built.store, self.directory)

    @property
    def applications(self) -> Applications:
        return Applications(self.platform.built.store, self.directory, lambda: str(uuid4()))

    def hash_of(self, password: str) -> str:
        return self.platform.run(Passwords(self.platform.built.hashers, bytes).hash(SecretStr(password)))

    def user(self, password: str = PASSWORD, name: str = "") -> User:
        """A new user; with an empty password, one who has none."""
        upn = f"{name or 'user'}-{uuid4().hex[:8]}@example.org"
        hashed = self.hash_of(password) if password else ""
        return self.write(lambda tx: self.users.create(tx, upn, upn.partition("@")[0], hashed, self.platform.clock()))

    def application(self, **given: Any) -> Application:
        """A new registration with a service principal."""

        def work(tx: Tx) -> Application:
            made = self.applications.create(tx, f"app {uuid4().hex[:8]}", self.platform.clock())
            self.applications.create_service_principal(tx, made.client_id)
            return self.applications.change(tx, made.object_id, lambda one: replace(one, **given))

        return self.write(work)

    def browser(self) -> Browser:
        return Browser(self.platform)

    def link(self, upn: str = "") -> str:
        """A one-time link, as `keyless login` makes it."""
        path = f"{self.owner.subscription}/providers/Keyless.SignIn/links"
        return str(self.owner.arm("POST", path, {"userPrincipalName": upn} if upn else {})["url"])

    def revoke(self, upn: str = "") -> None:
        path = f"{self.owner.subscription}/providers/Keyless.SignIn/revoke"
        self.owner.arm("POST", path, {"userPrincipalName": upn} if upn else {})

    def signed_in(self, user: User) -> Browser:
        browser = self.browser()
        assert browser.sign_in(user.upn).status == 303
        return browser

    def code(self, browser: Browser, user: User, **changed: str | None) -> str:
        """An authorization code for somebody who is signed in in that browser."""
        page = browser.submit(authorize(**changed), account=user.principal_id)
        assert "code" in page.answer, page.text
        return page.answer["code"]

    def token(self, **form: str | None) -> httpx.Response:
        """A request to the token endpoint, of the well-known public client."""
        given = {"client_id": CLI, **form}
        return self.owner.send("POST", "login", TOKEN, data={k: v for k, v in given.items() if v is not None})

    def redeem(self, given: str, **changed: str | None) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "code": given,
            "redirect_uri": LOOPBACK,
            "code_verifier": VERIFIER,
            "scope": SCOPE,
        }
        return self.token(**(form | changed))

    def refresh(self, token: str, **changed: str | None) -> httpx.Response:
        return self.token(**({"grant_type": "refresh_token", "refresh_token": token, "scope": SCOPE} | changed))

    def tokens(self, user: User, **changed: str | None) -> dict[str, Any]:
        """A user's tokens, by the authorization code grant."""
        answer = self.redeem(self.code(self.signed_in(user), user, **changed))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def status_at_vault(self, vault: str, token: str) -> int:
        """What reading the vault's secrets comes to with a token."""
        return self.owner.send("GET", f"{vault}.vault", "/secrets?api-version=7.4", token).status_code


def authorize(path: str = "/common/oauth2/v2.0/authorize", /, **changed: str | None) -> str:
    """The URL of an authorize request; None leaves a parameter out."""
    query: dict[str, str | None] = {
        "client_id": CLI,
        "response_type": "code",
        "redirect_uri": LOOPBACK,
        "scope": SCOPE,
        "state": "the state",
        "nonce": "the nonce",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
        "prompt": "select_account",
    }
    query |= changed
    return f"{path}?{urlencode({k: v for k, v in query.items() if v is not None})}"


def query_of(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query)
