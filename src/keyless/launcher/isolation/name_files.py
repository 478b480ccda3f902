"""The files by which programs find hosts, rewritten so that the claimed names lead to keyless. Pure: text in and out.

Source: hosts(5), resolv.conf(5), nsswitch.conf(5), nss-myhostname(8).
"""

from __future__ import annotations

from collections.abc import Iterator

from keyless.launcher.lease import Claims
from keyless.launcher.routes import is_claimed

#: Each file that may say how names are looked up; some systems have their own below `/usr`.
HOSTS = "/etc/hosts"
RESOLVER = "/etc/resolv.conf"
SWITCHES = ("/etc/nsswitch.conf", "/usr/etc/nsswitch.conf")
#: Where services that answer for the resolver have their sockets: they would be asked first.
CACHES = ("/run/nscd", "/var/run/nscd")

_DEFAULT_SERVER = "127.0.0.1"
_MAX_SERVERS = 3


def hosts(text: str, claims: Claims, address: str) -> str:
    """The user's `/etc/hosts` without lines for claimed names, and with `address` for those that are no patterns."""
    named = [name for name in claims.clouds if not name.startswith("*.")]
    ours = [f"{address}\t{name}" for name in named]
    return "\n".join((*_foreign_lines(text, claims), *ours, ""))


def resolver(text: str, server: str) -> str:
    """The user's `/etc/resolv.conf` with `server` as the only one to ask."""
    kept = [line for line in text.splitlines() if line.split()[:1] != ["nameserver"]]
    return "\n".join((f"nameserver {server}", *kept, ""))


def name_servers(text: str) -> tuple[str, ...]:
    """Those that the user's `/etc/resolv.conf` names, as many as the C library asks."""
    pairs = [line.split() for line in text.splitlines()]
    named = [words[1] for words in pairs if len(words) > 1 and words[0] == "nameserver"]
    return tuple(named[:_MAX_SERVERS]) or (_DEFAULT_SERVER,)


def switch(text: str) -> str:
    """The user's `nsswitch.conf`, by which hosts are looked for in the two files above only.

    The services left out (`resolve`, `mdns` and others) are asked over sockets that lead out of the namespace.
    """
    lines = text.splitlines()
    former = " ".join(line for line in lines if line.startswith("hosts:"))
    sources = "files myhostname dns" if "myhostname" in former.split() else "files dns"
    return "\n".join((*(line for line in lines if not line.startswith("hosts:")), f"hosts: {sources}", ""))


def _foreign_lines(text: str, claims: Claims) -> Iterator[str]:
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        kept = [name for name in words[1:] if not is_claimed(name.lower().removesuffix("."), claims)]
        if kept:
            yield "\t".join((words[0], *kept))
