"""`az`, the command line of azure-cli, signed in as identities and applications, at the clouds' own names."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.clients.place import Place, Ran, output_of
from tests.clients.registration import register
from tests.clients.themes import fill
from tests.clients.tools import BUILD_SECONDS
from tests.harness import Owner

pytestmark = pytest.mark.timeout(BUILD_SECONDS)

PROGRAM = Path(__file__).parent / "programs" / "steps.py"
WITH_IDENTITY = ["login", "--identity"]

Step = Sequence[str]


def run(place: Place, az: Path, *steps: Step, host: str = "imds") -> Ran:
    return place.run([sys.executable, PROGRAM, az], "--host", host, STEPS=json.dumps(steps))


def answers(place: Place, az: Path, *steps: Step) -> list[Any]:
    found = json.loads(output_of(run(place, az, *steps)))
    assert len(found) == len(steps)
    return list(found)


def secret(place: Place) -> Step:
    return ["keyvault", "secret", "show", "--vault-name", place.name, "--name", "greeting"]


def blobs(place: Place) -> Step:
    return ["storage", "blob", "list", "--auth-mode", "login", "--account-name", place.name, "--container-name", "box"]


def as_application(*proof: str, place: Place, client: str) -> Step:
    tenant = place.owner.server.instance.tenant
    return ["login", "--service-principal", "--username", client, "--tenant", tenant, *proof]


def test_an_identity_reads_and_writes(place: Place, az: Path, tmp_path: Path) -> None:
    fill(place)
    place.allow_all()
    place.allow("Reader", place.owner.group)
    mine, copy = tmp_path / "mine.txt", tmp_path / "copy.txt"
    mine.write_text("mine")
    at = ["--auth-mode", "login", "--account-name", place.name, "--container-name", "box", "--name", "mine.txt"]
    signed_in, shown, _, made, listed, _, _, group = answers(
        place,
        az,
        WITH_IDENTITY,
        secret(place),
        ["keyvault", "secret", "set", "--vault-name", place.name, "--name", "made", "--value", "by az"],
        ["keyvault", "secret", "show", "--vault-name", place.name, "--name", "made"],
        blobs(place),
        ["storage", "blob", "upload", *at, "--file", str(mine)],
        ["storage", "blob", "download", *at, "--file", str(copy)],
        ["group", "show", "--name", "default"],
    )
    assert [one["id"] for one in signed_in] == [place.owner.server.instance.subscription]
    assert (shown["value"], made["value"]) == ("hello", "by az")
    assert [blob["name"] for blob in listed] == ["hello.txt"]
    assert copy.read_text() == "mine"
    assert group["name"] == "default"


def test_an_application_reads_by_its_secret_and_by_its_certificate(place: Place, az: Path, tmp_path: Path) -> None:
    fill(place)
    registered = register(place, tmp_path)
    place.owner.assign(registered.principal_id, "Storage Blob Data Reader", place.account_id)
    client, variables = registered.client_id, registered.variables
    for proof in (["--password", variables["SHOP_SECRET"]], ["--certificate", variables["SHOP_PEM"]]):
        sign_in = [*as_application(*proof, place=place, client=client), "--allow-no-subscriptions"]
        _, shown, listed = answers(place, az, sign_in, secret(place), blobs(place))
        assert shown["value"] == "hello"
        assert [blob["name"] for blob in listed] == ["hello.txt"]


def test_the_directory(owner: Owner, place: Place, az: Path) -> None:
    place.allow("Directory Readers", "/")
    place.allow("Reader", owner.group)
    application = owner.graph("POST", "applications", {"displayName": f"{place.name}-app"})
    owner.graph("POST", "servicePrincipals", {"appId": application["appId"]})
    group = owner.graph("POST", "groups", {"displayName": f"{place.name}-group"})
    _, applications, principal, found, members = answers(
        place,
        az,
        WITH_IDENTITY,
        ["ad", "app", "list", "--display-name", f"{place.name}-app"],
        ["ad", "sp", "show", "--id", application["appId"]],
        ["ad", "group", "show", "--group", f"{place.name}-group"],
        ["ad", "group", "member", "list", "--group", group["id"]],
    )
    assert [one["appId"] for one in applications] == [application["appId"]]
    assert principal["appId"] == application["appId"]
    assert (found["id"], members) == (group["id"], [])


def test_what_is_refused(place: Place, az: Path) -> None:
    fill(place)
    place.allow("Reader", place.owner.group)
    ran = run(place, az, WITH_IDENTITY, secret(place))
    assert ran.returncode == 1
    assert "(Forbidden)" in ran.stderr
    assert "Assign 'Key Vault Secrets User' at that scope." in ran.stderr
    ran = run(place, az, WITH_IDENTITY, ["group", "list"])
    assert (ran.returncode, "(AuthorizationFailed)" in ran.stderr) == (1, True)
    application = place.owner.graph("POST", "applications", {"displayName": place.name})
    place.owner.graph("POST", "servicePrincipals", {"appId": application["appId"]})
    ran = run(place, az, as_application("--password", "wrong", place=place, client=application["appId"]))
    assert ran.returncode == 1
    assert "AADSTS7000215" in ran.stderr
