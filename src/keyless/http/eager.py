"""Coroutines that begin at once: most requests wait for nothing, and need no task.

Owns the difference between versions of Python: 3.12 has eager tasks. Before that, the first steps are taken by
hand, and `asyncio.current_task()` is None in them: up to where it first waits, nothing may use `asyncio.timeout`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Any

if sys.version_info >= (3, 12):

    def begin(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
        """Run it up to where it first waits; the task that goes on with it, or None if it has ended."""
        task = asyncio.Task(work, loop=loop, eager_start=True)
        return None if task.done() else task

else:

    def begin(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
        """Run it up to where it first waits; the task that goes on with it, or None if it has ended."""
        try:
            awaited = work.send(None)
        except StopIteration:
            return None
        return loop.create_task(_rest(work, awaited))

    async def _rest(work: Coroutine[Any, Any, None], awaited: object) -> None:
        await _resumed(work, awaited)

    @coroutine
    def _resumed(work: Coroutine[Any, Any, None], awaited: object) -> Generator[object, Any, None]:
        while True:
            try:
                try:
                    value = yield awaited
                except BaseException as error:
                    awaited = work.throw(error)
                else:
                    awaited = work.send(value)
            except StopIteration:
                return
