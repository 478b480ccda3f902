"""T-SQL's built-in functions in PostgreSQL.

Owns the allow-list: a function that is not here does not exist (195). `{0}`, `{1}`, … are the arguments; `s` in a
form's kinds makes an argument text first, `d` a part of a date, `e` one to count in, `t` a point in time. No I/O.
Source: Transact-SQL reference, "Functions".
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Form:
    """One function with a fixed number of arguments; one letter for each."""

    kinds: str
    sql: str


def _own(name: str, *kinds: str) -> tuple[Form, ...]:
    return tuple(Form(k, f'tsql."{name}"({", ".join(f"{{{i}}}" for i in range(len(k)))})') for k in kinds)


def _pg(name: str, *kinds: str) -> tuple[Form, ...]:
    return tuple(Form(k, f'pg_catalog."{name}"({", ".join(f"{{{i}}}" for i in range(len(k)))})') for k in kinds)


def _float(name: str, *kinds: str) -> tuple[Form, ...]:
    return tuple(
        Form(k, f'pg_catalog."{name}"({", ".join(f"({{{i}}})::float8" for i in range(len(k)))})') for k in kinds
    )


FUNCTIONS: dict[str, tuple[Form, ...]] = {
    "ISJSON": _own("isjson", "s", "ss"),
    "JSON_VALUE": _own("json_value", "ss"),
    "JSON_QUERY": _own("json_query", "s", "ss"),
    "LEN": _own("len", "s"),
    "DATALENGTH": _own("datalength", "x"),
    "UPPER": _own("upper", "s"),
    "LOWER": _own("lower", "s"),
    "LTRIM": _own("ltrim", "s"),
    "RTRIM": _own("rtrim", "s"),
    "TRIM": _own("trim", "s"),
    "REVERSE": _own("reverse", "s"),
    "UNICODE": _own("unicode", "s"),
    "NCHAR": _own("nchar", "x"),
    "ASCII": _own("ascii", "s"),
    "CHAR": _own("char", "x"),
    "SPACE": _own("space", "x"),
    "REPLICATE": _own("replicate", "sx"),
    "LEFT": _own("left", "sx"),
    "RIGHT": _own("right", "sx"),
    "SUBSTRING": _own("substring", "sxx"),
    "CHARINDEX": _own("charindex", "ss", "ssx"),
    "PATINDEX": _own("patindex", "ss"),
    "REPLACE": _own("substituted", "sss"),
    "STUFF": _own("stuff", "sxxs"),
    "QUOTENAME": _own("quotename", "s"),
    "ISNUMERIC": _own("isnumeric", "s"),
    "ISDATE": _own("isdate", "s"),
    "ISNULL": (Form("xx", "COALESCE({0}, {1})"),),
    "NULLIF": (Form("xx", "NULLIF({0}, {1})"),),
    "GETDATE": (Form("", "tsql.getdate()"),),
    "GETUTCDATE": (Form("", "tsql.getdate()"),),
    "CURRENT_TIMESTAMP": (Form("", "tsql.getdate()"),),
    "SYSDATETIME": (Form("", "tsql.now7()"),),
    "SYSUTCDATETIME": (Form("", "tsql.now7()"),),
    "SYSDATETIMEOFFSET": (Form("", "tsql.sysdatetimeoffset()"),),
    "SWITCHOFFSET": (Form("xs", "tsql.switchoffset(({0})::tsql.datetimeoffset, {1})"),),
    "TODATETIMEOFFSET": (Form("ts", "tsql.todatetimeoffset({0}, {1})"),),
    "NEWSEQUENTIALID": (Form("", "pg_catalog.uuidv7()"),),
    "NEWID": (Form("", "pg_catalog.gen_random_uuid()"),),
    "DATEADD": (Form("exx", "tsql.dateadd({0}, ({1})::int4, {2})"),),
    "DATEDIFF": (Form("ett", "tsql.datediff({0}, {1}, {2})"),),
    "DATEDIFF_BIG": (Form("ett", "tsql.datediff_more({0}, {1}, {2})"),),
    "DATEPART": (Form("dt", "tsql.datepart({0}, {1})"),),
    "DATENAME": (Form("dt", "tsql.datename({0}, {1})"),),
    "YEAR": (Form("t", "tsql.datepart('year', {0})"),),
    "MONTH": (Form("t", "tsql.datepart('month', {0})"),),
    "DAY": (Form("t", "tsql.datepart('day', {0})"),),
    "EOMONTH": (Form("t", "tsql.eomonth({0})"), Form("tx", "tsql.eomonth({0}, {1})")),
    "DATEFROMPARTS": _own("datefromparts", "xxx"),
    "ABS": _pg("abs", "x"),
    "CEILING": _pg("ceil", "x"),
    "FLOOR": _pg("floor", "x"),
    "SIGN": _own("sign", "x"),
    "ROUND": _own("round_to", "xx", "xxx"),
    "SQRT": _float("sqrt", "x"),
    "SQUARE": (Form("x", "pg_catalog.power(({0})::float8, 2::float8)"),),
    "EXP": _float("exp", "x"),
    "LOG": (Form("x", "pg_catalog.ln(({0})::float8)"),),
    "LOG10": (Form("x", "pg_catalog.log(({0})::float8)"),),
    "SIN": _float("sin", "x"),
    "COS": _float("cos", "x"),
    "TAN": _float("tan", "x"),
    "COT": _float("cot", "x"),
    "ASIN": _float("asin", "x"),
    "ACOS": _float("acos", "x"),
    "ATAN": _float("atan", "x"),
    "ATN2": _float("atan2", "xx"),
    "DEGREES": _float("degrees", "x"),
    "RADIANS": _float("radians", "x"),
    "PI": (Form("", "pg_catalog.pi()"),),
    "SCOPE_IDENTITY": (Form("", "@scope_identity()"),),
    "SUSER_NAME": (Form("", "@suser_sname()"),),
    "SYSTEM_USER": (Form("", "@suser_sname()"),),
    "ORIGINAL_LOGIN": (Form("", "@suser_sname()"),),
    "CURRENT_USER": (Form("", "@user_name()"),),
    "SESSION_USER": (Form("", "@user_name()"),),
    "HOST_NAME": (Form("", "@host_name()"),),
    "APP_NAME": (Form("", "@app_name()"),),
    "XACT_STATE": (Form("", "@xact_state()"),),
    "ERROR_NUMBER": (Form("", "@error_number()"),),
    "ERROR_MESSAGE": (Form("", "@error_message()"),),
    "ERROR_SEVERITY": (Form("", "@error_severity()"),),
    "ERROR_STATE": (Form("", "@error_state()"),),
    "ERROR_LINE": (Form("", "@error_line()"),),
    "ERROR_PROCEDURE": (Form("", "@error_procedure()"),),
}

AGGREGATES: dict[str, str] = {
    "SUM": "tsql.sum({0})",
    "AVG": "tsql.avg({0})",
    "MIN": "min({0})",
    "MAX": "max({0})",
    "STDEV": "(pg_catalog.stddev_samp({0}))::float8",
    "STDEVP": "(pg_catalog.stddev_pop({0}))::float8",
    "VAR": "(pg_catalog.var_samp({0}))::float8",
    "VARP": "(pg_catalog.var_pop({0}))::float8",
}
# name: how many arguments
RANKINGS: dict[str, tuple[int, ...]] = {
    "ROW_NUMBER": (0,),
    "RANK": (0,),
    "DENSE_RANK": (0,),
    "NTILE": (1,),
    "PERCENT_RANK": (0,),
    "CUME_DIST": (0,),
    "LAG": (1, 2, 3),
    "LEAD": (1, 2, 3),
    "FIRST_VALUE": (1,),
    "LAST_VALUE": (1,),
}

_PARTS = {
    "year": "year yy yyyy",
    "quarter": "quarter qq q",
    "month": "month mm m",
    "dayofyear": "dayofyear dy y",
    "day": "day dd d",
    "week": "week wk ww",
    "weekday": "weekday dw w",
    "hour": "hour hh",
    "minute": "minute mi n",
    "second": "second ss s",
    "millisecond": "millisecond ms",
    "microsecond": "microsecond mcs",
    "nanosecond": "nanosecond ns",
    "iso_week": "iso_week isowk isoww",
}
PARTS: dict[str, str] = {spelling: part for part, all_ in _PARTS.items() for spelling in all_.split()}

# values of the session, handed in as parameters; with their types
SESSION_VALUES: dict[str, str] = {
    "@@trancount": "int4",
    "@@rowcount": "int4",
    "@@error": "int4",
    "@@spid": "int4",
    "@@version": "tsql.citext",
    "@@servername": "tsql.citext",
    "@@language": "tsql.citext",
    "@@datefirst": "int4",
    "@@max_precision": "int4",
    "@@options": "int4",
    "@db_name()": "tsql.citext",
    "@suser_sname()": "tsql.citext",
    "@user_name()": "tsql.citext",
    "@host_name()": "tsql.citext",
    "@app_name()": "tsql.citext",
    "@xact_state()": "int4",
    "@error_number()": "int4",
    "@error_message()": "tsql.citext",
    "@error_severity()": "int4",
    "@error_state()": "int4",
    "@error_line()": "int4",
    "@error_procedure()": "tsql.citext",
    "@@fetch_status": "int4",
    "@@cursor_rows": "int4",
    "@@nestlevel": "int4",
    "@isolation()": "int4",
    "@scope_identity()": "numeric(38,0)",
    "@@identity": "numeric(38,0)",
}
