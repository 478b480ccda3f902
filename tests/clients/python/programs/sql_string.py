"""A query through pyodbc, connected as SQL_STRING says and nothing else."""

from __future__ import annotations

import os

import pyodbc

with pyodbc.connect(os.environ["SQL_STRING"], timeout=30) as connection:
    (row,) = connection.execute("SELECT DB_NAME() AS name, ? AS n", (2,)).fetchall()
    assert row[1] == 2, row
print("ok")
