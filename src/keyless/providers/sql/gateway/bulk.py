"""Bulk load: an INSERT BULK, and then the message with the rows that it announced.

Owns the way of the rows to the engine, some at a time. Must not know packets.
Source: [MS-TDS] 2.2.1.6 (bulk load), 3.2.5.7.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from itertools import chain

from keyless.providers.sql.engine import Session, SqlError
from keyless.providers.sql.gateway.answers import Answer
from keyless.providers.sql.tds.bulk import BulkReader
from keyless.providers.sql.tds.packets import Message
from keyless.providers.sql.tds.reader import Malformed
from keyless.providers.sql.tds.tokens import Done, Status
from keyless.providers.sql.types import Row

_BEGINS = re.compile(r"\s*INSERT\s+BULK\b", re.IGNORECASE)


def begins(text: str) -> bool:
    """Whether a batch announces rows."""
    return _BEGINS.match(text) is not None


async def load(session: Session, statement: str, parts: AsyncIterator[Message], answer: Answer) -> None:
    """Load the rows of a message; raises SqlError or Malformed, and then none was loaded."""
    if not statement:
        raise SqlError(4002, "Rows came without an INSERT BULK before them.")
    reader = BulkReader()
    rows: Sequence[Row] = ()
    while not reader.columns:
        message = await anext(parts, None)
        if message is None:
            raise Malformed("the rows break off")
        rows = reader.feed(message.body)
        if message.last:
            rows = [*rows, *reader.end()]
    count = await session.load(statement, reader.columns, _rows(reader, rows, parts))
    await answer.done(Done.DONE, Status.COUNT, count=count)


async def _rows(
    reader: BulkReader, first: Sequence[Row], parts: AsyncIterator[Message]
) -> AsyncIterator[Sequence[Row]]:
    if first:
        yield first
    async for message in parts:
        if message.ignored:
            raise SqlError(3621, "The client has given up the load.")
        rows = reader.feed(message.body)
        if message.last:
            rows = list(chain(rows, reader.end()))
        if rows:
            yield rows
