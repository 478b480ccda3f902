"""kill -9 in the middle of writes: what was acknowledged is there, and nothing half-done shows.

Each writer repeats one kind of write with content that tells its number; when the server dies, at most one of its
writes is unknown. After a restart on the same port, what is read must be the last acknowledged write or that one.

`KEYLESS_TEST_ROUNDS` sets the number of kills (5), `KEYLESS_TEST_SEED` the moments at which they come.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import sqlite3
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from tests.harness import ARM, ROLES, STORAGE, VAULT, Owner, RunningServer, identity_token

from keyless.bootstrap.schema import AUDIT, DATABASE, PARTS
from keyless.providers.storage.tables.schema import LIVE

ROUNDS = int(os.environ.get("KEYLESS_TEST_ROUNDS", "5"))
SEED = int(os.environ.get("KEYLESS_TEST_SEED", "20240607"))
VERSION = {"x-ms-version": "2024-11-04"}
COLLECTED_SECONDS = 20.0


def content(name: str, number: int, size: int) -> bytes:
    """What write `number` of `name` writes; its length depends on the number as well."""
    return hashlib.shake_256(f"{name} {number}".encode()).digest(size + number % 7)


class Writer(ABC):
    """Repeats one write. `done` is the last number that was acknowledged, `tried` the last that was sent."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.done = self.tried = 0
        self.requests: list[str] = []
        self.failure: Exception | None = None

    @abstractmethod
    def write(self, owner: Owner, number: int) -> None:
        """Do write `number`; returns when it is acknowledged."""

    @abstractmethod
    def check(self, owner: Owner) -> None:
        """Assert that what is there is what may be there."""

    def acknowledged(self, answer: httpx.Response, *statuses: int) -> httpx.Response:
        """The answer, which has one of these statuses; its request has to be found in the audit log."""
        assert answer.status_code in statuses, f"{self.name}: {answer.status_code} {answer.text}"
        self.requests.append(answer.headers["x-ms-request-id"])
        return answer

    def work(self, owner: Owner) -> None:
        """Write until the server is gone."""
        try:
            while True:
                self.tried += 1
                self.write(owner, self.tried)
                self.done = self.tried
        except httpx.TransportError:
            return
        except Exception as error:  # kept for the test: a thread's own end would pass unseen
            self.failure = error


class Value(Writer):
    """A write that replaces what was there."""

    @abstractmethod
    def read(self, owner: Owner) -> bytes:
        """What is there."""

    @abstractmethod
    def expected(self, number: int) -> bytes:
        """What write `number` leaves."""

    def check(self, owner: Owner) -> None:
        found = self.read(owner)
        allowed = {number: self.expected(number) for number in {self.done, self.tried}}
        matching = [number for number, wanted in allowed.items() if wanted == found]
        assert matching, f"{self.name}: neither the acknowledged {self.done} nor {self.tried} (of {len(found)} bytes)"
        self.done = self.tried = matching[0]


class Secret(Value):
    def write(self, owner: Owner, number: int) -> None:
        body = {"value": self.expected(number).decode()}
        path = f"/secrets/{self.name}?api-version=7.4"
        self.acknowledged(owner.send("PUT", "kv-crash.vault", path, owner.token(VAULT), json=body), 200)

    def read(self, owner: Owner) -> bytes:
        answer = owner.send("GET", "kv-crash.vault", f"/secrets/{self.name}?api-version=7.4", owner.token(VAULT))
        if answer.status_code == 404:
            return self.expected(0)
        return str(answer.json()["value"]).encode()

    def expected(self, number: int) -> bytes:
        return content(self.name, number, 200).hex().encode() if number else b""


class Blob(Value):
    """A blob of about `size` bytes, put at once."""

    def __init__(self, name: str, size: int) -> None:
        super().__init__(name)
        self.size = size

    def send(self, owner: Owner, method: str, query: str = "", **given: object) -> httpx.Response:
        headers = VERSION | {"x-ms-blob-type": "BlockBlob"}
        path = f"/box/{self.name}{query}"
        return owner.send(method, "acccrash.blob", path, owner.token(STORAGE), headers=headers, **given)

    def write(self, owner: Owner, number: int) -> None:
        self.acknowledged(self.send(owner, "PUT", content=self.expected(number)), 201)

    def read(self, owner: Owner) -> bytes:
        answer = self.send(owner, "GET")
        if answer.status_code == 404:
            return self.expected(0)
        digest = base64.b64encode(hashlib.md5(answer.content).digest()).decode()
        assert answer.headers.get("content-md5", digest) == digest, self.name
        return answer.content

    def expected(self, number: int) -> bytes:
        return content(self.name, number, self.size) if number else b""


class BlockBlob(Blob):
    """The same in three blocks and a list; the IDs are the same each time, so old and new could be mixed up."""

    def write(self, owner: Owner, number: int) -> None:
        data = self.expected(number)
        third = len(data) // 3 + 1
        listed = ""
        for index in range(3):
            block = base64.b64encode(b"%08d" % index).decode()
            piece = data[index * third : (index + 1) * third]
            query = f"?comp=block&blockid={quote(block)}"
            self.acknowledged(self.send(owner, "PUT", query, content=piece), 201)
            listed += f"<Latest>{block}</Latest>"
        document = f"<?xml version='1.0' encoding='utf-8'?><BlockList>{listed}</BlockList>"
        self.acknowledged(self.send(owner, "PUT", "?comp=blocklist", content=document.encode()), 201)


class Settings(Value):
    def path(self, owner: Owner) -> str:
        return f"{owner.group}/providers/Microsoft.Web/sites/app-crash/config/appsettings"

    def write(self, owner: Owner, number: int) -> None:
        body = {"properties": {"NUMBER": self.expected(number).decode()}}
        path = f"{self.path(owner)}?api-version=2024-04-01"
        self.acknowledged(owner.send("PUT", "management", path, owner.token(ARM), json=body), 200)

    def read(self, owner: Owner) -> bytes:
        return str(owner.arm("POST", f"{self.path(owner)}/list")["properties"].get("NUMBER", "")).encode()

    def expected(self, number: int) -> bytes:
        return str(number).encode() if number else b""


class Comings(Writer):
    """A write that makes something new each time, and takes away what was made two writes before."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.there: dict[int, str] = {}
        self.gone: set[int] = set()
        self.unknown: set[int] = set()

    @abstractmethod
    def path(self, owner: Owner, number: int) -> str:
        """The resource ID of the one with that number."""

    @abstractmethod
    def body(self, owner: Owner, number: int) -> dict[str, object]:
        """What makes it."""

    @abstractmethod
    def told(self, answer: httpx.Response) -> str:
        """What has to be the same whenever it is read."""

    def write(self, owner: Owner, number: int) -> None:
        self.unknown = {number}
        answer = self.send(owner, "PUT", number, json=self.body(owner, number))
        self.there[number] = self.told(self.acknowledged(answer, 201))
        if number % 2 and number > 2:
            old = number - 2
            self.unknown = {old}
            self.acknowledged(self.send(owner, "DELETE", old), 200, 204)
            self.there.pop(old, None)
            self.gone.add(old)
        self.unknown = set()

    def send(self, owner: Owner, method: str, number: int, **given: object) -> httpx.Response:
        path = f"{self.path(owner, number)}?api-version=2024-01-01"
        return owner.send(method, "management", path, owner.token(ARM), **given)

    def check(self, owner: Owner) -> None:
        for number, told in self.there.items():
            answer = self.send(owner, "GET", number)
            if number in self.unknown and answer.status_code == 404:
                continue
            assert answer.status_code == 200, f"{self.name} {number}: acknowledged, and not there"
            assert self.told(answer) == told
        for number in self.gone:
            assert self.send(owner, "GET", number).status_code == 404, f"{self.name} {number}: deleted, and there"
        for number in self.unknown:  # known from now on
            answer = self.send(owner, "GET", number)
            self.there.pop(number, None)
            if answer.status_code == 200:
                self.there[number] = self.told(answer)
        self.unknown = set()
        self.done = self.tried


class Identities(Comings):
    def path(self, owner: Owner, number: int) -> str:
        base = f"{owner.group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
        return f"{base}/{self.name}-{number:06d}"

    def body(self, owner: Owner, number: int) -> dict[str, object]:
        return {"location": "local", "tags": {"number": str(number)}}

    def told(self, answer: httpx.Response) -> str:
        made = answer.json()
        return f"{made['properties']['principalId']} {made['properties']['clientId']} {made['tags']}"


class RoleAssignments(Comings):
    def __init__(self, name: str, principal_id: str) -> None:
        super().__init__(name)
        self.principal_id = principal_id

    def path(self, owner: Owner, number: int) -> str:
        scope = f"{owner.group}/providers/Microsoft.KeyVault/vaults/kv-crash/secrets/{self.name}-{number}"
        return f"{scope}/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-{number:012x}"

    def body(self, owner: Owner, number: int) -> dict[str, object]:
        role = f"{owner.subscription}/providers/Microsoft.Authorization/roleDefinitions/{ROLES['Reader']}"
        return {"properties": {"roleDefinitionId": role, "principalId": self.principal_id}}

    def told(self, answer: httpx.Response) -> str:
        return str(answer.json()["properties"])


def check_files(data: Path) -> None:
    """The part files are those that the database knows as live, once the collector has been round."""
    deadline = time.monotonic() + COLLECTED_SECONDS
    while True:
        with closing(sqlite3.connect(f"file:{data / DATABASE}?mode=ro", uri=True)) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            rows = database.execute("SELECT id, state FROM storage_part WHERE data IS NULL").fetchall()
        live = {bytes(ident).hex() for ident, state in rows if state == LIVE}
        files = {path.name for path in (data / PARTS).rglob("*") if path.is_file()}
        if files == live and len(rows) == len(live):
            return
        assert time.monotonic() < deadline, f"stray: {sorted(files - live)[:3]}, missing: {sorted(live - files)[:3]}"
        time.sleep(0.2)


def check_audit(data: Path, requests: set[str]) -> None:
    """Every line can be read, and each acknowledged change has its decision, here or in what was rotated away."""
    newest = sorted(data.glob(f"{AUDIT}*"))[:2]
    records = [json.loads(line) for path in newest for line in path.read_bytes().splitlines()]
    decided = {record["request_id"] for record in records if record["event"] == "decision"}
    assert requests <= decided, f"{len(requests - decided)} acknowledged changes are not in the audit log"


def wait_for_acknowledgements(writers: list[Writer], number: int) -> None:
    """Until so many more writes have been acknowledged; by count and not by time, so that a slow machine will do."""
    before = sum(len(writer.requests) for writer in writers)
    deadline = time.monotonic() + 30
    while sum(len(writer.requests) for writer in writers) < before + number:
        assert time.monotonic() < deadline, "the server is too slow, or stands still"
        time.sleep(0.005)


@pytest.mark.timeout(60 + 30 * ROUNDS)
def test_nothing_acknowledged_is_lost(own_server: RunningServer) -> None:
    rng = random.Random(SEED)
    owner = Owner(own_server)
    owner.vault("kv-crash")
    owner.account("acccrash")
    owner.container("acccrash", "box")
    principal = owner.identity("grantee")
    owner.app("app-crash", principal["id"], system=True)
    before = identity_token(own_server, "app-crash", ARM)
    writers: list[Writer] = [
        Secret("first"),
        Secret("second"),
        Blob("small", 3_000),
        Blob("brim", 64 * 1024 - 3),  # on both sides of what is kept in the database
        Blob("large", 1_500_000),
        BlockBlob("blocks", 300_000),
        Settings("settings"),
        Identities("one"),
        RoleAssignments("grants", principal["principalId"]),
    ]
    for audience in (ARM, VAULT, STORAGE):
        owner.token(audience)
    for number in range(ROUNDS):
        hands = [Owner(own_server, dict(owner._tokens)) for _ in writers]
        threads = [threading.Thread(target=w.work, args=(o,)) for w, o in zip(writers, hands, strict=True)]
        for thread in threads:
            thread.start()
        # the first kill comes so early that hardly anything has been written
        wait_for_acknowledgements(writers, rng.randint(1, 10) if number == 0 else rng.randint(60, 160))
        time.sleep(rng.uniform(0, 0.1))
        own_server.kill()
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive()
        failures = [writer.failure for writer in writers if writer.failure]
        assert not failures, failures
        own_server.start()
        for hand in hands:
            hand.close()
        for writer in writers:
            writer.check(owner)
        check_files(own_server.data)
        check_audit(own_server.data, {ident for writer in writers for ident in writer.requests})
        for writer in writers:
            writer.requests.clear()
    assert all(writer.done for writer in writers), {w.name: w.done for w in writers}
    # identities that were there before still are, and their old tokens are good
    assert owner.send("GET", "management", "/subscriptions?api-version=2022-12-01", before).status_code == 200
    owner.close()


def test_a_kill_while_it_starts_leaves_all_in_order(own_server: RunningServer) -> None:
    owner = Owner(own_server)
    owner.account("acccrash")
    owner.container("acccrash", "box")
    blob = Blob("large", 400_000)
    for number in (1, 2, 3):
        blob.write(owner, number)
        blob.done = blob.tried = number
    for wait in (0.02, 0.15, 0.3, 0.45):
        own_server.kill()
        command = [sys.executable, "-m", "keyless", "up", "--port", str(own_server.port)]
        with own_server.log.open("ab") as log:
            own_server.process = subprocess.Popen(command, env=own_server.environ, stdout=log, stderr=log)
        time.sleep(wait)
    own_server.kill()
    own_server.start()
    blob.check(owner)
    check_files(own_server.data)
    owner.close()
