"""Tables and JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.cli.output import Output, one_line, printable, table, time_text

ITEM = {"name": "shop", "tags": ["a", "b"], "properties": {"on": True, "size": 0, "none": None}}


def test_a_table_shows_what_the_columns_name(capsys: pytest.CaptureFixture[str]) -> None:
    columns = {"name": "name", "on": "properties.on", "size": "properties.size", "tags": "tags", "x": "properties.y.z"}
    Output().objects([ITEM], columns)
    assert capsys.readouterr().out == "name  on   size  tags  x\nshop  yes  0     a, b\n"


def test_json_is_the_object_itself(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=True).objects([ITEM], {"name": "name"})
    Output(as_json=True).object(ITEM, {"name": "name"})
    Output(as_json=True).say("not for programs")
    printed = capsys.readouterr().out
    assert printed == json.dumps([ITEM], indent=2) + "\n" + json.dumps(ITEM, indent=2) + "\n"


def test_an_empty_list_is_its_heading(capsys: pytest.CaptureFixture[str]) -> None:
    Output().objects([], {"name": "name", "size": "size"})
    assert capsys.readouterr().out == "name  size\n"


def test_wide_characters_keep_the_columns_straight() -> None:
    assert table([["日本", "x"], ["abcd", "y"]]) == ["日本  x", "abcd  y"]


@given(st.text())
def test_nothing_printed_can_steer_a_terminal(text: str) -> None:
    assert printable(text).isprintable()
    assert "\n" not in one_line(text)


def test_a_name_cannot_clear_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    Output().objects([{"name": "a\x1b[2Jb\nc"}], {"name": "name"})
    assert capsys.readouterr().out == "name\na\\x1b[2Jb\\nc\n"


def test_times_are_utc() -> None:
    assert time_text(1_800_000_000) == "2027-01-15 08:00:00Z"
    assert time_text(None) == ""
