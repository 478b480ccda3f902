"""Counting failures: who has failed too often waits, and nobody else."""

from __future__ import annotations

import pytest

from keyless.authority import failures
from keyless.authority.failures import Failures
from keyless.model.errors import ErrorKind, KeylessError
from tests.authority.conftest import FakeClock


def fail(counted: Failures, key: str, times: int) -> None:
    for _ in range(times):
        counted.check(key)
        counted.add(key)


def test_who_failed_too_often_waits_for_the_rest_of_the_window() -> None:
    clock = FakeClock()
    counted = Failures(clock, limit=3, seconds=60)
    fail(counted, "a", 3)
    clock.now += 20
    with pytest.raises(KeylessError) as error:
        counted.check("a")
    assert (error.value.kind, error.value.retry_after) == (ErrorKind.THROTTLED, 41)
    counted.check("b")
    clock.now += 40
    fail(counted, "a", 3)


def test_success_begins_anew() -> None:
    counted = Failures(FakeClock(), limit=2)
    fail(counted, "a", 1)
    counted.forget("a")
    fail(counted, "a", 2)
    with pytest.raises(KeylessError):
        counted.check("a")


def test_the_oldest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "MAX_KEYS", 2)
    counted = Failures(FakeClock(), limit=1)
    for key in "abc":
        fail(counted, key, 1)
    counted.check("a")
    with pytest.raises(KeylessError):
        counted.check("c")
