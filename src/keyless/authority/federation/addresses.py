"""Which addresses a foreign issuer may be at: public ones, unless the operator allows others.

Owns the judgement on an address. Pure. The caller connects to the address that was judged and resolves the name no
second time, so that a name which changes its address in between (DNS rebinding) gains nothing.

Source: RFC 6890 (special-purpose addresses), RFC 6761 section 6.3 (localhost), RFC 6052 (64:ff9b::/96).
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Network, ip_address

LOOPBACK = ("127.0.0.1", "::1")
_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")


def is_localhost(host: str) -> bool:
    """Whether a name means this machine, whatever a name server says."""
    return host.lower().rstrip(".").rpartition(".")[2] == "localhost"


def is_public(text: str) -> bool:
    """Whether an address is one that anybody on the Internet may be told to connect to."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast
    # where packets to such an address end up is told by the IPv4 address inside
    if address in _NAT64:
        return is_public(str(IPv4Address(int(address) & 0xFFFFFFFF)))
    if address.sixtofour:
        return is_public(str(address.sixtofour))
    return address in _UNICAST and address.is_global


def choose(addresses: Iterable[str], *, allow_private: bool) -> list[str]:
    """Those of a host's addresses that may be connected to, in their order."""
    return [one for one in addresses if is_public(one) or (allow_private and _is_host(one))]


def _is_host(text: str) -> bool:
    address = ip_address(text.partition("%")[0])
    return not (address.is_multicast or address.is_unspecified)
