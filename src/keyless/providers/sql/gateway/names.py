"""Which SQL server a client means, by the host name that it connected to.

Owns the names of servers, keyless's own and the clouds'. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from keyless.model.clouds import CLOUDS

PUBLIC_RESOURCE = "https://database.windows.net/"
#: Names of this machine that say nothing of a server.
_HERE = frozenset({"localhost", "127.0.0.1", "::1", "", "."})


@dataclass(frozen=True)
class Names:
    """The names under `domain`; `own_login` is the authority's own address."""

    domain: str
    own_login: str

    def server(self, host: str) -> str | None:
        """The server's name in lower case, "" for a host name that names none, None for one that is not ours."""
        host = _bare(host)
        if host in _HERE:
            return ""
        name, _, suffix = host.partition(".")
        return name if suffix in self._suffixes() else None

    def resource(self, host: str) -> str:
        """What a client that came by this name asks its token for."""
        for cloud in CLOUDS:
            if _bare(host).endswith(f".{cloud.sql_suffix}"):
                return f"https://{cloud.sql_suffix}/"
        return PUBLIC_RESOURCE

    def login(self, host: str) -> str:
        """The authority, in the same cloud as the name."""
        for cloud in CLOUDS:
            if _bare(host).endswith(f".{cloud.sql_suffix}"):
                return f"https://{cloud.login_hosts[0]}"
        return self.own_login

    def address(self, server: str) -> str:
        """A server's own host name."""
        return f"{server}.database.{self.domain}"

    def _suffixes(self) -> tuple[str, ...]:
        return (f"database.{self.domain}", *(cloud.sql_suffix for cloud in CLOUDS))


def _bare(host: str) -> str:
    """Without what a connection string puts around a host name: `tcp:NAME\\INSTANCE,PORT`."""
    host = host.strip().lower().removeprefix("tcp:")
    return host.partition(",")[0].partition("\\")[0].strip().removesuffix(".")
