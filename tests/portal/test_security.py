"""What pages must withstand: forged forms, frames, redirects to strangers, injected markup, planted cookies."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyless.directory.users import User
from tests.people import COOKIE, LOOPBACK, PASSWORD, World, authorize

PAGES = ("/signin", "/devicelogin", authorize(), "/common/oauth2/v2.0/logout")
EVIL = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'{{7*7}}"


@pytest.mark.parametrize("path", [*PAGES, authorize(client_id="nobody"), "/signin?link=wrong"])
def test_every_page_has_its_guards(world: World, path: str) -> None:
    headers = world.browser().get(path).response.headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "form-action 'self'" in policy
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in headers  # *.localhost


def test_no_page_has_a_script_or_a_style_of_its_own(world: World, alice: User) -> None:
    browser = world.signed_in(alice)
    for path in (*PAGES, authorize(response_mode="form_post")):
        text = browser.get(path).response.text
        assert not re.search(r"<style|<script(?! src=\"/assets/return\.js\")|\son\w+=|\sstyle=|javascript:", text), path


def test_the_cookie_is_bound_to_this_host_and_hidden(world: World, alice: User) -> None:
    browser = world.browser()
    for page in (browser.get("/signin"), browser.sign_in(alice.upn)):
        cookie = page.response.headers["set-cookie"]
        assert cookie.startswith(f"{COOKIE}=")
        assert {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))
        assert "Domain" not in cookie


# cross-site request forgery


def forms(alice: User) -> list[tuple[str, dict[str, str]]]:
    return [
        (authorize(), {"account": alice.principal_id}),
        (authorize(), {"username": alice.upn, "password": PASSWORD}),
        ("/signin", {"username": alice.upn, "password": PASSWORD}),
        ("/devicelogin", {"user_code": "BBBB-BBBB"}),
        ("/common/oauth2/v2.0/logout", {}),
    ]


def test_a_form_from_elsewhere_changes_nothing(world: World, alice: User) -> None:
    browser = world.signed_in(alice)
    other = world.signed_in(world.user())
    before = world.platform.fingerprint()
    for path, form in forms(alice):
        for token in ("", "wrong", other.get("/devicelogin").csrf):
            page = browser.post(path, {**form, "csrf": token})
            assert page.status == 403, path
            assert "did not come from our own page" in page.text
    assert world.platform.fingerprint() == before
    assert browser.get("/signin").text.count(alice.upn) == 1


def test_a_form_that_another_site_sends_is_refused_whatever_it_holds(world: World, alice: User) -> None:
    browser = world.signed_in(alice)
    token = browser.get("/devicelogin").csrf
    for site in ("cross-site", "same-site", "none"):
        page = browser.post(authorize(), {"account": alice.principal_id, "csrf": token}, **{"Sec-Fetch-Site": site})
        assert page.status == 403, site


def test_a_token_of_before_signing_in_is_worthless_after_it(world: World, alice: User) -> None:
    browser = world.browser()
    early = browser.get("/devicelogin").csrf
    browser.sign_in(alice.upn)
    assert browser.post(authorize(), {"account": alice.principal_id, "csrf": early}).status == 403


# session fixation


def test_a_cookie_that_was_planted_is_replaced_by_signing_in(world: World, alice: User) -> None:
    thief, victim = world.browser(), world.browser()
    thief.get("/signin")
    planted = thief.cookie
    victim.http.cookies.set(COOKIE, planted, domain="login.keyless.localhost", path="/")
    victim.sign_in(alice.upn)
    assert victim.cookie != planted
    assert alice.upn not in thief.get("/signin").text
    assert alice.upn in victim.get("/signin").text


def test_signing_in_a_second_time_ends_the_first_cookie(world: World, alice: User) -> None:
    browser, copy = world.signed_in(alice), world.browser()
    copy.http.cookies.set(COOKIE, browser.cookie, domain="login.keyless.localhost", path="/")
    assert alice.upn in copy.get("/signin").text
    browser.sign_in(world.user().upn)
    assert alice.upn not in copy.get("/signin").text


def test_a_session_ends_in_time(world: World, alice: User) -> None:
    browser = world.signed_in(alice)
    world.platform.clock.now += 7 * 86_400 + 1
    assert browser.get(authorize()).accounts == []


# redirects


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "https://evil.example",
        "http://evil.example/",
        "//evil.example",
        "http://localhost.evil.example",
        "http://localhost@evil.example",
        "http://localhost:1234@evil.example/",
        "http://evil.example#http://localhost",
        "http://localhost#fragment",
        "http://localhost\\@evil.example",
        "http://localhost:99999",
        "http://localhost:1/other",
        "http://localhost:1?x=1",
        "https://localhost:1",
        "http://127.0.0.1:1",
        "http://[::1]:1",
        "http://2130706433/",
        "javascript:alert(1)",
        "data:text/html,x",
        "http://localhost:1\r\nSet-Cookie: a=b",
        "http://LOCALHOST.evil.example",
    ],
)
@pytest.mark.parametrize("more", [{}, {"response_type": "token"}, {"prompt": "none"}])
def test_nothing_is_sent_where_nobody_is_registered(world: World, uri: str, more: dict[str, str]) -> None:
    page = world.browser().get(authorize(redirect_uri=uri, **more))
    assert page.status == 400
    assert page.location == ""
    assert "This redirect_uri is not registered" in page.text
    assert "action=" not in page.response.text


@pytest.mark.parametrize(
    "uri", ["http://localhost", "http://localhost/", "http://localhost:1/", "http://localhost:65535"]
)
def test_a_program_may_choose_its_port(world: World, uri: str) -> None:
    assert world.browser().get(authorize(redirect_uri=uri)).status == 200


@pytest.mark.parametrize("repeated", ["client_id", "redirect_uri", "state", "scope"])
def test_a_parameter_that_is_there_twice_is_an_error_page(world: World, repeated: str) -> None:
    page = world.browser().get(f"{authorize()}&{urlencode({repeated: 'x'})}")
    assert page.status == 400
    assert page.location == ""


def test_signing_out_leads_to_registered_places_only(world: World, alice: User) -> None:
    def way(uri: str, client: str) -> str:
        query = {"post_logout_redirect_uri": uri, "client_id": client, "state": "s"}
        return f"/common/oauth2/v2.0/logout?{urlencode(query)}"

    client = world.application(web_redirects=("https://shop.example.org/bye",)).client_id
    good = way("https://shop.example.org/bye", client)
    assert world.signed_in(alice).submit(good).location == "https://shop.example.org/bye?state=s"
    for bad in (way("https://evil.example", client), way("https://shop.example.org/bye", "nobody")):
        page = world.signed_in(alice).submit(bad)
        assert page.location == ""
        assert "You are signed out" in page.text


# injection


@pytest.mark.parametrize(
    "path",
    [
        authorize(login_hint=EVIL),
        authorize(state=EVIL, response_mode="form_post", prompt="none"),
        authorize(client_id=EVIL),
        authorize(redirect_uri=EVIL),
        authorize(scope=EVIL, response_mode="form_post"),
        authorize(nonce=EVIL),
        f"/{EVIL.replace('/', '')}/oauth2/v2.0/authorize",
        f"/signin?{urlencode({'link': EVIL})}",
        f"/common/oauth2/v2.0/logout?{urlencode({'post_logout_redirect_uri': EVIL, 'client_id': EVIL})}",
    ],
)
def test_what_a_request_says_is_text_on_a_page(world: World, path: str) -> None:
    page = world.browser().get(path)
    assert "<img" not in page.response.text
    assert "<script>" not in page.response.text
    assert "49" not in re.sub(r"[0-9a-f-]{36}|value=\"[^\"]*\"", "", page.response.text)


def test_what_a_form_says_is_text_on_a_page(world: World) -> None:
    browser = world.browser()
    for page in (
        browser.submit("/signin", username=EVIL, password=EVIL),
        browser.submit(authorize(), username=EVIL, password=EVIL),
        browser.submit("/devicelogin", user_code=EVIL),
    ):
        assert page.status in {400, 403}
        assert "<img" not in page.response.text
        assert "<script>" not in page.response.text


def test_names_are_text_on_a_page(world: World) -> None:
    client = world.application(display_name=EVIL, public_redirects=("http://localhost",), public_client=True)
    hashed = world.hash_of(PASSWORD)
    user = world.write(lambda tx: world.users.create(tx, "eve@example.org", EVIL, hashed, world.platform.clock()))
    browser = world.signed_in(user)
    for path in ("/signin", authorize(client_id=client.client_id), "/common/oauth2/v2.0/logout"):
        page = browser.get(path)
        assert "&lt;script&gt;alert(1)" in page.response.text
        assert "<img" not in page.response.text
        assert "<script>" not in page.response.text


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(min_size=1, max_size=60))
def test_no_state_breaks_out_of_the_answer(world: World, text: str) -> None:
    page = world.browser().get(authorize(state=text, prompt="none"))
    assert page.location.startswith(f"{LOOPBACK}?error=login_required&")
    assert page.answer["state"] == text
    assert "\n" not in page.location


def test_a_redirect_uri_adds_nothing_to_the_policy(world: World, alice: User) -> None:
    uri = "https://shop.example.org;script-src *"
    client = world.application(web_redirects=(uri, "https://a.example;x/back"))
    page = world.signed_in(alice).get(authorize(client_id=client.client_id, redirect_uri="https://a.example;x/back"))
    policy = page.response.headers["content-security-policy"]
    assert "a.example;x" not in policy
    assert world.browser().get(authorize(client_id=client.client_id, redirect_uri=uri)).status == 400


def test_a_disabled_user_cannot_come_in(world: World, alice: User) -> None:
    browser = world.signed_in(alice)
    link = world.link(alice.upn)
    world.write(lambda tx: world.directory.update(tx, alice.principal_id, enabled=False))
    assert browser.get(authorize()).accounts == []
    assert world.browser().sign_in(alice.upn).status == 403
    assert world.browser().get(link).status == 404


# one-time links


def test_a_link_works_once(world: World, alice: User) -> None:
    link = world.link(alice.upn)
    browser = world.browser()
    for _ in range(3):  # browsers look at a page before a person does
        assert browser.get(link).status == 200
    assert browser.follow_link(link).status == 303
    page = world.browser().get(link)
    assert page.status == 404
    assert "run keyless login again" in page.text


def test_a_link_lives_for_minutes(world: World, alice: User) -> None:
    link = world.link(alice.upn)
    world.platform.clock.now += 301
    assert world.browser().get(link).status == 404


def test_a_link_of_before_everything_was_ended_is_dead(world: World, alice: User) -> None:
    link = world.link(alice.upn)
    world.revoke(alice.upn)
    assert world.browser().get(link).status == 404


def test_no_link_and_no_cookie_is_kept_as_it_is(world: World, alice: User) -> None:
    secret = world.link(alice.upn).partition("link=")[2]
    cookie = world.signed_in(alice).cookie
    code = world.code(world.signed_in(alice), alice)
    kept = b"".join(path.read_bytes() for path in world.platform.data.glob("keyless.db*"))
    for one in (secret, cookie, code):
        assert one.encode() not in kept
