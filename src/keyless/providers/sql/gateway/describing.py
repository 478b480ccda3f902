"""The results of `sp_describe_first_result_set` and `sp_describe_undeclared_parameters`.

Owns their columns. Pure. Source: Transact-SQL reference, the pages of the same names.
"""

from __future__ import annotations

from collections.abc import Sequence

from keyless.providers.sql.gateway.type_names import measures, type_name
from keyless.providers.sql.types import Column, Kind, Parameter, Row, SqlType, Value

_BIT, _INT, _SMALLINT, _TINYINT = (SqlType(kind) for kind in (Kind.BIT, Kind.INT, Kind.SMALLINT, Kind.TINYINT))
_NAME = SqlType(Kind.NVARCHAR, 128)
_TYPE_NAME = SqlType(Kind.NVARCHAR, 256)
_LONG_NAME = SqlType(Kind.NVARCHAR, 4000)
_COLLATION = "SQL_Latin1_General_CP1_CI_AS"
_COLLATION_ID, _COLLATION_SORT = 0x00D0_0409, 52
_TEXT = {Kind.CHAR, Kind.VARCHAR, Kind.TEXT, Kind.NCHAR, Kind.NVARCHAR, Kind.NTEXT}

_RESULT: tuple[tuple[str, SqlType], ...] = (
    ("is_hidden", _BIT),
    ("column_ordinal", _INT),
    ("name", _NAME),
    ("is_nullable", _BIT),
    ("system_type_id", _INT),
    ("system_type_name", _TYPE_NAME),
    ("max_length", _SMALLINT),
    ("precision", _TINYINT),
    ("scale", _TINYINT),
    ("collation_name", _NAME),
    ("user_type_id", _INT),
    ("user_type_database", _NAME),
    ("user_type_schema", _NAME),
    ("user_type_name", _NAME),
    ("assembly_qualified_type_name", _LONG_NAME),
    ("xml_collection_id", _INT),
    ("xml_collection_database", _NAME),
    ("xml_collection_schema", _NAME),
    ("xml_collection_name", _NAME),
    ("is_xml_document", _BIT),
    ("is_case_sensitive", _BIT),
    ("is_fixed_length_clr_type", _BIT),
    ("source_server", _NAME),
    ("source_database", _NAME),
    ("source_schema", _NAME),
    ("source_table", _NAME),
    ("source_column", _NAME),
    ("is_identity_column", _BIT),
    ("is_part_of_unique_key", _BIT),
    ("is_updateable", _BIT),
    ("is_computed_column", _BIT),
    ("is_sparse_column_set", _BIT),
    ("ordinal_in_order_by_list", _SMALLINT),
    ("order_by_list_length", _SMALLINT),
    ("order_by_is_descending", _SMALLINT),
    ("tds_type_id", _INT),
    ("tds_length", _INT),
    ("tds_collation_id", _INT),
    ("tds_collation_sort_id", _TINYINT),
)
_PARAMETERS: tuple[tuple[str, SqlType], ...] = (
    ("parameter_ordinal", _INT),
    ("name", _NAME),
    ("suggested_system_type_id", _INT),
    ("suggested_system_type_name", _TYPE_NAME),
    ("suggested_max_length", _SMALLINT),
    ("suggested_precision", _TINYINT),
    ("suggested_scale", _TINYINT),
    ("suggested_user_type_id", _INT),
    ("suggested_user_type_database", _NAME),
    ("suggested_user_type_schema", _NAME),
    ("suggested_user_type_name", _NAME),
    ("suggested_assembly_qualified_type_name", _LONG_NAME),
    ("suggested_xml_collection_id", _INT),
    ("suggested_xml_collection_database", _NAME),
    ("suggested_xml_collection_schema", _NAME),
    ("suggested_xml_collection_name", _NAME),
    ("suggested_is_xml_document", _BIT),
    ("suggested_is_case_sensitive", _BIT),
    ("suggested_is_fixed_length_clr_type", _BIT),
    ("suggested_is_input", _BIT),
    ("suggested_is_output", _BIT),
    ("formal_parameter_name", _NAME),
    ("suggested_tds_type_id", _INT),
    ("suggested_tds_length", _INT),
)
RESULT = tuple(Column(name, declared) for name, declared in _RESULT)
PARAMETERS = tuple(Column(name, declared) for name, declared in _PARAMETERS)


def result_rows(columns: Sequence[Column]) -> list[Row]:
    """One row for each column of a result; nothing where there is none."""
    return [_filled(RESULT, _column(number, column)) for number, column in enumerate(columns, 1)]


def parameter_rows(parameters: Sequence[Parameter]) -> list[Row]:
    """One row for each parameter."""
    return [_filled(PARAMETERS, _parameter(number, one)) for number, one in enumerate(parameters, 1)]


def _filled(columns: Sequence[Column], values: dict[str, Value]) -> Row:
    return tuple(values.get(column.name) for column in columns)


def _column(number: int, column: Column) -> dict[str, Value]:
    found = measures(column.type)
    values: dict[str, Value] = {
        "is_hidden": False,
        "column_ordinal": number,
        "name": column.name or None,
        "is_nullable": column.nullable,
        "system_type_id": found.system_id,
        "system_type_name": type_name(column.type),
        "max_length": found.bytes,
        "precision": found.precision,
        "scale": found.scale,
        "is_xml_document": False,
        "is_case_sensitive": False,
        "is_fixed_length_clr_type": False,
        "is_identity_column": column.identity,
        "is_updateable": not column.identity,
        "is_computed_column": False,
        "is_sparse_column_set": False,
        "tds_type_id": found.wire_id,
        "tds_length": _wire_length(found.bytes),
    }
    if column.type.kind in _TEXT:
        values |= {
            "collation_name": _COLLATION,
            "tds_collation_id": _COLLATION_ID,
            "tds_collation_sort_id": _COLLATION_SORT,
        }
    return values


def _parameter(number: int, parameter: Parameter) -> dict[str, Value]:
    found = measures(parameter.type)
    return {
        "parameter_ordinal": number,
        "name": parameter.name,
        "suggested_system_type_id": found.system_id,
        "suggested_system_type_name": type_name(parameter.type),
        "suggested_max_length": found.bytes,
        "suggested_precision": found.precision,
        "suggested_scale": found.scale,
        "suggested_is_xml_document": False,
        "suggested_is_case_sensitive": False,
        "suggested_is_fixed_length_clr_type": False,
        "suggested_is_input": True,
        "suggested_is_output": parameter.output,
        "suggested_tds_type_id": found.wire_id,
        "suggested_tds_length": _wire_length(found.bytes),
    }


def _wire_length(size: int) -> int:
    return 65_535 if size < 0 else size
