"""`keyless sql`: SQL servers and their databases, and what a program connects with.

Owns the commands that go through the resource manager. Must not speak to a database.

Source: Azure REST API, "Servers" and "Databases" (2023-08-01).
"""

from __future__ import annotations

from pathlib import Path

import click

from keyless.cli.command import Keyless, in_group, with_keyless
from keyless.cli.life_cycle import Noun, add_delete, add_list
from keyless.cli.output import Columns, Json
from keyless.cli.resources import SQL_SERVER
from keyless.cli.sql_login import login
from keyless.cli.sql_query import query
from keyless.cli.sql_server import UpstreamAddress, administrator, shown_upstream, upstream_of
from keyless.cli.sql_strings import print_strings

_SERVER = Noun(
    SQL_SERVER,
    "SQL server",
    "shop-sql",
    {
        "host": "properties.fullyQualifiedDomainName",
        "administrator": "properties.administrators.login",
        "upstream": shown_upstream,
    },
    holds="and every database in it",
)
_DATABASE: Columns = {"name": "name", "collation": "properties.collation", "resource ID": "id"}


@click.group(short_help="SQL servers and databases.")
def sql() -> None:
    """SQL servers and databases, which SQL drivers reach with an access token.

    \b
    keyless sql create shop-sql --database shop
    keyless sql show shop-sql
    """


@sql.command()
@click.argument("name")
@in_group
@click.option("--database", "databases", multiple=True, help="Make a database in it; may be repeated.")
@click.option("--admin", metavar="PRINCIPAL", help="Who administers it; you do, if nobody is named.")
@click.option("--upstream", metavar="HOST[:PORT]", type=UpstreamAddress(), help="Relay to the SQL Server there.")
@click.option("--upstream-strict", is_flag=True, help="The upstream wants TLS before everything (TDS 8.0).")
@click.option(
    "--upstream-ca",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Who signed the upstream's certificate, PEM.  [default: the system's roots]",
)
@with_keyless
def create(
    keyless: Keyless,
    name: str,
    group: str | None,
    databases: tuple[str, ...],
    admin: str | None,
    upstream: tuple[str, int] | None,
    upstream_strict: bool,
    upstream_ca: Path | None,
) -> None:
    """Create a SQL server, or databases in one. Its name is unique in the whole instance.

    With --upstream its databases are those of a real SQL Server, and `keyless sql login` says who is whom there.

    \b
    keyless sql create shop-sql --database shop
    keyless sql create legacy --database orders --upstream sql.example.com
    """
    path = str(keyless.resources.id_of(SQL_SERVER, name, group))
    properties: Json = upstream_of(upstream, upstream_strict, upstream_ca)
    is_there = any(one["id"].lower() == path.lower() for one in keyless.resources.all(SQL_SERVER))
    if admin is not None or not is_there:  # else it keeps the one that it has
        properties["administrators"] = administrator(keyless, admin)
    made = keyless.resources.put(path, {"properties": properties})
    for database in databases:
        keyless.resources.put(f"{made['id']}/databases/{database}", {"properties": {}})
    hidden = set() if shown_upstream(made) else {"upstream"}
    keyless.output.object(made, {name: where for name, where in _SERVER.details.items() if name not in hidden})


add_list(sql, _SERVER)


@sql.command()
@click.argument("name")
@in_group
@with_keyless
def show(keyless: Keyless, name: str, group: str | None) -> None:
    """Show how programs connect to each database of a SQL server. No string holds a secret.

    \b
    keyless sql show shop-sql
    keyless sql show shop-sql -o json
    """
    server = keyless.resources.find(SQL_SERVER, name, group)
    print_strings(keyless.output, server, [one["name"] for one in _databases(keyless, server)])


@sql.command()
@click.argument("name")
@in_group
@with_keyless
def databases(keyless: Keyless, name: str, group: str | None) -> None:
    """List the databases of a SQL server.

    \b
    keyless sql databases shop-sql
    """
    keyless.output.objects(_databases(keyless, keyless.resources.find(SQL_SERVER, name, group)), _DATABASE)


add_delete(sql, _SERVER)
sql.add_command(query)
sql.add_command(login)


def _databases(keyless: Keyless, server: Json) -> list[Json]:
    return list(keyless.resources.items(f"{server['id']}/databases"))
