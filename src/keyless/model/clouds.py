"""The public clouds whose names keyless answers to, and the audiences that tokens are asked for.

Owns the lists and the comparison of names with them. Must not know which surface answers, nor how a process
comes to see these names here (`launcher/`, `http/tls/`).

Source: the clouds' own metadata (`https://management.azure.com/metadata/endpoints`) and the authority hosts
that MSAL knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Cloud:
    """One national cloud. Suffixes are what follows the name of a vault, an account or a server and a dot."""

    name: str
    login_hosts: tuple[str, ...]
    management_hosts: tuple[str, ...]
    graph_hosts: tuple[str, ...]
    vault_suffix: str
    blob_suffix: str
    sql_suffix: str

    @property
    def claimed_names(self) -> tuple[str, ...]:
        """Every name of this cloud that keyless answers to; `*.` stands for a vault or an account."""
        return (
            *self.login_hosts,
            *self.management_hosts,
            *self.graph_hosts,
            f"*.{self.vault_suffix}",
            f"*.{self.blob_suffix}",
            f"*.{self.sql_suffix}",
        )


CLOUDS = (
    Cloud(
        name="public",
        login_hosts=(
            "login.microsoftonline.com",
            "login.windows.net",
            "login.microsoft.com",
            "sts.windows.net",
        ),
        management_hosts=("management.azure.com", "management.core.windows.net"),
        graph_hosts=("graph.microsoft.com",),
        vault_suffix="vault.azure.net",
        blob_suffix="blob.core.windows.net",
        sql_suffix="database.windows.net",
    ),
    Cloud(
        name="china",
        login_hosts=("login.chinacloudapi.cn", "login.partner.microsoftonline.cn"),
        management_hosts=("management.chinacloudapi.cn", "management.core.chinacloudapi.cn"),
        graph_hosts=("microsoftgraph.chinacloudapi.cn",),
        vault_suffix="vault.azure.cn",
        blob_suffix="blob.core.chinacloudapi.cn",
        sql_suffix="database.chinacloudapi.cn",
    ),
    Cloud(
        name="us-government",
        login_hosts=("login.microsoftonline.us", "login.usgovcloudapi.net"),
        management_hosts=("management.usgovcloudapi.net", "management.core.usgovcloudapi.net"),
        graph_hosts=("graph.microsoft.us",),
        vault_suffix="vault.usgovcloudapi.net",
        blob_suffix="blob.core.usgovcloudapi.net",
        sql_suffix="database.usgovcloudapi.net",
    ),
)

# Storage has one audience for all accounts of all clouds.
_HOST_FAMILIES = {
    "storage.azure.com": "storage",
    **{cloud.vault_suffix: "vault" for cloud in CLOUDS},
    **{cloud.sql_suffix: "sql" for cloud in CLOUDS},
    **{host: "management" for cloud in CLOUDS for host in cloud.management_hosts},
    **{host: "graph" for cloud in CLOUDS for host in cloud.graph_hosts},
}
_BLOB_SUFFIXES = tuple(cloud.blob_suffix for cloud in CLOUDS)
_AUDIENCE = re.compile(r"https://(?P<host>[a-z0-9.-]{1,253})(?::(?P<port>[0-9]{1,5}))?/*", re.IGNORECASE | re.ASCII)
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}", re.ASCII)


def claimed_names() -> tuple[str, ...]:
    """The names of all clouds that keyless answers to, as they stand in a certificate."""
    return tuple(name for cloud in CLOUDS for name in cloud.claimed_names)


def covers(names: Iterable[str], host: str) -> bool:
    """Whether `host` is one of `names`, or anything below one that begins with `*.`; case is ignored."""
    host = host.lower().removesuffix(".")
    return any(host == name or (name.startswith("*.") and host.endswith(name[1:])) for name in names)


def canonical_audience(audience: str, domain: str) -> str:
    """The family that a token's audience belongs to: `vault`, `storage`, `sql`, `management`, `graph`; "" if foreign.

    The spellings of all clouds count, and those under keyless's own `domain` on any port. Trailing slashes and
    case are ignored. One account's audience (`https://shop.blob.core.windows.net`) is `storage` too: it
    narrows which server may see the token, and one server holds all accounts here.
    """
    match = _AUDIENCE.fullmatch(audience)
    if match is None:
        return ""
    host = match["host"].lower()
    own = _own_family(host, domain.lower())
    if own or match["port"] not in (None, "443"):
        return own
    return _HOST_FAMILIES.get(host) or _account_family(host, _BLOB_SUFFIXES)


def _own_family(host: str, domain: str) -> str:
    family = host.removesuffix(f".{domain}")
    if family in ("vault", "storage", "sql", "management", "graph") and host != family:
        return family
    return _account_family(host, (f"blob.{domain}",))


def _account_family(host: str, suffixes: tuple[str, ...]) -> str:
    account, _, suffix = host.partition(".")
    return "storage" if suffix in suffixes and _ACCOUNT.fullmatch(account) else ""
