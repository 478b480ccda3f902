"""Under which URLs an instance is reached, and what it tells clients about that.

Owns the addresses of surfaces. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from keyless.http.message import Request
from keyless.model.clouds import CLOUDS


@dataclass(frozen=True)
class Endpoints:
    """The addresses of one instance, which listens at `port`."""

    domain: str
    port: int
    tenant: str

    def vault(self, name: str) -> str:
        """A vault's own address."""
        return f"https://{name}.vault.{self._site(self.port)}/"

    def account(self, name: str) -> str:
        """A storage account's own address for blobs."""
        return f"https://{name}.blob.{self._site(self.port)}/"

    def authority(self) -> str:
        """The token authority's own address."""
        return f"https://login.{self._site(self.port)}"

    def login_url(self, request: Request) -> str:
        """The authority that a challenge names: in the same cloud, and at the same port, as the request."""
        for cloud in CLOUDS:
            suffixes = (f".{cloud.vault_suffix}", f".{cloud.blob_suffix}")
            if request.host.endswith(suffixes) or request.host in (*cloud.management_hosts, *cloud.graph_hosts):
                return f"https://{cloud.login_hosts[0]}{_port(request.port)}/{self.tenant}"
        return f"https://login.{self._site(request.port or 443)}/{self.tenant}"

    def metadata(self, request: Request) -> Mapping[str, object]:
        """The document by which clients learn a private cloud (`/metadata/endpoints`)."""
        site = self._site(request.port or 443)
        return {
            "name": "keyless",
            "resourceManager": f"https://management.{site}",
            "portal": f"https://portal.{site}",
            "authentication": {
                "loginEndpoint": f"https://login.{site}",
                "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"],
                "tenant": "common",
                "identityProvider": "AAD",
            },
            "microsoftGraphResourceId": f"https://graph.{site}/",
            "suffixes": {"storage": site, "keyVaultDns": f"vault.{site}"},
        }

    def _site(self, port: int) -> str:
        return f"{self.domain}{_port(port)}"


def _port(port: int | None) -> str:
    return "" if port in {None, 443} else f":{port}"
