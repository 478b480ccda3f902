from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.launcher.lease import (
    Lease,
    Wanted,
    identity_opening,
    lease_opening,
    read_end,
    read_grant,
    read_resumed,
    resume_opening,
)
from keyless.model.errors import KeylessError

GRANT: dict[str, Any] = {
    "lease": "L",
    "key": "K",
    "header": "H",
    "app": "shop",
    "tenant": "T",
    "client_id": "",
    "settings": {"A": "1"},
    "server": {"host": "127.0.0.1", "port": 8443},
    "authority": "https://login.keyless.localhost:8443",
    "domain": "Keyless.Localhost",
    "clouds": ["login.microsoftonline.com", "*.Vault.Azure.Net"],
    "ca": "PEM",
    "host": "imds",
    "default_client_id": "D",
    "material": "of the launcher",
}


def granted() -> Lease:
    return read_grant(json.dumps(GRANT).encode())


def test_openings_are_one_line_each() -> None:
    lease = granted()
    for line, document in (
        (
            lease_opening(Wanted("shop", "own"), 7),
            {
                "open": "lease",
                "app": "shop",
                "names": "own",
                "host": "app-service",
                "faults": [],
                "identity_port": 7,
            },
        ),
        (resume_opening(lease, 7), {"open": "resume", "lease": "L", "key": "K", "identity_port": 7}),
        (identity_opening(lease), {"open": "identity", "lease": "L", "key": "K"}),
    ):
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        assert json.loads(line) == document


def test_an_opening_has_a_limit() -> None:
    with pytest.raises(KeylessError, match="too long"):
        lease_opening(Wanted("x" * 4096, "own"), 7)


def test_a_grant_is_read() -> None:
    lease = granted()
    assert (lease.id, lease.key.reveal(), lease.header.reveal(), lease.server) == ("L", "K", "H", ("127.0.0.1", 8443))
    assert lease.settings["A"].reveal() == "1"
    assert lease.claims == ("keyless.localhost", ("login.microsoftonline.com", "*.vault.azure.net"))


@pytest.mark.parametrize("field", sorted(GRANT))
@pytest.mark.parametrize("wrong", [None, 7, ["x", 7]])
def test_a_grant_with_a_field_missing_or_wrong_is_not_understood(field: str, wrong: object) -> None:
    broken = {**GRANT, field: wrong}
    if wrong is None:
        del broken[field]
    with pytest.raises(KeylessError, match="not understood"):
        read_grant(json.dumps(broken).encode())


def test_a_refusal_keeps_the_servers_words() -> None:
    line = b'{"error":{"code":"AppNotFound","message":"There is no such app."}}'
    for read in (read_grant, read_resumed, read_end):
        with pytest.raises(KeylessError, match="There is no such app") as caught:
            read(line)
        assert caught.value.code == "AppNotFound"


def test_resumed_and_ended() -> None:
    read_resumed(b'{"lease":"L"}')
    assert read_end(b'{"end":"deleted"}') == "deleted"


@given(st.binary(max_size=60) | st.recursive(st.none() | st.text(), st.lists).map(lambda x: json.dumps(x).encode()))
def test_noise_is_not_understood(noise: bytes) -> None:
    for read in (read_grant, read_resumed, read_end):
        with pytest.raises(KeylessError, match="not understood"):
            read(noise)
