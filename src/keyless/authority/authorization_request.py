"""The authorize endpoint's request, and where and how it is answered.

Owns reading the request in two steps: first where the answer may go, because an error is sent there only if that is
registered, then the rest; and writing the answer's parameters. Pure.

Source: RFC 6749, sections 4.1.1 and 4.1.2; RFC 7636, section 4.3; OpenID Connect Core 1.0, section 3.1.2; OAuth 2.0
Multiple Response Type Encoding Practices and Form Post Response Mode.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from keyless.authority.grants import pkce
from keyless.authority.redirects import is_registered
from keyless.authority.scopes import Scope, parse_scope
from keyless.directory.applications import Application, Applications
from keyless.model.errors import invalid

MAX_TEXT = 2048
QUERY, FRAGMENT, FORM_POST = "query", "fragment", "form_post"
_PROMPTS = {"", "none", "login", "select_account", "consent"}


@dataclass(frozen=True)
class Destination:
    """Whom the answer is for and where it goes. `web`: the client is a web application, which has a credential."""

    application: Application
    redirect_uri: str
    web: bool
    mode: str
    state: str

    def with_state(self, answer: Mapping[str, str]) -> dict[str, str]:
        """The parameters of an answer."""
        return {**answer, **({"state": self.state} if self.state else {})}

    def location(self, answer: Mapping[str, str]) -> str:
        """The URL that takes an answer to the client, in the modes `query` and `fragment`."""
        text = urlencode(self.with_state(answer))
        if self.mode == FRAGMENT:
            return f"{self.redirect_uri}#{text}"
        return f"{self.redirect_uri}{'&' if '?' in self.redirect_uri else '?'}{text}"


@dataclass(frozen=True)
class AuthorizationRequest:
    """What the client asks for. `prompt` is one of none, login, select_account, consent, or empty."""

    destination: Destination
    scope: Scope
    challenge: str
    nonce: str
    prompt: str
    login_hint: str


def read_destination(query: Mapping[str, str], applications: Applications) -> Destination:
    """Where the answer goes; INVALID if that is not registered, so that nothing must be sent there."""
    application = applications.by_client_id(query.get("client_id", ""))
    if application is None:
        raise invalid("No application of that client_id is registered here.", "unauthorized_client")
    uri, state, mode = query.get("redirect_uri", ""), query.get("state", ""), query.get("response_mode") or QUERY
    public = is_registered(uri, application.public_redirects, any_port=True)
    web = not public and is_registered(uri, application.web_redirects, any_port=False)
    if not public and not web:
        raise invalid("This redirect_uri is not registered for the application.", "invalid_request")
    # an unknown mode is an error of the request, and that is sent in the mode of every client
    known = mode if mode in {QUERY, FRAGMENT, FORM_POST} else QUERY
    return Destination(application, uri, web, known, state)


def read_request(query: Mapping[str, str], destination: Destination) -> AuthorizationRequest:
    """The rest; INVALID with OAuth's code if it makes no sense."""
    if query.get("response_type") != "code":
        raise invalid("Only response_type=code is there.", "unsupported_response_type")
    if (query.get("response_mode") or QUERY) != destination.mode:
        raise invalid("response_mode is query, fragment or form_post.", "invalid_request")
    prompt = query.get("prompt", "")
    if prompt not in _PROMPTS:
        raise invalid("prompt is none, login, select_account or consent.", "invalid_request")
    challenge = query.get("code_challenge", "")
    if challenge and query.get("code_challenge_method") != pkce.METHOD:
        raise invalid("code_challenge_method has to be S256.", "invalid_request")
    if challenge and not pkce.is_challenge(challenge):
        raise invalid("code_challenge is not the base64url text of a SHA-256 digest.", "invalid_request")
    if not challenge and not destination.web:
        raise invalid("A public client has to send a code_challenge (PKCE).", "invalid_request")
    nonce, hint = query.get("nonce", ""), query.get("login_hint", "")
    if len(nonce) > MAX_TEXT or len(hint) > MAX_TEXT:
        raise invalid(f"nonce and login_hint have at most {MAX_TEXT} characters.", "invalid_request")
    return AuthorizationRequest(destination, parse_scope(query.get("scope", "")), challenge, nonce, prompt, hint)
