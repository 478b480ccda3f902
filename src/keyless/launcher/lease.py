"""The lease protocol's messages, as bytes and back. Owns their form and limits; does no I/O.

A connection to the server's Unix socket begins with one line of JSON that says what it is: a new lease, a lease
presented again after the server was away, or an identity request, after which raw HTTP/1.1 follows.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from keyless.model.errors import ErrorKind, KeylessError, invalid
from keyless.model.hosts import HOSTS
from keyless.model.secretstr import SecretStr

#: Bytes of the line that opens a connection, and of the server's answer to it.
MAX_OPENING = 4096
MAX_ANSWER = 1024 * 1024

NAMES = ("clouds", "own")


class Address(NamedTuple):
    """Where the server listens."""

    host: str
    port: int


class Claims(NamedTuple):
    """Names that lead to the server: `domain` and all below it, and `clouds` (`*.` stands for any deeper name)."""

    domain: str
    clouds: tuple[str, ...]


class Wanted(NamedTuple):
    """What is asked of the server: an instance of which app, and what its process is to find; `names` of `NAMES`."""

    app: str
    names: str
    host: str = HOSTS[0]
    faults: tuple[str, ...] = ()


class Lease(NamedTuple):
    """What the server grants to one instance of an app.

    `client_id` is that of its only identity, `default_client_id` that of requests that name none. `material` is what
    the launcher itself needs for the shape `host`: for Service Fabric's a certificate and its key as PEM, for workload
    identity's the first assertion. `sql_port` is where the server takes SQL drivers, 0 for nowhere.
    """

    id: str
    key: SecretStr
    header: SecretStr
    app: str
    host: str
    tenant: str
    client_id: str
    default_client_id: str
    settings: dict[str, SecretStr]
    server: Address
    authority: str
    claims: Claims
    ca: str
    material: SecretStr
    sql_port: int = 0


def lease_opening(wanted: Wanted, identity_port: int) -> bytes:
    """Ask for a new lease."""
    return _line({"open": "lease", **wanted._asdict(), "identity_port": identity_port})


def resume_opening(lease: Lease, identity_port: int) -> bytes:
    """Present the lease again."""
    return _line({"open": "resume", "lease": lease.id, "key": lease.key.reveal(), "identity_port": identity_port})


def identity_opening(lease: Lease) -> bytes:
    """What goes before an identity request."""
    return _line({"open": "identity", "lease": lease.id, "key": lease.key.reveal()})


def read_grant(line: bytes) -> Lease:
    """The answer to `lease_opening`; raises the server's refusal, or INTERNAL for what is not understood."""
    answer = _answer(line)
    try:
        return Lease(
            id=_text(answer["lease"]),
            key=SecretStr(_text(answer["key"])),
            header=SecretStr(_text(answer["header"])),
            app=_text(answer["app"]),
            host=_text(answer["host"]),
            tenant=_text(answer["tenant"]),
            client_id=_text(answer["client_id"]),
            default_client_id=_text(answer["default_client_id"]),
            settings={_text(name): SecretStr(_text(value)) for name, value in answer["settings"].items()},
            server=Address(_text(answer["server"]["host"]), int(answer["server"]["port"])),
            authority=_text(answer["authority"]),
            claims=Claims(_text(answer["domain"]).lower(), tuple(_text(name).lower() for name in answer["clouds"])),
            ca=_text(answer["ca"]),
            material=SecretStr(_text(answer["material"])),
            sql_port=int(answer.get("sql_port", 0)),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _not_understood() from None


def read_resumed(line: bytes) -> None:
    """The answer to `resume_opening`; raises as `read_grant` does."""
    if "lease" not in _answer(line):
        raise _not_understood()


def read_end(line: bytes) -> str:
    """Why the server ends a lease for good; raises INTERNAL for anything but that message."""
    reason = _answer(line).get("end")
    if not isinstance(reason, str):
        raise _not_understood()
    return reason


def _line(message: dict[str, object]) -> bytes:
    line = json.dumps(message).encode() + b"\n"
    if len(line) > MAX_OPENING:
        raise invalid("The name of the app is too long.")
    return line


def _answer(line: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(line)
    except ValueError:
        raise _not_understood() from None
    if not isinstance(answer, dict):
        raise _not_understood()
    error = answer.get("error")
    if isinstance(error, dict):
        raise KeylessError(ErrorKind.FORBIDDEN, str(error.get("message")), code=str(error.get("code")))
    return answer


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a string is needed here")
    return value


def _not_understood() -> KeylessError:
    return KeylessError(
        ErrorKind.INTERNAL,
        "The server's answer is not understood: run `keyless` in the same version as the server.",
    )
