"""What a data folder tells of its instance."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from keyless.cli.errors import Refused
from keyless.cli.instance import read_instance
from tests.cli.fakes import INSTANCE

TOLD = {
    "instance": INSTANCE.id,
    "tenant": INSTANCE.tenant,
    "subscription": INSTANCE.subscription,
    "resource_group": "default",
    "domain": "keyless.localhost",
    "port": 8443,
    "address": "127.0.0.1",
    "issuer": "https://login.keyless.localhost:8443/x",
    "owner": {"client_id": INSTANCE.owner_client_id, "principal_id": INSTANCE.owner_principal_id},
}


def test_reads_what_the_server_wrote(tmp_path: Path) -> None:
    (tmp_path / "instance.json").write_text(json.dumps(TOLD))
    assert read_instance(tmp_path) == replace(INSTANCE, data=tmp_path)


def test_443_is_left_out_of_a_url() -> None:
    assert INSTANCE.authority("a.b") == "a.b:8443"
    assert replace(INSTANCE, port=443).authority("a.b") == "a.b"


def test_no_instance_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="start one with `keyless up`"):
        read_instance(tmp_path)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", json.dumps(TOLD)[:-9], *(json.dumps(TOLD | {name: []}) for name in TOLD if name != "issuer")],
)
def test_a_damaged_description_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "instance.json").write_text(text)
    with pytest.raises(Refused, match=r"instance\.json is damaged"):
        read_instance(tmp_path)
