"""What was done and decided, read back; and what a full disk does to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.harness import ARM, VAULT, Owner, RunningServer, running_server, small_disk
from tests.manager import IDENTITIES, Manager, code_of

EVENTS = "providers/Microsoft.Insights/eventtypes/management/values"


def events(owner: Owner, top: int = 50) -> list[dict[str, Any]]:
    found = Manager(owner)("GET", f"{owner.subscription}/{EVENTS}?$top={top}")
    assert found.status_code == 200
    return list(found.json()["value"])


def test_changes_denials_and_their_outcomes(owner: Owner, somebody: Callable[..., Manager]) -> None:
    arm, who = Manager(owner), somebody()
    name = f"i{uuid4().hex[:8]}"
    path = arm.path(IDENTITIES, name)
    made = arm("PUT", path, {})
    refused = arm("PUT", path, content=b"{")
    denied = who("DELETE", path)
    assert (made.status_code, refused.status_code, denied.status_code) == (201, 400, 403)
    found = {event["correlationId"]: event for event in events(owner)}
    done, bad, no = (found[answer.headers["x-ms-request-id"]] for answer in (made, refused, denied))
    assert (done["status"]["value"], done["subStatus"]["value"]) == ("Succeeded", "201")
    assert (done["caller"], done["resourceId"]) == ("owner", path)
    assert done["operationName"]["value"] == f"{IDENTITIES}/write"
    assert "/roleAssignments/" in done["properties"]["reason"]
    assert (bad["status"]["value"], bad["subStatus"]["value"]) == ("Failed", "400")
    assert (no["status"]["value"], no["subStatus"]["value"]) == ("Failed", "Forbidden")
    assert no["claims"]["oid"] == who.principal_id
    assert "No role is assigned" in no["properties"]["reason"]
    assert no["authorization"] == {"action": f"{IDENTITIES}/delete", "scope": path}


@pytest.mark.parametrize("top", ["0", "-1", "1001", "x", "", "1.5", "²"])
def test_a_number_that_is_none(owner: Owner, top: str) -> None:
    answer = Manager(owner)("GET", f"{owner.subscription}/{EVENTS}?$top={top}")
    assert (answer.status_code, code_of(answer)) == (400, "InvalidQueryParameterValue")


def test_the_newest_come_first_and_no_more_than_asked(owner: Owner) -> None:
    found = events(owner, 5)
    assert len(found) == 5
    times = [event["eventTimestamp"] for event in found]
    assert times == sorted(times, reverse=True)


def test_neither_values_nor_tokens_are_kept_anywhere(server: RunningServer, owner: Owner) -> None:
    vault, marker = f"v{uuid4().hex[:8]}", f"marker-{uuid4()}"
    owner.vault(vault)
    owner.secret(vault, "one", marker)
    token = owner.token(VAULT)
    assert owner.send("GET", f"{vault}.vault", "/secrets/one?api-version=7.4", token).json()["value"] == marker
    # a secret in a place where it does not belong, and a token that is refused
    bad = owner.send("PUT", f"{vault}.vault", "/secrets/one?api-version=7.4", token, json={"value": {"x": marker}})
    assert bad.status_code == 400
    assert marker not in bad.text
    tampered = token[:-8] + "AAAAAAAA"
    assert tampered not in owner.send("GET", "management", owner.group, tampered).text
    events(owner)  # so that everything is on the disk
    files = {path: path.read_bytes() for path in [*server.data.rglob("*"), server.log] if path.is_file()}
    assert any(vault.encode() in content for path, content in files.items() if path.name == "audit.jsonl")
    for secret in (marker, token, tampered, token.split(".")[2], owner.token(ARM)):
        assert not [path for path, content in files.items() if secret.encode() in content]


def test_on_a_full_disk_nothing_changes_and_reads_go_on(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 4000) as disk, running_server(disk) as server:
        owner = Owner(server)
        arm = Manager(owner)
        owner.vault("kv1")
        owner.secret("kv1", "one", "value")
        owner.token(ARM), owner.token(VAULT)
        filler = (disk / "filler").open("wb", buffering=0)
        for size in (65_536, 4096, 512, 1):
            try:
                while filler.write(b"x" * size) == size:
                    pass
            except OSError:
                continue
        read = "/secrets/one?api-version=7.4"
        refused = []
        for i in range(200):
            answer = arm("PUT", arm.path(IDENTITIES, f"full{i}"), {})
            assert answer.status_code in {201, 503}, answer.text
            if answer.status_code == 503:
                refused.append(answer)
                assert arm("GET", arm.path(IDENTITIES, f"full{i}")).status_code == 404
            if len(refused) == 5:
                break
        assert len(refused) == 5
        assert code_of(refused[0]) == "ServiceUnavailable"
        assert int(refused[0].headers["retry-after"]) > 0
        assert owner.send("GET", "kv1.vault", read, owner.token(VAULT)).json()["value"] == "value"
        secret = owner.send("PUT", "kv1.vault", "/secrets/two?api-version=7.4", owner.token(VAULT), json={"value": "x"})
        assert secret.status_code == 503
        filler.close()
        (disk / "filler").unlink()
        assert arm("PUT", arm.path(IDENTITIES, "after"), {}).status_code == 201
        assert any(event["resourceId"].endswith("/after") for event in events(owner))
        made = {one["name"] for one in arm("GET", arm.path(IDENTITIES)).json()["value"]}
        server.kill()
        server.start()
        assert {one["name"] for one in Manager(Owner(server))("GET", arm.path(IDENTITIES)).json()["value"]} == made
        owner.close()
