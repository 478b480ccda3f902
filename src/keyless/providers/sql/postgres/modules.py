"""CREATE VIEW and CREATE FUNCTION … RETURNS TABLE, whose columns PostgreSQL has to be asked for.

Owns what is asked. Source: Transact-SQL reference, "CREATE VIEW", "CREATE FUNCTION".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.providers.sql.engine import Done, Events
from keyless.providers.sql.tsql.blocks import TableFunction, View

if TYPE_CHECKING:
    from keyless.providers.sql.postgres.workings import Workings


class Modules:
    """The definitions of one session."""

    def __init__(self, work: Workings) -> None:
        self._work = work

    async def define(self, instruction: View | TableFunction) -> Events:
        """Make or change one."""
        async for event in self._work.runner.run(instruction.step, {}):
            yield event
        yield Done()
