"""Where an answer of the authorize endpoint may go.

Owns the comparison of redirect URIs with those that are registered: exactly, but for the port of a loopback address,
which a program on a person's machine cannot know beforehand. Pure.

Source: RFC 6749, section 3.1.2; RFC 8252, sections 7.3 and 8.3; RFC 9700, section 2.1.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

MAX_URI = 2048
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def is_registered(uri: str, registered: Iterable[str], *, any_port: bool) -> bool:
    """Whether `uri` is one of `registered`; with `any_port`, loopback addresses are compared without their port."""
    if not 0 < len(uri) <= MAX_URI or not uri.isascii() or not uri.isprintable() or " " in uri:
        return False
    asked = _split(uri)
    if asked is None:
        return False
    return any(uri == known or (any_port and _same_but_port(asked, known)) for known in registered)


def origin(uri: str) -> str:
    """Scheme, host and port of a URI, for people and for a page's policy."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"


def is_loopback(uri: str) -> bool:
    """Whether a URI leads to a program on the person's own machine."""
    return urlsplit(uri).hostname in LOOPBACK


def _same_but_port(asked: SplitResult, known: str) -> bool:
    other = _split(known)
    return (
        other is not None
        and asked.scheme == other.scheme == "http"
        and asked.hostname == other.hostname
        and asked.hostname in LOOPBACK
        and (asked.path or "/") == (other.path or "/")
        and asked.query == other.query
    )


def _split(uri: str) -> SplitResult | None:
    """None for what no answer is sent to, whoever registered it.

    That is a URI without a host, with a user name, a fragment, a backslash or a port that is none, one in the clear to
    another machine, and a scheme that is not a program's own (RFC 8252, 7.1: those have a dot; MSAL's begin with msal).
    """
    try:
        parts = urlsplit(uri)
        has_port = parts.port is None or 0 < parts.port < 65536
    except ValueError:
        return None
    if not parts.scheme or not parts.hostname or "@" in parts.netloc or "#" in uri or "\\" in uri or not has_port:
        return None
    scheme = parts.scheme
    if scheme == "https" or "." in scheme or scheme.startswith("msal"):
        return parts
    return parts if scheme == "http" and parts.hostname in LOOPBACK else None
