"""The article's query, and what is around it, through SqlClient for .NET, in the service that mssql-cli brings along.

The arguments are the service and the folder of the OpenSSL that its runtime wants; it speaks JSON-RPC.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

SERVICE, LIBRARIES, ENCRYPT = sys.argv[1:4]


class Service:
    """One process, and requests to it."""

    def __init__(self) -> None:
        own = {"LD_LIBRARY_PATH": LIBRARIES, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([Path(SERVICE)], stdin=pipe, stdout=pipe, env=os.environ | own)
        self._last = 0

    def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """The answer to a request."""
        self._last += 1
        body = json.dumps({"jsonrpc": "2.0", "id": str(self._last), "method": method, "params": params}).encode()
        assert self._process.stdin
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()
        while True:
            said = self.next()
            if said.get("id") == str(self._last):
                return said

    def next(self) -> dict[str, Any]:
        """What it says next, of itself or as an answer."""
        out, size = self._process.stdout, 0
        assert out
        while line := out.readline().strip():
            size = int(line.split(b":")[1]) if line.lower().startswith(b"content-length") else size
        return dict(json.loads(out.read(size)))

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def connect(service: Service) -> None:
    options = {
        "server": f"{os.environ['SQL_SERVER']},{os.environ['SQL_PORT']}",
        "database": os.environ["SQL_DATABASE"],
        "authenticationType": "AzureMFA",
        "azureAccountToken": os.environ["TOKEN"],
        "encrypt": ENCRYPT == "true",
        "trustServerCertificate": False,
    }
    assert service.ask("connection/connect", {"ownerUri": "u", "connection": {"options": options}})["result"] is True
    while (said := service.next()).get("method") != "connection/complete":
        pass
    assert not said["params"]["messages"], said["params"]["messages"]


def rows(service: Service, text: str) -> list[list[str | None]]:
    """The rows of a statement, shown as text; an error is raised."""
    said = service.ask("query/simpleexecute", {"ownerUri": "u", "queryString": text})
    if "error" in said:
        raise LookupError(said["error"]["message"])
    return [[cell["displayValue"] if not cell["isNull"] else None for cell in row] for row in said["result"]["rows"]]


def refused(service: Service, text: str) -> None:
    """The service says no more of an error than that there are no rows."""
    try:
        rows(service, text)
    except LookupError:
        return
    raise AssertionError(text)


def statements(service: Service) -> None:
    rows(
        service,
        "CREATE TABLE TableName (ColumnName NVARCHAR(50)); INSERT INTO TableName VALUES (N'first'); SELECT 1 AS a",
    )
    assert rows(service, "select top 1 ColumnName from TableName") == [["first"]]
    rows(
        service,
        "CREATE TABLE products (id INT IDENTITY PRIMARY KEY, name NVARCHAR(50) NOT NULL UNIQUE,"
        " price DECIMAL(10, 2) NULL);"
        " INSERT INTO products (name, price) VALUES (N'Tee', 3.50), (N'Käse', 12), (N'茶', NULL); SELECT 1 AS a",
    )
    found = rows(service, "SELECT id, name, price FROM products ORDER BY id")
    assert found == [["1", "Tee", "3.50"], ["2", "Käse", "12.00"], ["3", "茶", None]], found
    refused(service, "SELECT 1 / 0 AS a")
    refused(service, "SELECT * FROM nothere")
    assert rows(service, "BEGIN TRANSACTION; DELETE FROM products; SELECT @@TRANCOUNT AS t") == [["1"]]
    # each statement has a connection of the pool, which was reset
    assert rows(service, "SELECT COUNT(*) AS n, @@TRANCOUNT AS t FROM products") == [["3", "0"]]
    numbers = "WITH n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
    large = rows(service, f"{numbers} SELECT a.i FROM n a CROSS JOIN n b WHERE b.i <= 20 OPTION (MAXRECURSION 1000)")
    assert len(large) == 20_000


def main() -> None:
    service = Service()
    try:
        connect(service)
        statements(service)
    finally:
        service.close()
    print("ok")


main()
