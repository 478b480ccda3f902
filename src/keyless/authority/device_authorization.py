"""The device authorization endpoint: a program without a browser begins a sign-in.

Owns the answer. Only public clients ask here; what follows is `grants/device_code.py`.

Source: RFC 8628, sections 3.1 and 3.2; Microsoft identity platform, "device authorization request" (`message`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from keyless.authority.clients.clients import Clients
from keyless.authority.clients.presented import Presented, refused
from keyless.authority.grants.device_code import INTERVAL, LIFETIME, DeviceCodes
from keyless.authority.scopes import parse_scope


@dataclass(frozen=True)
class DeviceAuthorization:
    """`verification_uri` is where people enter the code."""

    clients: Clients
    codes: DeviceCodes
    verification_uri: str

    async def begin(self, form: Mapping[str, str], presented: Presented) -> dict[str, object]:
        """The body of the answer; raises UNAUTHENTICATED for a client that may not."""
        application = self.clients.find(presented.client_id).application
        if application is None or not application.public_client:
            raise refused("it is not a public client: make it one with `keyless principal create-app --public`")
        code = await self.codes.begin(application.client_id, parse_scope(form.get("scope", "")))
        told = f"To sign in, open the page {self.verification_uri} in a browser and enter the code {code.user_code}."
        return {
            "user_code": code.user_code,
            "device_code": code.device_code.reveal(),
            "verification_uri": self.verification_uri,
            "expires_in": LIFETIME,
            "interval": INTERVAL,
            "message": told,
        }
