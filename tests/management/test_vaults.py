"""What is particular to vaults as resources, over the real server."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.manager import VAULTS, Manager, code_of

RETENTION, PROTECTION = "softDeleteRetentionInDays", "enablePurgeProtection"


@pytest.fixture
def path(arm: Manager) -> str:
    """That of a vault that is not there yet."""
    return arm.path(VAULTS, f"n{uuid4().hex[:10]}")


def put(arm: Manager, path: str, **properties: object) -> Any:
    """Make or change a vault; its properties."""
    answer = arm("PUT", path, {"location": "local", "properties": properties})
    assert answer.is_success, answer.text
    return answer.json()["properties"]


def test_the_time_of_recovery_is_chosen_once(arm: Manager, path: str) -> None:
    for days in (6, 91, 0, -7, "30", 30.0, True):
        answer = arm("PUT", path, {"location": "local", "properties": {RETENTION: days}})
        assert (answer.status_code, code_of(answer)) == (400, "BadRequest"), days
    assert put(arm, path, **{RETENTION: 7})[RETENTION] == 7
    assert put(arm, path)[RETENTION] == 7
    assert arm("PATCH", path, {"properties": {RETENTION: 7}}).status_code == 200
    for method in ("PUT", "PATCH"):
        answer = arm(method, path, {"location": "local", "properties": {RETENTION: 90}})
        assert (answer.status_code, code_of(answer)) == (400, "BadRequest")
    assert arm("GET", path).json()["properties"][RETENTION] == 7


def test_purge_protection_is_not_taken_back(arm: Manager, path: str) -> None:
    shown = put(arm, path, **{PROTECTION: False})
    assert (shown[RETENTION], PROTECTION in shown, shown["enableSoftDelete"]) == (90, False, True)
    assert arm("PATCH", path, {"properties": {PROTECTION: True}}).json()["properties"][PROTECTION] is True
    assert put(arm, path)[PROTECTION] is True
    assert put(arm, path, **{PROTECTION: None})[PROTECTION] is True
    for refused in ({PROTECTION: False}, {PROTECTION: "true"}, {"enableSoftDelete": False}):
        answer = arm("PATCH", path, {"properties": refused})
        assert answer.status_code == 400, refused
    assert arm("GET", path).json()["properties"][PROTECTION] is True
