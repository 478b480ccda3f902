"""The signing keys over time."""

from __future__ import annotations

import asyncio

import pytest

from keyless.authority.key_ring import KeyState
from keyless.model.errors import ErrorKind, KeylessError
from tests.authority.conftest import LIFE, ROTATE, World


def states(world: World) -> dict[str, KeyState]:
    return {record.kid: record.state for record in world.ring.records()}


def published(world: World) -> set[str]:
    return {key["kid"] for key in world.ring.public_keys()}


async def test_the_next_key_is_announced_before_it_signs(world: World) -> None:
    first = world.ring.active.kid
    await world.ring.tick()
    (announced,) = [kid for kid, state in states(world).items() if state is KeyState.NEXT]
    assert published(world) == {first, announced}
    assert world.ring.active.kid == first
    await world.ring.tick()
    assert len(states(world)) == 2
    rotated = await world.ring.rotate()
    assert (rotated.kid, rotated.activated) == (announced, world.clock.now)
    assert world.ring.active.kid == announced


async def test_a_rotation_comes_in_time_and_the_old_key_verifies_as_long_as_its_tokens_live(world: World) -> None:
    first = world.ring.active.kid
    await world.ring.tick()
    world.clock.now += ROTATE - 1
    await world.ring.tick()
    assert world.ring.active.kid == first
    world.clock.now += 1
    await world.ring.tick()
    second = world.ring.active.kid
    assert second != first
    assert states(world)[first] is KeyState.RETIRED
    assert {first, second} < published(world)  # and the next one is announced already
    world.clock.now += LIFE - 1
    await world.ring.tick()
    assert first in world.ring.verifying
    world.clock.now += 1
    await world.ring.tick()
    assert first not in world.ring.verifying
    assert first not in states(world)


async def test_a_revoked_key_does_nothing_at_once(world: World) -> None:
    first = world.ring.active.kid
    record = await world.ring.revoke(first)
    assert record.state is KeyState.REVOKED
    assert first not in world.ring.verifying
    assert first not in published(world)
    assert world.ring.active.kid != first
    assert (await world.ring.revoke(first)).state is KeyState.REVOKED
    (sealed,) = await world.store.rows("SELECT sealed FROM signing_key WHERE kid=?", (first,))
    assert sealed == (None,)
    with pytest.raises(KeylessError) as refused:
        await world.ring.revoke("nonsense")
    assert refused.value.kind is ErrorKind.NOT_FOUND


async def test_the_announced_key_can_be_revoked_too(world: World) -> None:
    await world.ring.tick()
    (announced,) = [kid for kid, state in states(world).items() if state is KeyState.NEXT]
    await world.ring.revoke(announced)
    await world.ring.rotate()
    assert world.ring.active.kid != announced


async def test_changes_at_one_moment_leave_one_key_that_signs(world: World) -> None:
    await asyncio.gather(world.ring.rotate(), world.ring.tick(), world.ring.rotate(), world.ring.announce())
    assert sorted(state.value for state in states(world).values()).count("active") == 1
    assert world.ring.active.kid in world.ring.verifying


async def test_a_restart_keeps_the_keys(world: World) -> None:
    await world.ring.tick()
    await world.ring.rotate()
    again = await world.another_ring()
    assert again.active.kid == world.ring.active.kid
    assert again.records() == world.ring.records()
    assert sorted(key["kid"] for key in again.public_keys()) == sorted(published(world))


async def test_only_public_parts_are_published(world: World) -> None:
    for key in world.ring.public_keys():
        assert set(key) == {"kty", "use", "alg", "kid", "n", "e"}


async def test_the_private_key_is_nowhere_in_the_files(world: World) -> None:
    secret = world.ring.active.to_bytes()
    # any stretch of the private exponent and the primes would do: the second half of the encoding is all secret
    samples = [secret[i : i + 24] for i in range(len(secret) // 2, len(secret) - 24, 24)]
    files = [path.read_bytes() for path in world.path.parent.iterdir() if path.is_file()]
    assert any(world.ring.active.kid.encode() in content for content in files)
    assert not any(sample in content for sample in samples for content in files)
    assert not any(b"PRIVATE KEY" in content for content in files)
