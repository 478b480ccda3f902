"""The clouds' names and audiences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.model.clouds import CLOUDS, canonical_audience, claimed_names, covers

DOMAIN = "keyless.localhost"


def test_names_are_those_of_three_clouds() -> None:
    names = claimed_names()
    assert len(names) == len(set(names)) == sum(len(cloud.claimed_names) for cloud in CLOUDS)
    assert {"login.microsoftonline.com", "management.usgovcloudapi.net", "*.vault.azure.cn"} <= set(names)
    assert all(name == name.lower() and not name.endswith(".") for name in names)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("login.microsoftonline.com", True),
        ("LOGIN.microsoftonline.com.", True),
        ("shop.vault.azure.net", True),
        ("shop.blob.core.usgovcloudapi.net", True),
        ("deeper.shop.vault.azure.net", True),
        ("vault.azure.net", False),
        (".", False),
        ("", False),
        ("evilvault.azure.net", False),
        ("xlogin.microsoftonline.com", False),
        ("graph.microsoft.com", True),
        ("graph.windows.net", False),
        ("login.microsoftonline.com.evil.example", False),
    ],
)
def test_covers(host: str, expected: bool) -> None:
    assert covers(claimed_names(), host) is expected


@pytest.mark.parametrize(
    ("audience", "family"),
    [
        ("https://vault.azure.net", "vault"),
        ("https://vault.azure.net/", "vault"),
        ("https://VAULT.azure.net:443//", "vault"),
        ("https://vault.azure.cn", "vault"),
        ("https://vault.usgovcloudapi.net", "vault"),
        ("https://vault.keyless.localhost", "vault"),
        ("https://vault.keyless.localhost:8443/", "vault"),
        ("https://storage.azure.com", "storage"),
        ("https://storage.azure.com/", "storage"),
        ("https://storage.keyless.localhost:8443", "storage"),
        ("https://shop.blob.core.windows.net", "storage"),
        ("https://shop.blob.core.chinacloudapi.cn/", "storage"),
        ("https://shop.blob.keyless.localhost:8443", "storage"),
        ("https://management.azure.com", "management"),
        ("https://management.core.windows.net//", "management"),
        ("https://management.core.chinacloudapi.cn", "management"),
        ("https://management.keyless.localhost", "management"),
        # foreign ones
        ("", ""),
        ("vault.azure.net", ""),
        ("http://vault.azure.net", ""),
        ("https://vault.azure.net:8443", ""),
        ("https://vault.azure.net/x", ""),
        ("https://vault.azure.net?x", ""),
        ("https://vault.azure.net\n", ""),
        ("https://vault.azure.net.evil.example", ""),
        ("https://evilvault.azure.net", ""),
        ("https://shop.vault.azure.net", ""),
        ("https://user@vault.azure.net", ""),
        ("https://blob.core.windows.net", ""),
        ("https://a.b.blob.core.windows.net", ""),
        ("https://no.blob.core.windows.net", ""),
        ("https://shop_1.blob.core.windows.net", ""),
        ("https://vault", ""),
        ("https://login.keyless.localhost", ""),
        ("https://x.vault.keyless.localhost", ""),
        ("https://vaultkeyless.localhost", ""),
        ("https://graph.microsoft.com", "graph"),
        ("https://graph.microsoft.us/", "graph"),
        ("https://graph.keyless.localhost:8443", "graph"),
        ("https://graph.windows.net", ""),
        ("https://vault.azure.net:443443443", ""),
    ],
)
def test_canonical_audience(audience: str, family: str) -> None:
    assert canonical_audience(audience, DOMAIN) == family


def test_the_domain_is_a_setting() -> None:
    assert canonical_audience("https://vault.Keys.Example.com", "keys.example.COM") == "vault"
    assert canonical_audience("https://vault.keyless.localhost", "keys.example.com") == ""


@given(st.text(max_size=80))
def test_noise_belongs_to_nobody(audience: str) -> None:
    assert canonical_audience(audience, DOMAIN) == ""
