"""How often somebody may guess a password or a code, and what wrong guesses tell. Each test counts from nothing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from keyless.directory.users import User
from tests.inprocess import PlatformOwner, running_platform
from tests.people import BASE, COOKIE, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with running_platform(tmp_path) as platform:
        owner = PlatformOwner(platform)
        yield World(platform, owner)
        owner.close()


def test_passwords_are_not_guessed(world: World, alice: User) -> None:
    browser = world.browser()
    for _ in range(10):
        page = browser.sign_in(alice.upn, "wrong")
        assert page.status == 403
        assert "The user name or the password is wrong" in page.text
    page = browser.sign_in(alice.upn)
    assert page.status == 429
    assert "Too many failed attempts" in page.text
    assert world.browser().sign_in(alice.upn.upper()).status == 429
    assert world.browser().sign_in(world.user().upn).status == 303
    world.platform.clock.now += 901
    assert browser.sign_in(alice.upn).status == 303


def test_guesses_that_come_at_once_are_counted_one_by_one(world: World, alice: User) -> None:
    browser = world.browser()
    form = {"csrf": browser.get("/signin").csrf, "username": alice.upn, "password": "wrong"}
    headers = {"Cookie": f"{COOKIE}={browser.cookie}"}

    async def all_at_once() -> list[int]:
        requests = [httpx.Request("POST", f"{BASE}/signin", data=form, headers=headers) for _ in range(15)]
        return [answer.status_code for answer in await asyncio.gather(*map(world.platform.answer, requests))]

    assert sorted(world.platform.run(all_at_once())) == [403] * 10 + [429] * 5


def test_a_user_who_is_not_there_is_answered_alike(world: World, alice: User) -> None:
    without = world.user(password="")
    pages = [
        world.browser().submit("/signin", username=name, password="wrong")
        for name in (alice.upn, "nobody@example.org", without.upn, "owner@keyless.localhost", "")
    ]
    shown = {re.sub(r'value="[^"]*"', "", page.response.text) for page in pages}
    # a name that was typed is shown again, and the password has the focus then
    assert {page.status for page in pages} == {403}
    assert len(shown) <= 2
    assert world.browser().submit("/signin", username=without.upn, password="").status == 403


def test_an_address_that_guesses_many_names_is_stopped(world: World, alice: User) -> None:
    browser = world.browser()
    token = browser.get("/signin").csrf
    statuses = [
        browser.post("/signin", {"csrf": token, "username": f"u{number}@example.org", "password": "x"}).status
        for number in range(51)
    ]
    assert statuses == [403] * 50 + [429]
    assert browser.sign_in(alice.upn).status == 429


def test_user_codes_are_not_guessed(world: World) -> None:
    browser = world.browser()
    statuses = [browser.submit("/devicelogin", user_code="BBBB-BBBB").status for _ in range(21)]
    assert statuses == [400] * 20 + [429]
