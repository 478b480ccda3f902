"""Other hosts: network namespaces that stand for a container, a unit's machine, a virtual machine or a pod.

Owns making one, with a link of its own to this machine, and running programs there that see nothing of this machine
but what they were handed: variables, lines of a hosts file, and folders that are mounted.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

#: For tests of networks (RFC 2544): nobody has these addresses.
_NETWORKS = count(os.getpid() * 8 % 65_536, 8)

#: In a mount namespace of its own: a copy of /etc that can be written, the folders, and nothing of the server's.
_ENTER = """
set -eu
mount --make-rprivate /
stage=$1; hidden=$2; shift 2
mount -t tmpfs tmpfs "$stage"
cp -a /etc "$stage/etc"
cp "$HOSTS" "$stage/etc/hosts"
mount --bind "$stage/etc" /etc
while [ "$1" != -- ]; do
  case $2 in /etc/*) mkdir -p "$2"; mount --bind -o ro "$1" "$2";; *) [ "$1" = "$2" ];; esac
  shift 2
done
shift
mount -t tmpfs tmpfs "$hidden"
exec "$@"
"""


@dataclass(frozen=True)
class Handed:
    """What a host is handed: parsed from the text that keyless printed for it."""

    environ: Mapping[str, str] = field(repr=False)
    hosts: Sequence[tuple[str, str]]
    mounts: Mapping[str, str]


@dataclass(frozen=True)
class Host:
    """A host. It reaches this machine at `server`; `address` and `other` are its own."""

    namespace: str
    server: str
    address: str
    other: str
    stage: Path

    @property
    def _enter(self) -> list[str]:
        return ["ip", "netns", "exec", self.namespace, "unshare", "--mount", "sh", "-c", _ENTER, "sh"]

    def run(
        self, command: Sequence[str | Path], handed: Handed, hidden: Path, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a program there with what the host was handed; the folder `hidden` is not there."""
        hosts = self.stage.with_suffix(".hosts")
        lines = ["127.0.0.1 localhost", *(f"{address} {name}" for address, name in handed.hosts)]
        hosts.write_text("\n".join(lines) + "\n")
        mounts = [part for pair in handed.mounts.items() for part in pair]
        environ = {"PATH": os.environ["PATH"], "HOME": "/root", "HOSTS": str(hosts), **handed.environ, **more}
        return subprocess.run(
            [*self._enter, str(self.stage), str(hidden), *mounts, "--", *map(str, command)],
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@contextmanager
def other_host(folder: Path) -> Iterator[Host]:
    """A host for the time of the block; skips the test where none can be made."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a network namespace")
    name = uuid4().hex[:8]
    namespace, here, there = f"keyless-{name}", f"klh{name}", f"klt{name}"
    third, fourth = divmod(next(_NETWORKS) % 65_536, 256)
    server, address, other = (f"198.18.{third}.{fourth + n}" for n in (1, 2, 3))
    stage = folder / f"stage-{name}"
    stage.mkdir()
    try:
        made = _ip("netns", "add", namespace)
    except FileNotFoundError:
        pytest.skip("needs ip (iproute2)")
    if made.returncode != 0:
        pytest.skip(f"no network namespace can be made here: {made.stderr.strip()}")
    try:
        for step in (
            ("link", "add", here, "type", "veth", "peer", "name", there, "netns", namespace),
            ("address", "add", f"{server}/29", "dev", here),
            ("link", "set", here, "up"),
            ("-netns", namespace, "address", "add", f"{address}/29", "dev", there),
            ("-netns", namespace, "address", "add", f"{other}/29", "dev", there),
            ("-netns", namespace, "link", "set", there, "up"),
            ("-netns", namespace, "link", "set", "lo", "up"),
        ):
            done = _ip(*step)
            if done.returncode != 0:
                pytest.skip(f"no link to a network namespace can be made here: {done.stderr.strip()}")
        yield Host(namespace, server, address, other, stage)
    finally:
        _ip("netns", "delete", namespace)  # the link goes with it


def _ip(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)


# what was printed, as each kind of host reads it


def _file(text: str, quoted: bool) -> dict[str, str]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    pairs = (line.partition("=")[::2] for line in lines)
    return {name: shlex.split(value)[0] if quoted else value for name, value in pairs}


def _hosts_comments(text: str) -> list[tuple[str, str]]:
    return re.findall(r"^# ([0-9.]+) (\S+)$", text, re.MULTILINE)


def _same_place(environ: Mapping[str, str]) -> dict[str, str]:
    folder = str(Path(environ["SSL_CERT_FILE"]).parent)
    return {folder: folder}


def from_env(text: str, written: str) -> Handed:
    environ = _file(written or text, quoted=True)
    return Handed(environ, _hosts_comments(text), _same_place(environ))


def from_systemd(text: str, written: str) -> Handed:
    (file,) = re.findall(r"^EnvironmentFile=(/.+)$", text, re.MULTILINE)
    assert file
    variables = written or text.partition("# /etc/systemd")[0]
    environ = _file(variables, quoted=True)
    return Handed(environ, _hosts_comments(text), _same_place(environ))


def from_docker(text: str, written: str) -> Handed:
    variables, _, command = text.partition("docker run")
    words = shlex.split(command.replace("\\\n", ""))
    options = list(zip(words[:-1:2], words[1:-1:2], strict=True))
    hosts = [value.rsplit(":", 1)[::-1] for name, value in options if name == "--add-host"]
    volumes = [value.split(":") for name, value in options if name == "--volume"]
    assert words[-1] == "IMAGE"
    assert {name for name, _ in options} == {"--env-file", "--volume", "--add-host"}
    assert all(mode == "ro" for _, _, mode in volumes)
    environ = _file(written or variables, quoted=False)
    return Handed(environ, [(ip, name) for ip, name in hosts], {here: there for here, there, _ in volumes})


def from_compose(text: str, written: str) -> Handed:
    (service,) = yaml.safe_load(text)["services"].values()
    assert bool(written) == ("env_file" in service)
    environ = _file(written, quoted=False) if written else service["environment"]
    hosts = [entry.rsplit(":", 1)[::-1] for entry in service["extra_hosts"]]
    mounts = dict(volume.split(":")[:2] for volume in service["volumes"])
    return Handed(environ, [(ip, name) for ip, name in hosts], mounts)


def from_kubernetes(text: str, written: str) -> Handed:
    *secrets, patch = yaml.safe_load_all(text)
    assert len(secrets) == (0 if written else 1)
    pod: Any = patch["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    (mount,), (volume,) = container["volumeMounts"], pod["volumes"]
    assert mount["name"] == volume["name"]
    commands = {words[4]: words for words in map(str.split, text.splitlines()) if words[1:3] == ["kubectl", "create"]}
    made = {words[5 if words[3] == "secret" else 4]: words[-1] for words in commands.values()}
    folder = made[volume["configMap"]["name"]].removeprefix("--from-file=")
    name = container["envFrom"][0]["secretRef"]["name"]
    if written:
        assert made[name].startswith("--from-env-file=")
        environ = _file(written, quoted=False)
    else:
        assert secrets[0]["metadata"]["name"] == name
        environ = secrets[0]["stringData"]
    aliases = [(one["ip"], name) for one in pod["hostAliases"] for name in one["hostnames"]]
    return Handed(environ, aliases, {folder: mount["mountPath"]})


READERS: Mapping[str, Callable[[str, str], Handed]] = {
    "env": from_env,
    "docker": from_docker,
    "compose": from_compose,
    "systemd": from_systemd,
    "kubernetes": from_kubernetes,
}
