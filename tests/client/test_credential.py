from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

import keyless
from keyless import CredentialUnavailable, ManagedIdentityCredential, TokenRefused
from keyless.client.app_service import endpoint_of

VAULT = "https://vault.azure.net/.default"
Answer = tuple[int, dict[str, str], object]


class FakeEndpoint:
    """An App Service identity endpoint: keeps what it was asked, answers as the test says."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.asked: list[dict[str, str]] = []
        self.slept: list[float] = []
        self.answer: Callable[[dict[str, str]], Answer] = self.token
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
                outer.asked.append(
                    {**query, "path": urlsplit(self.path).path, "header": self.headers["X-IDENTITY-HEADER"]}
                )
                status, headers, document = outer.answer(query)
                body = document if isinstance(document, bytes) else json.dumps(document).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.environ = {
            "IDENTITY_ENDPOINT": f"http://127.0.0.1:{self.server.server_port}/msi/token",
            "IDENTITY_HEADER": "header-secret",
            "HTTP_PROXY": "http://127.0.0.1:1",
            "http_proxy": "http://127.0.0.1:1",
        }
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def token(self, query: dict[str, str]) -> Answer:
        text = f"token-{len(self.asked)}-for-{query['resource']}"
        return 200, {}, {"access_token": text, "expires_on": str(int(self.now) + 3600), "token_type": "Bearer"}

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def credential(self, **selector: str) -> ManagedIdentityCredential:
        return ManagedIdentityCredential(**selector, environ=self.environ, clock=lambda: self.now, sleep=self.sleep)


@pytest.fixture
def endpoint() -> Iterator[FakeEndpoint]:
    fake = FakeEndpoint()
    yield fake
    fake.server.shutdown()
    fake.server.server_close()


def test_asks_as_app_service_is_asked(endpoint: FakeEndpoint) -> None:
    token = endpoint.credential().get_token(VAULT)
    assert token.token == "token-1-for-https://vault.azure.net"
    assert token.expires_on == 1_003_600
    assert endpoint.asked == [
        {
            "path": "/msi/token",
            "api-version": "2019-08-01",
            "resource": "https://vault.azure.net",
            "header": "header-secret",
        }
    ]


@pytest.mark.parametrize(
    ("given", "field"), [("client_id", "client_id"), ("object_id", "object_id"), ("resource_id", "mi_res_id")]
)
def test_a_selector_is_sent(endpoint: FakeEndpoint, given: str, field: str) -> None:
    endpoint.credential(**{given: "/a b&c=ä"}).get_token(VAULT)
    assert endpoint.asked[0][field] == "/a b&c=ä"


def test_selectors_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="one of"):
        ManagedIdentityCredential(client_id="a", object_id="b")


@pytest.mark.parametrize(
    ("scope", "resource"),
    [
        ("https://database.windows.net//.default", "https://database.windows.net/"),
        ("https://storage.azure.com/.default", "https://storage.azure.com"),
        ("https://storage.azure.com", "https://storage.azure.com"),
    ],
)
def test_the_resource_is_what_stands_before_default(endpoint: FakeEndpoint, scope: str, resource: str) -> None:
    endpoint.credential().get_token(scope)
    assert endpoint.asked[0]["resource"] == resource


def test_one_scope_at_a_time(endpoint: FakeEndpoint) -> None:
    for scopes in ((), (VAULT, VAULT)):
        with pytest.raises(ValueError, match="exactly one scope"):
            endpoint.credential().get_token(*scopes)


def test_a_token_is_kept_until_five_minutes_before_it_expires(endpoint: FakeEndpoint) -> None:
    credential = endpoint.credential()
    first = credential.get_token(VAULT)
    endpoint.now += 3600 - 301
    assert credential.get_token(VAULT) is first
    endpoint.now += 2
    assert credential.get_token(VAULT).token != first.token
    assert credential.get_token("https://storage.azure.com/.default").token.endswith("storage.azure.com")
    assert len(endpoint.asked) == 3


def test_info_says_when_to_refresh(endpoint: FakeEndpoint) -> None:
    info = endpoint.credential().get_token_info(VAULT, options={"enable_cae": True})
    assert (info.expires_on, info.refresh_on, info.token_type) == (1_003_600, 1_003_300, "Bearer")


def test_a_claims_challenge_fetches_a_new_token_that_replaces_the_old(endpoint: FakeEndpoint) -> None:
    credential = endpoint.credential()
    old = credential.get_token(VAULT)
    new = credential.get_token(VAULT, claims="{}")
    assert new.token != old.token
    assert credential.get_token_info(VAULT, options={"claims": "{}"}).token not in {old.token, new.token}
    assert credential.get_token(VAULT).token.startswith("token-3")


def test_the_cache_has_a_limit(endpoint: FakeEndpoint) -> None:
    credential = endpoint.credential()
    for number in range(66):
        credential.get_token(f"https://r{number}/.default")
    credential.get_token("https://r65/.default")
    assert len(endpoint.asked) == 66
    credential.get_token("https://r0/.default")
    assert len(endpoint.asked) == 67


def test_many_threads_make_one_request_and_share_its_outcome(endpoint: FakeEndpoint) -> None:
    gate = threading.Event()

    def held(query: dict[str, str]) -> Answer:
        gate.wait(10)
        return refuse(query) if "bad" in query["resource"] else endpoint.token(query)

    def refuse(query: dict[str, str]) -> Answer:
        return 400, {}, {"statusCode": 400, "message": "no such identity"}

    endpoint.answer = held
    credential = endpoint.credential()
    outcomes: list[str] = []

    def ask(scope: str) -> None:
        try:
            outcomes.append(credential.get_token(scope).token)
        except TokenRefused as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=ask, args=(f"https://{n}/.default",)) for n in ("good", "bad") for _ in range(8)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 10
    while len(endpoint.asked) < 2 and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(0.05)
    gate.set()
    for thread in threads:
        thread.join(10)
    assert len(endpoint.asked) == 2
    assert sorted(set(outcomes))[0] == "no such identity"
    assert len(outcomes) == 16
    assert len(set(outcomes)) == 2


def test_throttling_is_waited_out_as_told(endpoint: FakeEndpoint) -> None:
    endpoint.answer = lambda query: (
        (429, {"Retry-After": "4"}, {}) if len(endpoint.asked) < 3 else endpoint.token(query)
    )
    assert endpoint.credential().get_token(VAULT).token.startswith("token-3")
    assert endpoint.slept == [4, 4]


@pytest.mark.parametrize(("retry_after", "asked", "slept"), [("1", 3, [1, 1]), ("31", 1, []), ("20", 2, [20])])
def test_throttling_is_not_waited_out_for_ever(
    endpoint: FakeEndpoint, retry_after: str, asked: int, slept: list[float]
) -> None:
    endpoint.answer = lambda query: (429, {"Retry-After": retry_after}, {"message": "too many requests"})
    with pytest.raises(TokenRefused, match="too many requests") as caught:
        endpoint.credential().get_token(VAULT)
    assert caught.value.status == 429
    assert (len(endpoint.asked), endpoint.slept) == (asked, slept)


def test_a_refusal_has_the_endpoints_message(endpoint: FakeEndpoint) -> None:
    endpoint.answer = lambda query: (400, {}, {"statusCode": 400, "message": "no identity is assigned"})
    with pytest.raises(TokenRefused, match="no identity is assigned"):
        endpoint.credential().get_token(VAULT)


@pytest.mark.parametrize(
    "answer",
    [
        (200, {}, b"<html>"),
        (200, {}, []),
        (200, {}, {"expires_on": "9999999999"}),
        (200, {}, {"access_token": "t"}),
        (200, {}, {"access_token": "t", "expires_on": "soon"}),
        (200, {}, {"access_token": "t", "expires_on": "999"}),
        (503, {}, {"message": "starting"}),
    ],
)
def test_nonsense_is_no_token(endpoint: FakeEndpoint, answer: Answer) -> None:
    endpoint.answer = lambda query: answer
    with pytest.raises(CredentialUnavailable, match="identity endpoint"):
        endpoint.credential().get_token(VAULT)


@pytest.mark.parametrize("missing", ["IDENTITY_ENDPOINT", "IDENTITY_HEADER"])
def test_without_the_variables_it_says_how_to_start(missing: str) -> None:
    environ = {"IDENTITY_ENDPOINT": "http://127.0.0.1:1/msi/token", "IDENTITY_HEADER": "x"}
    del environ[missing]
    with pytest.raises(CredentialUnavailable, match="keyless run --app NAME -- …"):
        ManagedIdentityCredential(environ=environ).get_token(VAULT)


def test_nobody_there() -> None:
    environ = {"IDENTITY_ENDPOINT": "http://127.0.0.1:1/msi/token", "IDENTITY_HEADER": "x"}
    with pytest.raises(CredentialUnavailable, match="does not answer"):
        ManagedIdentityCredential(environ=environ).get_token(VAULT)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:80/a/b", ("127.0.0.1", 80, "/a/b")),
        ("http://[::1]:81/a", ("[::1]", 81, "/a")),
        ("http://[::1]/a", ("[::1]", 80, "/a")),
        ("http://host", ("host", 80, "/")),
    ],
)
def test_endpoints(url: str, expected: tuple[str, int, str]) -> None:
    endpoint = endpoint_of({"IDENTITY_ENDPOINT": url, "IDENTITY_HEADER": "x"})
    assert (endpoint.host, endpoint.port, endpoint.path) == expected


@pytest.mark.parametrize("url", ["https://h:1/", "h:1", "http://", "http://h:x/", "http://h:0/", "http://h:70000/"])
def test_what_is_no_endpoint(url: str) -> None:
    with pytest.raises(CredentialUnavailable, match="not an http:// address"):
        endpoint_of({"IDENTITY_ENDPOINT": url, "IDENTITY_HEADER": "x"})


def test_nobody_sees_the_token_or_the_secret(endpoint: FakeEndpoint) -> None:
    credential = endpoint.credential()
    token = credential.get_token(VAULT)
    endpoint.environ["IDENTITY_HEADER"] = "header-secret\n"
    with pytest.raises(CredentialUnavailable) as caught:
        endpoint.credential().get_token(VAULT)
    shown = repr(token) + str(token) + repr(credential) + repr(endpoint_of(endpoint.environ)) + repr(caught.value)
    assert "token-1" not in shown
    assert "header-secret" not in shown


def test_azure_core_takes_it_as_a_credential(endpoint: FakeEndpoint) -> None:
    """azure-core 1.41: the policy asks `get_token_info` where there is one, else `get_token`."""
    policies = pytest.importorskip("azure.core.pipeline.policies")
    pipeline = pytest.importorskip("azure.core.pipeline")
    rest = pytest.importorskip("azure.core.rest")
    endpoint.now = time.time()
    credential = endpoint.credential()
    policy = policies.BearerTokenCredentialPolicy(credential, VAULT)
    for _ in range(2):
        request = pipeline.PipelineRequest(
            rest.HttpRequest("GET", "https://shop.vault.azure.net/secrets/a"), pipeline.PipelineContext(None)
        )
        policy.on_request(request)
        assert request.http_request.headers["Authorization"] == "Bearer token-1-for-https://vault.azure.net"
    assert len(endpoint.asked) == 1


def test_importing_it_imports_little() -> None:
    program = (
        "import sys; from keyless import ManagedIdentityCredential as C; C()\n"
        "print(*{'http.client', 'ssl', 'asyncio', 'dataclasses', 'typing', 'email'} & set(sys.modules))"
    )
    # without site, what an installation adds at every start does not count; the package is then found by its path
    source = {"PYTHONPATH": str(Path(keyless.__file__).parents[1])}
    command = [sys.executable, "-S", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=source)
    assert done.stdout.strip() == ""


def test_the_package_has_what_it_names() -> None:
    assert [getattr(keyless, name).__name__ for name in keyless.__all__] == keyless.__all__
    with pytest.raises(AttributeError):
        _ = keyless.nothing
