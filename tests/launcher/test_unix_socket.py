"""Which server a launcher speaks to."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyless.launcher.unix_socket import find_server
from keyless.model.errors import KeylessError


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    place = tmp_path / "workload.sock"
    place.touch()
    return place


def environment(shared: Path, data: Path) -> dict[str, str]:
    return {"KEYLESS_WORKLOAD_SOCKET": str(shared), "KEYLESS_DATA": str(data)}


def test_the_owner_s_own_comes_first(tmp_path: Path, shared: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    assert find_server("", environment(shared, data)) == data / "keyless.sock"


def test_a_folder_that_is_named_is_meant(tmp_path: Path, shared: Path) -> None:
    named = tmp_path / "absent"
    assert find_server(str(named), environment(shared, tmp_path)) == named / "keyless.sock"


def test_who_has_no_folder_of_its_own_is_a_workload(tmp_path: Path, shared: Path) -> None:
    assert find_server("", environment(shared, tmp_path / "absent")) == shared
    assert find_server("", {"KEYLESS_WORKLOAD_SOCKET": str(shared)}) == shared  # a service may have no home


def test_without_a_socket_for_workloads_the_own_one_is_missing(tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    assert find_server("", environment(absent, absent)) == absent / "keyless.sock"
    with pytest.raises(KeylessError, match="KEYLESS_DATA"):
        find_server("", {"KEYLESS_WORKLOAD_SOCKET": str(absent)})
