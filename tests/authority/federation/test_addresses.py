"""Which addresses are anybody's to connect to."""

from __future__ import annotations

import pytest

from keyless.authority.federation.addresses import choose, is_localhost, is_public

PUBLIC = ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "2002:0808:0808::1", "64:ff9b::8.8.8.8"]
PRIVATE = [
    *("127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "0.0.0.0"),
    *("198.18.0.1", "192.0.2.1", "240.0.0.1", "255.255.255.255", "224.0.0.1", "239.1.1.1"),
    *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "fec0::1", "ff02::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1"),
    *("2002:a00:1::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "64:ff9b:1::1", "100::1"),
]
NOBODYS = {"0.0.0.0", "224.0.0.1", "239.1.1.1", "::", "ff02::1"}


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_private(address: str) -> None:
    assert not is_public(address)
    assert choose([address, "8.8.8.8"], allow_private=False) == ["8.8.8.8"]
    assert choose([address], allow_private=True) == ([] if address in NOBODYS else [address])


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("localhost", True),
        ("login.keyless.LOCALHOST", True),
        ("issuer.localhost.", True),
        ("localhost.example.com", False),
        ("notlocalhost", False),
        ("127.0.0.1", False),
    ],
)
def test_names_below_localhost(name: str, is_one: bool) -> None:
    assert is_localhost(name) == is_one
