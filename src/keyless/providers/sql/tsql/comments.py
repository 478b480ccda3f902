"""What PostgreSQL does not keep of a definition: it stands in the comment on the object, as JSON.

Owns the comment's shape. `name` is the name as it was written, `type` a column's declared type, `definition` the
T-SQL of a view, a check or a computed column, `default` and `default_name` those of a column's default, `clustered`
whether an index was called so, `filter` an index's condition, `properties` the extended properties by their names,
`parameters` those of a procedure or a function, as JSON again (`procedures.told_of`), `returns` what a
function gives.
A comment belongs to its object's owner, to the transaction, and goes when the object goes. No I/O.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from keyless.providers.sql.tsql.names import quoted, text

Told = Mapping[str, str | bool]
_PART = 9  # how many bytes of each name go into a constraint's


def comment(on: str, told: Told) -> str:
    """COMMENT ON something, such as `COLUMN "dbo"."t"."c"`."""
    return f"COMMENT ON {on} IS {text(json_of(told))}"


def json_of(told: Told) -> str:
    """What a comment says; what is not so is left out."""
    kept = {key: value for key, value in told.items() if value is not None and value is not False}
    return json.dumps(kept, ensure_ascii=False)


def read(written: str | None) -> dict[str, object]:
    """What a comment tells; nothing if it is somebody else's."""
    try:
        told = json.loads(written or "")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def constraint_name(prefix: str, table: str, *about: str) -> str:
    """The name of a constraint that was given none: `PK__orders__3F2A…`, always the same for the same definition."""
    digest = hashlib.sha256("\0".join([prefix, table.lower(), *about]).encode()).hexdigest().upper()
    short = [part.encode()[:_PART].decode(errors="ignore") for part in (table, *about[:1]) if part]
    return "__".join([prefix, *short, digest[:16] if prefix in {"PK", "UQ"} else digest[:8]])


def constraint(table: str, name: str, **told: str | bool) -> str:
    """COMMENT ON CONSTRAINT, with the name as it was written."""
    return comment(f"CONSTRAINT {quoted(name)} ON {table}", {"name": name, **told})
