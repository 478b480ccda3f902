"""The first start: everything that an instance needs, made whole or not at all.

Owns what a new instance holds: master key and owner key (outside the data folder), certificates, the tenant with
its owner, a default subscription and resource group, and the owner's first role assignments.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID, uuid4

import msgspec

from keyless.authority.key_ring import KeyRing
from keyless.authority.keys import generate_owner_key, public_owner_key
from keyless.bootstrap.schema import DATABASE, MIGRATIONS, TLS
from keyless.config import Config
from keyless.directory.principals import Directory
from keyless.http.tls import TlsStore
from keyless.management import resources as table
from keyless.model.access import Assignment
from keyless.model.clock import Clock
from keyless.model.clouds import claimed_names
from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.identity import PrincipalKind
from keyless.model.resource import Resource
from keyless.model.resource_id import ROOT, ResourceId
from keyless.providers.authorization.assignments import Assignments
from keyless.providers.authorization.builtin_roles import BUILTIN_ROLES, GLOBAL_ADMINISTRATOR
from keyless.store.engine import Tx
from keyless.store.folder import Instance, Owner, staged, write_instance
from keyless.store.private_file import create_private, write_private
from keyless.store.sealing import MasterKey, Sealer, create_master_key, key_password, load_master_key, new_wrapped_key
from keyless.store.sqlite import open_store

#: What the owner may do from the start, at the subscription; like any assignment, these can be removed.
OWNER_ROLES = ("Owner", "Key Vault Administrator", "Storage Blob Data Owner")
DEFAULT_GROUP = "default"
OWNER_KEY = "owner.key"
_CREDENTIAL = "keyless-master-key"


def master_key_file(config: Config, instance: str, environ: Mapping[str, str]) -> Path:
    """Where the master key is: as the setting says, a systemd credential, or the configuration folder."""
    if config.master_key:
        return config.master_key
    if environ.get("CREDENTIALS_DIRECTORY"):
        credential = Path(environ["CREDENTIALS_DIRECTORY"], _CREDENTIAL)
        if credential.exists():
            return credential
    return config.config / instance / "master.key"


def tls_store(folder: Path, master: MasterKey, domain: str, clock: Clock) -> TlsStore:
    """The certificates of a data folder."""
    password = key_password(master, b"tls-keys")
    return TlsStore(folder / TLS, password, domain, claimed_names(), clock, write=write_private)


async def make_instance(config: Config, environ: Mapping[str, str], port: int) -> Instance:
    """Make the data folder and the two keys outside of it; on any failure nothing of them stays."""
    ids = [str(uuid4()) for _ in range(3)]
    master_key = master_key_file(config, ids[0], environ)
    had_master_key = master_key.exists()
    try:
        with staged(config.data, ids[0], lambda start: _forget_keys(config, start)) as folder:
            return await _fill(folder, master_key, config, port, ids)
    except BaseException as error:
        _forget_keys(config, ids[0])
        if not had_master_key:
            master_key.unlink(missing_ok=True)
        if isinstance(error, OSError):
            reason = (
                f"The first start failed ({error.strerror}): free space, and mind the permissions of {config.config}."
            )
            raise KeylessError(ErrorKind.UNAVAILABLE, reason) from error
        raise


def _forget_keys(config: Config, start: str) -> None:
    """Remove the keys of a first start that came to nothing; it has the name of its instance."""
    with contextlib.suppress(ValueError):
        shutil.rmtree(config.config / str(UUID(start)), ignore_errors=True)


async def _fill(folder: Path, master_key: Path, config: Config, port: int, ids: list[str]) -> Instance:
    instance_id, tenant, subscription = ids
    master = _master_key(master_key)
    owner_key = generate_owner_key()
    create_private(config.config / instance_id / OWNER_KEY, msgspec.json.encode(owner_key))
    tls_store(folder, master, config.domain, time.time).ensure()
    store = open_store(folder / DATABASE, MIGRATIONS)
    try:
        key_id, wrapped = new_wrapped_key(master, os.urandom)
        await store.write(lambda tx: tx.execute("INSERT INTO data_key(id, wrapped) VALUES(?, ?)", (key_id, wrapped)))
        sealer = Sealer.from_wrapped(master, [(key_id, wrapped)])
        directory = Directory(store, lambda: str(uuid4()))
        owner = await store.write(lambda tx: _make_tenant(tx, directory, subscription, public_owner_key(owner_key)))
        await KeyRing(store, sealer, time.time, rotate_after=config.key_rotation, overlap=config.token_lifetime).load()
    finally:
        await store.close()
    instance = Instance(
        instance=instance_id,
        tenant=tenant,
        subscription=subscription,
        resource_group=DEFAULT_GROUP,
        domain=config.domain,
        issuer=f"https://login.{config.domain}{'' if port == 443 else f':{port}'}/{tenant}",
        owner=owner,
        address=config.address,
        port=port,
    )
    write_instance(folder, instance)
    return instance


def _master_key(path: Path) -> MasterKey:
    return load_master_key(path) if path.exists() else create_master_key(path, os.urandom)


def tenant_administrator(principal_id: str) -> Assignment:
    """The owner's role over the tenant itself; the migration in `schema.py` gives it to older instances."""
    name = ROOT.child("providers", "Microsoft.Authorization", "roleAssignments", principal_id)
    return Assignment(str(name), principal_id, GLOBAL_ADMINISTRATOR, ROOT.key)


def _make_tenant(tx: Tx, directory: Directory, subscription: str, owner_key: dict[str, str]) -> Owner:
    now = time.time()
    owner = directory.create(tx, PrincipalKind.APPLICATION, "owner", assertion_key=owner_key)
    scope = ResourceId(("subscriptions", subscription))
    group = scope.child("resourceGroups", DEFAULT_GROUP)
    table.write(tx, Resource(group, location="local", created=now, changed=now), unique=False)
    for role in BUILTIN_ROLES:
        if role.name in OWNER_ROLES:
            name = scope.child("providers", "Microsoft.Authorization", "roleAssignments", str(uuid4()))
            one = Assignment(str(name), owner.principal_id, role.guid, scope.key)
            Assignments.add(tx, one, now, owner.principal_id)
    Assignments.add(tx, tenant_administrator(owner.principal_id), now, owner.principal_id)
    return Owner(owner.client_id, owner.principal_id)
