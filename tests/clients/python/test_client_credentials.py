"""azure-identity (sync and aio) and msal as a registered application, with a secret and with a certificate."""

from __future__ import annotations

import json
from pathlib import Path

from tests.clients.place import Place, output_of, python
from tests.clients.registration import register

WAYS = {"secret", "certificate", "environment, secret", "environment, certificate", "default, secret", "default, certificate"}  # fmt: skip  # noqa: E501


def test_every_way_reads_a_secret(place: Place, tmp_path: Path) -> None:
    registration = register(place, tmp_path)
    ran = place.run(python("client_credentials.py"), VAULT_URL=place.vault_url, **registration.variables)
    expected = {f"{kind} {way}" for kind in ("sync", "aio") for way in WAYS}
    expected |= {"msal secret", "msal certificate, SHA-256", "msal certificate, SHA-1"}
    assert json.loads(output_of(ran)) == dict.fromkeys(expected, "hello")
