"""The cache of plans: its limits, and that a long text holds nobody up."""

from __future__ import annotations

import asyncio
import time

from keyless.providers.sql.postgres.plans import Plans


async def test_the_same_text_is_read_once() -> None:
    plans = Plans()
    first = await plans.batch("SELECT 1", {}, 0)
    assert await plans.batch("SELECT 1", {}, 0) is first
    assert await plans.batch("SELECT 2", {}, 0) is not first


async def test_many_and_long_texts_make_room() -> None:
    plans = Plans()
    first = await plans.batch("SELECT 1", {}, 0)
    comment = "/*" + "x" * 900_000 + "*/"
    for number in range(5):
        await plans.batch(f"{comment} SELECT {number}", {}, 0)
    assert await plans.batch("SELECT 1", {}, 0) is not first


async def test_a_long_text_is_read_beside_the_event_loop() -> None:
    longest, ended = 0.0, False

    async def watch() -> None:
        nonlocal longest
        while not ended:
            began = time.perf_counter()
            await asyncio.sleep(0)
            longest = max(longest, time.perf_counter() - began)

    watching = asyncio.create_task(watch())
    began = time.perf_counter()
    await Plans().batch("SELECT 1 WHERE 1 IN (" + ", ".join(map(str, range(20_000))) + ")", {}, 0)
    taken = time.perf_counter() - began
    ended = True
    await watching
    assert longest < taken / 2
