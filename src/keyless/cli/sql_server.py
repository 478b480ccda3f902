"""What a SQL server is made with, from the words that people write: its administrator and its upstream.

Must not print or send anything.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from keyless.cli.command import Keyless
from keyless.cli.output import Json, pick
from keyless.cli.principals import GROUP, OWNER, USER

_ADDRESS = re.compile(r"(?:\[(?P<ipv6>[0-9a-fA-F:]+)\]|(?P<host>[^:\s/@]+))(?::(?P<port>\d{1,5}))?")
_TYPES = {USER: "User", GROUP: "Group"}


class UpstreamAddress(click.ParamType[tuple[str, int]]):
    """`HOST[:PORT]`, with an address of IPv6 in brackets."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        found = _ADDRESS.fullmatch(str(value))
        if found is None:
            self.fail(f"{value!r} is no address: write HOST or HOST:PORT, such as sql.example.com:1433", param, ctx)
        return found["ipv6"] or found["host"], int(found["port"] or 1433)


def upstream_of(address: tuple[str, int] | None, strict: bool, authority: Path | None) -> Json:
    """The property of a relay, {} for a server with databases of its own."""
    if address is None:
        if strict or authority:
            raise click.UsageError("--upstream-strict and --upstream-ca say how to reach an upstream: add --upstream")
        return {}
    host, port = address
    upstream: Json = {"host": host, "port": port, "encrypt": "strict" if strict else "mandatory"}
    if authority:
        upstream["certificateAuthority"] = authority.read_text("ascii", "replace")
    return {"upstream": upstream}


def shown_upstream(server: Json) -> str:
    """HOST:PORT, empty for a server with databases of its own."""
    upstream = pick(server, "properties.upstream")
    return f"{upstream['host']}:{upstream['port']}" if upstream else ""


def administrator(keyless: Keyless, word: str | None) -> Json:
    """The property of a server: whoever the word stands for, and the one who writes it for `me` and without a word."""
    if word is None or word.lower() in (OWNER, "me"):
        return {"login": OWNER, "sid": keyless.instance.owner_principal_id, "principalType": "Application"}
    found = keyless.principals.find(word)
    return {"login": found.name, "sid": found.principal_id, "principalType": _TYPES.get(found.kind, "Application")}
