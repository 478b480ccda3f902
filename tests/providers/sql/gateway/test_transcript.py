"""The commands as a person types them, against a server with the engine of the tests."""

from __future__ import annotations

from pathlib import Path

from tests.cli.transcript import Exchange, play, read_transcript
from tests.providers.sql.harness import running_sql


def test_transcript(tmp_path: Path) -> None:
    told = read_transcript(Path(__file__).parent / "sql.txt")
    assert len(told) > 10
    with running_sql(tmp_path) as server:
        assert [Exchange(one.line, play(one.line, server.environ)) for one in told] == told
