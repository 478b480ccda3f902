"""`keyless sql login`: which principal becomes which login at the upstream of a relay.

Owns these commands. A password comes from standard input, a hidden prompt or a file, never from an argument.
"""

from __future__ import annotations

from pathlib import Path

import click

from keyless.cli import principals
from keyless.cli.command import Keyless, in_group, with_keyless
from keyless.cli.errors import Refused
from keyless.cli.output import Columns, Json
from keyless.cli.resources import SQL_SERVER
from keyless.cli.secret_input import read_secret

_MAX_PASSWORD_BYTES = 512
_server = click.argument("server")
_principal = click.argument("principal")


@click.group(short_help="Logins at the upstream of a relay.")
def login() -> None:
    """Who becomes whom at the upstream. Whoever has no login there, by itself or by a group, does not get in.

    \b
    keyless sql login add legacy worker --user app_rw
    keyless sql login list legacy
    """


@login.command(
    context_settings={"allow_extra_args": True},
    help=f"""Give a principal or group a login at the upstream, in place of one that it might have.

    The password is read from standard input, a hidden prompt or a file.

    \b
    keyless sql login add legacy worker --user app_rw
    pass show legacy/app_rw | keyless sql login add legacy group:analysts --user readers

    PRINCIPAL: {principals.HELP}.
    """,
)
@_server
@_principal
@click.option("--user", required=True, help="The login's name at the upstream.")
@click.option(
    "--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Take the file as the password."
)
@in_group
@with_keyless
def add(keyless: Keyless, server: str, principal: str, user: str, file: Path | None, group: str | None) -> None:
    """Set the login."""
    if click.get_current_context().args:
        # not shown: it may be the password
        raise click.UsageError(
            "A password is no argument, others could see it: pipe it in, or use the prompt or --file"
        )
    path = f"{_logins(keyless, server, group)}/{keyless.principals.principal_id(principal)}"
    password = read_secret("the password", _MAX_PASSWORD_BYTES, file)
    made = keyless.resources.put(path, {"properties": {"user": user, "password": password.reveal()}})
    keyless.output.object(made, _columns(keyless))


@login.command("list")
@_server
@in_group
@with_keyless
def list_(keyless: Keyless, server: str, group: str | None) -> None:
    """List who has which login at the upstream. One that was made for another upstream does not count any more.

    \b
    keyless sql login list legacy
    """
    found = list(keyless.resources.items(_logins(keyless, server, group)))
    keyless.output.objects(found, _columns(keyless))


@login.command(
    help=f"""Take a principal's login at the upstream away. Its sessions end at their next request.

    \b
    keyless sql login remove legacy worker

    PRINCIPAL: {principals.HELP}.
    """,
)
@_server
@_principal
@in_group
@with_keyless
def remove(keyless: Keyless, server: str, principal: str, group: str | None) -> None:
    """Remove the login."""
    logins, who = _logins(keyless, server, group), keyless.principals.principal_id(principal)
    if not any(one["name"] == who for one in keyless.resources.items(logins)):
        raise Refused(f"{principal} has no login there: `keyless sql login list {server}` shows all.")
    keyless.resources.delete(f"{logins}/{who}")
    keyless.output.say(f"Removed the login of {principal}.")


def _logins(keyless: Keyless, server: str, group: str | None) -> str:
    return f"{keyless.resources.find(SQL_SERVER, server, group)['id']}/upstreamLogins"


def _columns(keyless: Keyless) -> Columns:
    def name(item: Json) -> str:
        return keyless.principals.name(item["name"])

    return {"principal": name, "user": "properties.user", "upstream": "properties.upstream"}
