"""Azure.Identity, Azure.Security.KeyVault.Secrets and Azure.Storage.Blobs for .NET, in a program that has them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.clients.place import Place
from tests.clients.themes import fill
from tests.clients.tools import azmcp_program


def asked(place: Place, *words: str) -> dict[str, Any]:
    """What the program answers, below what it logs."""
    subscription = place.owner.server.instance.subscription
    ran = place.run([azmcp_program(Path(__file__).parent), *words], AZURE_SUBSCRIPTION_ID=subscription)
    return dict(json.loads(re.findall(r"^\{\n.*?^\}$", ran.stdout, re.DOTALL | re.MULTILINE)[-1]))


def test_a_secret_and_a_blob(place: Place) -> None:
    fill(place)
    place.allow_all()
    secret = asked(place, "keyvault", "secret", "get", "--vault", place.name, "--secret", "greeting")
    assert secret["results"]["secret"]["value"] == "hello"
    blob = asked(
        place, *("storage", "blob", "get", "--account", place.name, "--container", "box", "--blob", "hello.txt")
    )
    (found,) = blob["results"]["blobs"]
    assert (found["name"], found["contentLength"], found["blobType"]) == ("hello.txt", 5, "Block")


def test_what_is_refused(place: Place) -> None:
    fill(place)
    said = asked(place, "keyvault", "secret", "get", "--vault", place.name, "--secret", "greeting")
    assert said["status"] == 403
