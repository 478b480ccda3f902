"""Functions of JSON, and more of text, dates and the session.

Owns their part of the allow-list; what they do stands in `library/json.sql`, `strings.sql` and `dates.sql`. No I/O.
Source: Transact-SQL reference, "JSON functions", "String functions", "Date and time functions", "Cryptographic
functions".
"""

from __future__ import annotations

from keyless.providers.sql.tsql.functions import Form


def _numbers(name: str, count: int) -> tuple[Form, ...]:
    return (Form("x" * count, f"tsql.{name}({', '.join(f'({{{i}}})::int4' for i in range(count))})"),)


MORE: dict[str, tuple[Form, ...]] = {
    "JSON_VALUE": (Form("ss", 'tsql."json_value"({0}, {1})'),),
    "JSON_QUERY": (Form("s", 'tsql."json_query"({0})'), Form("ss", 'tsql."json_query"({0}, {1})')),
    "JSON_PATH_EXISTS": (Form("ss", "tsql.json_path_exists({0}, {1})"),),
    "JSON_MODIFY": (Form("ssj", "tsql.json_modify({0}, {1}, {2})"),),
    "ISJSON": (Form("s", "tsql.isjson({0})"),),
    "STRING_ESCAPE": (Form("ss", "tsql.string_escape({0}, {1})"),),
    "TRANSLATE": (Form("sss", "tsql.translated({0}, {1}, {2})"),),
    "PARSENAME": (Form("sx", "tsql.parsename({0}, ({1})::int4)"),),
    "LTRIM": (Form("s", 'tsql."ltrim"({0})'), Form("ss", "tsql.trimmed({0}, {1}, 'LEADING')")),
    "RTRIM": (Form("s", 'tsql."rtrim"({0})'), Form("ss", "tsql.trimmed({0}, {1}, 'TRAILING')")),
    "QUOTENAME": (Form("s", "tsql.quotename({0})"), Form("ss", "tsql.quotename({0}, {1})")),
    "STR": (
        Form("x", "tsql.str_of(({0})::float8, 10, 0)"),
        Form("xx", "tsql.str_of(({0})::float8, ({1})::int4, 0)"),
        Form("xxx", "tsql.str_of(({0})::float8, ({1})::int4, ({2})::int4)"),
    ),
    "FORMAT": (Form("xs", "tsql.formatted({0}, {1})"),),
    "LOG": (
        Form("x", "pg_catalog.ln(({0})::float8)"),
        Form("xx", "tsql.log_of(({0})::float8, ({1})::float8)"),
    ),
    "DATETRUNC": (Form("dx", "tsql.datetrunc({0}, {1})"),),
    "DATETIMEFROMPARTS": _numbers("datetimefromparts", 7),
    "DATETIME2FROMPARTS": _numbers("moment_of", 8),
    "SMALLDATETIMEFROMPARTS": _numbers("smalldatetimefromparts", 5),
    "TIMEFROMPARTS": _numbers("timefromparts", 5),
    "DATETIMEOFFSETFROMPARTS": _numbers("datetimeoffsetfromparts", 10),
    "IDENT_CURRENT": (Form("s", "tsql.ident_current({0})"),),
    "IDENT_SEED": (Form("s", "tsql.ident_seed({0})"),),
    "IDENT_INCR": (Form("s", "tsql.ident_incr({0})"),),
    "ROWCOUNT_BIG": (Form("", "@@rowcount"),),
    "APPROX_COUNT_DISTINCT": (Form("x", "count(DISTINCT {0})"),),
}
# by the name that the first argument spells: what is not here was never in use, or is refused by name
HASHES = {"SHA2_256", "SHA2_512", "MD5"}
