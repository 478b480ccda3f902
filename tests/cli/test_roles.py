"""What a transcript cannot show, because IDs are masked there: role assignments of principals that are gone."""

from __future__ import annotations

import json

import pytest

from tests.cli.transcript import type_in
from tests.harness import Owner, RunningServer


@pytest.fixture
def orphan(server: RunningServer, owner: Owner) -> dict[str, str]:
    """An assignment whose principal is deleted: its `id`, `name` and `principal`."""
    vault = owner.vault("orphanage")
    identity = owner.identity("gone")
    assignment = owner.assign(identity["principalId"], "Reader", vault)
    owner.arm("DELETE", identity["id"])
    return {"id": assignment, "name": assignment.rsplit("/", 1)[-1], "principal": identity["principalId"]}


@pytest.mark.parametrize(
    "command",
    [
        "keyless role remove {principal} Reader --scope vault/orphanage",
        "keyless role remove --id {id}",
        "keyless role remove --id {name}",
    ],
)
def test_an_orphaned_assignment_is_shown_as_such_and_can_be_removed(
    server: RunningServer, orphan: dict[str, str], command: str
) -> None:
    listing = "keyless role list --scope vault/orphanage --principal {principal}".format(**orphan)
    code, text = type_in(listing, server.environ)
    assert code == 0
    assert f"{orphan['principal']} (deleted principal)  Reader  vault/orphanage" in text
    assert type_in(command.format(**orphan), server.environ) == (0, "Removed the role assignment.\n")
    assert json.loads(type_in(f"{listing} -o json", server.environ)[1]) == []


def test_a_client_id_means_the_same_principal(server: RunningServer, owner: Owner) -> None:
    identity = owner.identity("by-client-id")
    owner.vault("byclientid")
    scope = "vault/byclientid"
    code, text = type_in(f"keyless role assign {identity['clientId']} Reader --scope {scope} -o json", server.environ)
    assert code == 0
    assert json.loads(text)["properties"]["principalId"] == identity["principalId"]
