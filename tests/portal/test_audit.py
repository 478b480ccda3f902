"""What people do at the pages is kept, and nothing that they prove themselves with is."""

from __future__ import annotations

import json
from typing import Any

from keyless.directory.users import User
from tests.people import PASSWORD, World


def records(world: World, principal_id: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (world.platform.data / "audit.jsonl").read_text().splitlines()]
    return [line for line in lines if line.get("principal_id") == principal_id]


def test_signing_in_and_out_and_what_was_given(world: World, alice: User) -> None:
    world.browser().sign_in(alice.upn, "a wrong password")
    browser = world.signed_in(alice)
    code = world.code(browser, alice)
    tokens = world.redeem(code).json()
    link = world.link(alice.upn)
    world.browser().follow_link(link)
    browser.submit("/common/oauth2/v2.0/logout")
    world.platform.run(world.platform.built.audit.latest(1))
    found = records(world, alice.principal_id)
    told = [(one["operation"], one["decision"], one["reason"].split(" (")[0]) for one in found]
    assert told == [
        ("sign in", "denied", "wrong user name or password"),
        ("sign in", "allowed", "by password"),
        ("authorize", "allowed", "Microsoft Azure CLI"),
        ("token", "allowed", found[3]["reason"]),
        ("sign in", "allowed", "by a one-time link"),
        ("sign out", "allowed", "at the page"),
    ]
    assert "https://vault.azure.net" in found[3]["reason"]
    assert {one["principal_name"] for one in found} == {alice.upn}
    kept = (world.platform.data / "audit.jsonl").read_text()
    secrets = (PASSWORD, "a wrong password", code, browser.cookie or "-" * 99, link.partition("link=")[2])
    for secret in (*secrets, tokens["access_token"], tokens["refresh_token"]):
        assert secret not in kept


def test_a_name_that_is_not_there_is_kept_without_the_name(world: World) -> None:
    """People type passwords into the wrong field."""
    world.browser().sign_in("my secret password", "x")
    world.platform.run(world.platform.built.audit.latest(1))
    assert "my secret password" not in (world.platform.data / "audit.jsonl").read_text()
    assert records(world, "")[-1]["decision"] == "denied"
