from __future__ import annotations

import asyncio
import json
import os
import sys

import pytest

from tests.launcher.conftest import SOURCE, Started
from tests.launcher.fake_server import CLIENT_ID, FakeServer

USAGE = "usage: keyless token --resource URL"


async def token(*arguments: str, environ: dict[str, str] | None = None) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "keyless", "token", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "HOME": "/nowhere", "PYTHONPATH": SOURCE, **(environ or {})},
    )
    out, err = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode, out.decode(), err.decode()


async def test_inside_of_keyless_run_the_endpoint_is_asked(server: FakeServer, keyless_run: Started) -> None:
    command = (sys.executable, "-m", "keyless", "token", "--resource", "https://vault.azure.net")
    assert await keyless_run.run(*command) == (0, "token-of-lease-1\n", "")
    code, out, _ = await keyless_run.run(*command, "--client-id", "abc", "-o", "json")
    assert code == 0
    assert json.loads(out) == {
        "token": "token-of-lease-2",
        "expires_on": 4102444800,
        "token_type": "Bearer",
        "resource": "https://vault.azure.net",
    }
    assert "client_id=abc" in server.requests[1]


async def test_with_an_app_a_lease_is_taken_for_the_moment(server: FakeServer) -> None:
    arguments = ("--resource", "https://vault.azure.net", "--app", "shop", "--resource-id", "/a/b")
    assert await token(*arguments, environ={"KEYLESS_DATA": str(server.data)}) == (0, "token-of-lease-1\n", "")
    assert await token(*arguments, "--data", str(server.data)) == (0, "token-of-lease-2\n", "")
    port = server.openings[0]["identity_port"]
    assert isinstance(port, int)
    assert port > 0
    assert f"\r\nHost: 127.0.0.1:{port}\r\n" in server.requests[0]
    assert "mi_res_id=%2Fa%2Fb" in server.requests[0]
    await asyncio.sleep(0.05)
    assert not server.leases


async def test_an_only_identity_need_not_be_named(server: FakeServer, keyless_run: Started) -> None:
    resource = ("--resource", "https://vault.azure.net")
    await keyless_run.run(sys.executable, "-m", "keyless", "token", *resource)
    await token(*resource, "--app", "shop", "--data", str(server.data))
    assert [f"client_id={CLIENT_ID}" in request for request in server.requests] == [True, True]


async def test_refusals_are_one_line(server: FakeServer) -> None:
    app = ("--app", "shop", "--data", str(server.data))
    assert await token("--resource", "https://refused", *app) == (1, "", "keyless: No identity is assigned.\n")
    absent = ("--app", "absent", "--data", str(server.data))
    code, out, err = await token("--resource", "https://vault.azure.net", *absent)
    assert (code, out, err) == (1, "", "keyless: There is no app 'absent': create it first.\n")


async def test_nobody_to_ask() -> None:
    environ = {"IDENTITY_ENDPOINT": "http://127.0.0.1:1/msi/token", "IDENTITY_HEADER": "the-secret"}
    code, out, err = await token("--resource", "https://vault.azure.net", environ=environ)
    assert (code, out) == (1, "")
    assert "does not answer" in err
    code, out, err = await token("--resource", "r", "--app", "shop", "--data", "/nowhere")
    assert (code, out) == (1, "")
    assert "start it with `keyless up`" in err


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--resource",),
        ("--resource", "r", "-o", "yaml"),
        ("--resource", "r", "--client-id", "a", "--object-id", "b"),
        ("--resource", "r", "more"),
        ("--resource", "r", "--colour", "blue"),
    ],
)
async def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    code, out, err = await token("--app", "shop", *arguments)
    assert (code, out) == (2, "")
    assert USAGE in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "environ",
    [
        {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:1"},
        {"MSI_ENDPOINT": "http://127.0.0.1:1", "MSI_SECRET": "s"},
        {"AZURE_FEDERATED_TOKEN_FILE": "/f"},
        {"IDENTITY_ENDPOINT": "http://127.0.0.1:1", "IMDS_ENDPOINT": "http://127.0.0.1:1"},
        {"IDENTITY_ENDPOINT": "https://127.0.0.1:1", "IDENTITY_HEADER": "s", "IDENTITY_SERVER_THUMBPRINT": "t"},
    ],
)
async def test_in_another_shape_of_host_it_is_told_so_and_not_given_the_owners(environ: dict[str, str]) -> None:
    code, out, err = await token("--resource", "https://vault.azure.net", environ=environ)
    assert (code, out) == (1, "")
    assert "start it with `--host app-service`" in err
