"""The credentials of an application: client secrets that are shown once, and certificates.

Owns making and removing them, and how they are shown. A secret is made here, from randomness alone; only its hash and
its first characters are kept.

Source: Microsoft Graph v1.0, "application: addPassword", "removePassword", "keyCredential resource type".
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from keyless.authority.certificates import read_client_certificate
from keyless.authority.clients.secret import HINT_LENGTH
from keyless.authority.passwords import Passwords
from keyless.directory.applications import (
    Application,
    Applications,
    ClientCertificate,
    ClientSecret,
    without_credential,
)
from keyless.http.message import Response
from keyless.http.surface import Call
from keyless.management.arm import object_of, text_of
from keyless.model.clock import Clock
from keyless.model.errors import invalid
from keyless.model.secretstr import SecretStr
from keyless.providers.graph.bodies import MAX_NAME, read_body
from keyless.providers.graph.odata import json_response, moment, read_moment
from keyless.store.engine import Store

SECRET_LENGTH = 40
DEFAULT_LIFE = 2 * 365 * 86_400.0
MAX_LIFE = 10 * 365 * 86_400.0
#: 64 characters that no shell, URL-encoded form or .env file has to quote, so that each stands for six random bits.
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_."
_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


@dataclass(frozen=True)
class Credentials:
    """Changes an application's credentials."""

    store: Store
    applications: Applications
    passwords: Passwords
    random: Callable[[int], bytes]
    new_guid: Callable[[], str]
    clock: Clock

    async def add_password(self, call: Call, object_id: str) -> Response:
        """Make a secret; the answer is the only place where it is ever seen."""
        given = object_of(await read_body(call.request, ("passwordCredential",)), "passwordCredential")
        secret = SecretStr("".join(_ALPHABET[byte % 64] for byte in self.random(SECRET_LENGTH)))
        start, end = self._times(given)
        made = ClientSecret(
            self.new_guid(),
            await self.passwords.hash(secret),
            secret.reveal()[:HINT_LENGTH],
            start,
            end,
            _name(given),
        )
        await self._change(object_id, lambda held: replace(held, secrets=(*held.secrets, made)))
        return json_response(200, show_secret(made) | {"secretText": secret.reveal()})

    async def remove_password(self, call: Call, object_id: str) -> Response:
        """Remove a secret; it counts no more once this is answered."""
        key_id = text_of(await read_body(call.request, ("keyId",)), "keyId").lower()

        def without(held: Application) -> Application:
            left = without_credential(held, key_id)
            return replace(left, certificates=held.certificates)

        await self._change(object_id, without)
        return Response(204)

    async def _change(self, object_id: str, how: Callable[[Application], Application]) -> None:
        await self.store.write(lambda tx: self.applications.change(tx, object_id, how))

    def _times(self, given: Mapping[str, object]) -> tuple[float, float]:
        now = self.clock()
        start = read_moment(given.get("startDateTime"), now)
        end = read_moment(given.get("endDateTime"), start + DEFAULT_LIFE)
        if not start < end or end > now + MAX_LIFE:
            raise invalid("endDateTime has to lie after startDateTime, and ten years from now at most.")
        return start, end

    def read_certificates(self, value: object, held: Application | None) -> tuple[ClientCertificate, ...]:
        """The certificates of a `keyCredentials` list; one without its key is that of the same ID that is held."""
        if not isinstance(value, list):
            raise invalid("keyCredentials has to be a list.")
        known = {one.key_id: one for one in held.certificates} if held else {}
        found: dict[str, ClientCertificate] = {}
        for item in value:
            if not isinstance(item, dict):
                raise invalid("A key credential has to be an object.")
            key_id = str(item.get("keyId") or self.new_guid()).lower()
            if item.get("key") is None and key_id in known:
                found[key_id] = known[key_id]
                continue
            if not _GUID.fullmatch(key_id):
                raise invalid("A credential's keyId has to be a GUID.")
            found[key_id] = _read_certificate(item, key_id)
        return tuple(found.values())


def read_kept_secrets(value: object, held: Application) -> tuple[ClientSecret, ...]:
    """Those secrets of an application that a `passwordCredentials` list still names; INVALID for any other."""
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise invalid("passwordCredentials has to be a list of objects.")
    kept = [str(item.get("keyId", "")).lower() for item in value]
    if set(kept) - {one.key_id for one in held.secrets}:
        raise invalid("passwordCredentials can only leave secrets out: make a new one with addPassword.")
    return tuple(one for one in held.secrets if one.key_id in kept)


def _read_certificate(item: Mapping[str, object], key_id: str) -> ClientCertificate:
    if item.get("usage", "Verify") != "Verify" or item.get("type", "AsymmetricX509Cert") != "AsymmetricX509Cert":
        raise invalid("A key credential has the type AsymmetricX509Cert and the usage Verify.")
    try:
        data = base64.b64decode(text_of(item, "key"), validate=True)
    except (binascii.Error, ValueError):
        raise invalid("A key credential's key is a certificate in base64.") from None
    made = read_client_certificate(data, key_id, _name(item))
    # a credential may begin later and end earlier than its certificate, never the other way round
    start = max(made.start, read_moment(item.get("startDateTime"), made.start))
    end = min(made.end, read_moment(item.get("endDateTime"), made.end))
    return replace(made, start=start, end=end)


def _name(given: Mapping[str, object]) -> str:
    name = given.get("displayName") or ""
    if not isinstance(name, str) or len(name) > MAX_NAME or not name.isprintable():
        raise invalid(f"A credential's displayName has at most {MAX_NAME} characters.")
    return name


def show_secret(one: ClientSecret) -> dict[str, object]:
    """A secret as an answer shows it: never itself."""
    return {
        "customKeyIdentifier": None,
        "displayName": one.display_name or None,
        "endDateTime": moment(one.end),
        "hint": one.hint,
        "keyId": one.key_id,
        "secretText": None,
        "startDateTime": moment(one.start),
    }


def show_certificate(one: ClientCertificate) -> dict[str, object]:
    """A certificate as an answer shows it; `customKeyIdentifier` is its SHA-1 thumbprint in hexadecimal."""
    return {
        "customKeyIdentifier": one.sha1.hex().upper(),
        "displayName": one.display_name or None,
        "endDateTime": moment(one.end),
        "key": None,
        "keyId": one.key_id,
        "startDateTime": moment(one.start),
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    }
