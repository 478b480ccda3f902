"""Prepared statements of one connection, and what they give as it comes.

Owns what is prepared in PostgreSQL: a statement that comes a second time stays prepared, with its description.
psycopg's own cursors prepare no statement whose rows are streamed. Must not know T-SQL.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass

import psycopg
from psycopg import generators
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult

from keyless.providers.sql.postgres.transactions import Connection
from keyless.providers.sql.types import Row, Value

#: How many rows come at once.
CHUNK = 500
_KEPT = 200
_BINARY = Format.BINARY
_CANCEL_SECONDS = 5.0
_STALE = {"0A000", "26000"}  # another session changed what it gives, or nothing of that name is there

Parts = AsyncGenerator["Part", None]


class Stale(Exception):
    """What was prepared is no longer good; nothing has been given yet, and preparing it anew will do."""


@dataclass(frozen=True)
class Part:
    """Some rows of a result; `description` is the same in all of them."""

    description: PGresult
    rows: Sequence[Row]


@dataclass(frozen=True)
class _Prepared:
    name: bytes
    description: PGresult


class Statements:
    """The statements of one connection, which does one thing at a time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._kept: OrderedDict[tuple[str, tuple[int, ...]], _Prepared | None] = OrderedDict()
        self._numbers = 0

    async def describe(self, sql: str) -> PGresult:
        """What a statement would give; nothing is run."""
        async with self._connection.lock:
            return await self._prepare(b"", sql, ())

    async def run(self, sql: str, values: Sequence[Value]) -> Parts:
        """Run a statement; at least one part comes, without rows if there are none. Raises psycopg's errors, Stale."""
        async with self._connection.lock, aclosing(self._run(sql, values)) as parts:
            async for part in parts:
                yield part

    async def _run(self, sql: str, values: Sequence[Value]) -> Parts:
        transformer = Transformer(self._connection)
        parameters = transformer.dump_sequence(values, [PyFormat.AUTO] * len(values))
        types = tuple(transformer.types or ())
        prepared = await self._prepared(sql, types)
        pg = self._connection.pgconn
        pg.send_query_prepared(prepared.name, parameters, transformer.formats, _BINARY)
        pg.set_chunked_rows_mode(CHUNK)
        if pg.flush():
            await self._connection.wait(generators.send(pg))
        complete, loaders = False, True
        try:
            while (result := await self._next()) is not None:
                complete = result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK, ExecStatus.FATAL_ERROR)
                if result.status == ExecStatus.FATAL_ERROR:
                    self._failed(result, (sql, types), prepared)
                if result.ntuples or complete:
                    transformer.set_pgresult(result, set_loaders=loaders, format=_BINARY)
                    loaders = False
                    yield Part(prepared.description, transformer.load_rows(0, result.ntuples, tuple))
        finally:
            await self._drain(complete=complete)

    def _failed(self, result: PGresult, key: tuple[str, tuple[int, ...]], prepared: _Prepared) -> None:
        error = psycopg.errors.error_from_result(result)
        if prepared.name and error.sqlstate in _STALE:
            self._kept.pop(key, None)
            raise Stale
        raise error

    async def _drain(self, *, complete: bool) -> None:
        """Read what is left, so that the connection is free; what is not wanted any more is stopped."""
        if self._connection.closed:
            return
        if not complete:
            with suppress(psycopg.Error):
                await asyncio.shield(self._connection.cancel_safe(timeout=_CANCEL_SECONDS))
        while await self._next() is not None:
            pass

    async def _next(self) -> PGresult | None:
        pg = self._connection.pgconn
        while pg.is_busy():
            await self._readable()
            pg.consume_input()
        return pg.get_result()

    async def _readable(self) -> None:
        loop, socket = asyncio.get_running_loop(), self._connection.pgconn.socket
        waiting = loop.create_future()
        loop.add_reader(socket, _done, waiting)
        try:
            await waiting
        finally:
            loop.remove_reader(socket)

    async def _prepared(self, sql: str, types: tuple[int, ...]) -> _Prepared:
        """The first time without a name, which costs nothing to forget; from the second time on with one."""
        key = (sql, types)
        if key not in self._kept:
            description = await self._prepare(b"", sql, types)
            self._kept[key] = None
            if len(self._kept) > _KEPT:
                await self._forget_oldest()
            return _Prepared(b"", description)
        self._kept.move_to_end(key)
        prepared = self._kept[key]
        if prepared is None:
            self._numbers += 1
            name = b"k%d" % self._numbers
            prepared = _Prepared(name, await self._prepare(name, sql, types))
            self._kept[key] = prepared
        return prepared

    async def _forget_oldest(self) -> None:
        _key, oldest = self._kept.popitem(last=False)
        if oldest is not None:
            self._connection.pgconn.send_close_prepared(oldest.name)
            await self._answer()

    async def _prepare(self, name: bytes, sql: str, types: Sequence[int]) -> PGresult:
        pg = self._connection.pgconn
        pg.send_prepare(name, sql.encode(), types)
        await self._answer()
        pg.send_describe_prepared(name)
        return await self._answer()

    async def _answer(self) -> PGresult:
        result: PGresult
        (result,) = await self._connection.wait(generators.execute(self._connection.pgconn))
        if result.status != ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(result)
        return result


def _done(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
