"""How a secret gets in."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from keyless.cli.errors import Refused
from keyless.cli.secret_input import read_secret


def typed(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"hunter2", "hunter2"),
        (b"hunter2\n", "hunter2"),
        (b"hunter2\r\n", "hunter2"),
        (b"two\nlines\n\n", "two\nlines\n"),
        (b" spaces \n", " spaces "),
        ("ü\n".encode(), "ü"),
        (b"", ""),
    ],
)
def test_one_line_end_is_taken_off_standard_input(monkeypatch: pytest.MonkeyPatch, data: bytes, value: str) -> None:
    typed(monkeypatch, data)
    assert read_secret("db", 100).reveal() == value


def test_a_file_counts_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(b"line\r\n\n")
    assert read_secret("db", 100, tmp_path / "key.pem").reveal() == "line\r\n\n"


def test_what_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, b"12345678\r\n")
    assert read_secret("db", 8).reveal() == "12345678"
    typed(monkeypatch, b"123456789")
    with pytest.raises(Refused, match="may have 8 bytes"):
        read_secret("db", 8)


def test_what_is_not_text_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, b"hunter\xff2")
    with pytest.raises(Refused) as caught:
        read_secret("db", 100)
    assert "hunter" not in caught.value.message
    assert "base64" in caught.value.message
