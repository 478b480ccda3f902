"""`keyless login`: a person signs in to the browser of this machine, with a one-time link instead of a password.

Owns the command, and how the link gets to the browser: through a file that only its user can read, because the
arguments of a program are there for everybody to see.
"""

from __future__ import annotations

import html
import os
import webbrowser
from collections.abc import Mapping
from pathlib import Path

import click

from keyless.cli.command import Keyless, confirm, with_keyless, yes_option
from keyless.cli.output import Json
from keyless.model.paths import config_folder

FILE_NAME = "sign-in.html"
_PATH = "providers/Keyless.SignIn"
_PAGE = """<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={url}">
<title>keyless</title>
<p><a href="{url}">Sign in to keyless</a></p>
"""


@click.command(short_help="Sign in to the browser, or end all sign-ins.")
@click.option("--as", "user", metavar="USER", help="The user to sign in; the owner if left out.")
@click.option("--no-browser", is_flag=True, help="Print the link only.")
@click.option("--revoke", is_flag=True, help="End every sign-in of this person, in browsers and in programs.")
@yes_option
@with_keyless
def login(keyless: Keyless, user: str | None, no_browser: bool, revoke: bool, yes: bool) -> None:
    """Sign in to the browser on this machine with a one-time link.

    The link works once, for five minutes. Programs that open the browser then ask which account to go on with.

    \b
    keyless login
    keyless login --as alice --no-browser
    keyless login --revoke
    """
    upn = user if user is None or "@" in user else f"{user}@{keyless.instance.domain}"
    who = {"userPrincipalName": upn} if upn else {}
    if revoke:
        confirm(f"Every sign-in of {upn or 'the owner'} ends now, in browsers and in programs.", yes)
        ended = keyless.resources.post(f"{keyless.resources.subscription}/{_PATH}/revoke", who)
        _tell(keyless, ended, f"Every sign-in of {ended['userPrincipalName']} has ended.")
        return
    link = keyless.resources.post(f"{keyless.resources.subscription}/{_PATH}/links", who)
    minutes = int(link["expiresIn"]) // 60
    _tell(
        keyless,
        link,
        f"Open this link within {minutes} minutes; it signs {link['userPrincipalName']} in, once:",
        str(link["url"]),
    )
    if not no_browser and not keyless.output.as_json and _has_browser(keyless.program.environ):
        _open(config_folder(keyless.program.environ) / keyless.instance.id / FILE_NAME, str(link["url"]))


def _tell(keyless: Keyless, answer: Json, *lines: str) -> None:
    if keyless.output.as_json:
        keyless.output.object(answer, {})
    for line in lines:
        keyless.output.say(line)


def _has_browser(environ: Mapping[str, str]) -> bool:
    """Whether there is a screen, or a browser that the user has named: a text browser would take over the terminal."""
    return (
        any(environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")) or os.uname().sysname == "Darwin"
    )


def _open(file: Path, url: str) -> None:
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(_PAGE.format(url=html.escape(url, quote=True)))
    webbrowser.open(file.as_uri())
