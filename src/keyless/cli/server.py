"""`keyless up | down | status`: the server of a data folder.

Owns starting it, in the foreground or detached, stopping it, and saying how it is. The only part of the command
line that reaches the server's rooms; it needs the extra `server`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click

from keyless.bootstrap.run import serve
from keyless.bootstrap.sql import databases_in, engine_of
from keyless.cli.output import Output
from keyless.config import read_config
from keyless.model.errors import conflict
from keyless.store.folder import Instance, read_holder, read_instance

STOP_SECONDS = 30.0
LOG_FILE = "keyless.log"

_data = click.option("--data", type=click.Path(path_type=Path), help="The data folder (KEYLESS_DATA).")
_output = click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", help="How to print it.")


@click.command()
@_data
@click.option("--port", type=click.IntRange(0, 65535), help="The HTTPS port, 8443 by default; 0 takes a free one.")
@click.option("--listen", multiple=True, metavar="ADDRESS", help="Listen at this address too; may be repeated.")
@click.option("--detach", is_flag=True, help="Return once it is ready, and let it run on.")
@click.option("--ready-fd", type=int, hidden=True)
def up(data: Path | None, port: int | None, listen: tuple[str, ...], detach: bool, ready_fd: int | None) -> None:
    """Start the server. The first start makes everything that it needs.

    \b
    keyless up --detach
    """
    environ = {**os.environ, "KEYLESS_LISTEN": ",".join(listen)} if listen else os.environ
    config = read_config(environ, data=data and data.absolute(), port=port)
    if detach:
        _detach(config.data, port, listen)
        return
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    logging.getLogger("keyless").setLevel(logging.INFO)

    def ready(instance: Instance) -> None:
        if ready_fd is None:
            click.echo(_greeting(config.data, instance) + "\nCtrl-C stops it.")
        else:
            _go_on_alone(config.data, ready_fd)

    serve(config, ready, engine_of(config))


@click.command()
@_data
def down(data: Path | None) -> None:
    """Stop the server, and wait until it has stopped."""
    folder = _folder(data)
    holder = read_holder(folder)
    if holder is None:
        click.echo(f"Nothing is running in {folder}.")
        return
    with contextlib.suppress(ProcessLookupError):  # it has just gone by itself
        os.kill(holder.pid, signal.SIGTERM)
    until = time.monotonic() + STOP_SECONDS
    while read_holder(folder) is not None:
        if time.monotonic() > until:
            raise conflict(f"Process {holder.pid} has not stopped after {STOP_SECONDS:g} seconds: see its log.")
        time.sleep(0.05)
    click.echo(f"Stopped (process {holder.pid}).")


@click.command()
@_data
@_output
def status(data: Path | None, output: str) -> int:
    """Say whether the server runs, and where. Exits with 1 when it does not."""
    folder = _folder(data)
    instance, holder = read_instance(folder), read_holder(folder)
    found: dict[str, object] = {"running": holder is not None, "data": str(folder)}
    if instance and holder:
        started = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(holder.started))
        found |= {"pid": holder.pid, "since": started, **_addresses(instance), "tenant": instance.tenant}
        found |= {"subscription": instance.subscription, "issuer": instance.issuer}
    if where := databases_in(folder):
        found["databases"] = where
    Output(output == "json").object(found, {name: name for name in found})
    return 0 if holder else 1


def _folder(data: Path | None) -> Path:
    return read_config(os.environ, data=data and data.absolute()).data


def _addresses(instance: Instance) -> dict[str, object]:
    site = instance.domain if instance.port == 443 else f"{instance.domain}:{instance.port}"
    return {
        "management": f"https://management.{site}",
        "login": f"https://login.{site}",
        "vaults": f"https://{{vault}}.vault.{site}",
        "blobs": f"https://{{account}}.blob.{site}",
    }


def _greeting(folder: Path, instance: Instance) -> str:
    lines = [f"keyless is ready: {folder}"]
    lines += [f"  {name:<12}{address}" for name, address in _addresses(instance).items()]
    if instance.listen:
        lines.append(f"It listens at {', '.join(instance.listen)} too: other machines may reach it there.")
    # the boundary between apps is the user that they run as; here that is one and the same
    lines.append("Every program of your user can borrow any app's identity: apps are kept apart by user, not by name.")
    return "\n".join(lines)


def _detach(folder: Path, port: int | None, listen: tuple[str, ...]) -> None:
    """Start another process that goes on alone once it is ready; until then its complaints are seen here."""
    reader, writer = os.pipe()
    command = [sys.executable, "-m", "keyless", "up", "--data", str(folder), "--ready-fd", str(writer)]
    if port is not None:
        command += ["--port", str(port)]
    for address in listen:
        command += ["--listen", address]
    try:
        process = subprocess.Popen(command, pass_fds=(writer,), stdin=subprocess.DEVNULL, start_new_session=True)
    finally:
        os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        is_ready = pipe.read(1) == b"1"
    if not is_ready:
        process.wait()
        raise SystemExit(1)
    instance = read_instance(folder)
    if instance is None:
        raise conflict(f"{folder} has gone while the server started.")
    click.echo(_greeting(folder, instance) + f"\nIt runs as process {process.pid}; `keyless down` stops it.")


def _go_on_alone(folder: Path, ready_fd: int) -> None:
    """Write to the log file from now on, and tell the parent."""
    log = os.open(folder / LOG_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    for standard in (1, 2):
        os.dup2(log, standard)
    os.close(log)
    os.write(ready_fd, b"1")
    os.close(ready_fd)
