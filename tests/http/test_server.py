"""The HTTP server as a whole, in a real process."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from uuid import uuid4

from tests.harness import ARM, STORAGE, VAULT, Owner, RunningServer


def test_it_stops_at_once_though_a_client_keeps_an_idle_connection(own_server: RunningServer) -> None:
    owner = Owner(own_server)
    owner.identity("somebody")
    before = time.monotonic()
    own_server.stop()
    assert time.monotonic() - before < 5
    owner.close()


def test_an_answer_is_dated_once(owner: Owner) -> None:
    name = f"d{uuid4().hex[:12]}"
    owner.vault(name)
    owner.account(name)
    answers = [
        owner.send("GET", f"{name}.vault", "/secrets?api-version=7.4", owner.token(VAULT)),
        owner.send("GET", f"{name}.blob", "/?comp=list", owner.token(STORAGE)),
        owner.send("GET", "management", f"{owner.group}?api-version=2024-01-01", owner.token(ARM)),
    ]
    for answer in answers:
        assert answer.status_code == 200
        assert abs(parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time()) < 10
        assert len(answer.headers.get_list("Date")) == 1
