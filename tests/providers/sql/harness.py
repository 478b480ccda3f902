"""A server with the gateway and the engine of the tests, a SQL server in it, and what a driver needs to reach it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tests.harness import Owner, RunningServer, free_environment

SQL = "https://database.windows.net/"


@dataclass
class SqlServerProcess(RunningServer):
    """`keyless up` with its own engine."""

    sql_port: int = 0


@dataclass
class MemorySqlServerProcess(SqlServerProcess):
    """`tests.providers.sql.serve` as a process."""

    def start(self) -> None:
        reader, writer = os.pipe()
        command = [sys.executable, "-m", "tests.providers.sql.serve", str(self.port), str(writer)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=self.environ, pass_fds=(writer,), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            assert pipe.read(1) == b"1", self.log.read_text()
        self.port = self.instance.port


@contextmanager
def running_sql(
    folder: Path, kind: type[SqlServerProcess] = MemorySqlServerProcess, **settings: str
) -> Iterator[SqlServerProcess]:
    """A new instance, ended when the block ends."""
    data, config = folder / "data", folder / "config"
    port = free_port()
    server = kind(data, config, free_environment(data, config, KEYLESS_SQL_PORT=str(port), **settings), sql_port=port)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def free_port() -> int:
    """A port that nobody has at the moment."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass(frozen=True)
class SqlPlace:
    """A SQL server with one database, whose administrator is the owner if nobody else was named."""

    owner: Owner
    server: SqlServerProcess
    name: str
    id: str
    database: str

    @property
    def port(self) -> int:
        return self.server.sql_port

    @property
    def host(self) -> str:
        return f"{self.name}.database.{self.server.instance.domain}"

    @property
    def ca(self) -> str:
        return str(self.server.data / "tls" / "own-ca.pem")

    def token(self) -> str:
        return self.owner.token("https://database.windows.net")


def make_place(owner: Owner, server: SqlServerProcess, administrator: str = "") -> SqlPlace:
    """A place with names that nothing else on the server has; its administrator is a principal, or the owner."""
    name = f"sql-{uuid4().hex[:10]}"
    path = f"{owner.group}/providers/Microsoft.Sql/servers/{name}"
    sid = administrator or server.instance.owner.principal_id
    administrators = {"login": "administrator", "sid": sid, "principalType": "Application"}
    owner.arm("PUT", path, {"properties": {"administrators": administrators}})
    database = f"shop{uuid4().hex[:6]}"
    owner.arm("PUT", f"{path}/databases/{database}", {"properties": {}})
    return SqlPlace(owner, server, name, path, database)
