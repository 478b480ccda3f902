"""Lists in pages: nothing is missed or shown twice, and tokens cannot be altered or carried elsewhere."""

from __future__ import annotations

import random
import string
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.model.errors import ErrorKind, KeylessError
from keyless.providers.key_vault.skip_token import Position, read_skip_token, write_skip_token
from keyless.store.sealing import MasterKey, Sealer, new_wrapped_key

if TYPE_CHECKING:
    from tests.providers.key_vault.conftest import VaultClient

# the same in every run, so that a failing example can be run again
RANDOM = random.Random(2718).randbytes
MASTER = MasterKey(RANDOM(32))
SEALER = Sealer.from_wrapped(MASTER, [new_wrapped_key(MASTER, RANDOM)], RANDOM)
TOKEN = write_skip_token(SEALER, "list", ["some-secret"])
POSITIONS: st.SearchStrategy[list[int | str]] = st.lists(st.integers(0, 2**40) | st.text(max_size=127), max_size=2)


@pytest.mark.parametrize("size", [1, 3, 7, 24, 25])
async def test_pages_of_every_list_add_up(vault: VaultClient, size: int) -> None:
    names = [f"s-{i:02}" for i in range(29)]
    for name in reversed(names):
        await vault.set(name)
    for name in names[:3]:
        await vault.send("DELETE", f"/secrets/{name}")
    vault.clock.now += 5
    for name in names[3:8]:
        await vault.send("DELETE", f"/secrets/{name}")
    versions = [(await vault.set("s-28"))["id"] for _ in range(30)]

    asked = f"api-version=7.4&maxresults={size}"
    live, sizes = await vault.every_page("/secrets", asked)
    assert [item["id"].rpartition("/")[2] for item in live] == names[8:]
    assert set(sizes[:-1]) <= {size}
    assert 1 <= sizes[-1] <= size

    deleted, sizes = await vault.every_page("/deletedsecrets", asked)
    assert [item["recoveryId"].rpartition("/")[2] for item in deleted] == names[:8]
    assert set(sizes[:-1]) <= {size}

    listed, sizes = await vault.every_page("/secrets/s-28/versions", asked)
    assert [item["id"] for item in listed][1:] == versions
    assert set(sizes[:-1]) <= {size}


async def test_a_page_has_25_items_unless_fewer_are_asked_for(vault: VaultClient) -> None:
    for i in range(26):
        await vault.set(f"s{i}")
    assert (await vault.every_page("/secrets", "api-version=7.4"))[1] == [25, 1]
    for asked in ("0", "26", "-1", "x", "", "1.0", "٣", "9" * 5000):
        answer = await vault.send("GET", "/secrets", f"api-version=7.4&maxresults={quote(asked)}")
        assert answer.error == (400, "BadParameter", None)


async def test_what_changes_between_two_pages_neither_hides_nor_repeats_the_rest(vault: VaultClient) -> None:
    for name in "bdfh":
        await vault.set(name)
    first = await vault.send("GET", "/secrets", "api-version=7.4&maxresults=2")
    for name in "acdg":
        await vault.set(name)
    await vault.send("DELETE", "/secrets/d")  # the very item that the token points after
    rest, _ = await vault.every_page("/secrets", urlsplit(first.body["nextLink"]).query)
    assert [item["id"][-1] for item in first.body["value"] + rest] == list("bdfgh")


async def test_the_next_link_survives_clients_that_quote_it_again(vault: VaultClient) -> None:
    # azure-core for Python parses the link's query, quotes every value, and puts its own api-version
    for name in "abc":
        await vault.set(name)
    link = (await vault.send("GET", "/secrets", "api-version=7.4&maxresults=1")).body["nextLink"]
    (token,) = parse_qs(urlsplit(link).query)["$skiptoken"]
    assert quote(token, safe="") == token
    assert set(token) <= set(string.ascii_letters + string.digits + "-_")


async def test_a_token_serves_its_own_list_only(vault: VaultClient) -> None:
    for name in ("a", "b"):
        for _ in range(2):
            await vault.set(name)
            await vault.set(name, vault="other")
    query = urlsplit((await vault.send("GET", "/secrets", "api-version=1&maxresults=1")).body["nextLink"]).query
    assert (await vault.send("GET", "/secrets", query)).status == 200
    for path, name in (("/secrets", "other"), ("/deletedsecrets", "shop"), ("/secrets/a/versions", "shop")):
        assert (await vault.send("GET", path, query, vault=name)).error == (400, "BadParameter", None)
    versions = urlsplit((await vault.send("GET", "/secrets/a/versions", "api-version=1&maxresults=1")).body["nextLink"])
    assert (await vault.send("GET", "/secrets/A/versions", versions.query)).status == 200
    assert (await vault.send("GET", "/secrets/b/versions", versions.query)).status == 400


@given(POSITIONS)
def test_a_token_holds_its_position(position: Position) -> None:
    assert read_skip_token(SEALER, "list", write_skip_token(SEALER, "list", position)) == position


@given(st.data())
def test_an_altered_token_is_refused(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(TOKEN) - 1))
    other = data.draw(
        st.sampled_from(string.ascii_letters + string.digits + "-_=+/ é").filter(lambda c: c != TOKEN[at])
    )
    cut = data.draw(st.integers(0, len(TOKEN) - 1))
    for altered in (TOKEN[:at] + other + TOKEN[at + 1 :], TOKEN[:cut], TOKEN + other, other + TOKEN):
        refused(altered)


def test_a_token_has_one_spelling() -> None:
    # base64 leaves bits of this token's last character unused: those must be zero
    assert len(TOKEN) % 4 in {2, 3}
    for last in set(string.ascii_letters + string.digits + "-_") - {TOKEN[-1]}:
        refused(TOKEN[:-1] + last)


@given(st.text(max_size=2000))
def test_any_other_text_is_refused(text: str) -> None:
    refused(text)


def refused(token: str) -> None:
    with pytest.raises(KeylessError) as caught:
        read_skip_token(SEALER, "list", token)
    assert caught.value.kind is ErrorKind.INVALID
    assert caught.value.__cause__ is None
