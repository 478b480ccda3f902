"""`keyless blob`: blobs, over their data plane. Owns the commands."""

from __future__ import annotations

import mimetypes
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import click

from keyless.cli.blob_download import download as download_blob
from keyless.cli.blob_download import target
from keyless.cli.blob_protocol import VERSION, Address, parse_address, parse_list
from keyless.cli.blob_upload import Upload
from keyless.cli.command import Keyless, with_keyless
from keyless.cli.errors import complain
from keyless.cli.output import Columns, Json
from keyless.cli.progress import advance, bars
from keyless.model.errors import KeylessError

_COLUMNS: Columns = {
    "name": "name",
    "size": "properties.Content-Length",
    "type": "properties.Content-Type",
    "changed": "properties.Last-Modified",
}
_STANDARD = Path("-")
_PAGE = 5000

_address = click.argument("address", metavar="ACCOUNT/CONTAINER/BLOB")


@click.group(short_help="Blobs in a container.")
def blob() -> None:
    """Blobs in a container.

    \b
    keyless blob upload shopdata/reports/may.csv
    tar c src | keyless blob upload shopdata/backup/src.tar -
    keyless blob download shopdata/reports/may.csv
    """


@blob.command()
@_address
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--overwrite", is_flag=True, help="Replace a blob that is there already.")
@click.option("--content-type", help="What it is.  [default: guessed from the names]")
@with_keyless
def upload(keyless: Keyless, address: str, file: Path | None, overwrite: bool, content_type: str | None) -> None:
    """Upload FILE as a blob. Without FILE: the file here that is named like the blob; `-` is standard input.

    \b
    keyless blob upload shopdata/reports/may.csv
    tar c src | keyless blob upload shopdata/backup/src.tar -
    """
    where = _parse(address)
    path = file or Path(PurePosixPath(where.blob).name)
    guessed = mimetypes.guess_type(where.blob)[0] or mimetypes.guess_type(path.name)[0]
    with _source(path) as (source, size), _bar(where.blob, size) as progress:
        Upload(keyless.session, where, content_type or guessed or "application/octet-stream", overwrite, progress).send(
            source, size
        )
    keyless.output.say(f"Uploaded {where.blob}.")


@blob.command()
@_address
@click.argument("file", required=False, type=click.Path(allow_dash=True, path_type=Path))
@with_keyless
def download(keyless: Keyless, address: str, file: Path | None) -> None:
    """Download a blob to FILE. Without FILE: here, under the blob's own name; `-` is standard output.

    A file that is there already is replaced when all has arrived.

    \b
    keyless blob download shopdata/reports/may.csv
    keyless blob download shopdata/backup/src.tar - | tar t
    """
    where = _parse(address)
    if file == _STANDARD:
        _download(keyless, where, sys.stdout.buffer)
        return
    path = file or Path()
    if path.is_dir():
        path /= PurePosixPath(where.blob).name
    with target(path) as sink:
        _download(keyless, where, sink)
    keyless.output.say(f"Downloaded {path}.")


@blob.command("list")
@click.argument("address", metavar="ACCOUNT/CONTAINER[/PREFIX]")
@click.option("--top", type=click.IntRange(1), default=_PAGE, show_default=True, help="At most so many.")
@with_keyless
def list_(keyless: Keyless, address: str, top: int) -> None:
    """List the blobs of a container. With PREFIX: those whose names begin so.

    \b
    keyless blob list shopdata/reports
    keyless blob list shopdata/reports/2026/
    """
    where = _parse(address, whole=False)
    endpoint = keyless.instance.account(where.account)
    query = {"restype": "container", "comp": "list", "prefix": where.blob}
    found: list[Json] = []
    more = True
    while more and len(found) < top:
        query["maxresults"] = str(min(top - len(found), _PAGE))
        path = Address(where.account, where.container).path
        body = keyless.session.request("GET", endpoint, path, query=query, headers=VERSION)
        page = parse_list(body, "Blob")
        found += page.items
        more, query["marker"] = bool(page.next_marker), page.next_marker
    keyless.output.objects(found, _COLUMNS)
    if more:
        complain(f"There are more than {top}: see them with --top, or narrow the list with a prefix.")


@blob.command()
@_address
@with_keyless
def delete(keyless: Keyless, address: str) -> None:
    """Delete a blob.

    \b
    keyless blob delete shopdata/reports/may.csv
    """
    where = _parse(address)
    keyless.session.request("DELETE", keyless.instance.account(where.account), where.path, headers=VERSION)
    keyless.output.say(f"Deleted {where.blob}.")


def _parse(address: str, *, whole: bool = True) -> Address:
    try:
        where = parse_address(address)
    except KeylessError as error:
        raise click.BadParameter(error.message) from None
    if not where.container or (whole and (not where.blob or where.blob.endswith("/"))):
        raise click.BadParameter(f"{address!r} is not ACCOUNT/CONTAINER{'/BLOB' if whole else '[/PREFIX]'}.")
    return where


@contextmanager
def _source(path: Path) -> Iterator[tuple[BinaryIO, int | None]]:
    """What to read, and its size if that is known."""
    if path == _STANDARD:
        yield sys.stdin.buffer, None
        return
    with path.open("rb") as source:
        told = os.fstat(source.fileno())
        yield source, told.st_size if stat.S_ISREG(told.st_mode) else None


def _download(keyless: Keyless, where: Address, sink: BinaryIO) -> None:
    with bars() as shown:
        download_blob(keyless.session, where, sink, lambda size: advance(shown, where.blob, size))


@contextmanager
def _bar(name: str, size: int | None) -> Iterator[Callable[[int], None]]:
    with bars() as shown:
        yield advance(shown, name, size)
