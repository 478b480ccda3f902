"""The HTTP server as a whole, in a real process."""

from __future__ import annotations

import time

from tests.harness import Owner, RunningServer


def test_it_stops_at_once_though_a_client_keeps_an_idle_connection(own_server: RunningServer) -> None:
    owner = Owner(own_server)
    owner.identity("somebody")
    before = time.monotonic()
    own_server.stop()
    assert time.monotonic() - before < 5
    owner.close()
