"""The runs of one client in every shape of host: whose token it gets in each, at once, or why it cannot.

Owns the place that they run in and the comparison. A client that cannot is told by words from its own source.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.clients.place import Command, Ran, make_place
from tests.harness import Owner

#: What no first token takes: a probe that waits, or a request that is tried again.
MAX_SECONDS = 10.0

SYSTEM, NAMED = "the system-assigned identity", "the user-assigned identity"

#: By the client's way of asking: whose token it gets, or words of its refusal.
Expected = Mapping[str, str]


@dataclass(frozen=True)
class Hosts:
    """An app with both kinds of identity."""

    owner: Owner

    def check(
        self, host: str, command: Command, expected: Expected, output: Callable[[Ran], str], *options: str
    ) -> None:
        """Run a client's program in that shape of host."""
        place = make_place(self.owner)
        app = self.owner.app(place.name, place.identity["id"], system=True)
        principals = {SYSTEM: app["identity"]["principalId"], NAMED: place.identity["principalId"]}
        environ = {
            "CLIENT_ID": place.identity["clientId"],
            "OBJECT_ID": place.identity["principalId"],
            "RESOURCE_ID": place.identity["id"],
            "WAYS": json.dumps(list(expected)),
        }
        found = json.loads(output(place.run(command, "--host", host, *options, **environ)))
        assert set(found) == set(expected)
        for way, (got, seconds) in found.items():
            wanted = expected[way]
            if wanted in principals:
                assert got == principals[wanted], f"{way}: {got}"
            else:
                assert wanted in got, f"{way}: {got}"
            assert seconds < MAX_SECONDS, f"{way} took {seconds:.1f} s"
