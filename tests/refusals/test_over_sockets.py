"""The same refusals over TLS, from a real server, with tokens that apps got over their leases.

The tables are gone through in the process (`test_refused.py`); here it is seen that nothing between the wire and
the kernel makes a difference, under every name that a surface answers to.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import httpx
import pytest

from tests.harness import HeldLease, Owner, RunningServer, running_server
from tests.refusals.forgery import b64, parts_of, unsigned
from tests.refusals.surfaces import ACCOUNT_NAME, APP_NAME, CODES, VAULT_NAME, send, surfaces_of
from tests.refusals.world import AUDIENCES, furnish

SURFACES = ["vault", "blob", "management"]


class _Caller(Owner):
    """An owner who trusts the certificates of the clouds' names as well."""

    def __post_init__(self) -> None:
        tls = self.server.data / "tls"
        context = ssl.create_default_context(cafile=str(tls / "own-ca.pem"))
        context.load_verify_locations(cafile=str(tls / "cloud-ca.pem"))
        self._http = httpx.Client(verify=context, trust_env=False, timeout=30)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[_Caller, dict[str, str]]]:
    with running_server(tmp_path_factory.mktemp("here")) as server:
        yield from _furnished(server)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[_Caller, dict[str, str]]]:
    with running_server(tmp_path_factory.mktemp("elsewhere")) as server:
        yield from _furnished(server)


def _furnished(server: RunningServer) -> Iterator[tuple[_Caller, dict[str, str]]]:
    caller = _Caller(server)
    furnish(caller)
    with HeldLease.open(server, APP_NAME) as lease:
        yield caller, {surface: lease.token(audience) for surface, audience in AUDIENCES.items()}
    caller.close()


def _bad(tokens: dict[str, str], foreign: dict[str, str], surface: str) -> dict[str, str | None]:
    good = tokens[surface]
    header, claims, _signature = parts_of(good)
    first, payload, signature = good.split(".")
    return {
        "no header": None,
        "not a bearer token": f"Basic {good}",
        "alg none": f"Bearer {unsigned({**header, 'alg': 'none'}, claims)}.",
        "another instance": f"Bearer {foreign[surface]}",
        **{f"for {other}": f"Bearer {tokens[other]}" for other in SURFACES if other != surface},
        "unknown kid": f"Bearer {unsigned({**header, 'kid': b64(bytes(32))}, claims)}.{signature}",
        "tampered": f"Bearer {first}.{b64(b'{}')}.{signature}",
        "cut": f"Bearer {first}.{payload}.{signature[:-4]}",
    }


@pytest.mark.parametrize("surface", SURFACES)
def test_refused_over_tls_under_every_name(
    here: tuple[_Caller, dict[str, str]], elsewhere: tuple[_Caller, dict[str, str]], surface: str
) -> None:
    caller, tokens = here
    tenant = caller.server.instance.tenant
    tables = surfaces_of(caller)[surface]
    for at in tables.addresses:
        for request in tables.operations:
            for name, authorization in _bad(tokens, elsewhere[1], surface).items():
                answer = send(caller, at, request, authorization)
                told = tables.check(at, request, answer, tenant)
                wanted = "" if surface != "blob" and request.method == "HEAD" else CODES[surface][401]
                assert told == (401, wanted), (name, at.authority, request.name)
        answer = send(caller, at, tables.read, f"Bearer {tokens[surface]}")
        assert answer.status_code == tables.read.done, (at.authority, answer.text)


def test_nothing_of_it_was_changed(
    here: tuple[_Caller, dict[str, str]], elsewhere: tuple[_Caller, dict[str, str]]
) -> None:
    """What the owner put there is there, and only that; runs after the refusals or alone."""
    caller, tokens = here
    for surface in SURFACES:
        tables = surfaces_of(caller)[surface]
        for request in tables.operations:
            for authorization in _bad(tokens, elsewhere[1], surface).values():
                assert send(caller, tables.own, request, authorization).status_code == 401
    vault = caller.send(
        "GET", f"{VAULT_NAME}.vault", "/secrets?api-version=7.4", caller.token(AUDIENCES["vault"])
    ).json()
    assert [item["id"].rsplit("/", 1)[-1] for item in vault["value"]] == ["s"]
    value = caller.send("GET", f"{VAULT_NAME}.vault", "/secrets/s?api-version=7.4", caller.token(AUDIENCES["vault"]))
    assert value.json()["value"] == "value"
    headers = {"x-ms-version": "2024-11-04"}
    token = caller.token(AUDIENCES["blob"])
    assert caller.send("GET", f"{ACCOUNT_NAME}.blob", "/box/b", token, headers=headers).content == b"data"
    boxes = caller.send("GET", f"{ACCOUNT_NAME}.blob", "/?comp=list", token, headers=headers).text
    assert boxes.count("<Container>") == 1
    groups = caller.arm("GET", f"{caller.subscription}/resourcegroups")["value"]
    assert [group["name"] for group in groups] == ["default"]
