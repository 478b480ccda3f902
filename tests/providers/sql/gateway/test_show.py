"""What `keyless sql show` prints, and who administers a server. Drivers use the strings in `drivers/`."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from tests.providers.sql.harness import SqlPlace


def shown(place: SqlPlace) -> list[dict[str, Any]]:
    ran = place.server.keyless("sql", "show", place.name, "-o", "json")
    assert ran.returncode == 0, ran.stderr
    return list(json.loads(ran.stdout))


def test_each_database_has_its_strings(place: SqlPlace) -> None:
    place.owner.arm("PUT", f"{place.id}/databases/zoo", {"properties": {}})
    first, second = shown(place)
    assert (first["database"], second["database"]) == (place.database, "zoo")
    assert (first["host"], first["port"]) == (place.host, place.port)
    assert {"odbc", "jdbc", "adonet", "url"} < first.keys()
    text = place.server.keyless("sql", "show", place.name).stdout
    for one in (first, second):
        for name, value in one.items():
            assert f"{name}".ljust(8) + f"  {value}\n" in text


def test_an_administrator_is_whoever_the_word_stands_for(place: SqlPlace) -> None:
    person, group = f"ann{uuid4().hex[:6]}", f"dba{uuid4().hex[:6]}"
    for made in (("create-user", person), ("create-group", group)):
        assert place.server.keyless("principal", *made).returncode == 0
    words = {"owner": "Application", "me": "Application", f"user:{person}": "User", f"group:{group}": "Group"}
    for word, kind in words.items():
        ran = place.server.keyless("sql", "create", place.name, "--admin", word, "-o", "json")
        held = json.loads(ran.stdout)["properties"]["administrators"]
        assert held["principalType"] == kind
        assert (held["sid"] == place.server.instance.owner.principal_id) == (kind == "Application")
    kept = place.server.keyless("sql", "create", place.name, "-o", "json")
    assert json.loads(kept.stdout)["properties"]["administrators"]["login"] == group
    nobody = place.server.keyless("sql", "create", place.name, "--admin", "nobody")
    assert (nobody.returncode, "There is no principal 'nobody'" in nobody.stderr) == (1, True)
