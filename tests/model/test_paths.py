from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from keyless.model.errors import KeylessError
from keyless.model.paths import config_folder, data_folder, socket_path


@pytest.mark.parametrize(
    ("folder", "own", "xdg", "home"),
    [
        (data_folder, "KEYLESS_DATA", "XDG_DATA_HOME", "/h/.local/share/keyless"),
        (config_folder, "KEYLESS_CONFIG", "XDG_CONFIG_HOME", "/h/.config/keyless"),
    ],
)
def test_own_variable_then_xdg_then_home(
    folder: Callable[[Mapping[str, str]], Path], own: str, xdg: str, home: str
) -> None:
    assert folder({own: "/own", xdg: "/xdg", "HOME": "/h"}) == Path("/own")
    assert folder({own: "", xdg: "/xdg", "HOME": "/h"}) == Path("/xdg/keyless")
    assert folder({xdg: "relative", "HOME": "/h"}) == Path(home)
    with pytest.raises(KeylessError, match=f"set {own}"):
        folder({})


def test_the_socket_lies_in_the_data_folder() -> None:
    assert socket_path(Path("/d")) == Path("/d/keyless.sock")
