"""Client secrets: right ones, cheap the second time; wrong, expired and removed ones; and guessing."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from keyless.authority.clients import secret as module
from keyless.directory.applications import without_credential
from keyless.model.errors import ErrorKind, KeylessError
from tests.authority.clients.conftest import Endpoint

GOOD = "abcDEFghiJKLmnoPQRstuVWXyz0123456789_.ab"


async def refused(
    endpoint: Endpoint, secret: str, peer: str = "p", kind: ErrorKind = ErrorKind.UNAUTHENTICATED
) -> KeylessError:
    with pytest.raises(KeylessError) as error:
        await endpoint.prove(secret=secret, peer=peer)
    assert error.value.kind is kind
    assert secret not in error.value.message or not secret
    return error.value


async def test_a_right_one_is_hashed_once_in_a_while(endpoint: Endpoint) -> None:
    await endpoint.add_secret(GOOD)
    for _ in range(5):
        client = await endpoint.prove(secret=GOOD)
        assert (client.name, client.application) == ("shop", endpoint.application)
    assert endpoint.passwords.compared == 1
    endpoint.clock.now += module.REMEMBERED_SECONDS
    await endpoint.prove(secret=GOOD)
    assert endpoint.passwords.compared == 2


async def test_many_at_once_wait_for_one_hash(endpoint: Endpoint) -> None:
    await endpoint.add_secret(GOOD)
    await asyncio.gather(*(endpoint.prove(secret=GOOD) for _ in range(200)))
    assert endpoint.passwords.compared == 1


async def test_what_is_remembered_has_an_end(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_REMEMBERED", 1)
    await endpoint.add_secret(GOOD)
    await endpoint.add_secret("other" + GOOD, key_id="k-2")
    for secret in (GOOD, "other" + GOOD, GOOD):
        await endpoint.prove(secret=secret)
    assert endpoint.passwords.compared == 3


@pytest.mark.parametrize("wrong", ["", GOOD[:-1], GOOD + "x", GOOD.swapcase(), "abc" + "x" * 2000, "abc\0"])
async def test_a_wrong_one(endpoint: Endpoint, wrong: str) -> None:
    await endpoint.add_secret(GOOD)
    assert (await refused(endpoint, wrong)).code == "AADSTS7000215"


async def test_an_expired_one_is_told_from_a_wrong_one_and_counts_no_more(endpoint: Endpoint) -> None:
    await endpoint.add_secret(GOOD, life=60.0)
    await endpoint.prove(secret=GOOD)
    endpoint.clock.now += 60
    assert (await refused(endpoint, GOOD)).code == "AADSTS7000222"
    assert (await refused(endpoint, GOOD + "x")).code == "AADSTS7000215"


async def test_one_that_is_not_valid_yet(endpoint: Endpoint) -> None:
    endpoint.clock.now += 3600
    await endpoint.add_secret(GOOD)
    endpoint.clock.now -= 3600
    assert (await refused(endpoint, GOOD)).code == "AADSTS7000222"


async def test_a_removed_one_counts_no_more_although_it_was_remembered(endpoint: Endpoint) -> None:
    await endpoint.add_secret(GOOD)
    await endpoint.prove(secret=GOOD)
    await endpoint.change(lambda one: without_credential(one, "k-1"))
    assert (await refused(endpoint, GOOD)).code == "AADSTS7000215"


async def test_nobody_elses(endpoint: Endpoint) -> None:
    await endpoint.add_secret(GOOD)
    await endpoint.prove(secret=GOOD)
    other = await endpoint.tenant.write(lambda tx: endpoint.tenant.applications.create(tx, "other", 0.0))
    mine, endpoint.application = endpoint.application, other
    assert (await refused(endpoint, GOOD)).code == "AADSTS7000215"
    endpoint.application = mine
    await endpoint.prove(secret=GOOD)


async def test_a_deleted_and_a_disabled_client(endpoint: Endpoint) -> None:
    await endpoint.add_secret(GOOD)
    await endpoint.prove(secret=GOOD)
    tenant, client_id = endpoint.tenant, endpoint.application.client_id
    principal = tenant.directory.by_client_id(client_id)
    assert principal is not None
    await tenant.write(lambda tx: tenant.directory.update(tx, principal.principal_id, enabled=False))
    assert (await refused(endpoint, GOOD)).code == "AADSTS7000112"
    await tenant.write(lambda tx: tenant.directory.update(tx, principal.principal_id, enabled=True))
    await endpoint.prove(secret=GOOD)
    await tenant.write(lambda tx: tenant.applications.delete(tx, endpoint.application.object_id))
    assert (await refused(endpoint, GOOD)).code == "AADSTS700016"


async def test_who_guesses_waits_and_others_do_not(endpoint: Endpoint) -> None:
    await endpoint.add_secret(GOOD)
    for number in range(3):
        await refused(endpoint, f"abc{number}", "bad")
    compared = endpoint.passwords.compared
    error = await refused(endpoint, "abc9", "bad", ErrorKind.THROTTLED)
    assert error.retry_after == 61
    # not even the right one helps there, and nothing is computed
    await refused(endpoint, GOOD, "bad", ErrorKind.THROTTLED)
    assert endpoint.passwords.compared == compared
    await endpoint.prove(secret=GOOD, peer="good")
    # one that is remembered is no guess
    await endpoint.prove(secret=GOOD, peer="bad")
    endpoint.clock.now += 61
    await refused(endpoint, "abc9", "bad")


async def test_a_secret_is_for_applications_only(endpoint: Endpoint) -> None:
    await endpoint.change(lambda one: replace(one, secrets=()))
    assert (await refused(endpoint, GOOD)).code == "AADSTS7000215"
    assert endpoint.passwords.compared == 0
