"""Restoring a backup: a data folder, made whole or not at all.

Owns what has to be there beforehand (the master key, the owner's key), the check that what came out of the archive is
an instance that this program opens, and a new owner's key where the old one is lost.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import msgspec

from keyless.authority.keys import generate_owner_key, public_owner_key
from keyless.bootstrap.first_start import OWNER_KEY, master_key_file
from keyless.bootstrap.schema import DATABASE, MIGRATIONS, SQL, SQL_COPY, read_data_keys
from keyless.config import Config
from keyless.directory.principals import Directory
from keyless.model.errors import ErrorKind, KeylessError, conflict, invalid
from keyless.providers.sql.postgres import copies
from keyless.store.archive import read_archive
from keyless.store.folder import Instance, read_instance, staged
from keyless.store.private_file import create_private
from keyless.store.sealing import MasterKey, Sealer, load_master_key
from keyless.store.sqlite import open_store


def restore(config: Config, environ: Mapping[str, str], archive: BinaryIO, *, new_owner_key: bool) -> Instance:
    """Make the data folder out of an archive; the instance that is there then.

    The master key has to lie where the server would look for it, and the owner's key too unless a new one is asked
    for. Raises KeylessError for whatever is wrong; nothing has been made then.
    """
    if read_instance(config.data) is not None:
        raise conflict(f"{config.data} holds an instance already: name another folder with --data.")

    def owner_key(instance: str) -> Path:
        return config.config / instance / OWNER_KEY

    def master_key(instance: str) -> MasterKey:
        _look_for(owner_key(instance), new=new_owner_key)
        return load_master_key(master_key_file(config, instance, environ))

    with staged(config.data, f"restore-{uuid4()}", lambda _start: None) as folder:
        read_archive(archive, master_key, folder)
        instance = read_instance(folder)
        if instance is None:
            raise invalid("The archive holds no instance: take another one.")
        asyncio.run(
            _finish(folder, instance, master_key(instance.instance), owner_key(instance.instance), new_owner_key)
        )
    return instance


def _look_for(path: Path, *, new: bool) -> None:
    if new and path.exists():
        raise conflict(f"The owner key {path} is there: leave out --new-owner-key to use it, or move it away.")
    if not new and not path.exists():
        raise KeylessError(
            ErrorKind.NOT_FOUND,
            f"The owner key {path} is missing: bring it from the other machine, or make another with --new-owner-key.",
        )


async def _finish(folder: Path, instance: Instance, master: MasterKey, owner_key: Path, new: bool) -> None:
    """Put the databases back, bring the schema up to date, and see that both keys fit: as at the next start."""
    if (folder / SQL_COPY).exists():
        await copies.put_back(folder / SQL_COPY, folder / SQL)
        shutil.rmtree(folder / SQL_COPY)
    store = open_store(folder / DATABASE, MIGRATIONS)
    try:
        Sealer.from_wrapped(master, await read_data_keys(store))
        directory = Directory(store, lambda: str(uuid4()))
        await directory.load()
        owner = instance.owner.principal_id
        if new:
            key = generate_owner_key()
            await store.write(lambda tx: directory.replace_assertion_key(tx, owner, public_owner_key(key)))
            create_private(owner_key, msgspec.json.encode(key))
        elif directory.assertion_key(owner) != _public_half(owner_key):
            raise conflict(f"The owner key {owner_key} is another one's: bring the right one, or move it away.")
    finally:
        await store.close()


def _public_half(path: Path) -> dict[str, str] | None:
    try:
        return public_owner_key(msgspec.json.decode(path.read_bytes(), type=dict[str, str]))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
