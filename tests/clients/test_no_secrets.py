"""Of a whole run, its provoked failures included, no token, secret, key or setting stands where it does not belong.

Looked at: every file below the data folder (log, audit, database, parts), the server's own output, the launchers'
output and temporary folders, every answer that is an error, and the arguments of every process while it runs.
"""

from __future__ import annotations

import base64
import json
import re
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.clients.place import Place, make_place
from tests.harness import ARM, STORAGE, VAULT, HeldLease, Owner, RunningServer, connect_socket, running_server

#: Long enough that a piece of another text is not taken for it.
LEAST = 16

APP = """
import json, os, sys
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient
from azure.storage.blob import BlobClient

credential = DefaultAzureCredential()
secrets = SecretClient(os.environ["VAULT_URL"], credential)
blob = BlobClient(os.environ["ACCOUNT_URL"], "box", "mine", credential=credential)
secrets.set_secret("mine", os.environ["PLAIN"])
blob.upload_blob(os.environ["PLAIN"])
tokens = [credential.get_token(f"https://{r}/.default").token for r in ("vault.azure.net", "storage.azure.com")]
print(json.dumps([secrets.get_secret("shared").value, os.environ["IDENTITY_HEADER"], *tokens]), flush=True)
sys.stdin.read()
"""


def spellings(secret: bytes) -> list[bytes]:
    """The forms in which a secret could stand in a file: as it is, as UTF-16, in hexadecimal, and in base64."""
    assert len(secret) >= LEAST
    found = [secret, secret.hex().encode(), secret.hex().upper().encode()]
    found += [f"{secret!r}"[2:-1].encode(), json.dumps(secret.decode("latin-1"))[1:-1].encode()]
    found.append(secret.decode("latin-1").encode("utf-16-le"))
    for shift in range(3):  # base64 looks different at each of three alignments; its ends depend on the neighbours
        middle = base64.b64encode(bytes(shift) + secret)[(0, 2, 3)[shift] :].rstrip(b"=")[:-2]
        found += [middle, middle.replace(b"+", b"-").replace(b"/", b"_")]
    return found


@dataclass
class Secrets:
    """What must be found nowhere; `where` finds it all the same."""

    named: dict[str, bytes] = field(default_factory=dict, repr=False)

    def keep(self, name: str, secret: str | bytes) -> str:
        data = secret.encode() if isinstance(secret, str) else secret
        self.named[name] = data
        return data.decode("latin-1")

    def keep_token(self, name: str, token: str) -> None:
        """A token's claims are no secret, but together with its signature they are."""
        self.keep(f"{name} (signature)", token.rpartition(".")[2])
        self.keep(f"{name} (claims)", token.split(".")[1])

    def within(self, data: bytes) -> set[str]:
        """The names of the secrets that stand in `data`, in whatever form."""
        return {name for name, secret in self.named.items() if any(form in data for form in spellings(secret))}

    def where(self, folder: Path, *but: Path) -> dict[str, set[str]]:
        """The files below `folder` that hold any."""
        files = [p for p in folder.rglob("*") if p.is_file() and p not in but]
        assert files
        found = {str(path): self.within(path.read_bytes()) for path in files}
        return {path: names for path, names in found.items() if names}


@pytest.mark.parametrize("form", [0, 1, 2])
def test_the_search_finds_what_it_should(tmp_path: Path, form: int) -> None:
    secrets = Secrets()
    secrets.keep("password", "pässwörd-of-the-database")
    hidden = "pässwörd-of-the-database".encode()
    for data in (
        b"x" * form + hidden,
        base64.b64encode(b"y" * form + hidden + b"z"),
        base64.urlsafe_b64encode(b"y" * form + hidden),
        b"..." + hidden.hex().encode(),
        repr(hidden).encode(),
    ):
        (tmp_path / "file").write_bytes(data)
        assert secrets.where(tmp_path) == {str(tmp_path / "file"): {"password"}}, data
    (tmp_path / "file").write_bytes(b"nothing of the kind")
    assert secrets.where(tmp_path) == {}


@contextmanager
def watched_arguments() -> Iterator[list[bytes]]:
    """The arguments of every process of this machine, read over and over."""
    seen: set[bytes] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(path.read_bytes())
                except OSError:
                    continue
            time.sleep(0.02)

    thread = threading.Thread(target=watch)
    thread.start()
    arguments: list[bytes] = []
    try:
        yield arguments
    finally:
        done.set()
        thread.join()
        arguments.extend(seen)


class Refusals:
    """Requests that have to fail; their answers are kept."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self.answers: list[bytes] = []

    def __call__(self, status: int, method: str, name: str, path: str, token: str | None, **given: Any) -> None:
        answer = self._owner.send(method, name, path, token, **given)
        assert answer.status_code == status, (path, answer.text)
        self.answers.append(_raw(answer))


def _raw(answer: httpx.Response) -> bytes:
    return b"\n".join([*(name + b": " + value for name, value in answer.headers.raw), b"", answer.content])


def refused_line(server: RunningServer, line: bytes) -> bytes:
    """What the lease socket answers to an opening that it refuses."""
    with connect_socket(server) as connection:
        connection.sendall(line + b"\n")
        answer = connection.recv(65536)
    assert b'"error"' in answer
    return answer


def test_no_secret_stands_where_it_does_not_belong(tmp_path: Path) -> None:
    temporary, run = tmp_path / "tmp", tmp_path / "run"
    temporary.mkdir()
    run.mkdir()
    debugging = {"PYTHONDEVMODE": "1", "PYTHONASYNCIODEBUG": "1", "TMPDIR": str(temporary)}
    with running_server(run, KEYLESS_AUDIT_BYTES="65536", **debugging) as server:
        owner = Owner(server)
        place = make_place(owner)
        secrets = Secrets()
        with watched_arguments() as arguments:
            outputs = the_run(place, secrets, temporary)
            refusals = the_refusals(place, secrets)
            failures = the_failures(place, secrets)
        keys = server.config / server.instance.instance
        secrets.keep("master key", base64.b64decode((keys / "master.key").read_bytes().splitlines()[1]))
        secrets.keep("owner key", json.loads((keys / "owner.key").read_text())["d"])
        for name in (VAULT, STORAGE, ARM):
            secrets.keep_token(f"owner's token for {name}", owner.token(name))
        owner.close()

        assert len(secrets.named) > 20
        assert secrets.where(server.data.parent, keys / "master.key", keys / "owner.key") == {}
        server.stop()
        assert secrets.where(server.data.parent, keys / "master.key", keys / "owner.key") == {}
    assert list(temporary.iterdir()) == []
    assert len(arguments) > 10
    for text in (*arguments, *outputs, *refusals, *failures):
        assert secrets.within(text) == set(), text


def the_run(place: Place, secrets: Secrets, temporary: Path) -> list[bytes]:
    """Secrets, settings, blobs and tokens in ordinary use; what was said, but for what ought to be."""
    owner, server = place.owner, place.owner.server
    place.allow_all()
    shared = secrets.keep("a vault's secret", "shared-secret-Tr0ub4dor-in-the-vault")
    plain = secrets.keep("an app's setting", "plain-setting-correct-horse-battery")
    owner.secret(place.name, "shared", shared)
    owner.container(place.name, "box")
    owner.blob(place.name, "box/small", secrets.keep("a small blob", "small-blob-with-an-api-key-inside").encode())
    owner.blob(place.name, "box/large", secrets.keep("a large blob", "large-blob-and-its-certificate").encode() * 9000)
    place.settings(PLAIN=plain, RESOLVED=f"@Microsoft.KeyVault(VaultName={place.name};SecretName=shared)")
    said = []
    for _ in range(2):
        process = place.start([sys.executable, "-X", "dev", "-c", APP], TMPDIR=str(temporary))
        assert process.stdout
        first = process.stdout.readline()
        assert first, process.communicate()[1]
        value, header, *tokens = json.loads(first)
        assert value == shared
        secrets.keep("an instance's header secret", header)
        for number, token in enumerate(tokens):
            secrets.keep_token(f"an app's token {number}", token)
        assert secrets.where(temporary) == {}
        # the child has what it was given, and neither the launcher nor the guard has it in its environment
        assert secrets.within(environment_of(process.pid)) == set()
        out, err = process.communicate(timeout=60)
        said += [out.encode(), err.encode()]
        assert process.returncode == 0
        owner.send("DELETE", f"{place.name}.blob", "/box/mine", owner.token(STORAGE))
    with HeldLease.open(server, place.name) as lease:
        secrets.keep("a lease's key", lease.answer["key"])
        secrets.keep("a lease's header secret", lease.answer["header"])
        secrets.keep_token("a lease's token", lease.token(VAULT, place.identity["clientId"]))
        wrong = lease.request(query={"resource": VAULT}, headers={"X-IDENTITY-HEADER": lease.answer["key"]})
        assert wrong.status == 401
        missing = lease.request(query={"resource": VAULT, "client_id": place.identity["principalId"]})
        assert missing.status == 400
        said += [wrong.content, missing.content]
    return said + other_hosts(place, secrets)


def other_hosts(place: Place, secrets: Secrets) -> list[bytes]:
    """What the launchers of other shapes of host are given; what was said when it was used wrongly."""
    owner, said = place.owner, []
    with HeldLease.open(owner.server, place.name, host="service-fabric") as lease:
        key = lease.answer["material"].partition("PRIVATE KEY-----\n")[2]
        secrets.keep("the key of an endpoint", key.splitlines()[0])
        secrets.keep("a header secret of Service Fabric's", lease.answer["header"])
        headers = {"X-IDENTITY-HEADER": None, "Secret": lease.answer["key"]}
        said.append(lease.request(path="/metadata/identity/oauth2/token", headers=headers).content)
    with HeldLease.open(owner.server, place.name, host="workload-identity", faults=["unavailable"]) as lease:
        secrets.keep_token("an instance's assertion", lease.answer["material"])
        form = {
            "grant_type": "client_credentials",
            "scope": f"{VAULT}/.default",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": lease.answer["material"],
        }
        path = f"/{owner.server.instance.tenant}/oauth2/v2.0/token"
        for client_id, status in ((owner.server.instance.owner.client_id, 401), (place.identity["clientId"], 503)):
            answer = owner.send("POST", "login", path, data=form | {"client_id": client_id})
            assert answer.status_code == status
            said.append(answer.content)
    return said


def the_refusals(place: Place, secrets: Secrets) -> list[bytes]:
    """Secrets in malformed bodies, in wrong places, and tokens that do not count."""
    owner, server = place.owner, place.owner.server
    vault, blob, arm = (owner.token(name) for name in (VAULT, STORAGE, ARM))
    refuse = Refusals(owner)
    secret = secrets.keep("a secret in a malformed request", "malformed-body-secret-hunter2-hunter2")
    at, store = f"{place.name}.vault", f"{place.name}.blob"
    query = "?api-version=7.4"
    for body in (
        f'{{"value": "{secret}"',
        f'{{"value": ["{secret}"]}}',
        f'{{"value": 1, "tags": {{"a": ["{secret}"]}}}}',
        f'"{secret}"',
        f'{{"value": "v", "attributes": {{"exp": "{secret}"}}}}',
        f'{{"value": "v", "attributes": "{secret}"}}',
    ):
        refuse(400, "PUT", at, f"/secrets/mine{query}", vault, content=body)
    refuse(413, "PUT", at, f"/secrets/mine{query}", vault, json={"value": secret * 40_000})
    settings = f"{owner.group}/providers/Microsoft.Web/sites/{place.name}/config/appsettings?api-version=2024-04-01"
    for given in (
        {"json": {"properties": {"GOOD": {"nested": secret}}}},
        {"json": {"properties": [secret]}},
        {"json": {"properties": {"a b": secret}}},
        {"json": {"properties": {"NUL": f"{secret}\0"}}},
        {"content": f'{{"properties": {{"GOOD": "{secret}"'},
    ):
        refuse(400, "PUT", "management", settings, arm, **given)
    refuse(400, "PUT", store, "/box/b?comp=blocklist", blob, content=f"<BlockList><Latest>{secret}</Latest>")
    refuse(400, "PUT", store, "/box/b?comp=blocklist", blob, content=f"<!DOCTYPE {secret}><BlockList/>")
    bad_metadata = {"x-ms-blob-type": "BlockBlob", "x-ms-meta-bad-name": secret}
    refuse(400, "PUT", store, "/box/b", blob, content=secret, headers=bad_metadata)
    md5 = {"x-ms-blob-type": "BlockBlob", "Content-MD5": base64.b64encode(secret[:16].encode()).decode()}
    refuse(400, "PUT", store, "/box/b", blob, content=secret, headers=md5)

    # tokens
    wrong = {"another resource's": blob, "nonsense": secret, "longer": f"{vault}{secret}", "cut": vault[:-20]}
    tampered = vault.split(".")
    wrong["tampered"] = ".".join([tampered[0], tampered[1][:-4] + "AAAA", tampered[2]])
    for token in wrong.values():
        refuse(401, "GET", at, f"/secrets/shared{query}", token)
    refuse(401, "GET", store, "/?comp=list", vault)
    refuse(401, "GET", "management", f"{owner.group}?api-version=2024-01-01", vault)
    basic = {"Authorization": f"Basic {base64.b64encode(f'me:{secret}'.encode()).decode()}"}
    refuse(401, "GET", at, f"/secrets/shared{query}", None, headers=basic)
    grant = f"/{server.instance.tenant}/oauth2/v2.0/token"
    form = {
        "grant_type": "client_credentials",
        "client_id": server.instance.owner.client_id,
        "scope": f"{VAULT}/.default",
    }
    jwt = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    for more in (
        {"client_secret": secret},
        {"client_assertion": secret, "client_assertion_type": jwt},
        {"client_assertion": vault, "client_assertion_type": jwt},
        {"grant_type": "password", "username": "me", "password": secret},
        {"grant_type": "refresh_token", "refresh_token": secret},
    ):
        before = len(refuse.answers)
        answer = owner.send("POST", "login", grant, data=form | more)
        assert answer.status_code in {400, 401}, answer.text
        refuse.answers.append(_raw(answer))
        assert len(refuse.answers) == before + 1

    # the lease socket
    key = secrets.keep("a key that opens nothing", "a-lease-key-that-opens-nothing-at-all")
    for line in (
        f'{{"open": "resume", "lease": "none", "key": "{key}", "identity_port": 1}}',
        f'{{"open": "identity", "lease": "none", "key": "{key}"}}',
        f'{{"open": "resume", "lease": "none", "key": "{key}"}}',
        f'{{"open": "{key}"}}',
        f'"{key}',
        key * 200,
    ):
        refuse.answers.append(refused_line(server, line.encode()))
    return refuse.answers


def the_failures(place: Place, secrets: Secrets) -> list[bytes]:
    """What fails inside of the server: a damaged database, a lost part, an audit log that cannot be written."""
    owner, server = place.owner, place.owner.server
    refuse = Refusals(owner)
    vault, blob = owner.token(VAULT), owner.token(STORAGE)
    at, store = f"{place.name}.vault", f"{place.name}.blob"
    value = secrets.keep("a secret of a request that fails", "request-that-fails-inside-swordfish")
    with sqlite3.connect(server.data / "keyless.db", timeout=30) as database:
        database.execute("UPDATE key_vault_secret_version SET sealed = 'no longer sealed' WHERE name = 'shared'")
        database.execute("UPDATE key_vault_secret_version SET sealed = CAST('damaged' AS BLOB) WHERE name = 'mine'")
        database.execute("UPDATE app_settings SET sealed = 'no longer sealed'")
    database.close()
    for name in ("shared", "mine"):
        refuse(500, "GET", at, f"/secrets/{name}?api-version=7.4", vault)
    ran = place.run(["true"])
    assert ran.returncode == 1
    (part,) = [path for path in (server.data / "parts").rglob("*") if path.is_file()]
    part.unlink()
    with pytest.raises(httpx.RemoteProtocolError):
        owner.send("GET", store, "/box/large", blob)
    # the next rotation finds a folder where the oldest file should go
    third, fourth = server.data / "audit.jsonl.3", server.data / "audit.jsonl.4"
    third.touch()
    fourth.mkdir()
    for _ in range(1000):
        answer = owner.send("PUT", at, "/secrets/late?api-version=7.4", vault, json={"value": value})
        if answer.status_code != 200:
            break
    assert answer.status_code == 503, answer.text
    refuse(503, "PUT", at, "/secrets/late?api-version=7.4", vault, json={"value": value})
    refuse(503, "PUT", store, "/box/late", blob, content=value, headers={"x-ms-blob-type": "BlockBlob"})
    ran_again = place.run(["true"])
    assert ran_again.returncode == 1
    fourth.rmdir()
    log = (server.data / "keyless.log").read_bytes()
    request = rb"request \S+ failed: "
    for failure in (
        request + rb"\w+Error at ",
        request + rb"Stored data is damaged",
        rb"a launch failed: ",
        rb"the answer to \S+ broke off: ",
    ):
        assert re.search(failure, log), failure
    return [*refuse.answers, _raw(answer), ran.stderr.encode(), ran_again.stderr.encode()]


def environment_of(launcher: int) -> bytes:
    """The environments of a launcher and its guard, as they were started."""
    children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    return b"\0".join(Path(f"/proc/{pid}/environ").read_bytes() for pid in (launcher, *children))
