"""SQL: a driver through the gateway beside psycopg straight to the same PostgreSQL.

Nothing is bound to a core: three processes share them, as they would in use.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
from tests.harness import Owner
from tests.providers.sql.harness import SqlPlace, SqlServerProcess, make_place, running_sql

from bench.driver import ROWS
from bench.figures import Line, amounts

_PEER = "psycopg, straight to the same PostgreSQL"
_FILL = f"""INSERT INTO dbo.things SELECT i, ('name ' || i)::tsql.citext, i / 100.0,
  '2024-01-01'::timestamp + i * interval '1 second', (mod(i, 2) = 0)::tsql.bit, i * 1000::int8
  FROM generate_series(1, {ROWS}) i"""


def databases(folder: Path) -> Iterator[Line]:
    """Latency, a million rows, and connections."""
    folder.mkdir()
    with running_sql(folder, SqlServerProcess) as server:
        place = make_place(Owner(server), server)
        environment = server.environ | {
            "TOKEN": place.token(),
            "SSL_CERT_FILE": place.ca,
            "ODBC": f"Driver={_driver()};Server=localhost,{place.port};Database={place.database};Encrypt=yes",
        }
        _run(environment, "table")
        environment["POSTGRES"] = _filled(place)
        ours, theirs = _run(environment, "pyodbc"), _run(environment, "psycopg")
    yield amounts("SQL: a row by its key", "µs", ours["latency"], theirs["latency"], _PEER, "≥ 0.5 ×")
    what = f"SQL: {ROWS:,} rows of six columns"
    yield amounts(what, "s", ROWS / ours["rows"], ROWS / theirs["rows"], _PEER, "≥ 0.6 ×")
    yield amounts("SQL: connect, ask, close", "ms", 1e3 / ours["connects"], 1e3 / theirs["connects"], _PEER)


def _driver() -> str:
    found = importlib.util.find_spec("mssql_python_odbc")
    if found is None or found.origin is None:
        raise SystemExit("SQL is measured with msodbcsql: pip install mssql-python-odbc")
    return str(next((Path(found.origin).parent / "libs" / "linux" / "debian_ubuntu").rglob("libmsodbcsql*.so*")))


def _filled(place: SqlPlace) -> str:
    """Fill the table behind the gateway's back, and tell how to connect there."""
    # where the path would be too long for a socket, PostgreSQL listens in a folder that its command line names
    told = (place.server.data / "sql").rglob("postmaster.pid")
    lines = next(told).read_text().splitlines()
    straight = f"host={lines[4]} port={lines[3]} user=keyless dbname="
    with psycopg.connect(straight + "postgres") as connection:
        found = connection.execute("SELECT datname FROM pg_database WHERE datname ~ '^k[0-9a-f]{20}$'").fetchone()
    assert found is not None
    with psycopg.connect(straight + found[0], autocommit=True) as connection:
        connection.execute("SET search_path = tsql, pg_catalog")  # as the engine's own sessions have it
        connection.execute(_FILL.encode())
        connection.execute("ANALYZE dbo.things")
    return straight + str(found[0])


def _run(environment: dict[str, str], what: str) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.driver", what]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return dict(json.loads(done.stdout))
