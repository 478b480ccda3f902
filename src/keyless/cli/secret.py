"""`keyless secret`: the secrets in a vault, over its data plane. Owns their commands.

Source: Azure Key Vault REST API, "Secrets" (7.4).
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import click

from keyless.cli import secret_backup
from keyless.cli.command import Keyless, with_keyless
from keyless.cli.errors import Refused
from keyless.cli.output import Columns, Json, pick, time_text
from keyless.cli.secret_input import read_secret
from keyless.cli.vault_data import VERSION, secret_path, vault_endpoint

MAX_VALUE_BYTES = 25_600
_COLUMNS: Columns = {
    "name": lambda item: _part(item, 4),
    "changed": lambda item: time_text(pick(item, "attributes.updated")),
    "enabled": "attributes.enabled",
}
_VERSIONS: Columns = {
    "version": lambda item: _part(item, 5),
    "created": lambda item: time_text(pick(item, "attributes.created")),
    "enabled": "attributes.enabled",
}

_DELETED: Columns = {
    "name": lambda item: _part(item, 4),
    "deleted": lambda item: time_text(item.get("deletedDate")),
    "goes for good": lambda item: time_text(item.get("scheduledPurgeDate")),
}
_TIME = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"])

_vault = click.argument("vault")
_name = click.argument("name")


@click.group(short_help="Secrets in a vault.")
def secret() -> None:
    """Secrets in a vault. A value is read from standard input, a hidden prompt or a file, never from an argument.

    \b
    keyless secret set shop db-password
    pass show db | keyless secret set shop db-password
    keyless secret show shop db-password
    """


@secret.command("set", context_settings={"allow_extra_args": True})
@_vault
@_name
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Take the file as it is.")
@click.option("--content-type", help="What kind of value it is, for those who read it.")
@with_keyless
def set_(keyless: Keyless, vault: str, name: str, file: Path | None, content_type: str | None) -> None:
    """Set a secret: a new version, which is the latest from then on.

    From standard input one line end at the end is taken off; a file counts as it is.

    \b
    keyless secret set shop db-password
    pass show db | keyless secret set shop db-password
    keyless secret set shop tls-key --file key.pem
    """
    if click.get_current_context().args:
        # not shown: it may be the value
        raise click.UsageError("A secret is no argument, others could see it: pipe it in, or use the prompt or --file.")
    endpoint = vault_endpoint(keyless, vault)
    body: Json = {"value": read_secret(name, MAX_VALUE_BYTES, file).reveal()}
    if content_type:
        body["contentType"] = content_type
    bundle = keyless.session.json("PUT", endpoint, secret_path(name), query=VERSION, body=body)
    # who set the value knows it: what is printed here ends up in logs
    keyless.output.object(
        {key: value for key, value in bundle.items() if key != "value"},
        {"secret ID": "id"},
    )


@secret.command()
@_vault
@_name
@click.option("--version", default="", help="A version other than the latest.")
@with_keyless
def show(keyless: Keyless, vault: str, name: str, version: str) -> None:
    """Print a secret's value. With -o json: all that there is to it.

    \b
    keyless secret show shop db-password
    """
    path = f"{secret_path(name)}/{quote(version, safe='')}"
    bundle = keyless.session.json("GET", vault_endpoint(keyless, vault), path, query=VERSION)
    if keyless.output.as_json:
        keyless.output.object(bundle, {})
        return
    # a file or a pipe gets the value as it is
    click.echo(bundle["value"], nl=sys.stdout.isatty())


@secret.command()
@_vault
@_name
@click.option("--version", default="", help="A version other than the latest.")
@click.option("--enable/--disable", "enabled", default=None, help="Whether its value can be read.")
@click.option("--content-type", help="What kind of value it is.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag; all of them together replace the old.")
@click.option("--not-before", type=_TIME, help="When it begins to be valid, in UTC; it informs.")
@click.option("--expires", type=_TIME, help="When it ends to be valid, in UTC; it informs.")
@with_keyless
def update(
    keyless: Keyless,
    vault: str,
    name: str,
    version: str,
    enabled: bool | None,
    content_type: str | None,
    tags: tuple[str, ...],
    not_before: datetime | None,
    expires: datetime | None,
) -> None:
    """Change all of a version but its value.

    \b
    keyless secret update shop-vault db-password --disable
    keyless secret update shop-vault db-password --expires 2030-01-01 --tag team=shop
    """
    times = {"nbf": not_before, "exp": expires}
    attributes: Json = {key: int(at.replace(tzinfo=UTC).timestamp()) for key, at in times.items() if at}
    if enabled is not None:
        attributes["enabled"] = enabled
    wanted = {"attributes": attributes, "contentType": content_type, "tags": dict(map(_tag, tags))}
    body = {key: value for key, value in wanted.items() if value}
    if not body:
        raise click.UsageError("Say what to change, for example --disable or --expires.")
    path = f"{secret_path(name)}/{quote(version, safe='')}"
    bundle = keyless.session.json("PATCH", vault_endpoint(keyless, vault), path, query=VERSION, body=body)
    keyless.output.object(bundle, {"secret ID": "id", "enabled": "attributes.enabled"})


@secret.command("list")
@_vault
@with_keyless
def list_(keyless: Keyless, vault: str) -> None:
    """List a vault's secrets, without their values.

    \b
    keyless secret list shop
    """
    keyless.output.objects(list(keyless.session.pages(vault_endpoint(keyless, vault), "/secrets", VERSION)), _COLUMNS)


@secret.command()
@_vault
@_name
@with_keyless
def versions(keyless: Keyless, vault: str, name: str) -> None:
    """List the versions of a secret, without their values.

    \b
    keyless secret versions shop db-password
    """
    found = list(keyless.session.pages(vault_endpoint(keyless, vault), f"{secret_path(name)}/versions", VERSION))
    if not found:
        raise Refused(f"There is no secret {name!r} in {vault}: `keyless secret list {vault}` shows those there are.")
    keyless.output.objects(found, _VERSIONS)


@secret.command()
@_vault
@_name
@with_keyless
def delete(keyless: Keyless, vault: str, name: str) -> None:
    """Delete a secret with all its versions. Until it is purged it can be recovered, and its name is taken.

    \b
    keyless secret delete shop db-password
    """
    bundle = keyless.session.json("DELETE", vault_endpoint(keyless, vault), secret_path(name), query=VERSION)
    if keyless.output.as_json:
        keyless.output.object(bundle, {})
    keyless.output.say(
        f"Deleted {name}; `keyless secret recover {vault} {name}` brings it back, "
        f"`keyless secret purge {vault} {name}` frees its name."
    )


@secret.command()
@_vault
@with_keyless
def deleted(keyless: Keyless, vault: str) -> None:
    """List a vault's deleted secrets, which can be recovered.

    \b
    keyless secret deleted shop-vault
    """
    found = list(keyless.session.pages(vault_endpoint(keyless, vault), "/deletedsecrets", VERSION))
    keyless.output.objects(found, _DELETED)


@secret.command()
@_vault
@_name
@with_keyless
def recover(keyless: Keyless, vault: str, name: str) -> None:
    """Bring a deleted secret back.

    \b
    keyless secret recover shop db-password
    """
    path = f"/deletedsecrets/{quote(name, safe='')}/recover"
    bundle = keyless.session.json("POST", vault_endpoint(keyless, vault), path, query=VERSION)
    if keyless.output.as_json:
        keyless.output.object(bundle, {})
    keyless.output.say(f"Recovered {name}.")


@secret.command()
@_vault
@_name
@with_keyless
def purge(keyless: Keyless, vault: str, name: str) -> None:
    """Remove a deleted secret for good, which frees its name.

    \b
    keyless secret purge shop db-password
    """
    path = f"/deletedsecrets/{quote(name, safe='')}"
    keyless.session.json("DELETE", vault_endpoint(keyless, vault), path, query=VERSION)
    keyless.output.say(f"Purged {name}.")


def _tag(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is not a tag: write KEY=VALUE.")
    return key, value


def _part(item: Json, number: int) -> str:
    """A part of a secret's ID `https://VAULT/secrets/NAME/VERSION`; the name is the fourth."""
    parts = str(item["id"]).split("/")
    return parts[number] if number < len(parts) else ""


secret_backup.add_commands(secret)
