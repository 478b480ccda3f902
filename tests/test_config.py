"""The settings: read once, checked as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyless.config import SETTINGS, Config, read_config
from keyless.model.errors import KeylessError

HOME = {"HOME": "/home/me"}


def test_without_settings_the_defaults_count() -> None:
    found = read_config(HOME)
    assert found == Config(Path("/home/me/.local/share/keyless"), Path("/home/me/.config/keyless"))
    assert (found.address, found.port, found.domain) == ("127.0.0.1", 8443, "keyless.localhost")
    assert (found.token_lifetime, found.token_rate) == (86_400, 20)


def test_what_is_given_overrules_the_environment() -> None:
    environ = HOME | {"KEYLESS_PORT": "1", "KEYLESS_DATA": "/d", "KEYLESS_DOMAIN": "Keys.Example.COM"}
    found = read_config(environ, port=2, data=None)
    assert (found.port, found.data, found.domain) == (2, Path("/d"), "keys.example.com")


def test_addresses_are_named_one_by_one() -> None:
    found = read_config(HOME | {"KEYLESS_LISTEN": " 172.17.0.1, fd00::1,172.17.0.1,"})
    assert found.listen == ("172.17.0.1", "fd00::1")
    assert read_config(HOME | {"KEYLESS_LISTEN": ""}).listen == ()


@pytest.mark.parametrize(
    ("variable", "texts"),
    [
        ("KEYLESS_PORT", ["", "-1", "65536", "x", "1.0", "²", " 1"]),
        ("KEYLESS_ADDRESS", ["0.0.0.0", "localhost", "::", "", "192.168.1.1"]),
        (
            "KEYLESS_LISTEN",
            ["0.0.0.0", "::", "docker0", "10.0.0.1,0.0.0.0", "224.0.0.1", "255.255.255.255", "10.0.0.0/8"],
        ),
        ("KEYLESS_WORKLOAD_SOCKET", ["", "workload.sock", "./x"]),
        ("KEYLESS_DOMAIN", ["", "nodot", "a..b", ".a.b", "a.b.", "a b.c", "-a.b", "a.b-", "x" * 64 + ".y", "a.b\n"]),
        ("KEYLESS_TOKEN_LIFETIME", ["59", "604801"]),
        ("KEYLESS_TOKEN_RATE", ["0", "100001"]),
        ("KEYLESS_KEY_ROTATION", ["59"]),
        ("KEYLESS_AUDIT_BYTES", ["4095", "9" * 5000]),
    ],
)
def test_a_value_that_is_none(variable: str, texts: list[str]) -> None:
    for text in texts:
        with pytest.raises(KeylessError) as refused:
            read_config(HOME | {variable: text})
        assert variable in refused.value.message


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(KeylessError) as refused:
        read_config(HOME | {"KEYLESS_PORT": "x", "KEYLESS_RATE": "1", "KEYLESS_TYPO": "1", "KEYLESS_DOMAIN": "x"})
    for word in ("KEYLESS_PORT", "KEYLESS_RATE is not a setting", "KEYLESS_TYPO is not a setting", "KEYLESS_DOMAIN"):
        assert word in refused.value.message


def test_every_setting_is_a_field_and_every_field_a_setting() -> None:
    fields = {setting.field for setting in SETTINGS} | {"data", "config"}
    assert fields == set(Config.__dataclass_fields__)
    assert all(setting.meaning and setting.variable.startswith("KEYLESS_") for setting in SETTINGS)
