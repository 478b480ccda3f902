"""Every transcript, played against a real server of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.transcript import Exchange, play, read_transcript
from tests.harness import RunningServer

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(
    path: Path, own_server: RunningServer, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("here"))
    for file in sorted((Path(__file__).parent / "transcripts" / "files").iterdir()):
        Path(file.name).write_bytes(file.read_bytes())
    told = read_transcript(path)
    seen = [Exchange(one.line, play(one.line, own_server.environ)) for one in told]
    assert seen == told


def test_there_are_transcripts() -> None:
    assert len(TRANSCRIPTS) > 5
