"""User delegation keys: what they are for, their bytes, and the documents in which they are asked for and given.

Owns the derivation: a key follows from its terms and from one secret of the instance, so that none is ever stored
and every replica finds the same. Sans-IO. Must not know whether the principal may have one.

Source: Azure Storage REST API, "Get User Delegation Key".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from keyless.model.errors import invalid
from keyless.providers.storage.xml import DECLARATION
from keyless.providers.storage.xml_tree import read_tree, text_of

MAX_KEY_INFO_BYTES = 8 * 1024
MAX_SECONDS = 7 * 24 * 3600
SERVICE = "b"
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,7})?)?Z)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class KeyTerms:
    """For whom a key is, and for how long; times as they travel. `user_tenant` is that of a user it is bound to."""

    principal_id: str
    tenant: str
    start: str
    expiry: str
    service: str
    version: str
    user_tenant: str = ""


class DelegationKeys:
    """Derives keys from the secret of an instance; shows nothing of it."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def derive(self, account: str, terms: KeyTerms) -> bytes:
        """The 32 bytes of a key; `account` tells an account from all others, later ones of its name included."""
        fields = (account, *(getattr(terms, name) for name in KeyTerms.__slots__))
        # with its length before it, no field can be taken for another's beginning
        message = b"".join(len(data).to_bytes(4, "big") + data for data in (field.encode() for field in fields))
        return hmac.digest(self._secret, b"user delegation key" + message, hashlib.sha256)

    def __repr__(self) -> str:
        return "DelegationKeys(…)"


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What a client asks for; times in Unix seconds, `start` None: from now on."""

    start: int | None
    expiry: int
    user_tenant: str


def parse_key_info(document: bytes) -> KeyInfo:
    """Read a `KeyInfo`; raises INVALID with `InvalidXmlDocument` or `InvalidXmlNodeValue`."""
    tree = read_tree(document, "KeyInfo")
    start = text_of(tree, "Start")
    return KeyInfo(
        read_time(start, "Start") if start else None,
        read_time(text_of(tree, "Expiry"), "Expiry"),
        text_of(tree, "DelegatedUserTid"),
    )


def key_document(terms: KeyTerms, value: bytes) -> bytes:
    """A `UserDelegationKey`. It holds the key: it goes to the client and nowhere else."""
    fields = {
        "SignedOid": terms.principal_id,
        "SignedTid": terms.tenant,
        "SignedStart": terms.start,
        "SignedExpiry": terms.expiry,
        "SignedService": terms.service,
        "SignedVersion": terms.version,
        **({"SignedDelegatedUserTid": terms.user_tenant} if terms.user_tenant else {}),
        "Value": base64.b64encode(value).decode(),
    }
    inner = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields.items())
    return f"{DECLARATION}<UserDelegationKey>{inner}</UserDelegationKey>".encode()


def read_time(text: str, name: str) -> int:
    """Unix seconds of a UTC time in ISO 8601, fractions left out; raises INVALID with `InvalidXmlNodeValue`."""
    found = _TIME.fullmatch(text)
    try:
        if found is not None:
            year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
            return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp())
    except ValueError:
        pass
    raise invalid(f"{name} must be a UTC time such as 2026-01-31T08:00:00Z.", "InvalidXmlNodeValue")


def write_time(at: int) -> str:
    """The one form in which every client repeats a time that it was given."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
