"""Access policies in a request: refused, or in the one form that decisions are made from."""

from __future__ import annotations

import msgspec

from keyless.model.errors import ErrorKind, KeylessError
from keyless.providers.key_vault.access_policies import MAX_POLICIES, combine, parse_policies

_TENANT = "5a1f0d3c-0000-4000-8000-00000000beef"
_WHO = "00000000-0000-4000-8000-000000000001"
_ONE = f'{{"tenantId":"{_TENANT}","objectId":"{_WHO}","permissions":{{"secrets":["Get","all"],"keys":["sign"]}}}}'

SEEDS = (
    f"[{_ONE}]".encode(),
    f"[{_ONE},{_ONE}]".encode(),
    _ONE.replace('"permissions"', f'"applicationId":"{_WHO}","permissions"').join("[]").encode(),
    b'[{"objectId":null}]',
    b'[{"permissions":{"secrets":[["get"]]}}]',
    b"[[]]",
    b"null",
)


def fuzz(data: bytes) -> None:
    """One input."""
    try:
        value = msgspec.json.decode(data)
        found = parse_policies(value, _TENANT)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return
    except KeylessError as error:
        assert error.kind is ErrorKind.INVALID
        return
    assert len(found) <= MAX_POLICIES
    assert parse_policies(found, _TENANT) == found
    assert combine("remove", found, found) == []
    holders = [(policy["objectId"], policy.get("applicationId")) for policy in found]
    assert len(set(holders)) == len(holders)
