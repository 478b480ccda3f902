"""A furnished server that is attacked, and that must be none the worse for it at the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.harness import VAULT, Owner, running_server
from tests.refusals.world import furnish


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owner]:
    """The owner of the server; afterwards its log tells of nothing that was not foreseen."""
    with running_server(tmp_path_factory.mktemp("hostile")) as server:
        owner = Owner(server)
        furnish(owner)
        yield owner
        assert serves(owner)
        owner.close()
        log = server.log.read_text()
        assert "failed" not in log, log
        assert "Traceback" not in log, log
        assert "Exception" not in log, log
        assert "broke off" not in log, log


def serves(owner: Owner) -> bool:
    """Whether a good request is answered."""
    answer = owner.send("GET", "kv-a.vault", "/secrets/s?api-version=7.4", owner.token(VAULT))
    return answer.status_code == 200 and answer.json()["value"] == "value"
