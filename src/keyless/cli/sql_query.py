"""`keyless sql query`: statements run in a database, their results printed as they come.

Owns the command. Must not know bytes (`sql_connection.py`) nor how a value looks (`sql_output.py`).
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import click

from keyless.cli.command import Keyless, with_output
from keyless.cli.errors import Refused
from keyless.cli.sql_connection import Place, SqlConnection, connected, said
from keyless.cli.sql_output import FORMATS, Output, output_of, say
from keyless.cli.sql_script import Batch, batches
from keyless.client.credential import ManagedIdentityCredential
from keyless.client.errors import CredentialUnavailable, TokenRefused
from keyless.model.secretstr import SecretStr
from keyless.providers.sql.engine import Columns, Done, Message, Rows, SqlError

RESOURCE = "https://database.windows.net"
#: What the server takes as one request.
MAX_BYTES = 60 * 1024 * 1024
_PLACE = re.compile(r"([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)/(.{1,128})", re.IGNORECASE)
_ERROR_FROM = 11


class _PlaceType(click.ParamType[Place]):
    name = "server/database"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Place:
        found = _PLACE.fullmatch(str(value))
        if found is None:
            self.fail(f"{value!r} is no database: write SERVER/DATABASE, such as shop-sql/shop", param, ctx)
        return Place(found[1].lower(), found[2])


@click.command()
@click.argument("place", metavar="SERVER/DATABASE", type=_PlaceType())
@click.argument("statement", required=False)
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Read the statements there.")
@with_output(FORMATS, "table")
def query(keyless: Keyless, place: Place, statement: str | None, file: Path | None, kind: str) -> None:
    """Run statements in a database, as you; within `keyless run`, as the app's identity.

    Without STATEMENT and --file they are read from standard input. GO on a line of its own ends a batch. The first
    batch with an error is the last. With -o json each result is an array.

    \b
    keyless sql query shop-sql/shop "SELECT name, price FROM products"
    keyless sql query shop-sql/shop --file schema.sql
    keyless sql query shop-sql/shop "SELECT * FROM orders" -o csv > orders.csv
    """
    script = list(batches(_script(statement, file)))
    output = output_of(kind)
    with connected(keyless.instance, place, _token(keyless)) as connection:
        for batch in script:
            _run(connection, batch, output)


def _script(statement: str | None, file: Path | None) -> str:
    if statement is not None and file is not None:
        raise click.UsageError("Say either STATEMENT or --file")
    if statement is not None:
        return statement
    if file is None and sys.stdin.isatty():
        raise click.UsageError("Say what to run: STATEMENT, --file, or on standard input")
    data = file.read_bytes() if file else sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise Refused(f"There are more than {MAX_BYTES} bytes of statements: run them in parts.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("The statements are not text in UTF-8: convert the file first.") from None


def _token(keyless: Keyless) -> SecretStr:
    environ = keyless.program.environ
    if "IDENTITY_ENDPOINT" not in environ:
        return keyless.session.token(RESOURCE).token
    credential = ManagedIdentityCredential(client_id=environ.get("AZURE_CLIENT_ID"), environ=environ)
    try:
        return SecretStr(credential.get_token(f"{RESOURCE}/.default").token)
    except (CredentialUnavailable, TokenRefused) as error:
        raise Refused(str(error)) from None


def _run(connection: SqlConnection, batch: Batch, output: Output) -> None:
    """Print what a batch gives; Refused at its end if there was an error, in the words of the last."""
    errors: list[str] = []
    try:
        _print(connection, batch, output, errors)
    except SqlError as error:  # a type that cannot be read
        raise Refused(error.message) from None
    for earlier in errors[:-1]:
        say(earlier)
    if errors:
        raise Refused(errors[-1])


def _print(connection: SqlConnection, batch: Batch, output: Output, errors: list[str]) -> None:
    in_result = False
    for events in connection.run(batch.text):
        for event in events:
            match event:
                case Columns():
                    output.begin([column.name for column in event.columns])
                    in_result = True
                case Rows():
                    output.rows(event.rows)
                case Message() if event.severity >= _ERROR_FROM:
                    errors.append(said(event, line=batch.line))
                case Message():
                    say(event.message)
                case Done():
                    if in_result:
                        output.end()
                    elif event.count is not None:
                        output.changed(event.count)
                    in_result = False
