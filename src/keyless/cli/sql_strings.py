"""Connection strings: what each driver takes to reach a database with a managed identity's token.

Owns their form. None of them holds a secret.

Source: the connection strings' documentation of ODBC Driver 18, mssql-jdbc, SqlClient and go-mssqldb.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

import click

from keyless.cli.output import Columns, Json, Output, pick

_SHOWN = ("database", "host", "port", "odbc", "jdbc", "adonet", "url")
_PLAIN = re.compile(r"[\w.@()+-]([\w .@()+-]*[\w.@()+-])?")


def print_strings(output: Output, server: Json, databases: Sequence[str]) -> None:
    """Print those of each database, or JSON."""
    found = [strings(server, database) for database in databases]
    if output.as_json:
        output.objects(found, {})
        return
    columns: Columns = {name: name for name in _SHOWN}
    for number, one in enumerate(found):
        if number:
            click.echo()
        output.object(one, columns)


def strings(server: Json, database: str) -> Json:
    """The strings by their kinds."""
    host, port = pick(server, "properties.fullyQualifiedDomainName"), pick(server, "properties.tcpPort")
    plain = _PLAIN.fullmatch(database) is not None
    braced = database if plain else "{" + database.replace("}", "}}") + "}"
    quoted = database if plain else f'"{database}"'
    return {
        "database": database,
        "host": host,
        "port": port,
        "odbc": (
            f"Driver={{ODBC Driver 18 for SQL Server}};Server={host},{port};Database={braced};Encrypt=yes;"
            "Authentication=ActiveDirectoryMsi"
        ),
        "jdbc": (
            f"jdbc:sqlserver://{host}:{port};databaseName={braced};encrypt=true;"
            "authentication=ActiveDirectoryManagedIdentity"
        ),
        "adonet": (
            f"Server={host},{port};Database={quoted};Encrypt=True;Authentication=Active Directory Managed Identity"
        ),
        "url": f"sqlserver://{host}:{port}?database={quote(database)}&fedauth=ActiveDirectoryManagedIdentity",
    }
