"""People with a password, and what they do in a browser."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from uuid import uuid4

from playwright.sync_api import Page, expect

from tests.clients.place import Place, make_place
from tests.harness import Owner

PASSWORD = "correct horse battery staple"


@dataclass
class Person:
    """A user with a password, who may read the secrets of one vault."""

    place: Place
    upn: str
    principal_id: str

    def enter(self, page: Page) -> None:
        page.get_by_label("User name").fill(self.upn)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()


def make_person(owner: Owner) -> Person:
    """Somebody new, who may read the secrets of a vault of their own."""
    place = make_place(owner)
    owner.secret(place.name, "greeting", "hello")
    upn = f"alice-{uuid4().hex[:8]}@example.org"
    made = owner.server.keyless("principal", "create-user", upn, "--password", "-o", "json", input=f"{PASSWORD}\n")
    assert made.returncode == 0, made.stderr
    principal_id = owner.graph("GET", f"users/{upn}")["id"]
    owner.assign(principal_id, "Key Vault Secrets User", place.vault_id)
    return Person(place, upn, principal_id)


def enter_code(page: Page, process: subprocess.Popen[str], person: Person) -> None:
    assert process.stdout
    uri, code = process.stdout.readline().split()
    page.goto(uri)
    page.get_by_label("Code").fill(code.lower())
    page.get_by_role("button", name="Next").click()
    expect(page.locator(".shown-code")).to_have_text(code)
    expect(page.get_by_text("Go on only if you started it yourself")).to_be_visible()
    person.enter(page)
    page.get_by_role("button", name=f"Let it act for {person.upn}").click()
    expect(page.get_by_role("heading")).to_have_text("Done")
