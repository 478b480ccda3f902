"""What is printed for another host stays what it is, whatever stands in it."""

from __future__ import annotations

import shlex
import subprocess

import pytest
import yaml

from keyless.cli.hosting import CONTAINERS, KINDS, MOUNT, Hosting, Source, env_file, trust_in, variables

SOURCE = Source(
    "app-service", "https://identity.x:8443/msi/token", "s3cret", "tenant", "https://login.x:8443", "client"
)
NAMES = ("identity.x", "shop.vault.x")


def hosting(kind: str, *, trust: str = "/srv/trust", env: str = "/srv/web.env", written: bool = True) -> Hosting:
    given = variables(SOURCE, trust_in(MOUNT if kind in CONTAINERS else trust))
    return Hosting("Web-1", given, "10.0.0.1", NAMES, trust, env, written)


@pytest.mark.parametrize("kind", KINDS)
def test_the_secret_is_not_printed_where_it_has_been_written(kind: str) -> None:
    assert "s3cret" not in KINDS[kind](hosting(kind))
    assert "s3cret" in KINDS[kind](hosting(kind, written=False))


def test_an_app_with_several_identities_is_not_told_which_one_to_take() -> None:
    assert "AZURE_CLIENT_ID" not in variables(SOURCE.__class__(**{**vars(SOURCE), "client_id": ""}), trust_in("/t"))


def test_the_older_shape_has_the_variables_of_its_clients_only() -> None:
    given = variables(Source("app-service-2017", "https://identity.x", "s3cret", "t", "https://l", "c"), trust_in("/t"))
    assert (given["MSI_ENDPOINT"], given["MSI_SECRET"]) == ("https://identity.x", "s3cret")
    assert given["DEFAULT_IDENTITY_CLIENT_ID"] == "c"
    assert not [name for name in given if name.startswith("IDENTITY_")]


@pytest.mark.parametrize("kind", ["env", "systemd"])
def test_a_shell_reads_the_file(kind: str) -> None:
    given = variables(SOURCE, trust_in("/srv/two words $HOME 'quoted'"))
    script = f"set -a; {env_file(kind, given)}\nprintf '%s' \"$SSL_CERT_FILE|$JAVA_TOOL_OPTIONS\""
    told = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert told == f"{given['SSL_CERT_FILE']}|{given['JAVA_TOOL_OPTIONS']}"


def test_paths_with_spaces_stay_one_argument() -> None:
    text = KINDS["docker"](hosting("docker", trust="/srv/a b", env="/srv/c d.env"))
    words = shlex.split(text.replace("\\\n", ""))
    assert words[words.index("--volume") + 1] == f"/srv/a b:{MOUNT}:ro"
    assert words[words.index("--env-file") + 1] == "/srv/c d.env"


@pytest.mark.parametrize("written", [True, False])
def test_compose_reads_no_variables_into_it(written: bool) -> None:
    made = hosting("compose", trust="/srv/$x: y", written=written)
    service = yaml.safe_load(KINDS["compose"](made))["services"]["Web-1"]
    if not written:
        assert service["environment"] == dict(made.variables)
    assert service["volumes"] == [f"/srv/$$x: y:{MOUNT}:ro"]
    assert service["extra_hosts"] == [f"{name}:10.0.0.1" for name in NAMES]


@pytest.mark.parametrize("written", [True, False])
def test_names_in_kubernetes_are_in_lower_case(written: bool) -> None:
    documents = list(yaml.safe_load_all(KINDS["kubernetes"](hosting("kubernetes", written=written))))
    pod = documents[-1]["spec"]["template"]["spec"]
    assert pod["hostAliases"] == [{"ip": "10.0.0.1", "hostnames": list(NAMES)}]
    assert pod["containers"][0]["name"] == "web-1"
    assert pod["volumes"][0]["configMap"]["name"] == "keyless-web-1-trust"
    if not written:
        assert documents[0]["metadata"]["name"] == "keyless-web-1"
        assert documents[0]["stringData"] == dict(hosting("kubernetes").variables)
