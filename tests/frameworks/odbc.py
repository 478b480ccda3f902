"""What frameworks need of ODBC: the driver under the name that they know it by."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from tests.clients.tools import lacking


def odbc_drivers(folder: Path) -> Path:
    """A folder for ODBCSYSINI, with the library that comes with mssql-python."""
    for module in ("pyodbc", "mssql_python_odbc"):
        try:
            import_module(module)
        except ImportError as error:
            lacking(f"pyodbc and its driver ({error})")
    libraries = Path(import_module("mssql_python_odbc").__file__ or "").parent / "libs" / "linux" / "debian_ubuntu"
    library = next(libraries.rglob("libmsodbcsql*.so*"))
    (folder / "odbcinst.ini").write_text(f"[ODBC Driver 18 for SQL Server]\nDriver={library}\n")
    return folder
