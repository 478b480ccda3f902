"""What an application sees when it gets no token. Owns the two ways; must not hold a token or the header secret."""

from __future__ import annotations


class CredentialUnavailable(Exception):
    """There is nobody to ask, or no sensible answer came: nothing is known about the identity."""


class TokenRefused(Exception):
    """The endpoint answered, and said no. `status` is its HTTP status; the text is its own message."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status
