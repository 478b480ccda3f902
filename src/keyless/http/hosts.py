"""From a host name to what answers to it.

Owns the table of names: keyless's own, and the public clouds'. Pure. Must not know any surface's protocol.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import unquote

from keyless.http.message import Target
from keyless.model.clouds import CLOUDS

#: Addresses under which accounts are reached in path style, `https://127.0.0.1:8443/{account}`.
_PATH_STYLE = {"127.0.0.1", "::1"}


class Hosts:
    """The names of one instance, whose own domain is `domain`."""

    def __init__(self, domain: str) -> None:
        self._exact = {
            f"login.{domain}": Target("login"),
            f"management.{domain}": Target("management"),
            f"graph.{domain}": Target("graph"),
            f"identity.{domain}": Target("instances"),
            **{host: Target("login") for cloud in CLOUDS for host in cloud.login_hosts},
            **{host: Target("management") for cloud in CLOUDS for host in cloud.management_hosts},
            **{host: Target("graph") for cloud in CLOUDS for host in cloud.graph_hosts},
        }
        self._suffixes = {
            f"vault.{domain}": "vault",
            f"blob.{domain}": "storage",
            **{cloud.vault_suffix: "vault" for cloud in CLOUDS},
            **{cloud.blob_suffix: "storage" for cloud in CLOUDS},
        }
        self._named = lru_cache(maxsize=1024)(self._find)

    def target(self, host: str, path: str) -> Target | None:
        """What a name in lower case stands for, or None. The path counts only for accounts in path style."""
        if host in _PATH_STYLE:
            account = path[1:].partition("/")[0]
            return Target("storage", unquote(account), "", f"/{account}") if account else None
        return self._named(host)

    def _find(self, host: str) -> Target | None:
        exact = self._exact.get(host)
        if exact is not None:
            return exact
        name, _, suffix = host.partition(".")
        surface = self._suffixes.get(suffix)
        return Target(surface, name, suffix) if surface is not None else None
