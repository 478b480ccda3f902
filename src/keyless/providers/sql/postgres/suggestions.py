"""The types that a client is told for parameters that it has not declared.

Owns looking up the columns that `tsql.guesses` names. Must not run a client's statement.
Source: Transact-SQL reference, "sp_describe_undeclared_parameters".
"""

from __future__ import annotations

from collections.abc import Mapping

import psycopg

from keyless.providers.sql.postgres import results
from keyless.providers.sql.postgres.transactions import Connection
from keyless.providers.sql.tsql.guesses import Place, for_client, guesses
from keyless.providers.sql.types import Kind, SqlType

_COLUMNS = """SELECT a.attname::text, d.description, a.attidentity::text <> '', a.atttypid::int8, a.atttypmod
  FROM pg_catalog.pg_attribute a
  LEFT JOIN pg_catalog.pg_description d ON d.objoid = a.attrelid AND d.objsubid = a.attnum
    AND d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
  WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""

_Columns = list[tuple[str, SqlType, bool]]


async def suggested(connection: Connection, own: Mapping[int, Kind], text: str) -> dict[str, SqlType]:
    """What the parameters of a batch had best be, by their names in lower case; not those that nothing tells of."""
    tables: dict[str, _Columns] = {}
    found: dict[str, SqlType] = {}
    for name, guess in guesses(text).items():
        if isinstance(guess, SqlType):
            found[name] = guess
            continue
        for relation in guess.relations:
            if relation not in tables:
                tables[relation] = await _columns(connection, own, relation)
            type_ = _column(tables[relation], guess)
            if type_ is not None:
                found[name] = for_client(type_, filled=guess.filled)
                break
    return found


async def _columns(connection: Connection, own: Mapping[int, Kind], relation: str) -> _Columns:
    try:
        cursor = await connection.execute(_COLUMNS, [relation])
    except psycopg.Error:
        return []  # what cannot be looked up is no name of a table
    columns = []
    for name, comment, identity, number, modifier in await cursor.fetchall():
        known = results.known(str(name), None if comment is None else str(comment), False, "")
        type_ = known.type or results.of(int(str(number)), int(str(modifier)), own)
        columns.append((str(name), type_, bool(identity)))
    return columns


def _column(columns: _Columns, place: Place) -> SqlType | None:
    if place.column:
        return next((type_ for name, type_, _ in columns if name == place.column), None)
    given = [type_ for _, type_, identity in columns if not identity]
    return given[place.number] if place.number < len(given) else None
