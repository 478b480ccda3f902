"""A real server for the tests, and the owner's way to it.

Owns starting `keyless up` as a user would, on loopback and on a free port, and ending just that process. The
owner's requests are plain HTTPS: what is tested is the server, not our own command line.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from keyless.model.paths import SOCKET_NAME
from keyless.store.folder import Instance, read_instance

ARM = "https://management.azure.com"
VAULT = "https://vault.azure.net"
STORAGE = "https://storage.azure.com"
GRAPH = "https://graph.microsoft.com"
START_SECONDS = 30.0

ROLES = {
    "Global Administrator": "62e90394-69f5-4237-9190-012177145e10",
    "Application Administrator": "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
    "User Administrator": "fe930be7-5e62-47db-91af-98c3a49a38b1",
    "Groups Administrator": "fdd7a751-b60b-444a-984c-02652fe8fa1c",
    "Directory Readers": "88d8e3e3-8f55-4a1e-953a-9b9898b8876b",
    "Owner": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "Contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "User Access Administrator": "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
    "Role Based Access Control Administrator": "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
    "Managed Identity Contributor": "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59",
    "Managed Identity Operator": "f1a07417-d97a-45cb-824c-7a7467783830",
    "Key Vault Contributor": "f25e0fa2-a7c8-4377-a976-54943a77a395",
    "Key Vault Administrator": "00482a5a-887f-4fb3-b363-3b7fe8e74483",
    "Key Vault Secrets Officer": "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "Key Vault Reader": "21090545-7ca7-4776-b22c-e363652d74d2",
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Storage Blob Data Reader": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
    "Storage Blob Delegator": "db58b8e5-c6ad-4a2a-8342-4190687cbf4a",
}


@dataclass
class RunningServer:
    """A server process and its folders."""

    data: Path
    config: Path
    environ: dict[str, str] = field(repr=False)
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def instance(self) -> Instance:
        found = read_instance(self.data)
        assert found is not None
        return found

    @property
    def log(self) -> Path:
        return self.data.parent / "server.log"

    def start(self) -> None:
        """Start it, and return once it is ready."""
        reader, writer = os.pipe()
        command = [sys.executable, "-m", "keyless", "up", "--port", str(self.port), "--ready-fd", str(writer)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=self.environ, pass_fds=(writer,), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            assert pipe.read(1) == b"1", self.log.read_text()
        self.port = self.instance.port

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it as `keyless down` does."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(START_SECONDS) == 0, self.log.read_text()

    def keyless(self, *arguments: str, **given: Any) -> subprocess.CompletedProcess[str]:
        """Run a command of keyless as a user would."""
        options: dict[str, Any] = {"env": self.environ, "capture_output": True, "timeout": 60} | given
        return subprocess.run([sys.executable, "-m", "keyless", *arguments], check=False, text=True, **options)


def free_environment(data: Path, config: Path, **more: str) -> dict[str, str]:
    """The environment of a process that must see nothing of this machine's own instance or cloud."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("KEYLESS_", "AZURE_", "IDENTITY_", "MSI_")) and "proxy" not in name.lower()
    }
    own = {"KEYLESS_DATA": str(data), "KEYLESS_CONFIG": str(config), "KEYLESS_SQL_PORT": "0"}
    return kept | own | {"PYTHONUNBUFFERED": "1"} | more


@contextmanager
def running_server(folder: Path, **settings: str) -> Iterator[RunningServer]:
    """A new instance in `folder`, ended when the block ends."""
    data, config = folder / "data", folder / "config"
    server = RunningServer(data, config, free_environment(data, config, **settings))
    server.start()
    try:
        yield server
    finally:
        if server.process is not None and server.process.poll() is None:
            server.process.terminate()
            try:
                server.process.wait(START_SECONDS)
            except subprocess.TimeoutExpired:
                server.process.kill()


@dataclass
class Owner:
    """The owner's requests."""

    server: RunningServer
    _tokens: dict[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        context = ssl.create_default_context(cafile=str(self.server.data / "tls" / "own-ca.pem"))
        self._http = httpx.Client(verify=context, trust_env=False, timeout=30)

    @property
    def subscription(self) -> str:
        return f"/subscriptions/{self.server.instance.subscription}"

    @property
    def group(self) -> str:
        return f"{self.subscription}/resourceGroups/default"

    def send(self, method: str, name: str, path: str, token: str | None = None, **given: Any) -> httpx.Response:
        """A request to a surface by its own name (`management`, `kv.vault`); names need not resolve."""
        host = f"{name}.{self.server.instance.domain}"
        headers = {"Host": f"{host}:{self.server.port}"} | dict(given.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        url = f"https://127.0.0.1:{self.server.port}{path}"
        return self._http.request(method, url, headers=headers, extensions={"sni_hostname": host}, **given)

    def token(self, resource: str) -> str:
        """The owner's own token."""
        if resource not in self._tokens:
            self._tokens[resource] = self._ask(resource)
        return self._tokens[resource]

    def _ask(self, resource: str) -> str:
        instance = self.server.instance
        key_file = self.server.config / instance.instance / "owner.key"
        key = ECKey.import_key(msgspec.json.decode(key_file.read_bytes(), type=dict[str, str | list[str]]))
        path = f"/{instance.tenant}/oauth2/v2.0/token"
        now = int(time.time())
        claims = {
            "iss": instance.owner.client_id,
            "sub": instance.owner.client_id,
            "aud": f"https://login.{instance.domain}:{self.server.port}{path}",
            "iat": now,
            "exp": now + 300,
            "jti": str(uuid4()),
        }
        form = {
            "grant_type": "client_credentials",
            "client_id": instance.owner.client_id,
            "scope": f"{resource}/.default",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": jwt.encode({"alg": "ES256"}, claims, key),
        }
        answer = self.send("POST", "login", path, data=form)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def arm(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """A request to the resource manager that has to succeed; its body."""
        answer = self.send(method, "management", f"{path}?api-version=2024-01-01", self.token(ARM), json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def graph(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """A request to the directory that has to succeed; its body."""
        answer = self.send(method, "graph", f"/v1.0/{path}", self.token(GRAPH), json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    # what most tests need

    def identity(self, name: str, group: str = "default") -> dict[str, Any]:
        """A user-assigned identity: `id`, `principalId`, `clientId`."""
        path = f"{self.subscription}/resourceGroups/{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
        made = self.arm("PUT", f"{path}/{name}", {"location": "local"})
        return {"id": made["id"], **made["properties"]}

    def app(self, name: str, *identities: str, system: bool = False) -> dict[str, Any]:
        """An app with identities assigned, by their resource IDs."""
        kinds = [*(["SystemAssigned"] if system else []), *(["UserAssigned"] if identities else [])]
        block: dict[str, Any] = {"type": ", ".join(kinds) or "None"}
        if identities:
            block["userAssignedIdentities"] = {i: {} for i in identities}
        path = f"{self.group}/providers/Microsoft.Web/sites/{name}"
        return dict(self.arm("PUT", path, {"location": "local", "identity": block}))

    def vault(self, name: str) -> str:
        """A vault; its resource ID."""
        path = f"{self.group}/providers/Microsoft.KeyVault/vaults/{name}"
        return str(self.arm("PUT", path, {"location": "local", "properties": {}})["id"])

    def purge_vault(self, name: str) -> None:
        """The end of a deleted vault."""
        place = f"{self.subscription}/providers/Microsoft.KeyVault/locations/local/deletedVaults"
        self.arm("POST", f"{place}/{name}/purge")

    def secret(self, vault: str, name: str, value: str) -> dict[str, Any]:
        """A secret's new version; its bundle."""
        token = self.token(VAULT)
        answer = self.send("PUT", f"{vault}.vault", f"/secrets/{name}?api-version=7.4", token, json={"value": value})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def account(self, name: str) -> str:
        """A storage account; its resource ID."""
        path = f"{self.group}/providers/Microsoft.Storage/storageAccounts/{name}"
        made = self.arm("PUT", path, {"location": "local", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}})
        return str(made["id"])

    def container(self, account: str, name: str) -> None:
        """A container."""
        answer = self.send("PUT", f"{account}.blob", f"/{name}?restype=container", self.token(STORAGE))
        assert answer.status_code == 201, answer.text

    def blob(self, account: str, path: str, data: bytes) -> None:
        """A block blob, `container/name`."""
        headers = {"x-ms-blob-type": "BlockBlob", "x-ms-version": "2024-11-04"}
        answer = self.send("PUT", f"{account}.blob", f"/{path}", self.token(STORAGE), content=data, headers=headers)
        assert answer.status_code == 201, answer.text

    def assign(self, principal_id: str, role: str, scope: str) -> str:
        """A role assignment; its resource ID."""
        path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{uuid4()}"
        role_id = f"{self.subscription}/providers/Microsoft.Authorization/roleDefinitions/{ROLES[role]}"
        made = self.arm("PUT", path, {"properties": {"roleDefinitionId": role_id, "principalId": principal_id}})
        return str(made["id"])

    def revoke_keys(self) -> None:
        """Revoke the signing key, and with it every token that there is."""
        keys = f"{self.subscription}/providers/Keyless.Authority/signingKeys"
        (active,) = (key["kid"] for key in self.arm("GET", keys)["value"] if key["state"] == "active")
        self.arm("POST", f"{keys}/{active}/revoke")
        self._tokens.clear()

    def close(self) -> None:
        self._http.close()


# as a workload


class LeaseRefused(AssertionError):
    """The server refused a lease, or a connection on one; `code` and the message are the server's."""

    def __init__(self, error: Mapping[str, str]) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code = error["code"]


def connect_socket(server: RunningServer) -> socket.socket:
    """A connection to the server's Unix socket, whatever the length of its path."""
    descriptor = os.open(server.data, os.O_RDONLY | os.O_DIRECTORY)
    try:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(START_SECONDS)
        connection.connect(f"/proc/self/fd/{descriptor}/{SOCKET_NAME}")
        return connection
    finally:
        os.close(descriptor)


class _OnSocket(http.client.HTTPConnection):
    """HTTP on a socket that is connected already."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__("127.0.0.1")
        self.sock = connection


@dataclass
class IdentityAnswer:
    """What the identity endpoint said."""

    status: int
    headers: dict[str, str]
    content: bytes = field(repr=False)

    def json(self) -> dict[str, Any]:
        """The body."""
        return dict(msgspec.json.decode(self.content))


@dataclass
class HeldLease:
    """A live instance of an app, as its launcher holds it. Ends with `close` or with the `with` block."""

    server: RunningServer
    answer: dict[str, Any] = field(repr=False)
    port: int
    connection: socket.socket = field(repr=False)
    _lines: BinaryIO = field(repr=False)

    @classmethod
    def open(cls, server: RunningServer, app: str, *, names: str = "own", port: int = 41_000, **more: Any) -> HeldLease:
        """Take a lease on a new instance of an app, `more` is its `host` and `faults`; raises LeaseRefused."""
        opening = {"open": "lease", "app": app, "names": names, "identity_port": port}
        return cls._begin(server, opening | more, port, {})

    def resume(self, *, key: str | None = None) -> HeldLease:
        """Take this lease up again on a new connection, as after a restart of the server."""
        line = {"open": "resume", "lease": self.answer["lease"], "key": key or self.answer["key"]}
        return self._begin(self.server, {**line, "identity_port": self.port}, self.port, self.answer)

    @classmethod
    def _begin(cls, server: RunningServer, line: Mapping[str, Any], port: int, before: Mapping[str, Any]) -> HeldLease:
        connection = connect_socket(server)
        connection.sendall(json.dumps(line).encode() + b"\n")
        lines = connection.makefile("rb")
        answer = json.loads(lines.readline())
        if "error" in answer:
            connection.close()
            raise LeaseRefused(answer["error"])
        return cls(server, {**before, **answer}, port, connection, lines)

    def request(self, method: str = "GET", path: str = "/msi/token", **given: Any) -> IdentityAnswer:
        """A request to the identity endpoint; `query`, `headers` and `key` overrule what a good one has.

        A header whose value is None is left out. `form` is sent as the body.
        """
        query = {"api-version": "2019-08-01"} | dict(given.get("query", {}))
        headers: dict[str, Any] = {"Host": f"127.0.0.1:{self.port}", "X-IDENTITY-HEADER": self.answer["header"]}
        headers |= dict(given.get("headers", {}))
        connection = connect_socket(self.server)
        line = {"open": "identity", "lease": self.answer["lease"], "key": given.get("key", self.answer["key"])}
        connection.sendall(json.dumps(line).encode() + b"\n")
        http_connection = _OnSocket(connection)
        try:
            http_connection.putrequest(method, f"{path}?{urlencode(query)}", skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                if value is not None:
                    http_connection.putheader(name, value)
            body = urlencode(given["form"]).encode() if "form" in given else given.get("body", b"")
            if body:
                http_connection.putheader("Content-Length", str(len(body)))
            http_connection.endheaders(body)
            response = http_connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return IdentityAnswer(response.status, found, response.read())
        finally:
            http_connection.close()

    def token(self, resource: str, client_id: str | None = None) -> str:
        """A token for the app, or for one of its user-assigned identities."""
        query = {"resource": resource} | ({"client_id": client_id} if client_id else {})
        answer = self.request(query=query)
        assert answer.status == 200, answer.content
        return str(answer.json()["access_token"])

    def next_line(self) -> bytes:
        """What the server says later on; empty at the end of the connection."""
        return self._lines.readline()

    def close(self) -> None:
        """End the lease, as a launcher's death does."""
        self._lines.close()
        self.connection.close()

    def __enter__(self) -> HeldLease:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def identity_token(server: RunningServer, app: str, resource: str, client_id: str | None = None) -> str:
    """A token of an app's identity: the system-assigned one, or the user-assigned one of that client ID."""
    with HeldLease.open(server, app) as lease:
        return lease.token(resource, client_id)


# disks that fill up


@contextmanager
def small_disk(folder: Path, kib: int) -> Iterator[Path]:
    """A file system of that many KiB; skips the test where one cannot be mounted."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={kib}k,mode=0700", "tmpfs", str(folder)]
    try:
        mounted = os.geteuid() == 0 and subprocess.run(command, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("a small disk can be mounted by root only")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
