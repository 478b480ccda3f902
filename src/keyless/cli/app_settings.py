"""`keyless app set | unset | settings`: the environment that an app's programs start with.

Owns these commands, and how a value is read. A value can be a secret, so none is shown unless that is asked for;
vault references (`@Microsoft.KeyVault(…)`) are no secrets.

Source: Azure REST API, "Web Apps - Update Application Settings", "- List Application Settings".
"""

from __future__ import annotations

import sys

import click

from keyless.cli.app_rules import DEFAULT, Allowed, allow_options, put_rule, remove_rule
from keyless.cli.command import Keyless, in_group, with_keyless
from keyless.cli.errors import Refused
from keyless.cli.output import Columns, Json
from keyless.cli.resources import APP
from keyless.cli.secret_input import read_secret

MAX_VALUE_BYTES = 64 * 1024
_REFERENCE = "@microsoft.keyvault("
_HIDDEN = "(hidden: --reveal)"


def add_settings(app: click.Group) -> None:
    """Add the commands to `keyless app`."""
    app.add_command(_set)
    app.add_command(_unset)
    app.add_command(_settings)


@click.command("set")
@click.argument("name")
@click.argument("settings", metavar="KEY=VALUE…", nargs=-1)
@allow_options
@click.option("--rule", metavar="RULE", help=f"Which rule --allow-… make or replace.  [default: {DEFAULT}]")
@click.option("--remove-rule", "removed", metavar="RULE", multiple=True, help="Take a rule away; may be repeated.")
@in_group
@with_keyless
def _set(
    keyless: Keyless,
    name: str,
    settings: tuple[str, ...],
    uids: tuple[int, ...],
    gids: tuple[int, ...],
    cgroups: tuple[str, ...],
    rule: str | None,
    removed: tuple[str, ...],
    group: str | None,
) -> None:
    """Set an app's settings, or its rules. The others stay as they are.

    An argument can be seen by others on this machine. KEY alone, or KEY=-, reads the value from a hidden prompt or
    from standard input; better still, keep a secret in a vault and set a reference to it:

    \b
    keyless app set web 'DB=@Microsoft.KeyVault(VaultName=shop;SecretName=db)'

    --allow-… say whose processes may run as the app. A rule matches when all kinds that are given do:

    \b
    keyless app set web --allow-uid 990 --allow-cgroup /system.slice/web.service
    """
    allowed = Allowed(uids, gids, cgroups)
    if rule and not allowed:
        raise click.UsageError("Say whom the rule allows: --allow-uid, --allow-gid or --allow-cgroup.")
    if not (settings or allowed or removed):
        raise click.UsageError("Say what to set: KEY=VALUE, --allow-uid, --allow-gid, --allow-cgroup or --remove-rule.")
    found = keyless.resources.find(APP, name, group)["id"]
    if settings:
        new = _read(settings)
        _replace(keyless, found, {**_current(keyless, found), **new})
        keyless.output.say(f"Set {', '.join(new)} for {name}; programs that are started from now on see it.")
    for one in removed:
        remove_rule(keyless, found, one)
        keyless.output.say(f"Removed the rule {one} of {name}.")
    if allowed:
        put_rule(keyless, found, rule or DEFAULT, allowed)
        keyless.output.say(f"Set the rule {rule or DEFAULT} of {name}.")


@click.command("unset")
@click.argument("name")
@click.argument("keys", metavar="KEY…", nargs=-1, required=True)
@in_group
@with_keyless
def _unset(keyless: Keyless, name: str, keys: tuple[str, ...], group: str | None) -> None:
    """Remove settings of an app.

    \b
    keyless app unset web GREETING
    """
    found = keyless.resources.find(APP, name, group)["id"]
    current = _current(keyless, found)
    if missing := [key for key in keys if key not in current]:
        raise Refused(
            f"{name} has no setting {', '.join(missing)}: `keyless app settings {name}` shows those there are."
        )
    _replace(keyless, found, {key: value for key, value in current.items() if key not in keys})
    keyless.output.say(f"Removed {', '.join(keys)} from {name}.")


@click.command("settings")
@click.argument("name")
@click.option("--reveal", is_flag=True, help="Show the values too.")
@in_group
@with_keyless
def _settings(keyless: Keyless, name: str, reveal: bool, group: str | None) -> None:
    """List an app's settings. Shows their names, and the values of vault references.

    \b
    keyless app settings web
    """
    found = keyless.resources.find(APP, name, group)["id"]
    shown: list[Json] = [
        {"name": key, "value": value if reveal or value.lower().startswith(_REFERENCE) else None}
        for key, value in sorted(_current(keyless, found).items())
    ]
    columns: Columns = {"name": "name", "value": lambda item: _HIDDEN if item["value"] is None else item["value"]}
    keyless.output.objects(shown, columns)


def _read(settings: tuple[str, ...]) -> dict[str, str]:
    """Names and values from the arguments, and from standard input where an argument gives no value."""
    split = {key: value for key, _, value in (setting.partition("=") for setting in settings)}
    if "" in split:
        raise click.UsageError("A setting has a name: KEY=VALUE.")
    asked = [setting.partition("=")[0] for setting in settings if setting.partition("=")[1:] in {("", ""), ("=", "-")}]
    if len(asked) > 1 and not sys.stdin.isatty():
        raise click.UsageError(f"Standard input holds one value, but {', '.join(asked)} have none: set one at a time.")
    for key in asked:
        split[key] = read_secret(key, MAX_VALUE_BYTES).reveal()
    return split


def _current(keyless: Keyless, app: str) -> dict[str, str]:
    properties: dict[str, str] = keyless.resources.post(f"{app}/config/appsettings/list")["properties"]
    return properties


def _replace(keyless: Keyless, app: str, settings: dict[str, str]) -> None:
    keyless.resources.put(f"{app}/config/appsettings", {"properties": settings})
