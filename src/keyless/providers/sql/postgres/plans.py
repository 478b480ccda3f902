"""The plans of all sessions: what a text was read as, so that it is read once.

Owns the cache and its limits, and that a long text is read beside the event loop: it may take seconds. No I/O.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar, cast

from keyless.providers.sql.tsql.blocks import Formal
from keyless.providers.sql.tsql.flow import Program
from keyless.providers.sql.tsql.procedures import Procedure, declaration, from_text
from keyless.providers.sql.tsql.reader import read, translate
from keyless.providers.sql.tsql.scope import Scope
from keyless.providers.sql.types import SqlType

#: How many plans are kept, and the characters of their texts together; a plan takes some ten times as much.
_MOST, _MOST_TEXT = 2000, 4 << 20
#: A text of so many characters is read in some milliseconds; longer ones in a thread, two at a time.
_LONG, _AT_ONCE = 8 << 10, 2
Plan = TypeVar("Plan")


class Plans:
    """What was read lately."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[object, int]] = OrderedDict()
        self._characters = 0
        self._reading = asyncio.Semaphore(_AT_ONCE)

    async def batch(self, text: str, declared: Mapping[str, SqlType], level: int) -> Program:
        """A batch."""
        key = ("batch", text, tuple(declared.items()), level)
        return await self._find(key, text, lambda: translate(text, declared, level))

    async def procedure(self, text: str, level: int) -> Procedure:
        """A procedure's definition."""
        key = ("procedure", text, level)
        return await self._find(key, text, lambda: read(text, Scope({}, level), from_text))

    async def formals(self, text: str) -> tuple[Formal, ...]:
        """The declaration of parameters that `sp_executesql` takes."""
        return await self._find(("formals", text), text, lambda: read(text, Scope({}), declaration))

    async def _find(self, key: Hashable, text: str, make: Callable[[], Plan]) -> Plan:
        if key in self._kept:
            self._kept.move_to_end(key)
            return cast("Plan", self._kept[key][0])
        if len(text) < _LONG:
            plan = make()
        else:
            async with self._reading:
                plan = await asyncio.to_thread(make)
        self._keep(key, plan, len(text))
        return plan

    def _keep(self, key: Hashable, plan: object, size: int) -> None:
        self._characters += size - (self._kept[key][1] if key in self._kept else 0)
        self._kept[key] = plan, size
        while len(self._kept) > _MOST or self._characters > _MOST_TEXT:
            _key, (_plan, least) = self._kept.popitem(last=False)
            self._characters -= least
