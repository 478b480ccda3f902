"""The scope of a token request, taken apart.

Owns which resource is asked for, which of its scopes, and what OpenID Connect adds. Pure.

Source: Microsoft identity platform, "Scopes and permissions": one resource a request; a scope is the resource's URI, a
slash and a name; `.default` stands for all that it has; a name alone is Microsoft Graph's. OpenID Connect Core 1.0,
sections 3.1.2.1 and 11.
"""

from __future__ import annotations

from dataclasses import dataclass

from keyless.model.errors import invalid

GRAPH = "https://graph.microsoft.com"
MAX_SCOPE = 4096
_OPENID = {"openid", "profile", "email", "offline_access"}
_DEFAULT = ".default"
_IMPERSONATION = "user_impersonation"


@dataclass(frozen=True)
class Scope:
    """`resource` is the audience of the access token; `asked` are the words of the request, each once."""

    resource: str
    names: tuple[str, ...]
    asked: tuple[str, ...]

    @property
    def openid(self) -> bool:
        """Whether an ID token is wanted."""
        return "openid" in self.asked

    @property
    def offline(self) -> bool:
        """Whether a refresh token is wanted."""
        return "offline_access" in self.asked

    @property
    def granted(self) -> str:
        """The `scope` of the answer: all that was asked for, because clients look each one up, and what it means."""
        meant = (f"{self.resource.rstrip('/')}/{name}" for name in self.names)
        return " ".join(dict.fromkeys([*self.asked, *meant]))

    def __str__(self) -> str:
        return " ".join(self.asked)


def parse_scope(text: str) -> Scope:
    """Read a scope; INVALID (`invalid_scope`) if it asks for several resources or for nothing."""
    if not 0 < len(text) <= MAX_SCOPE or not text.isprintable():
        raise _wrong("scope has to be one resource followed by '/.default'")
    asked = tuple(dict.fromkeys(text.split()))
    wanted = [_split(word) for word in asked if word not in _OPENID]
    resources = {resource.rstrip("/").lower() for resource, _ in wanted}
    if not asked or len(resources) > 1:
        raise _wrong("scope names one resource at a time")
    resource = wanted[0][0] if wanted else GRAPH
    names = dict.fromkeys(_IMPERSONATION if name == _DEFAULT else name for _, name in wanted)
    return Scope(resource, tuple(names) or (_IMPERSONATION,), asked)


def _split(word: str) -> tuple[str, str]:
    resource, slash, name = word.rpartition("/")
    if not slash:
        return GRAPH, word
    if not name or not resource.strip("/"):
        raise _wrong(f"{word[:100]!r} is not a scope: it has to be a resource, a slash and a name")
    return resource, name


def _wrong(why: str) -> Exception:
    return invalid(f"{why}.", "invalid_scope")
