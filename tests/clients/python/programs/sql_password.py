"""How pyodbc and pymssql are answered when they come with a password; DRIVER is one of the two."""

from __future__ import annotations

from sql_connections import DATABASE, DRIVER, PORT, SERVER, odbc_driver


def connect() -> None:
    if DRIVER == "pymssql":
        import pymssql

        pymssql.connect(server=SERVER, port=PORT, user="sa", password="Secret-1", database=DATABASE, login_timeout=20)
    else:
        import pyodbc

        pyodbc.connect(f"Driver={odbc_driver()};Server={SERVER},{PORT};UID=sa;PWD=Secret-1;Database={DATABASE}")


try:
    connect()
except Exception as error:
    print(error)
