"""The settings of a server: one frozen value, read once.

Owns their names, defaults and checks. Every problem is reported at once. Settings come from the environment
(`KEYLESS_…`); `keyless up` has options for the ones that are changed most.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from pathlib import Path

from keyless.model.errors import KeylessError, invalid
from keyless.model.paths import config_folder, data_folder

_DOMAIN = re.compile(r"(?=.{1,200}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+")


@dataclass(frozen=True)
class Config:
    """The settings. Times in seconds."""

    data: Path
    config: Path
    address: str = "127.0.0.1"
    port: int = 8443
    sql_port: int = 14_330
    sql_postgres: str | None = None
    sql_sessions: int = 200
    domain: str = "keyless.localhost"
    listen: tuple[str, ...] = ()
    workload_socket: Path | None = None
    master_key: Path | None = None
    token_lifetime: int = 86_400
    token_rate: int = 20
    user_token_lifetime: int = 3600
    refresh_lifetime: int = 90 * 86_400
    refresh_leeway: int = 10
    session_lifetime: int = 7 * 86_400
    key_rotation: int = 30 * 86_400
    audit_bytes: int = 64 * 1024 * 1024


@dataclass(frozen=True)
class Setting:
    """One setting: its variable, what it is, and how its text becomes a value."""

    variable: str
    field: str
    meaning: str
    read: Callable[[str], object]


def _number(least: int, most: int) -> Callable[[str], object]:
    def read(text: str) -> object:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise ValueError(f"a number from {least} to {most}")
        return int(text)

    return read


def _domain(text: str) -> object:
    if not _DOMAIN.fullmatch(text.lower()):
        raise ValueError("a domain name with a dot in it, such as keyless.localhost")
    return text.lower()


def _address(text: str) -> object:
    if text not in {"127.0.0.1", "::1"}:
        raise ValueError("a loopback address, 127.0.0.1 or ::1")
    return text


def _addresses(text: str) -> object:
    addresses = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            address = ip_address(part)
        except ValueError:
            address = IPv4Address(0)
        if address.is_unspecified or address.is_multicast or address == _BROADCAST:
            raise ValueError("addresses of this machine by commas, such as 172.17.0.1; never 0.0.0.0 or ::")
        addresses.append(str(address))
    return tuple(dict.fromkeys(addresses))


def _absolute(text: str) -> object:
    if not text.startswith("/"):
        raise ValueError("an absolute path, such as /run/keyless/workload.sock")
    return Path(text)


_BROADCAST = IPv4Address("255.255.255.255")
_RATE = _number(1, 100_000)
_LIFETIME = _number(60, 7 * 86_400)
_REFRESH = _number(60, 3650 * 86_400)
_SESSION = _number(60, 365 * 86_400)
_ROTATION = _number(60, 3650 * 86_400)

SETTINGS: tuple[Setting, ...] = (
    Setting("KEYLESS_ADDRESS", "address", "the loopback address to listen at", _address),
    Setting("KEYLESS_LISTEN", "listen", "further addresses to listen at, by commas", _addresses),
    Setting("KEYLESS_PORT", "port", "the HTTPS port; 0 takes a free one", _number(0, 65535)),
    Setting("KEYLESS_SQL_PORT", "sql_port", "the port for SQL drivers; 0 for none", _number(0, 65535)),
    Setting("KEYLESS_SQL_POSTGRES", "sql_postgres", "a PostgreSQL of your own for databases", str),
    Setting("KEYLESS_SQL_SESSIONS", "sql_sessions", "how many sessions SQL drivers may have at once", _number(1, 1000)),
    Setting("KEYLESS_DOMAIN", "domain", "keyless's own domain; fixed at the first start", _domain),
    Setting("KEYLESS_WORKLOAD_SOCKET", "workload_socket", "a socket for workloads of any user", _absolute),
    Setting("KEYLESS_MASTER_KEY", "master_key", "the master key's file", Path),
    Setting("KEYLESS_TOKEN_LIFETIME", "token_lifetime", "how long a token lives, in seconds", _LIFETIME),
    Setting("KEYLESS_TOKEN_RATE", "token_rate", "token requests a second, per instance and identity", _RATE),
    Setting(
        "KEYLESS_USER_TOKEN_LIFETIME", "user_token_lifetime", "how long a person's token lives, in seconds", _LIFETIME
    ),
    Setting("KEYLESS_REFRESH_LIFETIME", "refresh_lifetime", "how long a refresh token lives, in seconds", _REFRESH),
    Setting(
        "KEYLESS_REFRESH_LEEWAY", "refresh_leeway", "how long a refresh token works twice, in seconds", _number(0, 60)
    ),
    Setting("KEYLESS_SESSION_LIFETIME", "session_lifetime", "how long a browser stays signed in, in seconds", _SESSION),
    Setting("KEYLESS_KEY_ROTATION", "key_rotation", "how long a signing key signs, in seconds", _ROTATION),
    Setting("KEYLESS_AUDIT_BYTES", "audit_bytes", "the size at which the audit log is rotated", _number(4096, 1 << 40)),
)


def read_config(environ: Mapping[str, str], **given: object) -> Config:
    """The settings from the environment, overruled by those `given`; raises INVALID with every problem at once."""
    values: dict[str, object] = {}
    problems: list[str] = []
    for setting in SETTINGS:
        text = environ.get(setting.variable)
        if text is None:
            continue
        try:
            values[setting.field] = setting.read(text)
        except ValueError as error:
            problems.append(f"{setting.variable} has to be {error}, not {text!r}")
    known = {setting.variable for setting in SETTINGS} | {"KEYLESS_DATA", "KEYLESS_CONFIG"}
    unknown = sorted(name for name in environ if name.startswith("KEYLESS_") and name not in known)
    problems += [f"{name} is not a setting" for name in unknown]
    if problems:
        raise _wrong(problems)
    folders = {"data": data_folder(environ), "config": config_folder(environ)}
    return Config(**(folders | values | {name: value for name, value in given.items() if value is not None}))  # type: ignore[arg-type]


def _wrong(problems: list[str]) -> KeylessError:
    return invalid("; ".join(problems) + ".", "InvalidSettings")
