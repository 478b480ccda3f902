"""An access token as azure-core's clients expect it. Owns its shape, and that nobody sees the token by accident."""

from __future__ import annotations


class AccessToken:
    """Serves as azure-core's `AccessToken` and as its `AccessTokenInfo`.

    `expires_on` and `refresh_on` are seconds since 1970-01-01 UTC; from `refresh_on` on, a new token is fetched.
    """

    __slots__ = ("expires_on", "refresh_on", "token", "token_type")

    def __init__(self, token: str, expires_on: int, refresh_on: int, token_type: str = "Bearer") -> None:  # noqa: S107
        self.token = token
        self.expires_on = expires_on
        self.refresh_on = refresh_on
        self.token_type = token_type

    def __repr__(self) -> str:
        return f"AccessToken(token=…, expires_on={self.expires_on}, token_type={self.token_type!r})"
