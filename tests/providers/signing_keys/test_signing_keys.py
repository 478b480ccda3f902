"""The signing keys through the resource manager: rotation loses no token, revocation ends them everywhere at once."""

from __future__ import annotations

import time
from collections.abc import Iterator

import jwt as pyjwt
import pytest

from tests.harness import ARM, STORAGE, VAULT, HeldLease, Owner, RunningServer, running_server
from tests.manager import Manager, code_of


@pytest.fixture
def turning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("keys")) as server:
        yield server


def kid_of(token: str) -> str:
    return str(pyjwt.get_unverified_header(token)["kid"])


def published(owner: Owner) -> set[str]:
    tenant = owner.server.instance.tenant
    return {key["kid"] for key in owner.send("GET", "login", f"/{tenant}/discovery/v2.0/keys").json()["keys"]}


def test_the_life_of_the_keys(turning: RunningServer) -> None:
    server, owner = turning, Owner(turning)
    arm = Manager(owner)
    keys = f"{owner.subscription}/providers/Keyless.Authority/signingKeys"
    owner.vault("kv1")
    owner.secret("kv1", "one", "value")
    owner.account("shop")
    owner.container("shop", "data")
    app = owner.app("app", system=True)
    principal_id = app["identity"]["principalId"]
    for role in ("Reader", "Key Vault Secrets User", "Storage Blob Data Reader"):
        owner.assign(principal_id, role, owner.group)
    lease = HeldLease.open(server, "app")

    def works(tokens: dict[str, str]) -> set[int]:
        return {
            arm_as(tokens[ARM])("GET", owner.group).status_code,
            owner.send("GET", "kv1.vault", "/secrets/one?api-version=7.4", tokens[VAULT]).status_code,
            owner.send("GET", "shop.blob", "/data?restype=container&comp=list", tokens[STORAGE]).status_code,
        }

    def arm_as(token: str) -> Manager:
        return Manager(owner, token)

    def fresh() -> dict[str, str]:
        return {resource: lease.token(resource) for resource in (ARM, VAULT, STORAGE)}

    old = fresh()
    assert works(old) == {200}
    for _ in range(200):  # the next key is made behind the first requests
        shown = {one["kid"]: one["state"] for one in arm("GET", keys).json()["value"]}
        if len(shown) == 2:
            break
        time.sleep(0.05)
    assert sorted(shown.values()) == ["active", "next"]
    assert published(owner) == set(shown)
    assert kid_of(old[ARM]) == next(kid for kid, state in shown.items() if state == "active")

    # a rotation: the announced key signs, old tokens are good, and so they stay the same
    rotated = arm("POST", f"{keys}/rotate").json()
    assert shown[rotated["kid"]] == "next"
    assert works(old) == {200}
    assert published(owner) >= set(shown)
    owner.app("other", system=True)
    with HeldLease.open(server, "other") as other:
        assert kid_of(other.token(VAULT)) == rotated["kid"]

    # a restart keeps the keys
    server.stop()
    server.start()
    lease = lease.resume()
    assert works(old) == {200}

    # an emergency: tokens of that key are refused at every resource, and asking again helps
    revoked = arm("POST", f"{keys}/{kid_of(old[ARM])}/revoke").json()
    assert revoked["state"] == "revoked"
    owner._tokens.clear()
    assert works(old) == {401}
    assert revoked["kid"] not in published(owner)
    new = fresh()
    assert kid_of(new[ARM]) == rotated["kid"]
    assert works(new) == {200}
    assert works(old) == {401}

    # the key that signs can be revoked as well
    arm("POST", f"{keys}/{rotated['kid']}/revoke")
    owner._tokens.clear()
    assert works(new) == {401}
    newest = fresh()
    assert works(newest) == {200}
    assert kid_of(newest[VAULT]) not in {revoked["kid"], rotated["kid"]}
    server.stop()
    server.start()
    assert works(new) == works(old) == {401}
    assert works(newest) == {200}

    missing = arm("POST", f"{keys}/nonsense/revoke")
    assert (missing.status_code, code_of(missing)) == (404, "KeyNotFound")
    lease.close()
    owner.close()
