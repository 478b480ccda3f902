"""How often one instance may ask."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.workload import rate
from keyless.workload.rate import RateLimit
from tests.harness import VAULT, HeldLease, Owner, running_server


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.floats(0, 3), min_size=1, max_size=60), st.integers(1, 10))
def test_never_more_than_the_rate_and_one_burst(pauses: list[float], per_second: int) -> None:
    clock = Clock()
    limit = RateLimit(per_second, clock)
    begin, allowed = clock.now, 0
    for pause in pauses:
        clock.now += pause
        allowed += limit.allows("key")
        assert allowed <= per_second + (clock.now - begin) * per_second + 1e-6


def test_a_pause_fills_it_again_and_keys_are_apart() -> None:
    clock = Clock()
    limit = RateLimit(3, clock)
    assert [limit.allows("a") for _ in range(4)] == [True, True, True, False]
    assert limit.allows("b")
    clock.now += 0.34
    assert [limit.allows("a") for _ in range(2)] == [True, False]
    clock.now += 1000
    assert [limit.allows("a") for _ in range(4)] == [True, True, True, False]
    clock.now -= 500  # a clock that is set back takes nothing away, and gives nothing
    assert not limit.allows("a")


def test_the_memory_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate, "MAX_KEYS", 3)
    limit = RateLimit(1, Clock())
    assert [limit.allows(i) for i in range(10)] == [True] * 10
    assert [limit.allows(i) for i in (9, 8, 7)] == [False] * 3


def test_over_the_rate_the_answer_is_429(tmp_path: Path) -> None:
    with running_server(tmp_path, KEYLESS_PORT="0", KEYLESS_TOKEN_RATE="3") as server:
        owner = Owner(server)
        identity = owner.identity("one")
        owner.app("shop", identity["id"], system=True)
        with HeldLease.open(server, "shop") as lease, HeldLease.open(server, "shop") as other:
            answers = [lease.request(query={"resource": VAULT}) for _ in range(8)]
            assert {answer.status for answer in answers} == {200, 429}
            over = next(answer for answer in answers if answer.status == 429)
            assert over.headers["retry-after"] == "1"
            assert over.json()["statusCode"] == 429
            # another instance and another identity have rates of their own
            assert other.request(query={"resource": VAULT}).status == 200
            assert lease.request(query={"resource": VAULT, "client_id": identity["clientId"]}).status == 200
        owner.close()
