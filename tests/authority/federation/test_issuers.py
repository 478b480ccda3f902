"""When keys are fetched, how long they count, and how seldom an issuer is asked."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

import pytest

from keyless.authority.federation import issuers
from keyless.authority.federation.https_get import Document
from keyless.authority.federation.issuers import (
    DEFAULT_AGE,
    FAILURE_SECONDS,
    LEAST_AGE,
    MOST_AGE,
    REFRESH_SECONDS,
    IssuerKeys,
)
from keyless.model.errors import KeylessError, invalid
from keyless.model.federation import IssuerSettings
from tests.authority.conftest import FakeClock
from tests.issuers import CONFIGURATION, ISSUER, KEYS, Issuer


@dataclass
class Net:
    """What is fetched: issuers by URL, or a failure."""

    issuer: Issuer
    cache_control: str = ""
    failure: str = ""
    asked: list[tuple[str, IssuerSettings]] = field(default_factory=list)

    async def fetch(self, url: str, settings: IssuerSettings) -> Document:
        self.asked.append((url, settings))
        await asyncio.sleep(0)
        if self.failure:
            raise invalid(self.failure)
        if url.endswith(CONFIGURATION):
            there = url.removesuffix(CONFIGURATION)
            return Document(json.dumps({"issuer": there, "jwks_uri": there + KEYS}).encode())
        return Document(json.dumps(self.issuer.key_set()).encode(), self.cache_control)

    @property
    def rounds(self) -> int:
        return sum(url.endswith(CONFIGURATION) for url, _ in self.asked)


@dataclass
class World:
    clock: FakeClock
    net: Net
    settings: dict[str, IssuerSettings]
    keys: IssuerKeys

    async def kids(self, kid: str = "", issuer: str = ISSUER) -> list[str]:
        return [key.kid for key in await self.keys.find(issuer, kid)]


@pytest.fixture
def world() -> World:
    clock, net, settings = FakeClock(), Net(Issuer()), dict[str, IssuerSettings]()
    keys = IssuerKeys(lambda issuer: settings.get(issuer) or IssuerSettings(issuer), net.fetch, clock)
    return World(clock, net, settings, keys)


async def test_keys_are_fetched_once_for_many_who_ask_at_once(world: World) -> None:
    found = await asyncio.gather(*(world.kids("key-1") for _ in range(50)))
    assert found == [["key-1"]] * 50
    assert world.net.asked == [(ISSUER + path, IssuerSettings(ISSUER)) for path in (CONFIGURATION, KEYS)]


@pytest.mark.parametrize(
    ("said", "age"),
    [
        ("", DEFAULT_AGE),
        ("public, max-age=1200, must-revalidate", 1200),
        ("max-age=0", LEAST_AGE),
        ("no-store", DEFAULT_AGE),
        ("s-maxage=7", DEFAULT_AGE),
        ("max-age=999999999", MOST_AGE),
        ("max-age=99999999999999999999", MOST_AGE),
        ("max-age=-1", DEFAULT_AGE),
    ],
)
async def test_how_long_keys_count(world: World, said: str, age: float) -> None:
    world.net.cache_control = said
    await world.kids()
    world.clock.now += age - 1
    await world.kids()
    assert world.net.rounds == 1
    world.clock.now += 1
    await world.kids()
    assert world.net.rounds == 2


async def test_a_rotation_counts_at_once_and_forged_tokens_make_no_flood(world: World) -> None:
    await world.kids("key-1")
    for _ in range(20):
        assert await world.kids("forged") == []
    assert world.net.rounds == 1
    world.clock.now += REFRESH_SECONDS
    world.net.issuer.rotate("key-2")
    assert await world.kids("key-2") == ["key-2"]
    assert await world.kids("key-1") == []
    assert world.net.rounds == 2
    world.clock.now += REFRESH_SECONDS
    for _ in range(20):
        assert await world.kids("forged") == []
    assert world.net.rounds == 3


async def test_a_failure_is_remembered_for_a_short_while(world: World) -> None:
    world.net.failure = "nobody answers"
    for _ in range(20):
        with pytest.raises(KeylessError, match="nobody answers"):
            await world.kids()
    assert world.net.rounds == 1
    world.net.failure = ""
    world.clock.now += FAILURE_SECONDS
    assert await world.kids() == ["key-1"]


async def test_a_forged_token_while_the_issuer_is_away_takes_nothing_from_good_ones(world: World) -> None:
    await world.kids("key-1")
    world.clock.now += REFRESH_SECONDS
    world.net.failure = "nobody answers"
    assert await world.kids("forged") == []
    assert await world.kids("key-1") == ["key-1"]
    rounds = world.net.rounds
    assert await world.kids("forged") == []
    assert world.net.rounds == rounds
    # but keys do not count for longer because their issuer is away
    world.clock.now += DEFAULT_AGE
    with pytest.raises(KeylessError, match="nobody answers"):
        await world.kids("key-1")


async def test_good_tokens_do_not_wait_for_a_fetch_that_a_forged_one_caused(world: World) -> None:
    await world.kids("key-1")
    world.clock.now += REFRESH_SECONDS
    hold = asyncio.Event()
    fetch = world.net.fetch

    async def slow(url: str, settings: IssuerSettings) -> Document:
        await hold.wait()
        return await fetch(url, settings)

    world.keys.fetch = slow
    forged = asyncio.create_task(world.kids("forged"))
    await asyncio.sleep(0.01)
    assert await asyncio.wait_for(world.kids("key-1"), 1) == ["key-1"]
    hold.set()
    assert await forged == []


async def test_one_who_gives_up_takes_the_fetch_from_nobody(world: World) -> None:
    impatient = asyncio.create_task(world.kids())
    patient = asyncio.create_task(world.kids())
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == ["key-1"]
    assert world.net.rounds == 1


async def test_given_keys_are_never_fetched(world: World) -> None:
    other = Issuer()
    other.rotate("given")
    world.settings[ISSUER] = IssuerSettings(ISSUER, json.dumps(other.key_set()).encode())
    assert await world.kids("given") == ["given"]
    world.clock.now += 365 * 86_400
    assert await world.kids("given") == ["given"]
    assert await world.kids("forged") == []
    assert world.net.asked == []


async def test_what_the_operator_changes_counts_at_once(world: World) -> None:
    assert await world.kids() == ["key-1"]
    other = Issuer()
    other.rotate("given")
    world.settings[ISSUER] = IssuerSettings(ISSUER, json.dumps(other.key_set()).encode())
    assert await world.kids() == ["given"]
    world.settings[ISSUER] = IssuerSettings(ISSUER, allow_private=True)
    assert await world.kids() == ["key-1"]
    del world.settings[ISSUER]
    world.net.failure = "it has no public address"
    with pytest.raises(KeylessError, match="no public address"):
        await world.kids()


async def test_a_change_while_keys_are_fetched_is_not_lost(world: World) -> None:
    hold = asyncio.Event()
    fetch = world.net.fetch

    async def slow(url: str, settings: IssuerSettings) -> Document:
        await hold.wait()
        return await fetch(url, settings)

    world.keys.fetch = slow
    first = asyncio.create_task(world.kids())
    await asyncio.sleep(0)
    other = Issuer()
    other.rotate("given")
    world.settings[ISSUER] = IssuerSettings(ISSUER, json.dumps(other.key_set()).encode())
    assert await world.kids() == ["given"]
    hold.set()
    await first
    assert await world.kids() == ["given"]


async def test_the_least_used_issuer_is_forgotten(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuers, "MAX_ISSUERS", 3)
    one, two, three, four = (f"https://{number}.example.com" for number in range(4))
    for issuer in (one, two, three, one, four, one):
        await world.kids(issuer=issuer)
    assert world.net.rounds == 4
    await world.kids(issuer=two)
    assert world.net.rounds == 5


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b"{}", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b"\xff", "not a JSON object"),
        (b"[" * 100_000, "not a JSON object"),
        (b'{"issuer": "https://other.example.com", "jwks_uri": "https://issuer.example.com/keys"}', "another issuer"),
        (b'{"issuer": "https://issuer.example.com/", "jwks_uri": "https://issuer.example.com/keys"}', "another issuer"),
        (b'{"issuer": "https://ISSUER.example.com", "jwks_uri": "https://issuer.example.com/keys"}', "another issuer"),
        (b'{"issuer": "https://issuer.example.com", "jwks_uri": "http://issuer.example.com/keys"}', "https"),
        (b'{"issuer": "https://issuer.example.com", "jwks_uri": "file:///etc/passwd"}', "https"),
        (b'{"issuer": "https://issuer.example.com", "jwks_uri": "https://a:b@issuer.example.com/"}', "https"),
        (b'{"issuer": "https://issuer.example.com", "jwks_uri": 1}', "not a JSON object"),
    ],
)
async def test_configurations_that_are_not_believed(world: World, document: bytes, why: str) -> None:
    async def fetch(_url: str, _settings: IssuerSettings) -> Document:
        return Document(document)

    world.keys.fetch = fetch
    with pytest.raises(KeylessError, match=why):
        await world.kids()


async def test_an_issuer_that_ends_with_a_slash_has_its_configuration_where_the_specification_says(
    world: World,
) -> None:
    with pytest.raises(KeylessError, match="another issuer"):
        await world.kids(issuer=f"{ISSUER}/")  # the one without the slash is another
    assert world.net.asked[0][0] == ISSUER + CONFIGURATION
    shown = {
        CONFIGURATION: {"issuer": f"{ISSUER}/a/", "jwks_uri": f"{ISSUER}/a{KEYS}"},
        KEYS: world.net.issuer.key_set(),
    }

    async def fetch(url: str, _settings: IssuerSettings) -> Document:
        return Document(json.dumps(shown[url.removeprefix(f"{ISSUER}/a")]).encode())

    world.keys.fetch = fetch
    assert await world.kids(issuer=f"{ISSUER}/a/") == ["key-1"]
