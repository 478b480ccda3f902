"""Bad days of the disk, for a whole instance: what it cannot keep it refuses clearly, and then it serves again."""

from __future__ import annotations

import base64
import errno
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple
from uuid import uuid4
from xml.etree import ElementTree

import httpx
import pytest
from tests.faults import CHANGE, SYNC, WRITE, Disk, faulty_disk
from tests.harness import ARM, ROLES, STORAGE, VAULT
from tests.inprocess import Platform, PlatformOwner, running_platform

from keyless.bootstrap.schema import AUDIT, DATABASE, PARTS

VERSION = {"x-ms-version": "2024-11-04"}


class Fault(NamedTuple):
    calls: tuple[str, ...]
    error: int
    where: str


ALL = (WRITE, SYNC, CHANGE)
FAULTS = {
    f"{name} {what}": Fault(calls, error, where)
    for name, where in {"database": DATABASE, "parts": PARTS, "audit": AUDIT, "all": ""}.items()
    for what, calls, error in [
        ("full", (WRITE,), errno.ENOSPC),
        ("broken", (WRITE,), errno.EIO),
        ("read-only", ALL, errno.EROFS),
        ("syncs", (SYNC,), errno.EIO),
    ]
}


@dataclass
class Place:
    """An instance on a disk that can fail, and what is in it."""

    platform: Platform
    owner: PlatformOwner
    disk: Disk
    principal: str

    def state(self) -> str:
        """Of everything that is kept, once the collector has been round."""
        self.platform.run(self.platform.built.blobs.collector.collect())
        return self.platform.fingerprint()

    def blob(self, name: str, query: str, data: bytes) -> httpx.Response:
        headers = VERSION | {"x-ms-blob-type": "BlockBlob"}
        path = f"/box/{name}{query}"
        return self.owner.send("PUT", "acca.blob", path, self.owner.token(STORAGE), content=data, headers=headers)

    def manage(self, method: str, path: str, body: object) -> httpx.Response:
        return self.owner.send(method, "management", f"{path}?api-version=2024-01-01", self.owner.token(ARM), json=body)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("disk")
    with faulty_disk(folder / "data") as disk, running_platform(folder) as platform:
        owner = PlatformOwner(platform)
        owner.vault("kv-a")
        owner.account("acca")
        owner.container("acca", "box")
        owner.secret("kv-a", "kept", "value")
        owner.blob("acca", "box/kept", b"k" * 200_000)
        owner.app("app-a", system=True)
        for audience in (ARM, VAULT, STORAGE):
            owner.token(audience)
        yield Place(platform, owner, disk, owner.identity("somebody")["principalId"])
        disk.works()


def set_secret(place: Place) -> httpx.Response:
    token = place.owner.token(VAULT)
    return place.owner.send("PUT", "kv-a.vault", "/secrets/kept?api-version=7.4", token, json={"value": "value"})


def put_small(place: Place) -> httpx.Response:
    return place.blob("small", "", b"s" * 5000)


def put_large(place: Place) -> httpx.Response:
    return place.blob("kept", "", b"k" * 200_000)


def put_block(place: Place) -> httpx.Response:
    return place.blob("blocks", f"?comp=block&blockid={base64.b64encode(b'0001').decode()}", b"b" * 200_000)


def delete_and_put(place: Place) -> httpx.Response:
    place.owner.send("DELETE", "acca.blob", "/box/gone", place.owner.token(STORAGE), headers=VERSION)
    return place.blob("gone", "", b"g")


def app_settings(place: Place) -> httpx.Response:
    path = f"{place.owner.group}/providers/Microsoft.Web/sites/app-a/config/appsettings"
    return place.manage("PUT", path, {"properties": {"A": "B"}})


def role_assignment(place: Place) -> httpx.Response:
    path = f"{place.owner.group}/providers/Microsoft.Authorization/roleAssignments/{uuid4()}"
    role = f"{place.owner.subscription}/providers/Microsoft.Authorization/roleDefinitions/{ROLES['Reader']}"
    answer = place.manage("PUT", path, {"properties": {"roleDefinitionId": role, "principalId": place.principal}})
    if answer.is_success:
        assert place.manage("DELETE", path, None).is_success
    return answer


CHANGES: dict[str, Callable[[Place], httpx.Response]] = {
    "vault": set_secret,
    "small blob": put_small,
    "large blob": put_large,
    "block": put_block,
    "delete": delete_and_put,
    "app settings": app_settings,
    "role assignment": role_assignment,
}


def check_refusal(answer: httpx.Response) -> None:
    """503 in the surface's own envelope, with a sentence, and when to come again."""
    assert answer.status_code == 503, answer.text
    assert answer.headers["Retry-After"].isdigit()
    if ".blob." in answer.request.headers["Host"]:
        root = ElementTree.fromstring(answer.content)
        code, message = root.findtext("Code", ""), root.findtext("Message", "")
        assert answer.headers["x-ms-error-code"] == code
    else:
        code, message = answer.json()["error"]["code"], answer.json()["error"]["message"]
    assert code.isalpha()
    assert "written" in message or "disk" in message, message


def check_reads(place: Place) -> None:
    answer = place.owner.send("GET", "kv-a.vault", "/secrets/kept?api-version=7.4", place.owner.token(VAULT))
    assert (answer.status_code, answer.json().get("value")) == (200, "value")
    answer = place.owner.send("GET", "acca.blob", "/box/kept", place.owner.token(STORAGE), headers=VERSION)
    assert (answer.status_code, answer.content) == (200, b"k" * 200_000)


@pytest.mark.parametrize("fault", FAULTS)
def test_it_refuses_and_serves_again(place: Place, fault: str) -> None:
    for change in CHANGES.values():
        change(place)
    calls, error, where = FAULTS[fault]
    for name, change in CHANGES.items():
        before = place.state()
        place.disk.fails(*calls, error=error, where=where)
        answer = change(place)
        concerned = where != PARTS or name in {"large blob", "block"}
        if concerned:
            check_refusal(answer)
            assert place.disk.failed
            check_reads(place)
        else:
            assert answer.is_success, answer.text
        place.disk.works()
        if concerned:
            assert place.state() == before, name
        again = change(place)
        assert again.is_success, f"{name}: {again.text}"
    place.state()
    assert files(place) == live(place)


def test_a_token_is_had_on_any_day(place: Place) -> None:
    """Whoever runs goes on: nothing of a token is kept."""
    place.disk.fails(*ALL, error=errno.EROFS)
    place.owner._tokens.pop(VAULT)
    check_reads(place)
    place.disk.works()


def files(place: Place) -> set[str]:
    return {path.name for path in (place.platform.data / PARTS).rglob("*") if path.is_file()}


def live(place: Place) -> set[str]:
    query = "SELECT id FROM storage_part WHERE data IS NULL"
    rows = place.platform.run(place.platform.built.store.rows(query))
    return {ident.hex() for (ident,) in rows if isinstance(ident, bytes)}
