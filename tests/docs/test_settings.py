"""The page of settings has all of them, with their defaults and limits, and no other."""

from __future__ import annotations

import re

import pytest

from keyless.config import SETTINGS, Config, read_config
from keyless.model.errors import KeylessError
from tests.docs.pages import PAGES, ROOT, name_of

FOLDERS = {"KEYLESS_DATA", "KEYLESS_CONFIG"}
KNOWN = {setting.variable for setting in SETTINGS} | FOLDERS
ROWS = dict(re.findall(r"^\| `(KEYLESS_\w+)` \| (.+) \|$", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE))


def test_every_setting_has_a_row_and_every_row_a_setting() -> None:
    assert set(ROWS) == KNOWN


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_page_names_a_setting_that_is_none(page: object) -> None:
    assert set(re.findall(r"KEYLESS_[A-Z_]+[A-Z]", (ROOT / name_of(page)).read_text())) <= KNOWN  # type: ignore[arg-type]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.variable)
def test_defaults_and_limits_are_those_of_the_program(setting: object) -> None:
    from keyless.config import Setting

    assert isinstance(setting, Setting)
    default, _, text = ROWS[setting.variable].partition(" | ")
    value = Config.__dataclass_fields__[setting.field].default
    if value not in {None, ()}:
        assert default == f"`{value}`"
    limits = re.search(r"(\d+) to (\d+)\b|(\d+) or more", text)
    if limits is None:
        return
    least, most = limits[1] or limits[3], limits[2]
    assert getattr(read_config({setting.variable: least, "HOME": "/"}), setting.field) == int(least)
    with pytest.raises(KeylessError):
        read_config({setting.variable: str(int(least) - 1), "HOME": "/"})
    if most:
        assert getattr(read_config({setting.variable: most, "HOME": "/"}), setting.field) == int(most)
        with pytest.raises(KeylessError):
            read_config({setting.variable: str(int(most) + 1), "HOME": "/"})
