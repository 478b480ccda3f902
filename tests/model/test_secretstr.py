"""A secret is seen nowhere but where it is asked for."""

from __future__ import annotations

import copy
import pickle
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.model.secretstr import SecretStr

text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(text, text)
def test_it_matches_itself_only(one: str, other: str) -> None:
    assert SecretStr(one).matches(other) == (one == other)
    assert (SecretStr(one) == SecretStr(other)) == (one == other)
    assert SecretStr(one) != one
    assert SecretStr(one).reveal() == one


def test_nothing_shows_it() -> None:
    secret = SecretStr("hunter2-hunter2")
    shown = [repr(secret), str(secret), f"{secret}", f"{secret!r}", "%s" % secret, repr([secret]), repr({"x": secret})]  # noqa: UP031
    try:
        raise ValueError(secret)
    except ValueError as error:
        shown.append("".join(traceback.format_exception(error)))
    assert not any("hunter2" in text for text in shown)
    assert not hasattr(secret, "__dict__")


@pytest.mark.parametrize("way", [pickle.dumps, copy.deepcopy])
def test_it_is_not_pickled(way: object) -> None:
    with pytest.raises(TypeError):
        way(SecretStr("hunter2"))  # type: ignore[operator]
