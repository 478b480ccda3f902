"""The statement MERGE.

Owns how its tree is written. No I/O.
Source: Transact-SQL reference, "MERGE".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.tsql import output as outputs
from keyless.providers.sql.tsql.names import quoted
from keyless.providers.sql.tsql.plan import Step, unsupported
from keyless.providers.sql.tsql.writer import Writer

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader

# WHEN NOT MATCHED BY TARGET is what WHEN NOT MATCHED means
_UNSAID = frozenset({"BY", "TARGET"})


def merge(reader: Reader) -> Step:
    """MERGE …"""
    reader.need("MERGE")
    merge = reader.whole(reader.parser._parse_merge, _UNSAID)
    writer = Writer(reader.declared)
    target = merge.this
    if not isinstance(target, exp.Table) or target.args.get("hints") or merge.args.get("using_cond"):
        raise unsupported("This form of MERGE")
    alias = quoted(target.alias or target.name)
    sql = f"MERGE INTO {writer.table(target)} AS {alias}"
    sql += f" USING {writer(merge.args['using'])} ON {writer(merge.args['on'])}"
    for when in merge.args["whens"].expressions:
        sql += _when(reader, when, writer)
    returning = merge.args.get("returning")
    output, names, into = "", tuple[str | None, ...](), ""
    if returning is not None:
        if returning.args.get("into"):
            raise unsupported("OUTPUT INTO in MERGE")
        output, names, into = outputs.written_output(reader, writer, returning.expressions, "")
    return outputs.changed(reader, sql, output, into, names, writer)


def _when(reader: Reader, when: exp.Expr, writer: Writer) -> str:
    matched, source = when.args.get("matched"), when.args.get("source")
    sql = " WHEN MATCHED" if matched else f" WHEN NOT MATCHED BY {'SOURCE' if source else 'TARGET'}"
    if condition := when.args.get("condition"):
        sql += f" AND {writer(condition)}"
    then = when.args["then"]
    if isinstance(then, exp.Update) and not then.args.get("where"):
        sets = ", ".join(f"{quoted(part.this.name)} = {writer(part.expression)}" for part in then.expressions)
        return f"{sql} THEN UPDATE SET {sets}"
    if isinstance(then, exp.Insert) and then.expression is not None:
        columns = f" ({', '.join(quoted(part.name) for part in then.this.expressions)})" if then.this else ""
        return f"{sql} THEN INSERT{columns} VALUES {writer(then.expression)}"
    if isinstance(then, exp.Var) and then.name.upper() == "DELETE":
        return f"{sql} THEN DELETE"
    raise unsupported("This form of MERGE")
