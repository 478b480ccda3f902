"""Functions that tell about objects, databases and the server, and the table functions of the catalog.

Owns their allow-list; what they do stands in `library/metadata.sql`. No I/O.
Source: Transact-SQL reference, "Metadata functions", "SERVERPROPERTY", "sys.fn_listextendedproperty".
"""

from __future__ import annotations

from keyless.providers.sql.tsql.functions import Form


def _own(name: str, *kinds: str) -> tuple[Form, ...]:
    """`s` is a text, `x` a number."""
    forms = []
    for k in kinds:
        listed = ", ".join(f"{{{i}}}" if c == "s" else f"({{{i}}})::int4" for i, c in enumerate(k))
        # as a subquery it is asked once, and not for each row that it is compared with
        forms.append(Form(k, f"(SELECT tsql.{name}({listed}))"))
    return tuple(forms)


METADATA: dict[str, tuple[Form, ...]] = {
    "OBJECT_ID": _own("object_id", "s", "ss"),
    "OBJECT_NAME": _own("object_name", "x"),
    "OBJECT_SCHEMA_NAME": _own("object_schema_name", "x"),
    "SCHEMA_ID": (Form("", "1"), *_own("schema_id", "s")),
    "SCHEMA_NAME": (Form("", "'dbo'::tsql.citext"), *_own("schema_name", "x")),
    "COL_NAME": _own("col_name", "xx"),
    "COL_LENGTH": _own("col_length", "ss"),
    "COLUMNPROPERTY": _own("columnproperty", "xss"),
    "OBJECTPROPERTY": _own("objectproperty", "xs"),
    "OBJECTPROPERTYEX": _own("objectproperty", "xs"),
    "TYPE_NAME": _own("type_name", "x"),
    "TYPE_ID": _own("type_id", "s"),
    "DB_ID": _own("db_id", "", "s"),
    "DB_NAME": (Form("", "@db_name()"), *_own("db_name", "x")),
    "INDEXPROPERTY": _own("indexproperty", "xss"),
    "INDEX_COL": _own("index_col", "sxx"),
    "SERVERPROPERTY": _own("serverproperty", "s"),
    "DATABASEPROPERTYEX": _own("databasepropertyex", "ss"),
    "HAS_DBACCESS": _own("has_dbaccess", "s"),
    "IS_MEMBER": _own("is_member", "s"),
    "IS_ROLEMEMBER": _own("is_rolemember", "s", "ss"),
    "HAS_PERMS_BY_NAME": _own("has_perms_by_name", "sss", "ssss", "sssss"),
    "USER_ID": _own("user_id", "", "s"),
    "DATABASE_PRINCIPAL_ID": _own("user_id", "", "s"),
    "USER_NAME": (Form("", "@user_name()"), *_own("user_name", "x")),
    "SUSER_SNAME": (Form("", "@suser_sname()"), Form("x", "(SELECT tsql.suser_sname(({0})::bytea))")),
}
#: Functions in FROM whose arguments are texts, DEFAULT among them, by how many they take.
TABLE_FUNCTIONS: dict[str, int] = {"FN_LISTEXTENDEDPROPERTY": 7, "FN_MY_PERMISSIONS": 2}
#: What the session alone knows, in the order in which `tsql.dm_exec_sessions` takes it.
SESSION_ROW = ("@@spid", "@host_name()", "@app_name()", "@suser_sname()", "@isolation()", "@@trancount")
