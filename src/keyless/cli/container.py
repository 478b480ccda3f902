"""`keyless container`: containers of blobs. Owns their commands."""

from __future__ import annotations

import click

from keyless.cli.blob_protocol import VERSION, Address, parse_address, parse_list
from keyless.cli.command import Keyless, confirm, with_keyless, yes_option
from keyless.cli.output import Columns, Json
from keyless.model.errors import KeylessError

_COLUMNS: Columns = {"name": "name", "changed": "properties.Last-Modified"}
_RESTYPE = {"restype": "container"}
_MAX_PAGES = 1000


@click.group(short_help="Containers in a storage account.")
def container() -> None:
    """Containers in a storage account.

    \b
    keyless container create shopdata/reports
    """


@container.command()
@click.argument("address", metavar="ACCOUNT/CONTAINER")
@with_keyless
def create(keyless: Keyless, address: str) -> None:
    """Create a container.

    \b
    keyless container create shopdata/reports
    """
    where = _parse(address)
    endpoint = keyless.instance.account(where.account)
    keyless.session.request("PUT", endpoint, where.path, query=_RESTYPE, headers=VERSION)
    keyless.output.say(f"Created the container {where.container}.")


@container.command("list")
@click.argument("account")
@with_keyless
def list_(keyless: Keyless, account: str) -> None:
    """List an account's containers.

    \b
    keyless container list shopdata
    """
    endpoint = keyless.instance.account(_account(account))
    found: list[Json] = []
    query = {"comp": "list"}
    for _ in range(_MAX_PAGES):
        body = keyless.session.request("GET", endpoint, "/", query=query, headers=VERSION)
        page = parse_list(body, "Container")
        found += page.items
        if not page.next_marker:
            break
        query["marker"] = page.next_marker
    keyless.output.objects(found, _COLUMNS)


@container.command()
@click.argument("address", metavar="ACCOUNT/CONTAINER")
@yes_option
@with_keyless
def delete(keyless: Keyless, address: str, yes: bool) -> None:
    """Delete a container with every blob in it.

    \b
    keyless container delete shopdata/reports
    """
    where = _parse(address)
    confirm(f"This deletes the container {where.container} and every blob in it.", yes)
    endpoint = keyless.instance.account(where.account)
    keyless.session.request("DELETE", endpoint, where.path, query=_RESTYPE, headers=VERSION)
    keyless.output.say(f"Deleted the container {where.container}.")


def _parse(address: str) -> Address:
    try:
        where = parse_address(address)
    except KeylessError as error:
        raise click.BadParameter(error.message) from None
    if not where.container or where.blob:
        raise click.BadParameter(f"{address!r} is not ACCOUNT/CONTAINER.")
    return where


def _account(text: str) -> str:
    try:
        where = parse_address(text.rstrip("/"))
    except KeylessError as error:
        raise click.BadParameter(error.message) from None
    if where.container:
        raise click.BadParameter(f"{text!r} is not an account; `keyless blob list` takes ACCOUNT/CONTAINER.")
    return where.account
