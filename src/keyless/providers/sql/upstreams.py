"""The upstream of a SQL server that is a relay: where it is, and how its certificate is checked.

Owns these properties of the resource. Logins at the upstream are `upstream_logins.py`. Must not connect.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

from keyless.management.arm import object_of, text_of
from keyless.management.resource_type import Draft
from keyless.model.errors import conflict, invalid
from keyless.model.resource import Resource

PROPERTY = "upstream"
DEFAULT_PORT = 1433
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|[0-9a-fA-F:]{2,45}")
_MANDATORY, _STRICT = "mandatory", "strict"
_MAX_AUTHORITY = 64 * 1024


@dataclass(frozen=True)
class Upstream:
    """Where it is. `strict` is TLS before everything (TDS 8.0); `authority` is PEM, the system's roots if empty."""

    host: str
    port: int
    strict: bool
    authority: str

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def upstream_of(server: Resource) -> Upstream | None:
    """The upstream of a relay; None for a server with databases of its own."""
    held = object_of(server.properties, PROPERTY)
    return _read(held) if held else None


def parse_upstream(draft: Draft) -> Mapping[str, object]:
    """The property as it is stored, {} where there is none. Raises INVALID.

    A request that leaves it out changes nothing of it. A server is a relay from its beginning or never, because its
    databases are either here or there.
    """
    given = object_of(draft.properties, PROPERTY)
    before = object_of(draft.old.properties, PROPERTY) if draft.old else {}
    if not given:
        return {PROPERTY: before} if before else {}
    if draft.old and not before:
        raise conflict(
            "The server has databases of its own: make another one with the upstream.", "UpstreamCannotBeAdded"
        )
    stored = {
        "host": text_of(given, "host"),
        "port": given.get("port", DEFAULT_PORT),
        "encrypt": text_of(given, "encrypt", _MANDATORY),
        "certificateAuthority": text_of(given, "certificateAuthority", ""),
    }
    _check(stored)
    return {PROPERTY: stored}


def _check(stored: Mapping[str, object]) -> None:
    port, authority = stored["port"], str(stored["certificateAuthority"])
    if not _HOST.fullmatch(str(stored["host"])):
        raise _wrong("its 'host' is a host name or an address")
    if not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 65536:
        raise _wrong("its 'port' is a number from 1 to 65535")
    if stored["encrypt"] not in (_MANDATORY, _STRICT):
        raise _wrong(f"its 'encrypt' is '{_MANDATORY}' or '{_STRICT}'")
    if authority and (len(authority) > _MAX_AUTHORITY or not _is_pem(authority)):
        raise _wrong("its 'certificateAuthority' is a certificate in PEM")


def _is_pem(text: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError):
        return False
    return True


def _read(held: Mapping[str, object]) -> Upstream:
    port = held["port"]
    assert isinstance(port, int)
    return Upstream(str(held["host"]), port, held["encrypt"] == _STRICT, str(held["certificateAuthority"]))


def _wrong(what: str) -> Exception:
    return invalid(f"An upstream is a SQL Server: {what}.", "InvalidUpstream")
