"""`keyless audit`: who did what, where, and why it was allowed or denied. Owns the command.

Source: Azure REST API, "Activity Logs - List" (2015-04-01).
"""

from __future__ import annotations

import json
import time

import click

from keyless.cli.command import Keyless, with_keyless
from keyless.cli.errors import complain
from keyless.cli.output import Json, pick, print_json, printable

MAX_EVENTS = 1000
_INTERVAL = 1.0
_READING = "Microsoft.Insights/eventtypes/values/read"
_EVENTS = "providers/Microsoft.Insights/eventtypes/management/values"


@click.command(short_help="Who did what, and why it was allowed or denied.")
@click.option("--top", type=click.IntRange(1, MAX_EVENTS), default=50, show_default=True, help="The newest so many.")
@click.option("--follow", "-f", is_flag=True, help="Go on with new ones as they come, until Ctrl-C.")
@click.option("--denied", is_flag=True, help="Only what was denied.")
@with_keyless
def audit(keyless: Keyless, top: int, follow: bool, denied: bool) -> None:
    """Show who did what, where, and why it was allowed or denied; the newest last.

    With --follow and -o json there is one event on each line. Its own reading of the log is left out.

    \b
    keyless audit --denied
    keyless audit --follow
    """
    # what is denied, and what is new, is found here: look as far back as the server does
    events = _newest(keyless, MAX_EVENTS if denied or follow else top)
    shown = [event for event in events if _wanted(event, denied)][-top:]
    if keyless.output.as_json and not follow:
        print_json(shown)
        return
    for event in shown:
        _print(keyless, event)
    if follow:
        _follow(keyless, events, denied)


def _follow(keyless: Keyless, events: list[Json], denied: bool) -> None:
    """Print what is new, once a second."""
    own = keyless.instance.owner_principal_id.lower()
    while True:
        time.sleep(_INTERVAL)
        seen = {event["eventDataId"] for event in events}
        events = _newest(keyless, MAX_EVENTS)
        new = [event for event in events if event["eventDataId"] not in seen]
        if seen and len(new) == MAX_EVENTS:
            complain("More happened than can be shown: the audit log in the data folder has all of it.")
        for event in new:
            is_poll = pick(event, "authorization.action") == _READING and str(pick(event, "claims.oid")).lower() == own
            if not is_poll and _wanted(event, denied):
                _print(keyless, event)


def _newest(keyless: Keyless, top: int) -> list[Json]:
    """The newest events, oldest first."""
    return list(keyless.resources.items(f"{keyless.resources.subscription}/{_EVENTS}", top=str(top)))[::-1]


def _wanted(event: Json, denied: bool) -> bool:
    return not denied or pick(event, "properties.decision") == "denied"


def _print(keyless: Keyless, event: Json) -> None:
    if keyless.output.as_json:
        click.echo(json.dumps(event, ensure_ascii=False))
        return
    decision = pick(event, "properties.decision")
    words = [
        str(event["eventTimestamp"])[:19].replace("T", " ") + "Z",
        f"{decision:<7}",
        event["caller"],
        pick(event, "operationName.value"),
        keyless.short(pick(event, "authorization.scope")),
    ]
    if decision == "denied":
        words.append(f"({keyless.shortened(pick(event, 'properties.reason'))})")
    line = printable("  ".join(words))
    click.echo(click.style(line, fg="red") if decision == "denied" else line)
