"""Official clients that know a token in a file and nothing else: of a cluster's kind, and another keyless's."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from keyless.model.federation import EXCHANGE_AUDIENCE
from tests.clients import go as go_folder
from tests.clients import javascript as javascript_folder
from tests.clients.place import Command, Place, make_place, output_of, python
from tests.clients.tools import BUILD_SECONDS, go_program, needed, npm_packages
from tests.harness import HeldLease, Owner, RunningServer, running_server
from tests.issuers import IssuerServer, issuer_server

pytestmark = pytest.mark.timeout(BUILD_SECONDS)
LANGUAGES = ["python", "javascript", "go"]
SUBJECT = "system:serviceaccount:default:shop"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IssuerServer]:
    """An issuer as a cluster is one: RS256, its own authority, at a private address."""
    with issuer_server(tmp_path_factory.mktemp("cluster"), "cluster.localhost", "RS256") as running:
        yield running


@pytest.fixture
def place(owner: Owner) -> Place:
    """A vault that only one identity may read; the app has no identity at all."""
    made = make_place(owner)
    owner.app(made.name)
    owner.secret(made.name, "greeting", "hello")
    made.allow("Key Vault Secrets User", made.vault_id)
    return made


@pytest.fixture(params=LANGUAGES)
def command(request: pytest.FixtureRequest) -> Command:
    """A program that reads the secret in every way that its library has."""
    if request.param == "python":
        return python("federated.py")
    if request.param == "go":
        return [go_program(Path(go_folder.__file__).parent), "federated"]
    folder = Path(javascript_folder.__file__).parent
    npm_packages(folder)
    return [needed("node", "Node.js"), folder / "programs" / "federated.mjs"]


class Pod:
    """Projects a token as kubelet does: each new one in a folder of its own, behind a link that is replaced."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "token"
        self.file.symlink_to("..data/token")

    def project(self, token: str) -> None:
        made = self.folder / f"..{uuid4().hex}"
        made.mkdir()
        (made / "token").write_text(token)
        link = self.folder / "..data_tmp"
        link.symlink_to(made.name)
        os.replace(link, self.folder / "..data")


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    return Pod(tmp_path)


@pytest.fixture
def reads(place: Place, command: Command, pod: Pod) -> Callable[[], set[str]]:
    """What the program says, which is the same in each of its ways."""
    instance = place.owner.server.instance
    authority = f"https://login.{instance.domain}:{place.owner.server.port}"

    def run() -> set[str]:
        ran = place.run(
            command,
            TENANT_ID=instance.tenant,
            CLIENT_ID=place.identity["clientId"],
            TOKEN_FILE=str(pod.file),
            AUTHORITY=authority,
        )
        said = json.loads(output_of(ran))
        assert len(said) in {3, 6}
        return set(said.values())

    return run


def keyless(place: Place, *arguments: str) -> None:
    done = place.owner.server.keyless(*arguments)
    assert done.returncode == 0, done.stderr


def test_a_projected_token_that_is_rotated(
    place: Place, reads: Callable[[], set[str]], pod: Pod, cluster: IssuerServer, tmp_path: Path
) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text(cluster.ca_pem)
    whom = ("--kubernetes", cluster.issuer.url, "default/shop", "--ca", str(ca), "--allow-private")
    keyless(place, "federation", "add", place.name, "--name", "pod", *whom)
    pod.project(cluster.issuer.token(exp=int(time.time()) - 61))
    assert reads() == {"AADSTS700024"}
    pod.project(cluster.issuer.token())
    assert reads() == {"hello"}
    pod.project(cluster.issuer.token(sub="system:serviceaccount:default:other"))
    assert reads() == {"AADSTS70021"}


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("elsewhere")) as running:
        yield running


def test_a_token_of_another_keyless(
    place: Place, reads: Callable[[], set[str]], pod: Pod, elsewhere: RunningServer
) -> None:
    stranger = Owner(elsewhere)
    name = f"worker-{uuid4().hex[:8]}"
    subject = stranger.app(name, system=True)["identity"]["principalId"]
    with HeldLease.open(elsewhere, name) as lease:
        pod.project(lease.token(EXCHANGE_AUDIENCE))
        assert reads() == {"AADSTS70021"}
        trust = ("--issuer", elsewhere.instance.issuer, "--subject", subject)
        reach = ("--ca", str(elsewhere.data / "tls" / "own-ca.pem"), "--allow-private")
        keyless(place, "federation", "add", place.name, *trust, *reach)
        assert reads() == {"hello"}
        pod.project(lease.token("https://vault.azure.net"))  # what it shows to vaults there is no proof here
        assert reads() == {"AADSTS70021"}
    stranger.close()
