"""kill -9 in the middle of writes: nothing that was acknowledged is lost, and nothing half-made is there."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.harness import ARM, VAULT, Owner, RunningServer, running_server
from tests.manager import IDENTITIES, Manager


def writer(server: RunningServer, number: int, acknowledged: dict[str, str], refused: list[int]) -> None:
    """Write identities and secrets until the server is gone; remember what was acknowledged."""
    owner = Owner(server)
    arm = Manager(owner)
    owner.token(ARM), owner.token(VAULT)
    try:
        for i in range(100_000):
            name = f"n{number}-{i}"
            made = arm("PUT", arm.path(IDENTITIES, name), {})
            if made.status_code == 201:
                acknowledged[name] = made.json()["properties"]["principalId"]
            secret = owner.send(
                "PUT", "crash.vault", f"/secrets/s{number}?api-version=7.4", owner.token(VAULT), json={"value": name}
            )
            if secret.status_code == 200:
                acknowledged[f"s{number}"] = name
            refused += [answer.status_code for answer in (made, secret) if answer.status_code >= 400]
    except httpx.TransportError:
        return
    finally:
        owner.close()


@pytest.fixture(scope="module")
def crashing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("crash")
    with running_server(folder) as server:
        owner = Owner(server)
        owner.vault("crash")
        owner.close()
        server.stop()
        yield server


@pytest.mark.parametrize("seconds", [0.2, 0.5, 0.9])
def test_nothing_acknowledged_is_lost(crashing: RunningServer, seconds: float) -> None:
    server = crashing
    if server.process is None or server.process.poll() is not None:
        server.start()
    acknowledged: dict[str, str] = {}
    refused: list[int] = []
    base = int(seconds * 1000)
    threads = [threading.Thread(target=writer, args=(server, base + i, acknowledged, refused)) for i in range(4)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 20
    while len(acknowledged) < 8 and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(seconds)
    server.kill()
    for thread in threads:
        thread.join()
    assert refused == []
    assert len(acknowledged) > 8

    server.start()
    owner = Owner(server)
    arm = Manager(owner)
    there = {one["name"]: one["properties"]["principalId"] for one in arm("GET", arm.path(IDENTITIES)).json()["value"]}
    for name, value in acknowledged.items():
        if name.startswith("n"):
            assert there.get(name) == value
        else:
            found = owner.send("GET", "crash.vault", f"/secrets/{name}?api-version=7.4", owner.token(VAULT)).json()
            # one more may have landed whose answer was cut off
            number = int(value.rsplit("-", 1)[1])
            assert found["value"] in {value, f"n{name[1:]}-{number + 1}"}
    # an identity that is there is there whole: its principal can be given a role
    for name in [name for name in there if name.startswith(f"n{base}-")][:3]:
        owner.assign(there[name], "Reader", f"{arm.path(IDENTITIES, name)}")
    owner.close()
    server.stop()
    assert log_is_quiet(server.data / "keyless.log")


def log_is_quiet(path: Path) -> bool:
    return not any(word in path.read_text() for word in ("ERROR", "Traceback"))
