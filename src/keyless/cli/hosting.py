"""What another host needs to run an instance, written for each kind of host. Pure.

Owns the texts: environment files, commands and manifests that can be pasted as they are. Values are quoted for the
reader that each text is meant for. A secret stands in an environment file or a Secret, never in a command.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from keyless.launcher.environment import TrustFiles
from keyless.launcher.jks import PASSWORD
from keyless.model.hosts import APP_SERVICE, APP_SERVICE_2017

#: Where a container finds the files that say whom to trust.
MOUNT = "/etc/keyless/trust"
#: Kinds of host that see no folder of this machine.
CONTAINERS = frozenset({"docker", "compose", "kubernetes"})


@dataclass(frozen=True)
class Source:
    """Where the instance gets its tokens, and what else its clients are told."""

    host: str
    endpoint: str
    header: str
    tenant: str
    authority: str
    client_id: str


@dataclass(frozen=True)
class Hosting:
    """One instance for another host.

    `names` lead to `address`. `trust` is the folder with the files here, `env_file` the one with the variables, and
    `written` whether it has been written.
    """

    app: str
    variables: Mapping[str, str]
    address: str
    names: Sequence[str]
    trust: str
    env_file: str
    written: bool


#: By the shape of the host: where its clients look.
SOURCES: Mapping[str, Callable[[Source], dict[str, str]]] = {
    APP_SERVICE: lambda source: {"IDENTITY_ENDPOINT": source.endpoint, "IDENTITY_HEADER": source.header},
    APP_SERVICE_2017: lambda source: {
        "MSI_ENDPOINT": source.endpoint,
        "MSI_SECRET": source.header,
        **({"DEFAULT_IDENTITY_CLIENT_ID": source.client_id} if source.client_id else {}),
    },
}


def variables(source: Source, trust: TrustFiles) -> dict[str, str]:
    """The environment of the instance's programs."""
    client_id = {"AZURE_CLIENT_ID": source.client_id} if source.client_id else {}
    return {
        **SOURCES[source.host](source),
        "AZURE_AUTHORITY_HOST": source.authority,
        "AZURE_TENANT_ID": source.tenant,
        **client_id,
        "AZURE_TOKEN_CREDENTIALS": "prod",
        "SSL_CERT_FILE": trust.bundle,
        "REQUESTS_CA_BUNDLE": trust.bundle,
        "CURL_CA_BUNDLE": trust.bundle,
        "NODE_EXTRA_CA_CERTS": trust.added,
        "JAVA_TOOL_OPTIONS": f"-Djavax.net.ssl.trustStore={trust.java} "
        f"-Djavax.net.ssl.trustStorePassword={PASSWORD} -Djavax.net.ssl.trustStoreType=JKS",
    }


def trust_in(folder: str) -> TrustFiles:
    """The files of a folder, by the names that `launcher/trust.py` gives them."""
    return TrustFiles(*(str(PurePosixPath(folder, name)) for name in ("roots.pem", "added.pem", "roots.jks")))


def env_file(kind: str, given: Mapping[str, str]) -> str:
    """The variables, a line for each: quoted as shells and systemd read them; Docker takes them as they stand."""
    plain = kind in CONTAINERS
    return "".join(f"{name}={value if plain else shlex.quote(value)}\n" for name, value in given.items())


def _env(host: Hosting) -> str:
    return _variables("env", host) + f"# /etc/hosts of that machine:\n{_hosts_lines(host)}"


def _docker(host: Hosting) -> str:
    options = [
        f"--env-file {shlex.quote(host.env_file)}",
        f"--volume {shlex.quote(f'{host.trust}:{MOUNT}:ro')}",
        *(f"--add-host {name}:{host.address}" for name in host.names),
        "IMAGE",
    ]
    return _variables("docker", host) + " \\\n  ".join(["docker run", *options]) + "\n"


def _compose(host: Hosting) -> str:
    if host.written:
        environment = ["    env_file:", f"      - {_compose_text(host.env_file)}"]
    else:
        given = ((name, _compose_text(value)) for name, value in host.variables.items())
        environment = ["    environment:", *(f"      {name}: {value}" for name, value in given)]
    lines = [
        "services:",
        f"  {_yaml(host.app)}:",
        *environment,
        "    volumes:",
        f"      - {_compose_text(f'{host.trust}:{MOUNT}:ro')}",
        "    extra_hosts:",
        *(f"      - {_yaml(f'{name}:{host.address}')}" for name in host.names),
    ]
    return "\n".join(lines) + "\n"


def _systemd(host: Hosting) -> str:
    lines = [
        f"# /etc/systemd/system/{host.app}.service.d/keyless.conf",
        "[Service]",
        f"EnvironmentFile={host.env_file}",
        "",
        "# /etc/hosts of that machine:",
    ]
    return _variables("systemd", host) + "\n".join(lines) + f"\n{_hosts_lines(host)}"


def _kubernetes(host: Hosting) -> str:
    name = f"keyless-{host.app.lower()}"
    made = [f"# kubectl create configmap {name}-trust --from-file={shlex.quote(host.trust)}"]
    secret = []
    if host.written:
        made.append(f"# kubectl create secret generic {name} --from-env-file={shlex.quote(host.env_file)}")
    else:
        given = (f"  {key}: {_yaml(value)}" for key, value in host.variables.items())
        secret = ["apiVersion: v1", "kind: Secret", "metadata:", f"  name: {name}", "stringData:", *given, "---"]
    lines = [
        *made,
        *secret,
        "# kubectl patch deployment DEPLOYMENT --patch-file FILE, with what follows and the name of your container",
        "spec:",
        "  template:",
        "    spec:",
        "      hostAliases:",
        f"        - ip: {_yaml(host.address)}",
        "          hostnames:",
        *(f"            - {_yaml(one)}" for one in host.names),
        "      containers:",
        f"        - name: {_yaml(host.app.lower())}",
        "          envFrom:",
        "            - secretRef:",
        f"                name: {name}",
        "          volumeMounts:",
        "            - name: keyless-trust",
        f"              mountPath: {MOUNT}",
        "              readOnly: true",
        "      volumes:",
        "        - name: keyless-trust",
        "          configMap:",
        f"            name: {name}-trust",
    ]
    return "\n".join(lines) + "\n"


#: By the kind of host: the text for it.
KINDS: Mapping[str, Callable[[Hosting], str]] = {
    "env": _env,
    "docker": _docker,
    "compose": _compose,
    "systemd": _systemd,
    "kubernetes": _kubernetes,
}


def _variables(kind: str, host: Hosting) -> str:
    return "" if host.written else f"# {host.env_file}:\n{env_file(kind, host.variables)}\n"


def _hosts_lines(host: Hosting) -> str:
    return "".join(f"# {host.address} {name}\n" for name in host.names)


def _yaml(text: str) -> str:
    """A string in YAML: one of JSON is one."""
    return json.dumps(text)


def _compose_text(text: str) -> str:
    """The same for Compose, which reads a dollar sign as the beginning of a variable."""
    return _yaml(text.replace("$", "$$"))
