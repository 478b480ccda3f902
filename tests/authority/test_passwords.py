"""Hashes of secrets: what they hold, what they say no to, and that they do not pile up."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from keyless.authority import passwords
from keyless.authority.passwords import Passwords
from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.secretstr import SecretStr


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as threads:
        yield threads


async def test_a_hash_is_argon2id_with_its_own_salt(pool: ThreadPoolExecutor) -> None:
    made = Passwords(pool, os.urandom)
    one, other = await made.hash(SecretStr("open sesame")), await made.hash(SecretStr("open sesame"))
    assert one != other
    for held in (one, other):
        assert held.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        assert "sesame" not in held
        assert await made.matches(SecretStr("open sesame"), held)
        assert not await made.matches(SecretStr("open sesame "), held)


@pytest.mark.parametrize("held", ["", "x", "$argon2id$v=19$m=8,t=1,p=1$$", "open sesame"])
async def test_what_is_no_hash_matches_nothing(pool: ThreadPoolExecutor, held: str) -> None:
    made = Passwords(pool, os.urandom)
    for secret in ("open sesame", "", held):
        assert not await made.matches(SecretStr(secret), held)


async def test_a_secret_that_is_too_long_matches_nothing(pool: ThreadPoolExecutor) -> None:
    made = Passwords(pool, os.urandom)
    secret = SecretStr("x" * (passwords.MAX_SECRET_BYTES + 1))
    assert not await made.matches(secret, await made.hash(secret))


async def test_nobodys_hash_is_as_dear_as_anybodys(pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def matches(_secret: SecretStr, held: str) -> bool:
        asked.append(held)
        return True

    monkeypatch.setattr(passwords, "_matches", matches)
    assert not await Passwords(pool, os.urandom).matches(SecretStr("x"), "")
    assert asked[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_who_comes_when_too_many_wait_is_sent_away(
    pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(passwords, "MAX_WAITING", 2)
    monkeypatch.setattr(passwords, "_matches", lambda _secret, _held: go_on.wait(10))
    made = Passwords(pool, os.urandom)
    waiting = [asyncio.create_task(made.matches(SecretStr("x"), "h")) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(KeylessError) as error:
        await made.matches(SecretStr("x"), "h")
    assert error.value.kind is ErrorKind.THROTTLED
    go_on.set()
    assert await asyncio.gather(*waiting) == [True, True]
    assert await made.matches(SecretStr("x"), "h")
