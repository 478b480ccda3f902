"""The instance that a command speaks to, as its data folder describes it.

Owns reading `instance.json` and the names under which the surfaces answer. Must not open a connection.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from keyless.cli.errors import Refused

FILE_NAME = "instance.json"
_MAX_BYTES = 64 * 1024


@dataclass(frozen=True)
class Endpoint:
    """A surface under its own name, and the resource that its tokens are for."""

    host: str
    audience: str


@dataclass(frozen=True)
class Instance:
    """Where an instance answers and who owns it. `data` is its data folder, `listen` its addresses beyond `address`.

    `sql_port` is where it takes SQL drivers, 0 for nowhere.
    """

    data: Path
    id: str
    tenant: str
    subscription: str
    resource_group: str
    domain: str
    port: int
    address: str
    owner_client_id: str
    owner_principal_id: str
    listen: tuple[str, ...] = ()
    sql_port: int = 0

    @property
    def ca_file(self) -> Path:
        """The certificate of the own-names authority."""
        return self.data / "tls" / "own-ca.pem"

    @property
    def management(self) -> Endpoint:
        """The resource manager."""
        return Endpoint(f"management.{self.domain}", "https://management.azure.com")

    @property
    def graph(self) -> Endpoint:
        """The directory."""
        return Endpoint(f"graph.{self.domain}", "https://graph.microsoft.com")

    def vault(self, name: str) -> Endpoint:
        """A vault's data plane."""
        return Endpoint(f"{name}.vault.{self.domain}", "https://vault.azure.net")

    def account(self, name: str) -> Endpoint:
        """A storage account's blobs."""
        return Endpoint(f"{name}.blob.{self.domain}", "https://storage.azure.com")

    @property
    def login_host(self) -> str:
        """The token authority's name."""
        return f"login.{self.domain}"

    def authority(self, host: str) -> str:
        """Host and port as they stand in a URL."""
        return host if self.port == 443 else f"{host}:{self.port}"


def read_instance(data: Path) -> Instance:
    """Read the description of the instance in a data folder; Refused if there is none, or none that can be read."""
    path = data / FILE_NAME
    try:
        with path.open("rb") as file:
            told = json.loads(file.read(_MAX_BYTES))
        text = _texts(told)
        return Instance(
            data=data,
            id=text("instance"),
            tenant=text("tenant"),
            subscription=text("subscription"),
            resource_group=text("resource_group"),
            domain=text("domain"),
            port=int(told["port"]),
            address=text("address"),
            owner_client_id=str(told["owner"]["client_id"]),
            owner_principal_id=str(told["owner"]["principal_id"]),
            listen=tuple(map(str, told.get("listen", ()))),
            sql_port=int(told.get("sql_port", 0)),
        )
    except FileNotFoundError:
        raise Refused(f"There is no keyless in {data}: start one with `keyless up`, or name it with --data.") from None
    except PermissionError:
        raise Refused(f"{path} cannot be read by this user: run the command as the owner.") from None
    except (ValueError, KeyError, TypeError):
        raise Refused(f"{path} is damaged: `keyless up` says what to do.") from None


def _texts(told: dict[str, object]) -> Callable[[str], str]:
    def text(name: str) -> str:
        value = told[name]
        if not isinstance(value, str):
            raise TypeError
        return value

    return text
