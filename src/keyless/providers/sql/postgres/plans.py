"""The plans of all sessions: what a text was read as, so that it is read once.

Owns the cache and its limit. No I/O.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar, cast

from keyless.providers.sql.tsql.blocks import Formal
from keyless.providers.sql.tsql.flow import Program
from keyless.providers.sql.tsql.procedures import Procedure, declaration, from_text
from keyless.providers.sql.tsql.reader import read, translate
from keyless.providers.sql.tsql.scope import Scope
from keyless.providers.sql.types import SqlType

_MOST = 2000
Plan = TypeVar("Plan")


class Plans:
    """What was read lately."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, object] = OrderedDict()

    def batch(self, text: str, declared: Mapping[str, SqlType], identity_insert: str, level: int) -> Program:
        """A batch."""
        key = ("batch", text, tuple(declared.items()), identity_insert, level)
        return self._find(key, lambda: translate(text, declared, identity_insert, level))

    def procedure(self, text: str, identity_insert: str, level: int) -> Procedure:
        """A procedure's definition."""
        key = ("procedure", text, identity_insert, level)
        return self._find(key, lambda: read(text, Scope({}, level), identity_insert, from_text))

    def formals(self, text: str) -> tuple[Formal, ...]:
        """The declaration of parameters that `sp_executesql` takes."""
        return self._find(("formals", text), lambda: read(text, Scope({}), "", declaration))

    def _find(self, key: Hashable, make: Callable[[], Plan]) -> Plan:
        if key in self._kept:
            self._kept.move_to_end(key)
            return cast("Plan", self._kept[key])
        plan = make()
        self._kept[key] = plan
        if len(self._kept) > _MOST:
            self._kept.popitem(last=False)
        return plan
