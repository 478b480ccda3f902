"""The connection: names and addresses, tokens, lists, and what a person reads when something goes wrong."""

from __future__ import annotations

import ssl
from urllib.parse import parse_qs

import httpx
import pytest

from keyless.cli.errors import Refused
from keyless.cli.session import Session
from tests.cli.fakes import INSTANCE, NOW, OWNER_CLIENT, TENANT, FakeServer, json_answer

ARM = INSTANCE.management


def test_connects_to_the_address_under_the_surfaces_own_name() -> None:
    server = FakeServer(json_answer({}))
    server.session().json("GET", INSTANCE.vault("shop"), "/secrets/db/", query={"api-version": "7.4"})
    (request,) = server.requests
    assert str(request.url) == "https://127.0.0.1:8443/secrets/db/?api-version=7.4"
    assert request.headers["Host"] == "shop.vault.keyless.localhost:8443"
    assert request.extensions["sni_hostname"] == "shop.vault.keyless.localhost"
    assert request.headers["Authorization"] == "Bearer token-1"


def test_asks_for_a_token_with_an_assertion() -> None:
    server = FakeServer(json_answer({}))
    server.session().json("GET", ARM, "/subscriptions")
    (request,) = server.token_requests
    form = {name: value for name, (value,) in parse_qs(request.content.decode()).items()}
    assert request.url.path == f"/{TENANT}/oauth2/v2.0/token"
    assert form["grant_type"] == "client_credentials"
    assert form["client_id"] == OWNER_CLIENT
    assert form["scope"] == "https://management.azure.com/.default"
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert form["client_assertion"].count(".") == 2


def test_keeps_a_token_for_each_resource_until_it_nears_its_end() -> None:
    server = FakeServer(json_answer({}))
    session = server.session()
    for _ in range(2):
        session.json("GET", ARM, "/a")
    assert len(server.token_requests) == 1
    session.json("GET", INSTANCE.account("shopdata"), "/a")
    assert len(server.token_requests) == 2
    server.now = NOW + server.lifetime - 30
    session.json("GET", ARM, "/a")
    assert len(server.token_requests) == 3


def test_fetches_a_new_token_once_when_the_old_one_is_refused() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        good = request.headers["Authorization"] == "Bearer token-2"
        return httpx.Response(200 if good else 401, json={"value": 1})

    server = FakeServer(answer)
    assert server.session().json("GET", ARM, "/a") == {"value": 1}
    refusing = FakeServer(json_answer({"error": {"code": "InvalidAuthenticationToken", "message": "No."}}, 401))
    with pytest.raises(Refused, match=r"^No\.$"):
        refusing.session().json("GET", ARM, "/a")
    assert len(refusing.requests) == 2


def test_does_not_send_a_streamed_body_twice() -> None:
    server = FakeServer(json_answer({"error": {"code": "x", "message": "No."}}, 401))
    with pytest.raises(Refused):
        server.session().request("PUT", ARM, "/a", content=iter([b"x"]), headers={"Content-Length": "1"})
    assert len(server.requests) == 1


def test_follows_the_links_of_a_list_on_the_same_host_only() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if "page" in request.url.params:
            return httpx.Response(200, json={"value": [{"n": 2}]})
        link = f"https://{request.headers['Host']}{request.url.path}?api-version=1&page=%2F2"
        return httpx.Response(200, json={"value": [{"n": 1}], "nextLink": link})

    server = FakeServer(answer)
    assert list(server.session().pages(ARM, "/things", {"api-version": "1"})) == [{"n": 1}, {"n": 2}]
    assert server.requests[1].url.raw_path == b"/things?api-version=1&page=%2F2"

    foreign = FakeServer(json_answer({"value": [], "nextLink": "https://elsewhere.example/things"}))
    with pytest.raises(Refused, match="is not keyless"):
        list(foreign.session().pages(ARM, "/things", {}))
    assert len(foreign.requests) == 1


def test_a_list_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyless.cli.session.MAX_PAGES", 3)
    server = FakeServer(json_answer({"value": [1], "nextLink": f"https://{ARM.host}:8443/things"}))
    with pytest.raises(Refused, match="more than 3 pages"):
        list(server.session().pages(ARM, "/things", {}))


def test_an_answer_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyless.cli.session.MAX_ANSWER", 10)
    server = FakeServer(json_answer({"value": "more than ten bytes"}))
    with pytest.raises(Refused, match="more than 10 bytes"):
        server.session().json("GET", ARM, "/a")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (httpx.ConnectError("refused"), "keyless is not running (127.0.0.1:8443): start it with `keyless up`."),
        (httpx.ReadTimeout("slow"), "keyless at 127.0.0.1:8443 did not answer in time"),
        (httpx.RemoteProtocolError("cut"), "The connection to keyless at 127.0.0.1:8443 broke off: try again."),
        (httpx.LocalProtocolError("short"), "changed while it was read"),
    ],
)
def test_says_in_one_line_what_went_wrong_on_the_way(error: httpx.TransportError, message: str) -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(Refused) as caught:
        FakeServer(answer).session().json("GET", ARM, "/a")
    assert message in caught.value.message


def test_tells_a_foreign_server_from_none() -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        try:
            raise ssl.SSLCertVerificationError("unknown authority")
        except ssl.SSLError as error:
            raise httpx.ConnectError("tls") from error

    with pytest.raises(Refused, match="is not the keyless of /nowhere"):
        FakeServer(answer).session().json("GET", ARM, "/a")


def test_needs_the_authority_of_the_data_folder() -> None:
    with pytest.raises(Refused, match=r"own-ca\.pem cannot be read"):
        Session(INSTANCE, lambda: pytest.fail("no key is needed"))


def test_a_token_shows_in_no_repr() -> None:
    token = FakeServer(json_answer({})).session().token("https://vault.azure.net")
    assert token.token.reveal() == "token-1"
    assert "token-1" not in repr(token)
    assert token.expires_on == int(NOW) + 3600
