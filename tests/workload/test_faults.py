"""Bad days: which requests of an instance are troubled, and how soon its tokens end."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.authority.jwt import decode_claims, take_apart
from keyless.model.app import Lease
from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.hosts import FAULTS
from keyless.model.resource_id import ResourceId
from keyless.workload import faults
from keyless.workload.faults import SHORT_LIFE, SLOW_SECONDS, Faults, longest_life
from tests.harness import VAULT, HeldLease, IdentityAnswer, Owner, RunningServer, running_server
from tests.workload.shapes import ALL, HOSTS, Host, World

OK = None


def lease(*names: str, ident: str = "one") -> Lease:
    return Lease(ident, ResourceId(("subscriptions", "s")), "", "", 1, faults=frozenset(names))


class Bench:
    """Asks for tokens, and notes what each request met."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.faults = Faults(self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def ask(self, of: Lease, times: int) -> list[ErrorKind | None]:
        return [await self._once(of) for _ in range(times)]

    async def _once(self, of: Lease) -> ErrorKind | None:
        try:
            await self.faults.trouble(of)
        except KeylessError as error:
            return error.kind
        return OK


async def test_nobody_is_troubled_who_did_not_ask_for_it() -> None:
    bench = Bench()
    assert await bench.ask(lease(), 100) == [OK] * 100
    assert (bench.slept, bench.faults._counts) == ([], {})


async def test_what_each_fault_does() -> None:
    throttled, unavailable, internal = ErrorKind.THROTTLED, ErrorKind.UNAVAILABLE, ErrorKind.INTERNAL
    for names, met in (
        ({"throttle"}, [throttled, OK, OK, throttled, OK, OK, throttled]),
        ({"unavailable"}, [unavailable, internal, OK, OK, OK, OK, OK]),
        ({"throttle", "unavailable"}, [unavailable, internal, OK, throttled, OK, OK, throttled]),
        ({"slow", "expire-soon"}, [OK] * 7),
    ):
        bench = Bench()
        assert await bench.ask(lease(*names), 7) == met
        assert bench.slept == ([SLOW_SECONDS] * 7 if "slow" in names else [])


async def test_each_instance_has_days_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    first, second = lease("throttle"), lease("throttle", ident="two")
    assert await bench.ask(first, 2) == [ErrorKind.THROTTLED, OK]
    assert await bench.ask(second, 1) == [ErrorKind.THROTTLED]
    assert await bench.ask(lease(ident="three"), 1) == [OK]
    assert await bench.ask(first, 2) == [OK, ErrorKind.THROTTLED]
    # what is counted is bounded: who has been still the longest begins again
    monkeypatch.setattr(faults, "MAX_INSTANCES", 2)
    await bench.ask(lease("throttle", ident="three"), 1)
    assert set(bench.faults._counts) == {"one", "three"}


@given(st.sets(st.sampled_from(FAULTS)))
def test_only_who_asked_for_it_has_short_tokens(names: set[str]) -> None:
    assert longest_life(lease(*names)) == (SHORT_LIFE if "expire-soon" in names else None)


@ALL
def test_throttling_in_the_envelope_of_each_host(world: World, host: Host) -> None:
    with world.lease(host.name, faults=["throttle"]) as troubled, world.lease(host.name) as spared:
        answers = [host.ask(troubled, resource=VAULT) for _ in range(4)]
        assert [answer.status for answer in answers] == [429, 200, 200, 429]
        assert answers[0].headers["retry-after"] == "1"
        assert "--fault throttle" in host.refused(answers[0], 429)
        assert [host.ask(spared, resource=VAULT).status for _ in range(4)] == [200] * 4


@ALL
def test_being_away_in_the_envelope_of_each_host(world: World, host: Host) -> None:
    with world.lease(host.name, faults=["unavailable"]) as troubled:
        assert "--fault unavailable" in host.refused(host.ask(troubled, resource=VAULT), 503)
        assert "--fault unavailable" in host.refused(host.ask(troubled, resource=VAULT), 500)
        assert host.ask(troubled, resource=VAULT).status == 200


@ALL
def test_the_rate_in_the_envelope_of_each_host(slow_server: tuple[RunningServer, str], host: Host) -> None:
    server, app = slow_server
    with HeldLease.open(server, app, host=host.name) as held:
        answers = [host.ask(held, resource=VAULT) for _ in range(6)]
        throttled = next(answer for answer in answers if answer.status == 429)
        assert answers[0].status == 200
        assert throttled.headers["retry-after"] == "1"
        assert "More than 1 requests a second" in host.refused(throttled, 429)


@pytest.fixture(scope="module")
def slow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningServer, str]]:
    with running_server(tmp_path_factory.mktemp("slow"), KEYLESS_TOKEN_RATE="1") as server:
        owner = Owner(server)
        owner.app("web", system=True)
        yield server, "web"
        owner.close()


def life(answer: IdentityAnswer) -> int:
    claims = decode_claims(take_apart(answer.json()["access_token"]).payload)
    assert isinstance(claims["exp"], int)
    assert isinstance(claims["nbf"], int)
    assert answer.json()["expires_on"] == str(claims["exp"])
    return claims["exp"] - claims["nbf"]


def test_tokens_that_end_soon_are_signed_so_and_are_kept_apart(world: World) -> None:
    host = HOSTS["imds"]
    with world.lease("imds", faults=["expire-soon"]) as short, world.lease("imds") as long:
        first = host.ask(short, resource=VAULT)
        assert life(first) == SHORT_LIFE
        assert int(first.json()["expires_in"]) <= SHORT_LIFE
        assert life(host.ask(long, resource=VAULT)) == 86_400
        assert host.ask(short, resource=VAULT).json()["access_token"] == first.json()["access_token"]


def test_slow_answers(world: World) -> None:
    with world.lease("imds", faults=["slow"]) as lease:
        before = time.monotonic()
        assert HOSTS["imds"].ask(lease, resource=VAULT).status == 200
        assert time.monotonic() - before >= SLOW_SECONDS
