"""Which name answers as what."""

from __future__ import annotations

import pytest

from keyless.http.hosts import Hosts
from keyless.http.message import Target

HOSTS = Hosts("keyless.localhost")


@pytest.mark.parametrize(
    ("host", "path", "expected"),
    [
        ("login.keyless.localhost", "/", Target("login")),
        ("login.microsoftonline.com", "/", Target("login")),
        ("login.chinacloudapi.cn", "/", Target("login")),
        ("management.keyless.localhost", "/", Target("management")),
        ("identity.keyless.localhost", "/msi/token", Target("instances")),
        ("management.azure.com", "/", Target("management")),
        ("graph.keyless.localhost", "/", Target("graph")),
        ("graph.microsoft.com", "/", Target("graph")),
        ("microsoftgraph.chinacloudapi.cn", "/", Target("graph")),
        ("kv.vault.keyless.localhost", "/", Target("vault", "kv", "vault.keyless.localhost")),
        ("kv.vault.azure.net", "/", Target("vault", "kv", "vault.azure.net")),
        ("kv.vault.azure.cn", "/", Target("vault", "kv", "vault.azure.cn")),
        ("shop.blob.keyless.localhost", "/c/b", Target("storage", "shop", "blob.keyless.localhost")),
        ("shop.blob.core.windows.net", "/", Target("storage", "shop", "blob.core.windows.net")),
        ("127.0.0.1", "/shop/c/b", Target("storage", "shop", "", "/shop")),
        ("::1", "/shop", Target("storage", "shop", "", "/shop")),
        ("127.0.0.1", "/", None),
        ("localhost", "/shop", None),
        ("keyless.localhost", "/", None),
        ("vault.keyless.localhost", "/", None),
        ("a.b.vault.azure.net", "/", None),
        ("kv.vault.azure.net.evil.example", "/", None),
        ("evilvault.azure.net", "/", None),
        ("kv.vault.azure.netx", "/", None),
        ("xlogin.keyless.localhost", "/", None),
        ("login.keyless.localhost.evil", "/", None),
        ("", "/", None),
    ],
)
def test_names(host: str, path: str, expected: Target | None) -> None:
    assert HOSTS.target(host, path) == expected


def test_an_empty_name_is_no_vault() -> None:
    found = HOSTS.target(".vault.azure.net", "/")
    assert found is None or found.name == ""
