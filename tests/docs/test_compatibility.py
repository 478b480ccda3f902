"""What is said to work is shown by a test, and the tests that are named exist."""

from __future__ import annotations

import ast
import re

import pytest

from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "compatibility.md"
#: Without the matrix of clients, which has a form and a test of its own.
TEXT = re.sub(r"\n## Clients in every host\n.*?(?=\n## )", "", PAGE.read_text(), flags=re.DOTALL)
ROWS = [row.strip("|").split("|") for row in TEXT.splitlines() if re.match(r"\| .* \|.*\|", row)]
CLAIMS = [(what.strip(), status.strip(), shown) for what, status, shown in ROWS if status.strip()]
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE.read_text())))


def test_every_claim_is_of_a_known_kind() -> None:
    assert len(CLAIMS) > 40
    for what, status, _shown in CLAIMS:
        assert re.match(r"(works$|differs: |not there$|not there, on purpose$|not tested$)", status), what


def test_what_works_or_differs_names_its_test() -> None:
    for what, status, shown in CLAIMS:
        assert bool(re.search(r"`tests/[\w/]+\.py::\w+`", shown)) == status.startswith(("works", "differs")), what


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_the_test_exists(path: str, name: str) -> None:
    tree = ast.parse((ROOT / path).read_text())
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    assert name in {function.name for function in functions}
