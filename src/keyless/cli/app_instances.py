"""`keyless instance`: instances that keyless does not start, in a container, a unit, a virtual machine or a pod.

Owns these commands, and the files that `create` writes. The texts for each kind of host are `hosting.py`'s.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from uuid import uuid4

import click

from keyless.cli import hosting
from keyless.cli.command import Keyless, in_group, with_keyless, with_output
from keyless.cli.errors import Refused, complain
from keyless.cli.hosting import CONTAINERS, KINDS, Hosting, Source
from keyless.cli.output import Columns, Json, pick, print_json
from keyless.cli.resources import ACCOUNT, APP, VAULT
from keyless.launcher.trust import write_trust
from keyless.model.hosts import APP_SERVICE

_UNITS = {"d": 86_400, "h": 3600, "m": 60, "s": 1}
_TRUST = "keyless-trust"
#: A hosts file is read for every name that is looked up.
_MAX_NAMES = 200
_ROW: Columns = {
    "ID": "name",
    "app": "app",
    "host": "properties.hostShape",
    "created": "properties.createdOn",
    "expires": "properties.expiresOn",
    "last used": "properties.lastUsedOn",
    "sources": "properties.sources",
}


def _seconds(_context: click.Context, _option: click.Parameter, text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,9})([dhms])", text)
    if match is None:
        raise click.BadParameter("write a number and d, h, m or s, such as 30d")
    return int(match[1]) * _UNITS[match[2]]


@click.group(short_help="Instances that keyless does not start: containers, units, machines, pods.")
def instance() -> None:
    """Instances of an app on hosts that keyless does not start: containers, units, machines, pods.

    \b
    keyless instance create web -o docker --out web.env
    keyless instance list
    """


@instance.command()
@click.argument("app")
@click.option(
    "--host",
    type=click.Choice([*hosting.SOURCES]),
    default=APP_SERVICE,
    show_default=True,
    metavar="SHAPE",
    help="What it looks like to clients: app-service or app-service-2017.",
)
@click.option(
    "--lifetime", callback=_seconds, default="30d", show_default=True, help="How long it lives; 366d at most."
)
@click.option("--listen", metavar="ADDRESS", help="Which address of the server that host reaches.")
@click.option("--source", "sources", multiple=True, metavar="CIDR", help="It may ask from there; may be repeated.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A new file for variables and secret.")
@click.option("--trust", type=click.Path(file_okay=False, path_type=Path), help="Folder for the certificates.")
@in_group
@with_output([*KINDS, "json"], "env")
def create(
    keyless: Keyless,
    app: str,
    host: str,
    lifetime: int,
    listen: str | None,
    sources: tuple[str, ...],
    out: Path | None,
    trust: Path | None,
    group: str | None,
    kind: str,
) -> None:
    """Make an instance of APP for another host. Prints what that host needs.

    The secret is shown once; with --out it goes into a new file that only you can read. The certificates are written
    into a folder, which is to be mounted or copied there.

    \b
    keyless instance create web -o compose --out web.env --source 172.18.0.0/16
    """
    address = _address(keyless, listen)
    if kind in CONTAINERS and ip_address(address).is_loopback:
        complain(f"{address} is this machine only: for containers, start the server with `keyless up --listen ADDRESS`")
    found = keyless.resources.find(APP, app, group)
    folder = (trust or (out.parent if out else Path()) / _TRUST).absolute()
    with _new_file(out) as file:
        _write_trust(keyless, folder)
        body = {"properties": {"hostShape": host, "lifetimeSeconds": lifetime, "sources": list(sources)}}
        made = keyless.resources.put(f"{found['id']}/instances/{uuid4()}", body)
        given = hosting.variables(
            _source(keyless, found, made), hosting.trust_in(hosting.MOUNT if kind in CONTAINERS else str(folder))
        )
        if file is not None:
            os.write(file, hosting.env_file(kind, given).encode())
    if kind == "json":
        shown = {name: value for name, value in made["properties"].items() if name != "headerSecret" or not out}
        print_json({**made, "properties": shown})
        return
    env_path = str((out or Path(f"{found['name']}.env")).absolute())
    text = KINDS[kind](
        Hosting(found["name"], given, address, _names(keyless), str(folder), env_path, written=out is not None)
    )
    click.echo(text, nl=False)
    keyless_says = f"{made['name']} of {found['name']} lives until {pick(made, 'properties.expiresOn')}"
    complain(f"{keyless_says}; the certificates are in {folder}{f', the variables in {out}' if out else ''}")


@instance.command("list")
@click.argument("app", required=False)
@in_group
@with_keyless
def list_(keyless: Keyless, app: str | None, group: str | None) -> None:
    """List such instances, of APP or of every app. Secrets are never shown again.

    \b
    keyless instance list web
    """
    apps = [keyless.resources.find(APP, app, group)] if app else keyless.resources.all(APP, group)
    found = [
        {**one, "app": item["name"]} for item in apps for one in keyless.resources.items(f"{item['id']}/instances")
    ]
    keyless.output.objects(sorted(found, key=lambda one: str(pick(one, "properties.createdOn"))), _ROW)


@instance.command()
@click.argument("app")
@click.argument("id_", metavar="ID")
@in_group
@with_keyless
def revoke(keyless: Keyless, app: str, id_: str, group: str | None) -> None:
    """End an instance at once: its secret gets no token any more.

    Tokens that it has got already live to their end.

    \b
    keyless instance revoke web 0b52c9a6-6a53-4f39-9f6d-2f8f9f5a3c11
    """
    found = keyless.resources.find(APP, app, group)
    name, path = found["name"], f"{found['id']}/instances"
    if id_.lower() not in {
        one["name"].lower() for one in keyless.resources.items(path)
    }:  # a misspelt one is no success
        raise Refused(
            f"{name} has no instance {id_}: `keyless instance list {name}` shows those there are.", status=404
        )
    keyless.resources.delete(f"{path}/{id_}")
    keyless.output.say(f"Revoked the instance {id_} of {name}.")


def _address(keyless: Keyless, listen: str | None) -> str:
    """The address at which that host reaches the server."""
    instance = keyless.instance
    known = (*instance.listen, instance.address)
    if listen is None and len(instance.listen) > 1:
        raise click.UsageError(f"The server listens at {', '.join(known)}: choose with --listen.")
    if listen is not None and listen not in known:
        raise Refused(
            f"The server does not listen at {listen}, only at {', '.join(known)}: "
            f"start it with `keyless up --listen {listen}`."
        )
    return listen or known[0]


@contextmanager
def _new_file(path: Path | None) -> Iterator[int | None]:
    """The file for the secret, which must be there before there is one; it stays only if all goes well."""
    if path is None:
        yield None
        return
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise Refused(f"{path} is there already: name a new file.") from None
    try:
        yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(file)


def _write_trust(keyless: Keyless, folder: Path) -> None:
    """Write the certificates, readable for whatever user that host has."""
    folder.mkdir(exist_ok=True)
    files = hosting.trust_in(str(folder))
    for file in files:
        with suppress(FileNotFoundError):
            os.unlink(file)
    write_trust(str(folder), keyless.program.environ, keyless.instance.ca_file.read_text(), time.time())
    folder.chmod(0o755)
    for file in files:
        os.chmod(file, 0o644)


def _source(keyless: Keyless, app: Json, made: Json) -> Source:
    instance = keyless.instance
    user = list((pick(app, "identity.userAssignedIdentities") or {}).values())
    only = len(user) == 1 and not pick(app, "identity.principalId")
    return Source(
        made["properties"]["hostShape"],
        f"https://{instance.authority(f'identity.{instance.domain}')}/msi/token",
        made["properties"]["headerSecret"],
        instance.tenant,
        f"https://{instance.authority(instance.login_host)}",
        user[0]["clientId"] if only else "",
    )


def _names(keyless: Keyless) -> list[str]:
    """Every name that leads to the server, as far as a hosts file can hold them: it knows no wildcards."""
    instance, resources = keyless.instance, keyless.resources
    own = [f"identity.{instance.domain}", instance.login_host, instance.management.host]
    vaults = [instance.vault(one["name"].lower()).host for one in resources.all(VAULT)]
    accounts = [instance.account(one["name"].lower()).host for one in resources.all(ACCOUNT)]
    names = [*own, *vaults, *accounts]
    if len(names) > _MAX_NAMES:
        complain(f"only {_MAX_NAMES} of {len(names)} names are listed: add those of other vaults and accounts yourself")
    return names[:_MAX_NAMES]
