"""A common table expression that UPDATE or DELETE names as what it changes.

Owns what has to be known of it. No I/O.
Source: Transact-SQL reference, "WITH common_table_expression".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Target:
    """A common table expression through which a table is changed."""

    name: str = ""
    table: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
