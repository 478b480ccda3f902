"""Request IDs: GUIDs that differ."""

from __future__ import annotations

import re

from keyless.http.request_ids import request_ids

GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def test_each_is_a_guid_of_its_own() -> None:
    new_id = request_ids(bytes)
    made = [new_id() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert all(GUID.fullmatch(one) for one in made)


def test_the_number_begins_anew_after_the_last() -> None:
    new_id = request_ids(lambda size: b"\xff" * size)
    assert [new_id()[-12:], new_id()[-12:]] == ["f" * 12, "0" * 12]


def test_two_sources_share_none() -> None:
    first, second = request_ids(lambda size: b"\x01" * size), request_ids(lambda size: b"\x02" * size)
    assert first()[:23] != second()[:23]
