"""CREATE VIEW: its columns are PostgreSQL's to tell, and their names and types stand in comments on them.

Owns what is asked. Source: Transact-SQL reference, "CREATE VIEW".
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from keyless.providers.sql.engine import Events
from keyless.providers.sql.tsql import comments
from keyless.providers.sql.tsql.blocks import View
from keyless.providers.sql.tsql.names import quoted, text
from keyless.providers.sql.tsql.types import in_text

if TYPE_CHECKING:
    from keyless.providers.sql.postgres.workings import Workings


class Modules:
    """The definitions of one session."""

    def __init__(self, work: Workings) -> None:
        self._work = work

    async def define(self, instruction: View) -> Events:
        """Make or change one."""
        descriptions = self._work.descriptions
        async with self._work.transactions.guarded():
            columns = await descriptions.describe(instruction.query)
        told = ";".join(
            comments.comment(
                f"COLUMN {instruction.name}.{quoted(column.name)}",
                {"name": column.name, "type": in_text(column.type)},
            )
            for column in columns
        )
        step = replace(instruction.step, sql=f"{instruction.step.sql}, {text(told)})")
        async with aclosing(self._work.runner.run(step, {})) as events:
            async for event in events:
                yield event
