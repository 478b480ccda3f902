"""What SQL Server and SQLAlchemy's dialect for it can do, as the suite asks for it.

What SQL Server has and the suite does not suppose stands in `abilities.txt`; what stands in no list is as the suite
supposes. An ability that keyless lacks and SQL Server has is *not* closed: its tests fail, and
docs/sql-compatibility.md names them.
Source: SQLAlchemy, "Microsoft SQL Server" dialect; Transact-SQL reference.
"""

from pathlib import Path

from sqlalchemy.dialects.mssql import provision as _registered  # noqa: F401 - what is registered last holds
from sqlalchemy.testing import exclusions, provision
from sqlalchemy.testing.requirements import SuiteRequirements

_HAS = Path(__file__).with_name("abilities.txt").read_text(encoding="utf-8").split()

_LACKS = {
    "order_by_col_from_union": "ORDER BY belongs to the whole UNION",
    "recursive_fk_cascade": "error 1785: may cause cycles or multiple cascade paths",
    "nested_aggregates": "error 130: an aggregate over a subquery",
    "binary_literals": "a text is not converted to binary without CONVERT",
    "binary_comparisons": "a bound value is not converted to image or varbinary(max) in a comparison",
    "datetime_microseconds": "datetime counts in 1/300 of a second",
    "date_coerces_from_datetime": "msodbcsql sends a datetime2",
    "unique_constraint_reflection": "the dialect lists them with the indexes",
    "reflect_indexes_with_ascdesc": "the dialect does not ask for it",
    "temp_table_names": "the dialect does not ask for it",
}


def _ability(name, said):  # type: ignore[no-untyped-def]
    return property(lambda _self: said, doc=name)


Requirements = type(
    "Requirements",
    (SuiteRequirements,),
    {
        **{name: _ability(name, exclusions.open()) for name in _HAS},
        **{name: _ability(name, exclusions.closed(reason)) for name, reason in _LACKS.items()},
        "get_order_by_collation": lambda _self, _config: "Latin1_General_CI_AS",
    },
)


@provision.get_temp_table_name.for_db("mssql")
def _temporary(_config, _engine, name):  # type: ignore[no-untyped-def]
    """A local temporary table: the dialect's own choice, a global one, would end whole classes in their fixtures."""
    return f"#{name}"
