"""User delegation SAS in a whole keyless: its maker's rights, and no more, for as long as there is a maker."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree

import httpx
from azure.storage.blob import UserDelegationKey, generate_blob_sas

from tests.inprocess import PlatformOwner
from tests.refusals.surfaces import ACCOUNT_NAME, BLOB_HEADERS
from tests.refusals.world import Workload, World

NAMES = {
    "signed_oid": "SignedOid",
    "signed_tid": "SignedTid",
    "signed_start": "SignedStart",
    "signed_expiry": "SignedExpiry",
    "signed_service": "SignedService",
    "signed_version": "SignedVersion",
    "signed_delegated_user_tid": "SignedDelegatedUserTid",
    "value": "Value",
}


def key_of(world: World, who: Workload) -> UserDelegationKey:
    now = datetime.now(UTC)
    start, end = (at.strftime("%Y-%m-%dT%H:%M:%SZ") for at in (now - timedelta(minutes=1), now + timedelta(hours=1)))
    answer = world.owner.send(
        "POST",
        f"{ACCOUNT_NAME}.blob",
        "/?restype=service&comp=userdelegationkey",
        who.token("blob"),
        headers={"x-ms-version": "2025-07-05"},
        content=f"<KeyInfo><Start>{start}</Start><Expiry>{end}</Expiry></KeyInfo>".encode(),
    )
    assert answer.status_code == 200, answer.text
    document, key = ElementTree.fromstring(answer.content), UserDelegationKey()
    for name, tag in NAMES.items():
        setattr(key, name, document.findtext(tag))
    return key


def sas_of(key: UserDelegationKey, **given: Any) -> str:
    given = {"permission": "rw", "expiry": datetime.now(UTC) + timedelta(minutes=30)} | given
    return str(generate_blob_sas(ACCOUNT_NAME, "box", "b", user_delegation_key=key, **given))


def use(world: World, sas: str, method: str = "GET", path: str = "/box/b", **given: Any) -> httpx.Response:
    given.setdefault("headers", BLOB_HEADERS)
    return world.owner.send(method, f"{ACCOUNT_NAME}.blob", f"{path}?{sas}", **given)


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.headers.get("x-ms-error-code", "")


def test_it_lives_and_dies_with_its_makers_rights(own_world: World) -> None:
    world = own_world
    maker = world.workload("maker")
    scope = f"{world.owner.group}/providers/Microsoft.Storage/storageAccounts/{ACCOUNT_NAME}"
    reader = world.grant(maker, "Storage Blob Data Reader", scope)
    sas = sas_of(key_of(world, maker))
    assert told(use(world, sas)) == (200, "")
    with world.nothing_changes():
        # the signature says w, but its maker may only read
        assert told(use(world, sas, "PUT", content=b"x")) == (403, "AuthorizationPermissionMismatch")
        assert told(use(world, sas, path="/box/other")) == (403, "AuthenticationFailed")
        assert told(use(world, sas, "DELETE")) == (403, "AuthorizationPermissionMismatch")
        fields = dict(parse_qsl(sas))
        for name, value in fields.items():
            changed = urlencode(fields | {name: f"{value}0"})
            assert told(use(world, changed)) == (403, "AuthenticationFailed"), name
    world.owner.arm("DELETE", reader)
    assert told(use(world, sas)) == (403, "AuthorizationPermissionMismatch")
    world.grant(maker, "Storage Blob Data Reader", scope)
    assert told(use(world, sas)) == (200, "")
    world.owner.arm("DELETE", maker.id)
    assert told(use(world, sas)) == (403, "AuthenticationFailed")


def test_it_is_good_for_blobs_of_one_account_only(world: World) -> None:
    sas = sas_of(key_of(world, world.mighty))
    assert use(world, sas).status_code == 200
    assert world.owner.send("GET", "management", f"/subscriptions?api-version=2022-12-01&{sas}").status_code == 401
    assert world.owner.send("GET", "kv-a.vault", f"/secrets/s?api-version=7.4&{sas}").status_code == 401
    assert world.owner.send("GET", "none.blob", f"/box/b?{sas}", headers=BLOB_HEADERS).status_code == 403
    # another instance has another secret, though it has an account and a container of these names
    elsewhere = PlatformOwner(world.elsewhere)
    assert elsewhere.send("GET", f"{ACCOUNT_NAME}.blob", f"/box/b?{sas}", headers=BLOB_HEADERS).status_code == 403
    elsewhere.close()
