"""People sign in with a real browser, for programs that use the official clients, and these read a secret."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.clients.browser.conftest import Opener
from tests.clients.browser.people import PASSWORD, Person, enter_code
from tests.clients.tools import needed, npm_packages
from tests.harness import Owner

PROGRAMS = Path(__file__).parent / "programs"
JAVASCRIPT = Path(__file__).parents[1] / "javascript"
pytestmark = pytest.mark.xdist_group("browser")


def link_of(owner: Owner, *arguments: str) -> str:
    """The link that `keyless login` prints."""
    said = owner.server.keyless("login", "--no-browser", *arguments)
    assert said.returncode == 0, said.stderr
    return said.stdout.split()[-1]


def finish(process: subprocess.Popen[str]) -> list[str]:
    out, err = process.communicate(timeout=90)
    assert (process.returncode, err) == (0, ""), f"{out}\n{err[-6000:]}"
    return out.splitlines()


def python(name: str) -> Sequence[str | Path]:
    return [sys.executable, PROGRAMS / name]


@pytest.fixture(scope="session")
def node() -> str:
    found = needed("node", "Node.js 20 or newer")
    npm_packages(JAVASCRIPT)
    return found


def script(node: str, name: str) -> Sequence[str | Path]:
    """A program beside the tests, with the libraries of the other JavaScript programs."""
    return [node, "--import", f"data:text/javascript,{RESOLVE}", PROGRAMS / name]


#: Node looks for libraries beside the program; this tells it of the folder in which they are.
RESOLVE = (
    "import%20%7Bregister%7D%20from%20'node:module'%3Bregister('data:text/javascript,'%2BencodeURIComponent("
    "`export%20const%20resolve%3D(s,c,n)%3D%3En(s,s.startsWith('@azure/')%3F%7B...c,parentURL:'"
    + (JAVASCRIPT / "programs" / "x.mjs").as_uri()
    + "'%7D:c)`))"
)


def test_interactive_sign_in_with_a_password(person: Person, page: Page, opener: Opener) -> None:
    process = person.place.start(python("interactive.py"), **opener.environ)
    url = opener.opened()
    assert parse_qs(urlsplit(url).query)["response_mode"] == ["form_post"]
    page.goto(url)
    expect(page.get_by_role("heading")).to_have_text("Sign in")
    expect(page.locator(".ask")).to_contain_text("Microsoft Azure CLI asks to act for you")
    person.enter(page)
    expect(page.get_by_text("Authentication complete")).to_be_visible()
    # the second time the browser knows the account
    page.goto(opener.opened())
    page.get_by_role("button", name=f"Continue as {person.upn}").click()
    expect(page.get_by_text("Authentication complete")).to_be_visible()
    assert finish(process) == ["hello", person.upn]


def test_interactive_sign_in_of_the_owner_by_a_link(owner: Owner, person: Person, page: Page, opener: Opener) -> None:
    page.goto(link_of(owner))
    page.get_by_role("button", name="Sign in as owner").click()
    expect(page.get_by_role("heading")).to_have_text("You are signed in")
    process = person.place.start(python("interactive.py"), **opener.environ)
    for _ in range(2):
        page.goto(opener.opened())
        page.get_by_role("button", name="Continue as owner").click()
        expect(page.get_by_text("Authentication complete")).to_be_visible()
    assert finish(process) == ["hello", f"owner@{owner.server.instance.domain}"]


def test_without_scripts_a_button_sends_the_answer(owner: Owner, person: Person, page: Page, opener: Opener) -> None:
    browser = page.context.browser
    assert browser
    plain = browser.new_context(ignore_https_errors=True, java_script_enabled=False)
    page = plain.new_page()
    page.goto(link_of(owner, "--as", person.upn))
    page.get_by_role("button", name="Sign in as").click()
    process = person.place.start(python("interactive.py"), **opener.environ)
    for _ in range(2):
        page.goto(opener.opened())
        page.get_by_role("button", name="Continue as").click()
        page.get_by_role("button", name="Go back").click()
        expect(page.get_by_text("Authentication complete")).to_be_visible()
    assert finish(process) == ["hello", person.upn]
    plain.close()


def test_msal_with_an_application_of_its_own(owner: Owner, person: Person, page: Page, opener: Opener) -> None:
    made = owner.server.keyless(
        "principal", "create-app", person.place.name, "--public", "--redirect-uri", "http://localhost", "-o", "json"
    )
    assert made.returncode == 0, made.stderr
    client = owner.graph("GET", f"applications?$filter=displayName eq '{person.place.name}'")["value"][0]["appId"]
    environ = {**opener.environ, "PUBLIC_CLIENT_ID": client, "UPN": person.upn}
    process = person.place.start(python("msal_interactive.py"), **environ)
    page.goto(opener.opened())
    expect(page.locator(".ask")).to_contain_text(f"{person.place.name} asks to act for you")
    expect(page.get_by_label("User name")).to_have_value(person.upn)
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Authentication complete")).to_be_visible()
    assert process.stdout
    assert [process.stdout.readline().strip() for _ in range(2)] == [person.upn, "cache"]
    ended = owner.server.keyless("login", "--revoke", "--as", person.upn, "--yes")
    assert ended.stdout == f"Every sign-in of {person.upn} has ended.\n"
    out, _ = process.communicate("\n", timeout=60)
    assert out == "invalid_grant\n"


def test_a_device_code(person: Person, page: Page) -> None:
    process = person.place.start(python("device.py"))
    enter_code(page, process, person)
    assert finish(process) == ["hello", "True"]


def test_a_device_code_in_javascript(person: Person, page: Page, node: str) -> None:
    process = person.place.start(script(node, "device.mjs"))
    enter_code(page, process, person)
    assert finish(process) == ["hello", "true"]


def test_interactive_sign_in_in_javascript(person: Person, page: Page, opener: Opener, node: str) -> None:
    process = person.place.start(script(node, "interactive.mjs"), REDIRECT_URI="http://localhost", **opener.environ)
    page.goto(opener.opened())
    person.enter(page)
    page.wait_for_url("http://localhost*/**")
    page.goto(opener.opened())
    page.get_by_role("button", name=f"Continue as {person.upn}").click()
    page.wait_for_url("http://localhost*/**")
    assert finish(process) == ["hello", person.upn]


def test_signing_out(owner: Owner, person: Person, page: Page) -> None:
    page.goto(link_of(owner, "--as", person.upn))
    expect(page.get_by_role("button", name="Sign in as")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading")).to_have_text("You are signed in")
    page.get_by_role("link", name="Sign out").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading")).to_have_text("You are signed out")
    page.get_by_role("link", name="Sign in again").click()
    expect(page.get_by_role("heading")).to_have_text("Sign in")


def test_a_page_cannot_be_framed(owner: Owner, page: Page) -> None:
    base = f"https://login.{owner.server.instance.domain}:{owner.server.port}"
    blocked: list[str] = []
    page.on("requestfailed", lambda request: blocked.append(request.failure or ""))
    page.set_content(f'<iframe src="{base}/signin" width="400" height="400"></iframe>')
    page.wait_for_timeout(500)
    framed = page.frames[1]
    assert framed.url.startswith("chrome-error:") or framed.content().find("password") < 0
    assert blocked
