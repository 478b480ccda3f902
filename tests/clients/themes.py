"""What the runs of every language have in common: their themes, what each needs beforehand, and what is expected.

Owns the set-up only. A theme's program drives the client and compares what comes back by itself; it prints "ok".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.clients.place import Place, make_place
from tests.harness import Owner

#: What blobs are besides a plain body, each theme a program of its own.
BLOB_THEMES = ("account", "state", "sharing", "kinds")

VAULT_ACTIONS = ("get secret", "set secret")
BLOB_ACTIONS = ("read blob", "blob properties", "write blob", "list blobs")
UNKNOWN_IDENTITY = "No identity of that client ID, object ID or resource ID is assigned to the app"


def prepared(place: Place, theme: str) -> dict[str, str]:
    """Give the place all that a theme needs; what its program is told besides."""
    match theme:
        case "account":
            place.keep_everything()
            place.allow("Storage Blob Data Owner", place.account_id)
            # the properties of the service, and what kind of account it is, are the management's matter
            place.allow("Contributor", place.account_id)
        case "state":
            place.keep_everything()
            place.allow("Storage Blob Data Owner", place.account_id)
        case "kinds":
            place.allow("Storage Blob Data Owner", place.account_id)
        case "sharing":
            other = make_place(place.owner)
            place.owner.container(other.name, "box")
            place.owner.blob(other.name, "box/b", b"from elsewhere")
            place.allow("Storage Blob Data Owner", place.account_id)
            place.allow("Storage Blob Data Reader", other.account_id)
            return {"OTHER_BLOB": f"{other.account_url}/box/b"}
        case _:
            place.allow("Storage Blob Data Contributor", place.account_id)
    return {}


def account_urls(place: Place) -> tuple[str, ...]:
    """The account by its own name, by a cloud's, and in a path."""
    port = place.owner.server.port
    cloud = f"https://{place.name}.blob.core.windows.net"
    return place.account_url, cloud, f"https://127.0.0.1:{port}/{place.name}"


def fill(place: Place) -> None:
    """A secret and a blob to read."""
    place.owner.secret(place.name, "greeting", "hello")
    place.owner.container(place.name, "box")
    place.owner.blob(place.name, "box/hello.txt", b"world")


def app_with_three(owner: Owner) -> tuple[Place, dict[str, str], dict[str, str]]:
    """A place whose app has a system-assigned and two user-assigned identities.

    With it come what a program is told of the last one, and the object IDs by the way of asking.
    """
    place = make_place(owner)
    second = owner.identity(f"{place.name}-second")
    system = owner.app(place.name, place.identity["id"], second["id"], system=True)["identity"]["principalId"]
    selectors = {"CLIENT_ID": second["clientId"], "OBJECT_ID": second["principalId"], "RESOURCE_ID": second["id"]}
    ways = {"system-assigned": system, "default": system}
    ways |= dict.fromkeys(("client ID", "object ID", "resource ID", "default, client ID"), second["principalId"])
    return place, selectors, ways


def refusals(place: Place, tell: Callable[[str], str], vault_refused: str, blob_refused: Mapping[str, str]) -> None:
    """What is refused to a program that holds its tokens, and when a change of access counts: at the next request.

    `blob_refused` has what the client says of each action on blobs. The place is filled, and no role assigned yet.
    """
    refused = dict.fromkeys(VAULT_ACTIONS, vault_refused) | dict(blob_refused)

    def tell_all(*actions: str) -> dict[str, str]:
        return {action: tell(action) for action in actions}

    def done(*actions: str) -> dict[str, str]:
        return dict.fromkeys(actions, "done")

    assert tell_all(*refused) == refused
    reads = [
        place.allow("Key Vault Secrets User", place.vault_id),
        place.allow("Storage Blob Data Reader", place.account_id),
    ]
    changes = ("set secret", "write blob")
    allowed = [action for action in refused if action not in changes]
    assert tell_all(*allowed) == done(*allowed)
    assert tell_all(*changes) == {action: refused[action] for action in changes}
    for assignment in reads:
        place.owner.arm("DELETE", assignment)
    assert tell_all(*refused) == refused
    place.allow_all()
    assert tell_all(*refused) == done(*refused)
    place.owner.arm("DELETE", place.identity["id"])
    for said in tell_all("get secret", "read blob").values():
        assert "401" in said.split()


def not_driven(operations: Mapping[str, Iterable[str]], programs: Iterable[Path]) -> dict[str, list[str]]:
    """Of the public operations of some clients, by type: those that no program calls."""
    text = "\n".join(program.read_text() for program in programs)
    called = set(re.findall(r"(?:\.|::)(\w+?)(?:WithResponse)?\b", text))
    left = {kind: sorted(set(names) - called) for kind, names in operations.items()}
    return {kind: names for kind, names in left.items() if names}


def check_unknown_identity(said: Mapping[str, Any], seconds: float = 2) -> None:
    """What a library said of an identity that the app does not have: the server's own word, and at once."""
    assert set(said) == {"managed identity", "default"}
    for name, (message, took) in said.items():
        assert UNKNOWN_IDENTITY in message, name
        assert float(took) < seconds, name
