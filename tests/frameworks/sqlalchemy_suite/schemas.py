"""Makes the schemas that the suite expects, at the URL that is its argument."""

import sys

from sqlalchemy import create_engine, text

import conftest  # noqa: F401 - it logs engines in

with create_engine(sys.argv[1]).begin() as connection:
    for schema in ("test_schema", "test_schema_2"):
        connection.execute(text(f"CREATE SCHEMA {schema}"))
