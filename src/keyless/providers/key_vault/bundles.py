"""The JSON of the secrets API: bundles out, the bodies of requests in.

Owns the wire's shapes and limits. Does no I/O. A value stays hidden in a `SecretStr` from the moment it is read
until it is encoded, and no error text quotes any of the body.

Source: Azure Key Vault REST API, "Set Secret", "Update Secret", "Get Secret", "Get Deleted Secret", "Get Secrets".
A bundle's `previousVersion` is for the secret behind a certificate only, and so never there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, TypeVar

import msgspec

from keyless.model.errors import invalid
from keyless.model.secretstr import SecretStr
from keyless.providers.key_vault.errors import BAD_PARAMETER
from keyless.providers.key_vault.secret_rows import Metadata, SecretVersion
from keyless.providers.key_vault.vault import Vault

MAX_VALUE_BYTES = 25_600
#: Some clients escape all but ASCII, which makes six bytes of two, or of one control character.
MAX_BODY_BYTES = 256 * 1024
MAX_CONTENT_TYPE = 255
MAX_TAGS = 15
MAX_TAG_NAME = 512
MAX_TAG_VALUE = 256

#: Unix seconds, up to the year 9999, which is as far as the clients' dates go.
_Time = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799)]
_T = TypeVar("_T", bound="SecretUpdate")


class NewAttributes(msgspec.Struct, frozen=True):
    """The attributes that a request may carry."""

    enabled: bool | None = None
    nbf: _Time | None = None
    exp: _Time | None = None


class SecretUpdate(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The body of an update request. Fields that are not known here are ignored: clients run ahead of servers."""

    content_type: str | None = None
    tags: dict[str, str] | None = None
    attributes: NewAttributes = NewAttributes()

    def apply(self, old: Metadata, now: int) -> Metadata:
        """What a version becomes at `now`; what the request leaves out, or has null, stays. Tags change as a whole."""
        wanted = {
            "enabled": self.attributes.enabled,
            "not_before": self.attributes.nbf,
            "expires": self.attributes.exp,
            "content_type": self.content_type,
            "tags": self.tags,
        }
        return msgspec.structs.replace(
            old, updated=now, **{name: value for name, value in wanted.items() if value is not None}
        )


class NewSecret(SecretUpdate, frozen=True, rename="camel", kw_only=True):
    """The body of a set request."""

    value: SecretStr


class _Attributes(msgspec.Struct, rename="camel", omit_defaults=True):
    enabled: bool
    created: int
    updated: int
    recovery_level: str
    recoverable_days: int
    nbf: int | None = None
    exp: int | None = None


class _Bundle(msgspec.Struct, rename="camel", omit_defaults=True):
    id: str
    attributes: _Attributes
    value: SecretStr | None = None
    content_type: str | None = None
    tags: dict[str, str] | None = None
    recovery_id: str | None = None
    deleted_date: int | None = None
    scheduled_purge_date: int | None = None


class _Backup(msgspec.Struct):
    """The answer to a backup request, and the body of a restore request."""

    value: str


class _Page(msgspec.Struct, rename="camel"):
    value: list[_Bundle]
    next_link: str | None


@dataclass(frozen=True)
class Bundles:
    """Writes bundles of a vault; their IDs begin with `base_url`: where the client believes the vault to be."""

    base_url: str
    vault: Vault

    def secret(self, secret: SecretVersion, value: SecretStr | None = None) -> bytes:
        """One version, with its value where the operation returns it; what deletion adds, if it is deleted."""
        return _encoder.encode(self._bundle(secret, f"/{secret.version}", value))

    def page(self, items: Iterable[SecretVersion], next_link: str, *, versions: bool = False) -> bytes:
        """A page of a list, without values; IDs name the version in a list of `versions` only."""
        bundles = [self._bundle(item, f"/{item.version}" if versions else "") for item in items]
        return _encoder.encode(_Page(bundles, next_link or None))

    def _bundle(self, secret: SecretVersion, version: str, value: SecretStr | None = None) -> _Bundle:
        metadata = secret.metadata
        attributes = _Attributes(
            enabled=metadata.enabled,
            created=metadata.created,
            updated=metadata.updated,
            recovery_level=self.vault.recovery_level,
            recoverable_days=self.vault.retention_days,
            nbf=metadata.not_before,
            exp=metadata.expires,
        )
        bundle = _Bundle(
            id=f"{self.base_url}/secrets/{secret.name}{version}",
            attributes=attributes,
            value=value,
            content_type=metadata.content_type,
            tags=metadata.tags,
        )
        if secret.deleted:
            bundle.recovery_id = f"{self.base_url}/deletedsecrets/{secret.name}"
            bundle.deleted_date = secret.deleted
            bundle.scheduled_purge_date = secret.deleted + self.vault.retention_seconds
        return bundle


def parse_new_secret(body: bytes) -> NewSecret:
    """Read the body of a set request; INVALID says which part is wrong, never what it holds."""
    new = _parse(_new_decoder, body)
    if len(new.value.reveal().encode()) > MAX_VALUE_BYTES:
        raise invalid(f"The value is too long: a secret has at most {MAX_VALUE_BYTES} bytes.", BAD_PARAMETER)
    return new


def parse_update(body: bytes) -> SecretUpdate:
    """Read the body of an update request, likewise."""
    return _parse(_update_decoder, body)


def parse_backup(body: bytes) -> str:
    """Read the body of a restore request; INVALID, likewise."""
    try:
        return _backup_decoder.decode(body).value
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise invalid(
            "The body is not a backup: send an object with its value, as backup gave it.", BAD_PARAMETER
        ) from None


def backup_answer(text: str) -> bytes:
    """The answer to a backup request."""
    return _encoder.encode(_Backup(text))


def _parse(decoder: msgspec.json.Decoder[_T], body: bytes) -> _T:
    try:
        wanted = decoder.decode(body)
    except msgspec.ValidationError as error:
        # such a message names types and places, not contents
        raise invalid(f"The body is not a secret: {error}.", BAD_PARAMETER) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise invalid("The body is not JSON: send an object as the secrets API has it.", BAD_PARAMETER) from None
    _check_limits(wanted)
    return wanted


def _check_limits(wanted: SecretUpdate) -> None:
    tags = wanted.tags or {}
    if len(wanted.content_type or "") > MAX_CONTENT_TYPE:
        raise invalid(f"The contentType is too long: it may have at most {MAX_CONTENT_TYPE} characters.", BAD_PARAMETER)
    if len(tags) > MAX_TAGS:
        raise invalid(f"There are too many tags: a secret may have at most {MAX_TAGS}.", BAD_PARAMETER)
    if any(len(name) > MAX_TAG_NAME or len(value) > MAX_TAG_VALUE for name, value in tags.items()):
        raise invalid(
            f"A tag is too long: its name may have {MAX_TAG_NAME} characters and its value {MAX_TAG_VALUE}.",
            BAD_PARAMETER,
        )


def read_secret(_: type, value: object) -> SecretStr:
    """For decoders: hides a string."""
    if not isinstance(value, str):
        raise TypeError("Expected `str`")
    return SecretStr(value)


def write_secret(value: object) -> str:
    """For encoders: the string again."""
    if not isinstance(value, SecretStr):
        raise TypeError("a bundle holds nothing else that is not JSON")
    return value.reveal()


_new_decoder = msgspec.json.Decoder(NewSecret, dec_hook=read_secret)
_backup_decoder = msgspec.json.Decoder(_Backup)
_update_decoder = msgspec.json.Decoder(SecretUpdate)
_encoder = msgspec.json.Encoder(enc_hook=write_secret)
