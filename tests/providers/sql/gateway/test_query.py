"""`keyless sql query` as a process, against the gateway."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest

from tests.providers.sql.harness import SqlPlace


def query(place: SqlPlace, *arguments: str, script: str = "") -> subprocess.CompletedProcess[str]:
    return place.server.keyless("sql", "query", f"{place.name}/{place.database}", *arguments, input=script)


def test_a_table_csv_and_json(place: SqlPlace) -> None:
    text = "SELECT id, name, price FROM products"
    assert query(place, text).stdout == "id  name  price\n1   Tee   3.50\n2   Käse  12.00\n3   茶    NULL\n"
    assert query(place, text, "-o", "csv").stdout == "id,name,price\n1,Tee,3.50\n2,Käse,12.00\n3,茶,\n"
    found = json.loads(query(place, text, "-o", "json").stdout)
    assert found[2] == {"id": 3, "name": "茶", "price": None}


def test_from_a_file_and_from_standard_input(place: SqlPlace, tmp_path: Path) -> None:
    script = tmp_path / "script.sql"
    script.write_text("INSERT x\nGO\nSELECT 1 AS n\n", encoding="utf-8-sig")
    expected = "1 row changed.\nn\n1\n"
    assert query(place, "--file", str(script)).stdout == expected
    assert query(place, script=script.read_text("utf-8-sig")).stdout == expected
    both = query(place, "SELECT 1", "--file", str(script))
    assert (both.returncode, "either STATEMENT or --file" in both.stderr) == (2, True)


def test_errors_come_with_number_and_line_and_end_the_script(place: SqlPlace) -> None:
    ran = query(place, script="SELECT 1 AS n\nGO\nPRINT 'said'\nFAIL 2627 14\nGO\nSELECT 2 AS n")
    assert (ran.returncode, ran.stdout) == (1, "n\n1\n")
    # the engine of the tests says line 2 of the batch, whose text begins on the line of GO
    assert ran.stderr == "said\nkeyless: Msg 2627, Level 14, State 1, Line 3: Error 2627.\n"


def test_a_batch_that_goes_on_after_an_error_is_shown_to_its_end(place: SqlPlace) -> None:
    ran = query(place, script="MISS 8134\nMISS 515\nSELECT 1 AS n")
    assert (ran.returncode, ran.stdout) == (1, "n\n1\n")
    assert [line.partition(",")[0] for line in ran.stderr.splitlines()] == ["Msg 8134", "keyless: Msg 515"]


@pytest.mark.parametrize(
    ("where", "code", "said"),
    [
        ("absent/shop", 1, "Msg 40532,"),
        ("{server}/absent", 1, "Msg 4060,"),
        ("{server}", 2, "write SERVER/DATABASE"),
        ("a.b/shop", 2, "write SERVER/DATABASE"),
    ],
)
def test_what_is_not_there(place: SqlPlace, where: str, code: int, said: str) -> None:
    ran = place.server.keyless("sql", "query", where.format(server=place.name), "SELECT 1")
    assert (ran.returncode, said in ran.stderr) == (code, True), ran.stderr


def test_within_a_launch_it_is_the_apps_identity(place: SqlPlace) -> None:
    app = f"t{uuid4().hex[:8]}"
    place.owner.app(app, place.owner.identity(app)["id"])
    command = [sys.executable, "-m", "keyless", "sql", "query", f"{place.name}/{place.database}", "SELECT USER AS me"]
    ran = place.server.keyless("run", "--app", app, "--", *command)
    assert (ran.returncode, ran.stdout) == (0, f"me\n{app}\n"), ran.stderr
    assert query(place, "SELECT USER AS me").stdout != ran.stdout


def test_a_million_rows_need_no_more_memory_than_a_few(place: SqlPlace) -> None:
    def peak(rows: int) -> int:
        where = f"{place.name}/{place.database}"
        command = [sys.executable, "-m", "keyless", "sql", "query", where, f"ROWS {rows}", "-o", "csv"]
        with subprocess.Popen(command, env=place.server.environ, stdout=subprocess.PIPE) as process:
            assert process.stdout
            count = sum(1 for _ in process.stdout)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        assert (count, process.returncode) == (rows + 1, 0)
        return usage.ru_maxrss

    few = peak(1000)
    began = time.monotonic()
    assert peak(1_000_000) - few < 16 * 1024
    assert time.monotonic() - began < 60
