"""The bodies of update and restore requests, and the backup in the latter: read, or refused as what they are."""

from __future__ import annotations

import random

from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.secretstr import SecretStr
from keyless.providers.key_vault.backups import Backup, Version, open_backup, seal_backup
from keyless.providers.key_vault.bundles import parse_backup, parse_update
from keyless.providers.key_vault.secret_rows import Metadata
from keyless.store.sealing import MasterKey, Sealer, new_wrapped_key

_RANDOM = random.Random(2718).randbytes
_MASTER = MasterKey(_RANDOM(32))
_SEALER = Sealer.from_wrapped(_MASTER, [new_wrapped_key(_MASTER, _RANDOM)], _RANDOM)
_OLD = Metadata(created=1, updated=1)
_GOOD = seal_backup(_SEALER, "s", Backup("db", [Version("0" * 32, _OLD, SecretStr("hush-hush-hush"))]))

SEEDS = (
    b'{"value":"' + _GOOD.encode() + b'"}',
    b'{"value":"AAAA","more":[]}',
    b'{"tags":{"a":"b"},"contentType":"t","attributes":{"enabled":false,"nbf":1,"exp":2,"recoveryLevel":"x"}}',
    b'{"attributes":null}',
    b'{"attributes":{"exp":1e999}}',
    b'{"tags":{"\\ud83d\\ude00":"\\u0000"}}',
)


def fuzz(data: bytes) -> None:
    """One input."""
    try:
        changed = parse_update(data).apply(_OLD, 5)
    except KeylessError as error:
        assert error.kind is ErrorKind.INVALID
    else:
        assert (changed.created, changed.updated) == (1, 5)
    try:
        text = parse_backup(data)
        found = open_backup(_SEALER, "s", text)
    except KeylessError as error:
        assert error.kind is ErrorKind.INVALID
        assert error.__cause__ is None
    else:
        assert text.rstrip("=")[:-1] == _GOOD[:-1], "a backup that was altered was opened"
        assert found.versions[0].value.reveal() == "hush-hush-hush"
