"""How programs connect by each of the drivers: pyodbc, mssql-python, pytds.

TOKEN is there for the ways that take one; without it the driver gets its own by its mode WAY, for the client CLIENT
with the secret SECRET. Where PROVIDER is set, mssql-python gets the token from an object that is handed to it.
"""

from __future__ import annotations

import os
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

DRIVER, ENCRYPT = sys.argv[1:3]
SERVER, PORT, DATABASE = (os.environ[name] for name in ("SQL_SERVER", "SQL_PORT", "SQL_DATABASE"))
TOKEN = os.environ.get("TOKEN", "")
ACCESS_TOKEN = 1256
#: How the driver marks a parameter.
MARK = "%s" if DRIVER == "pytds" else "?"


def attributes() -> dict[str, Any]:
    data = TOKEN.encode("utf-16-le")
    return {"attrs_before": {ACCESS_TOKEN: struct.pack("<I", len(data)) + data}} if TOKEN else {}


def odbc_driver() -> str:
    """The library that comes with mssql-python, for pyodbc to load by its path."""
    from pathlib import Path

    import mssql_python_odbc

    folder = Path(mssql_python_odbc.__file__).parent / "libs" / "linux" / "debian_ubuntu"
    return str(next(folder.rglob("libmsodbcsql*.so*")))


def mode() -> str:
    """The driver's own mode, in a connection string."""
    words = {"Authentication": "WAY", "UID": "CLIENT", "PWD": "SECRET"}
    return "" if TOKEN else "".join(f"{word}={os.environ[name]};" for word, name in words.items() if name in os.environ)


@dataclass(frozen=True)
class Given:
    """What azure-core calls an access token."""

    token: str
    expires_on: int


class Provider:
    def get_token(self, *_scopes: str, **_more: object) -> Given:
        return Given(TOKEN, int(time.time()) + 3600)


def by_pyodbc() -> Any:
    import pyodbc

    text = f"Driver={odbc_driver()};Server={SERVER},{PORT};Database={DATABASE};Encrypt={ENCRYPT};{mode()}"
    return pyodbc.connect(text, timeout=30, **attributes())


def by_mssql_python() -> Any:
    import mssql_python

    handed = {"token_provider": Provider()} if "PROVIDER" in os.environ else attributes()
    where = f"Server={SERVER},{PORT};Database={DATABASE};Encrypt={ENCRYPT};{mode()}"
    return mssql_python.connect(where, timeout=30, **handed)


def by_pytds() -> Any:
    import pytds

    # this version checks names by a function of pyOpenSSL's that is not there any more
    return pytds.connect(
        dsn=SERVER,
        port=int(PORT),
        database=DATABASE,
        access_token_callable=lambda: TOKEN,
        cafile=os.environ["SSL_CERT_FILE"],
        validate_host=False,
        bytes_to_unicode=False,
    )


CONNECT: dict[str, Callable[[], Any]] = {"pyodbc": by_pyodbc, "mssql-python": by_mssql_python, "pytds": by_pytds}
