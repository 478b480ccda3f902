"""What SQL Server and SQLAlchemy's dialect for it can do, as the suite asks for it.

What stands in no list is as the suite supposes. An ability that keyless lacks and SQL Server has is *not* closed: its
tests fail, and docs/sql-compatibility.md names them.
Source: SQLAlchemy, "Microsoft SQL Server" dialect; Transact-SQL reference.
"""

from sqlalchemy.testing import exclusions
from sqlalchemy.testing.requirements import SuiteRequirements

_HAS = """
uuid_data_type unique_constraints_reflect_as_index create_table_as create_temp_table_as table_value_constructor
intersect except_ window_functions ctes ctes_with_update_delete views cross_schema_fk_reflection
foreign_key_constraint_name_reflection reflects_pk_names comment_reflection comment_reflection_full_unicode
column_collation_reflection schema_create_delete foreign_key_constraint_option_reflection_ondelete
foreign_key_constraint_option_reflection_onupdate index_reflects_included_columns create_or_replace_view nvarchar_types
unicode_ddl datetime_timezone datetime_historic date_historic autocommit isolation_level json_type
precision_numerics_many_significant_digits precision_numerics_enotation_small server_defaults expression_server_defaults
precision_numerics_retains_significant_digits savepoints update_from delete_from mod_operator_as_percent_sign
percent_schema_names computed_columns computed_columns_stored computed_columns_virtual computed_columns_reflect_persisted
identity_columns fetch_first fetch_percent fetch_ties fetch_expression supports_bitwise_or supports_bitwise_and
supports_bitwise_not supports_bitwise_xor aggregate_order_by emulated_lastrowid
""".split()

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
    "implements_get_lastrowid": "",
}


def _ability(name, said):  # type: ignore[no-untyped-def]
    return property(lambda _self: said, doc=name)


Requirements = type(
    "Requirements",
    (SuiteRequirements,),
    {
        **{name: _ability(name, exclusions.open()) for name in _HAS},
        **{name: _ability(name, exclusions.closed(reason)) for name, reason in _LACKS.items() if reason},
        "get_order_by_collation": lambda _self, _config: "Latin1_General_CI_AS",
        "get_isolation_levels": lambda _self, config: {
            "default": "READ COMMITTED",
            "supported": {*config.db.dialect._isolation_lookup, "AUTOCOMMIT"},
        },
    },
)
