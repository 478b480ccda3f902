"""The Host header: a name and a port or a refusal; a name belongs to the surface whose suffix it has."""

from __future__ import annotations

from keyless.http.head import split_authority
from keyless.http.hosts import Hosts
from keyless.model.errors import ErrorKind, KeylessError

_HOSTS = Hosts("keyless.localhost")
SEEDS = (
    b"kv.vault.keyless.localhost:8443",
    b"acc.blob.core.windows.net",
    b"login.microsoftonline.com:443",
    b"management.keyless.localhost.",
    b"127.0.0.1:8443",
    b"[::1]:8443",
    b"[::1",
    b"a:b:c",
    b"kv.vault.keyless.localhost.evil.example",
    b"host:" + b"1" * 5000,
)


def fuzz(data: bytes) -> None:
    """One input: a header's bytes, as the server decodes them."""
    text = data.decode("latin-1")
    try:
        host, port = split_authority(text)
    except KeylessError as error:
        assert error.kind is ErrorKind.INVALID
        return
    assert port is None or 0 < port < 65536
    assert host == host.lower()
    found = _HOSTS.target(host, "/account/container/blob")
    if found is None:
        return
    assert found.surface in {"login", "management", "vault", "storage"}
    if found.suffix:
        assert host == f"{found.name}.{found.suffix}"
        assert "." not in found.name
    elif found.surface in {"vault", "storage"}:
        assert host in {"127.0.0.1", "::1"}
        assert found.prefix == "/account"
