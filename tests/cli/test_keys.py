"""Signing keys: rotated and revoked, and the owner goes on."""

from __future__ import annotations

import json

from tests.cli.transcript import type_in
from tests.harness import RunningServer


def states(server: RunningServer) -> dict[str, str]:
    code, text = type_in("keyless keys list -o json", server.environ)
    assert code == 0
    return {key["kid"]: key["state"] for key in json.loads(text)}


def test_a_key_is_rotated_and_revoked(own_server: RunningServer) -> None:
    (first,) = (kid for kid, state in states(own_server).items() if state == "active")
    assert type_in("keyless keys rotate", own_server.environ)[0] == 0
    after = states(own_server)
    assert after[first] != "active"
    assert list(after.values()).count("active") == 1
    code, _ = type_in(f"keyless keys revoke {first} --yes", own_server.environ)
    assert code == 0
    assert states(own_server).get(first) in {None, "revoked"}


def test_the_list_shows_public_parts_as_a_table(server: RunningServer) -> None:
    code, text = type_in("keyless keys list", server.environ)
    heading, *rows = text.splitlines()
    assert code == 0
    assert heading.split("  ")[0] == "key ID"
    assert any("  active  " in row for row in rows)
