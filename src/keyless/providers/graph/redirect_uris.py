"""Which URIs an application may register: where answers may be sent, and by what it is known as a resource.

Owns these rules. Pure.

Source: RFC 6749, section 3.1.2; RFC 8252, section 7; Microsoft identity platform, "redirect URI restrictions".
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from keyless.model.clouds import canonical_audience
from keyless.model.errors import KeylessError, invalid

MAX_URI = 2048
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*", re.IGNORECASE | re.ASCII)
_DANGEROUS = {"javascript", "data", "file", "vbscript", "blob", "about"}
_RESOURCE_SCHEMES = {"api", "https", "http"}


def check_redirect_uri(uri: str, *, native: bool) -> None:
    """Raise INVALID for a URI that no answer may be sent to; a `native` client may have a scheme of its own."""
    scheme, host = _parts(uri)
    if "*" in uri:
        raise invalid(f"The redirect URI {uri} has a wildcard: write out each one.")
    if scheme == "https" and host:
        return
    if scheme == "http" and host in _LOOPBACK:
        return
    if native and scheme not in {"http", "https", *_DANGEROUS} and _SCHEME.fullmatch(scheme):
        return
    raise invalid(f"The redirect URI {uri} has to begin with https://, or with http://localhost for tests.")


def check_identifier_uri(uri: str, domain: str) -> None:
    """Raise INVALID for a URI by which an application cannot be known: not keyless's own audiences above all."""
    scheme, host = _parts(uri)
    if scheme not in _RESOURCE_SCHEMES or not host:
        raise invalid(f"The identifier URI {uri} has to be like api://my-api or https://api.example.org.")
    if canonical_audience(uri, domain) or canonical_audience(f"https://{host}", domain):
        raise invalid(f"The identifier URI {uri} is that of a service of keyless: choose another.")


def _parts(uri: str) -> tuple[str, str]:
    if not 0 < len(uri) <= MAX_URI or not uri.isascii() or not uri.isprintable() or " " in uri or "\\" in uri:
        raise _bad()
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        raise _bad() from None
    if not parts.scheme or parts.fragment or "#" in uri or "@" in parts.netloc:
        raise _bad()
    return parts.scheme.lower(), host


def _bad() -> KeylessError:
    return invalid(f"A URI is absolute, ASCII, at most {MAX_URI} characters, and has no fragment and no user name.")
