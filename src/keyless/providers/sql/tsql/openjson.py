"""OPENJSON: rows from a text in JSON.

Owns its two shapes, with WITH and without. No I/O.
Source: Transact-SQL reference, "OPENJSON".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.tsql import casts
from keyless.providers.sql.tsql.names import quoted, text
from keyless.providers.sql.tsql.plan import unsupported
from keyless.providers.sql.tsql.types import TEXTS

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.writer import Writer


def openjson(writer: Writer, node: exp.OpenJSON, alias: exp.Expr | None) -> str:
    """OPENJSON in FROM."""
    parts = writer.parts(node)
    path = parts.args.get("path")
    arguments = [writer.text(parts.this), writer.text(path) if path else "'$'::tsql.citext"]
    definitions = parts.expressions
    name = writer.aliased(alias) if alias else '"openjson"'
    if not definitions:
        return f"tsql.openjson({', '.join(arguments)}) AS {name}"
    columns = [_column(writer, definition) for definition in definitions]
    return f'(SELECT {", ".join(columns)} FROM tsql.openjson_rows({", ".join(arguments)}) AS "~j" ("~j")) AS {name}'


def _column(writer: Writer, node: exp.Expr) -> str:
    parts = writer.parts(node)
    name = parts.name
    written = casts.written_type(writer.parts, parts.args["kind"])
    path = parts.text("path") or f'$."{name}"'
    if parts.args.get("as_json"):
        if written.kind not in TEXTS or written.measure(1) is not None:
            raise unsupported("AS JSON with another type than nvarchar(max)")
        return f'tsql."json_query"("~j", {text(path)}) AS {quoted(name)}'
    value = casts.to_type(f'tsql."json_value"("~j", {text(path)})', written)
    return f"{value} AS {quoted(name)}"
