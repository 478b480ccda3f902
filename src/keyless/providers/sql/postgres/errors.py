"""PostgreSQL's errors as SQL Server numbers them.

Owns the table from SQLSTATE to number.

Source: PostgreSQL, "Error Codes"; SQL Server, "Database engine events and errors".
"""

from __future__ import annotations

import re

import psycopg

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tsql.table_parts import LENGTH

_QUOTED = re.compile(r'"([^"]*)"')
_OWN_FUNCTION = re.compile(r"function (?!tsql\.|pg_catalog\.|sys\.)([^.(]+)\.([^.(]+)\(")
_NUMBERED = re.compile(r"(\d+) (.*)", re.DOTALL)


def translated(error: psycopg.Error, line: int = 1, *, dropping: bool = False) -> SqlError:
    """The error as a client of SQL Server knows it."""
    state = error.sqlstate or ""
    if state in {"42P01", "42883"} and dropping:
        state = "42704"
    diagnostics = error.diag
    message = diagnostics.message_primary or "The database server could not be reached."
    table = diagnostics.table_name or ""
    column = diagnostics.column_name or ""
    constraint = diagnostics.constraint_name or ""
    named = _QUOTED.search(message)
    name = named.group(1) if named else ""
    numbered = _NUMBERED.fullmatch(message)
    if state == "KL000" and numbered:
        return SqlError(int(numbered[1]), numbered[2], line=line)
    if state == "23514" and constraint.startswith(LENGTH):
        column = constraint.removeprefix(LENGTH)
        return SqlError(
            2628, f"String or binary data would be truncated in table '{table}', column '{column}'.", line=line
        )
    if state == "23514" and constraint in {"keyless_tinyint", "keyless_money"}:
        number, kind = (220, "tinyint") if constraint == "keyless_tinyint" else (8115, "money")
        return SqlError(number, f"Arithmetic overflow error for data type {kind}.", line=line)
    if state == "23505" and "." in constraint:
        index = constraint.split(".", 1)[1]
        return SqlError(
            2601,
            f"Cannot insert duplicate key row in object '{table}' with unique index '{index}'.",
            severity=14,
            line=line,
        )
    if state == "0A000" and message.startswith("cannot truncate a table referenced"):
        return SqlError(4712, "Cannot truncate the table because a FOREIGN KEY constraint refers to it.", line=line)
    if state == "428C9" and "generated column" in (diagnostics.message_detail or ""):
        message = f"The column '{name}' cannot be modified because it is a computed column."
        return SqlError(271, message, line=line)
    if state == "42883" and (own := _OWN_FUNCTION.match(message)):
        called = f"{own[1]}.{own[2]}"
        found = f'Cannot find the user-defined function "{called}", or it does not take such arguments: {message}.'
        return SqlError(4121, found, line=line)
    known: dict[str, tuple[int, str]] = {
        "23505": (2627, f"Violation of UNIQUE KEY or PRIMARY KEY constraint '{constraint}'. Cannot insert duplicate key in object '{table}'."),
        "23503": (547, f"The statement conflicted with the FOREIGN KEY constraint '{constraint}', table '{table}'."),
        "23514": (547, f"The statement conflicted with the CHECK constraint '{constraint}', table '{table}'."),
        "44000": (550, "The attempted insert or update failed because the target view specifies WITH CHECK OPTION and a row does not fit it."),
        "23502": (515, f"Cannot insert the value NULL into column '{column}', table '{table}'; column does not allow nulls."),
        "42P01": (208, f"Invalid object name '{name}'."),
        "42703": (207, f"Invalid column name '{name.rsplit('.', 1)[-1] or message.split()[1].rsplit('.', 1)[-1]}'."),
        "42702": (209, f"Ambiguous column name '{name}'."),
        "42P07": (2714, f"There is already an object named '{name}' in the database."),
        "42P06": (2714, f"There is already an object named '{name}' in the database."),
        "42704": (3701, f"Cannot find the object '{name}', because it does not exist or you do not have permission."),
        "42701": (2705, f"Column names in each table must be unique. Column name '{name}' is specified more than once."),
        "42501": (229, f"The permission was denied on the object '{table or message.rsplit(' ', 1)[-1]}'."),
        "42803": (8120, "A column is invalid in the select list because it is not contained in an aggregate or in GROUP BY."),
        "2201E": (3623, "An invalid floating point operation occurred."),
        "2201F": (3623, "An invalid floating point operation occurred."),
        "22012": (8134, "Divide by zero error encountered."),
        "22003": (8115, "Arithmetic overflow error converting expression to data type."),
        "22008": (517, "Adding a value to a date or time column caused an overflow."),
        "22P02": (245, "Conversion failed when converting the character value."),
        "428C9": (544, "Cannot insert explicit value for identity column when IDENTITY_INSERT is set to OFF."),
        "40P01": (1205, "Transaction was deadlocked on lock resources with another process and has been chosen as the deadlock victim. Rerun the transaction."),
        "40001": (3960, "Snapshot isolation transaction aborted due to update conflict. Rerun the transaction."),
        "55P03": (1222, "Lock request time out period exceeded."),
        "53100": (1105, "Could not allocate space, because the disk of the server is full."),
        "53200": (701, "There is insufficient system memory to run this query."),
        "53400": (1105, "Could not allocate space in tempdb: the query needs more temporary files than it may have."),
        "57014": (3621, "The statement has been terminated."),
        "2200H": (11728, "The sequence object has reached its minimum or maximum value. Restart it to allow new values to be generated."),
        "21000": (512, "Subquery returned more than 1 value."),
        "42883": (402, f"The data types are incompatible in this operation: {message}."),
        "42804": (206, f"Operand type clash: {message}."),
        "2BP01": (3726, f"Could not drop object '{name}' because it is referenced by another object."),
        "3F000": (2760, f"The specified schema name '{name}' does not exist, or you do not have permission to use it."),
        "3D000": (4060, "Cannot open the database requested by the login."),
    }  # fmt: skip
    if state == "42601":
        return SqlError(102, f"Incorrect syntax: {message}.", severity=15, line=line)
    number, text = known.get(state, (50000, f"{message} ({state})"))
    severity = {701: 17, 1105: 17, 1205: 13, 229: 14, 2627: 14}.get(number, 16)
    if isinstance(error, psycopg.DataError) and error.sqlstate is None:
        # the driver's own refusal: nothing was sent, and the session goes on
        what = "A text with the character U+0000" if "NUL" in str(error) else "A value outside of PostgreSQL's range"
        return SqlError(9833, f"{what} is not supported by this server.", line=line)
    if error.sqlstate is None or state.startswith(("57P", "08")):
        return SqlError(40197, "The database server has ended the session. Connect again.", severity=20, line=line)
    return SqlError(number, text, severity=severity, line=line)
