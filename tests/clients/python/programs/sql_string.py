"""The article's query through pyodbc, connected as SQL_STRING says and nothing else."""

from __future__ import annotations

import os

import pyodbc

with pyodbc.connect(os.environ["SQL_STRING"], timeout=30) as connection:
    (row,) = connection.execute("SELECT id, name, price FROM products WHERE id = ?", (2,)).fetchall()
    assert row[1] == "Käse", row
print("ok")
