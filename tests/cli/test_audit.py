"""`keyless audit --follow`: only what is new, and not its own reading."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from keyless.cli import audit, command, main
from keyless.cli.program import Program
from tests.cli.fakes import INSTANCE, OWNER_PRINCIPAL, FakeServer

READING = "Microsoft.Insights/eventtypes/values/read"


def event(number: int, action: str = "x/read", decision: str = "allowed", oid: str = "somebody") -> dict[str, Any]:
    return {
        "eventDataId": f"id-{number}",
        "eventTimestamp": f"2026-01-01T00:00:{number:02}.000+00:00",
        "caller": "shop",
        "claims": {"oid": oid},
        "operationName": {"value": f"operation-{number}"},
        "authorization": {"action": action, "scope": f"/subscriptions/{INSTANCE.subscription}"},
        "properties": {"decision": decision, "reason": "Because."},
    }


class Log:
    """A server whose audit log is what each poll finds, oldest first; after the last one there is Ctrl-C."""

    def __init__(self) -> None:
        self.polls: list[list[dict[str, Any]]] = []
        self.server = FakeServer(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if not self.polls:
            raise KeyboardInterrupt
        return httpx.Response(200, json={"value": self.polls.pop(0)[::-1][: int(request.url.params["$top"])]})

    def run(self, *arguments: str) -> int:
        environ = {"KEYLESS_DATA": "/n", "KEYLESS_CONFIG": "/n"}
        return main.run(["audit", *arguments], Program(environ, lambda _instance, _config: self.server.session()))


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    monkeypatch.setattr(audit, "_INTERVAL", 0)
    monkeypatch.setattr(command, "read_instance", lambda _data: INSTANCE)
    return Log()


def test_the_newest_stands_last(log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    log.polls.append([event(1), event(2), event(3)])
    assert log.run("--top", "2") == 0
    assert capsys.readouterr().out == (
        "2026-01-01 00:00:02Z  allowed  shop  operation-2  subscription\n"
        "2026-01-01 00:00:03Z  allowed  shop  operation-3  subscription\n"
    )


def test_denied_ones_are_looked_for_behind_the_others(log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    log.polls.append([event(1, decision="denied"), *(event(number) for number in range(2, 60))])
    assert log.run("--denied", "--top", "3") == 0
    assert capsys.readouterr().out == "2026-01-01 00:00:01Z  denied   shop  operation-1  subscription  (Because.)\n"


def test_follow_shows_each_event_once_until_interrupted(log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    old = [event(number) for number in range(1, 6)]
    poll = event(6, action=READING, oid=OWNER_PRINCIPAL)
    other = event(7, action=READING)
    log.polls += [old, [*old, poll, other], [*old, poll, other, event(8)]]
    assert log.run("--follow", "--top", "1", "-o", "json") == 130
    shown = [json.loads(line)["eventDataId"] for line in capsys.readouterr().out.splitlines() if line]
    assert shown == ["id-5", "id-7", "id-8"]


def test_follow_says_when_it_missed_some(
    log: Log, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "MAX_EVENTS", 2)
    log.polls += [[event(1), event(2)], [event(3), event(4)]]
    assert log.run("--follow") == 130
    assert "More happened than can be shown" in capsys.readouterr().err


def test_nothing_but_the_subscription_is_read(log: Log) -> None:
    log.polls.append([])
    assert log.run() == 0
    assert log.server.requests[0].url.path == (
        f"/subscriptions/{INSTANCE.subscription}/providers/Microsoft.Insights/eventtypes/management/values"
    )
