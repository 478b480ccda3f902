"""Requests made up from a description of each surface, right ones and wrong ones: each gets an answer as described.

No request makes the server fail (5xx), every status and content type is among those described, and JSON has the
described members. The descriptions stand beside this file; Schemathesis makes up the requests.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.harness import ARM, STORAGE, VAULT
from tests.inprocess import PlatformOwner, running_platform

pytest.importorskip("schemathesis", reason="Schemathesis is not installed")

import requests
import schemathesis
import yaml
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

HERE = Path(__file__).parent
EXAMPLES = int(os.environ.get("KEYLESS_TEST_EXAMPLES", "6"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SURFACES = {"vault": ("kv-a.vault", VAULT), "management": ("management", ARM), "blob": ("acca.blob", STORAGE)}
BASE = "http://surface"


def description(surface: str) -> Any:
    """A surface's description; no base path, and each path's own query stays with it."""
    return schemathesis.openapi.from_dict(yaml.safe_load((HERE / f"{surface}.yaml").read_text()))


def operations() -> Iterator[Any]:
    for surface in SURFACES:
        for found in description(surface).get_all_operations():
            operation = found.ok()
            yield pytest.param(surface, operation, id=f"{surface} {operation.method.upper()} {operation.path}")


@pytest.fixture(scope="module")
def platform_owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformOwner]:
    with running_platform(tmp_path_factory.mktemp("manners")) as platform:
        one = PlatformOwner(platform)
        one.vault("kv-a")
        one.account("acca")
        yield one


@pytest.fixture
def owner(platform_owner: PlatformOwner) -> PlatformOwner:
    """With what the descriptions take for granted, which made-up requests may have deleted."""
    group = f"{platform_owner.subscription}/resourceGroups"
    platform_owner.arm("PUT", f"{group}/g", {"location": "local"})
    platform_owner.arm("PUT", f"{group}/known", {"location": "local"})
    platform_owner.arm("PUT", f"{group}/g/providers/Microsoft.Web/sites/known", {"location": "local"})
    for name in ("s", "t"):
        path = f"/{{}}/{name}{{}}?api-version=7.4"
        vault, token = "kv-a.vault", platform_owner.token(VAULT)
        platform_owner.send("POST", vault, path.format("deletedsecrets", "/recover"), token)
        platform_owner.secret("kv-a", name, "value")
    storage = platform_owner.token(STORAGE)
    platform_owner.send("PUT", "acca.blob", "/box?restype=container", storage)
    headers = {"x-ms-lease-action": "break", "x-ms-lease-break-period": "0", "x-ms-version": "2024-11-04"}
    platform_owner.send("PUT", "acca.blob", "/box/b?comp=lease", storage, headers=headers)
    platform_owner.blob("acca", "box/b", b"content")
    return platform_owner


def send(owner: PlatformOwner, surface: str, case: Any) -> httpx.Response:
    """The request of a case, to the surface by its own name, with the owner's token."""
    name, audience = SURFACES[surface]
    given_ = case.as_transport_kwargs(base_url=BASE)
    prepared = requests.Request(
        **{key: given_.get(key) for key in ("method", "url", "headers", "params", "data", "json", "files")}
    ).prepare()
    path = prepared.path_url.replace("/%7Bsubscription%7D", owner.subscription)
    headers = {key: value for key, value in prepared.headers.items() if key.lower() not in {"content-length", "host"}}
    content = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
    answer = owner.send(case.method, name, path, owner.token(audience), headers=headers, content=content or b"")
    answer.elapsed = timedelta()  # no connection has measured it
    return answer


@pytest.mark.parametrize(("surface", "operation"), list(operations()))
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=lambda mode: str(mode.value))
def test_every_answer_is_as_described(owner: PlatformOwner, surface: str, operation: Any, mode: Any) -> None:
    @seed(1)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        response = send(owner, surface, case)
        case.validate_response(response, checks=CHECKS)

    run()


WRONG = {
    "a failure": httpx.Response(503, json={"error": {"code": "c", "message": "m"}}),
    "a status": httpx.Response(204),
    "a content type": httpx.Response(200, content=b"{}", headers={"Content-Type": "text/html"}),
    "a member that is missing": httpx.Response(200, json={"id": "x"}),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_seen(wrong: str) -> None:
    operation = description("vault")["/secrets/{name}"]["GET"]
    case = operation.Case(path_parameters={"name": "s"}, query={"api-version": "7.4"})
    answer = WRONG[wrong]
    answer.request, answer.elapsed = httpx.Request("GET", BASE), timedelta()
    with pytest.raises(FailureGroup):
        case.validate_response(answer, checks=CHECKS)
