"""`keyless sql`: SQL servers and their databases, and what a program connects with.

Owns their commands and the connection strings, none of which holds a secret. Must not speak to a database.

Source: Azure REST API, "Servers" and "Databases" (2023-08-01); the drivers' own documentation of connection strings.
"""

from __future__ import annotations

import click

from keyless.cli.command import Keyless, in_group, with_keyless
from keyless.cli.life_cycle import Noun, add_delete, add_list
from keyless.cli.output import Columns, Json, pick
from keyless.cli.resources import SQL_SERVER
from keyless.cli.sql_query import query

_SERVER = Noun(
    SQL_SERVER,
    "SQL server",
    "shop-sql",
    {"host": "properties.fullyQualifiedDomainName", "administrator": "properties.administrators.login"},
    holds="and every database in it",
)
_DATABASE: Columns = {"name": "name", "collation": "properties.collation", "resource ID": "id"}
_STRINGS: Columns = {
    "database": "database",
    "host": "host",
    "port": "port",
    "odbc": "odbc",
    "jdbc": "jdbc",
    "adonet": "adonet",
    "url": "url",
}


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
@with_keyless
def create(keyless: Keyless, name: str, group: str | None, databases: tuple[str, ...], admin: str | None) -> None:
    """Create a SQL server, or databases in one. Its name is unique in the whole instance.

    \b
    keyless sql create shop-sql --database shop
    """
    path = str(keyless.resources.id_of(SQL_SERVER, name, group))
    body: Json = {"properties": {"administrators": _administrator(keyless, admin)}}
    if admin is None and any(one["id"].lower() == path.lower() for one in keyless.resources.all(SQL_SERVER)):
        body = {"properties": {}}  # it keeps the one that it has
    made = keyless.resources.put(path, body)
    for database in databases:
        keyless.resources.put(f"{made['id']}/databases/{database}", {"properties": {}})
    keyless.output.object(made, _SERVER.details)


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
    keyless.output.objects([_strings(server, one["name"]) for one in _databases(keyless, server)], _STRINGS)


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


def _databases(keyless: Keyless, server: Json) -> list[Json]:
    return list(keyless.resources.items(f"{server['id']}/databases"))


def _administrator(keyless: Keyless, name: str | None) -> Json:
    if name is None:
        return {"login": "owner", "sid": keyless.instance.owner_principal_id, "principalType": "Application"}
    found = keyless.principals.find(name)
    return {"login": found.name, "sid": found.principal_id, "principalType": "Application"}


def _strings(server: Json, database: str) -> Json:
    """What each driver takes, for its own way of asking for a managed identity's token."""
    host, port = pick(server, "properties.fullyQualifiedDomainName"), pick(server, "properties.tcpPort")
    return {
        "database": database,
        "host": host,
        "port": port,
        "odbc": (
            f"Driver={{ODBC Driver 18 for SQL Server}};Server={host},{port};Database={database};Encrypt=yes;"
            "Authentication=ActiveDirectoryMsi"
        ),
        "jdbc": (
            f"jdbc:sqlserver://{host}:{port};databaseName={database};encrypt=true;"
            "authentication=ActiveDirectoryManagedIdentity"
        ),
        "adonet": (
            f"Server={host},{port};Database={database};Encrypt=True;Authentication=Active Directory Managed Identity"
        ),
        "url": f"sqlserver://{host}:{port}?database={database}&fedauth=ActiveDirectoryManagedIdentity",
    }
