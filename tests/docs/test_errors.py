"""Every message that the page of errors quotes is one that the program can say."""

from __future__ import annotations

import ast
import re

import pytest

from tests.docs.pages import ROOT

MESSAGES = re.findall(r"^\| `(.+?)` \|", (ROOT / "docs" / "errors.md").read_text(), re.MULTILINE)


def texts() -> list[str]:
    """Every string of the source with `…` for what is put in; quotes around commands are left out."""
    found = []
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(plain(node.value))
            elif isinstance(node, ast.JoinedStr):
                parts = (str(p.value) if isinstance(p, ast.Constant) else "…" for p in node.values)
                found.append(plain("".join(parts)))
    return found


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("`", ""))


TEXTS = texts()


def test_there_are_messages() -> None:
    assert len(MESSAGES) > 40


@pytest.mark.parametrize("message", MESSAGES)
def test_the_program_can_say_it(message: str) -> None:
    # the sentences about tokens are put together from two strings
    refused = re.fullmatch(r"(The token cannot be accepted because )(.+)(: send a fresh one\.)", message)
    if refused:
        assert f"{refused[1]}…{refused[3]}" in TEXTS
        message = refused[2]
    pieces = [piece.strip() for piece in message.split("…") if piece.strip(" .…")]
    pattern = re.compile(".*".join(map(re.escape, pieces)))
    assert any(pattern.search(text) for text in TEXTS), message
