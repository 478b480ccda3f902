"""A foreign token, and a foreign issuer's key set: refused, or exactly what the issuer signed."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from keyless.authority.clients.assertion import read_assertion
from keyless.authority.clients.federated import FederatedWay
from keyless.authority.clients.presented import Client
from keyless.authority.federation.foreign_keys import parse_key_set
from keyless.authority.federation.https_get import Document
from keyless.authority.federation.issuers import IssuerKeys
from keyless.directory.applications import Application, ApplicationFederation
from keyless.model.errors import ErrorKind, KeylessError, invalid
from keyless.model.federation import EXCHANGE_AUDIENCE, FederatedCredential, IssuerSettings
from keyless.model.secretstr import SecretStr
from tests.issuers import SUBJECT, Issuer

_ISSUER = Issuer()
_KEYS = json.dumps(_ISSUER.key_set()).encode()
_NOW = _ISSUER.clock()
_CREDENTIAL = FederatedCredential("shop", _ISSUER.url, SUBJECT, (EXCHANGE_AUDIENCE,))
_CLIENT = Client("", Application("o", "c", "a", federated=(ApplicationFederation("f", _CREDENTIAL),)), None)
_GOOD = _ISSUER.token()
SEEDS = (
    _GOOD.encode(),
    _ISSUER.token({"jwk": _ISSUER.key_set()["keys"][0]}).encode(),
    _KEYS,
    b'{"keys":[{"kty":"oct"}]}',
)


async def _nothing(_url: str, _settings: IssuerSettings) -> Document:
    raise invalid("nothing is fetched here")


def _settings(issuer: str) -> IssuerSettings:
    return IssuerSettings(issuer, _KEYS)


def fuzz(data: bytes) -> None:
    """One input."""
    with suppress(KeylessError):
        assert parse_key_set(data)
    keys = IssuerKeys(_settings, _nothing, lambda: _NOW)
    way = FederatedWay(lambda _principal: (), keys, lambda: _NOW)
    try:
        asyncio.run(way.prove(_CLIENT, read_assertion(SecretStr(data.decode("latin-1"))), ()))
    except KeylessError as error:
        assert error.kind is ErrorKind.UNAUTHENTICATED
        return
    assert data in SEEDS[:2], "a token that was never signed"
