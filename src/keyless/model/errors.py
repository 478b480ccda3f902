"""The closed set of ways in which a request can fail.

Owns what went wrong, in the field's terms. Must not know any surface's status codes or envelopes: each
surface maps `ErrorKind` once (Key Vault, Blob, resource manager, identity endpoint, STS).
"""

from __future__ import annotations

from enum import Enum


class ErrorKind(Enum):
    """Every kind of failure that keyless knows."""

    INVALID = "invalid"  # the request itself is malformed or names something impossible
    UNAUTHENTICATED = "unauthenticated"  # no token, or one that does not verify
    REVOKED = "revoked"  # a token whose signing key was revoked: the same caller gets a new one for the asking
    FORBIDDEN = "forbidden"  # a known principal without a role assignment that allows this
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"  # the state of the thing does not allow this
    PRECONDITION = "precondition"  # If-Match and its kin did not hold
    NOT_MODIFIED = "not_modified"  # the same, on a read
    RANGE = "range"  # a byte range outside of the thing
    TOO_LARGE = "too_large"
    THROTTLED = "throttled"
    UNSUPPORTED = "unsupported"  # a real operation of the service that is not there yet
    UNAVAILABLE = "unavailable"  # disk full, audit not writable: try again later
    INTERNAL = "internal"


class KeylessError(Exception):
    """A failure with a sentence for the person who reads it.

    `code` is the service's own code where one is known (`BlobNotFound`, `SecretNotFound`); a surface falls
    back on its general code for `kind`. Neither `code` nor `message` may hold a secret or a token.
    """

    def __init__(self, kind: ErrorKind, message: str, *, code: str = "", retry_after: int | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.code = code
        self.retry_after = retry_after


def invalid(message: str, code: str = "") -> KeylessError:
    """The request itself is wrong."""
    return KeylessError(ErrorKind.INVALID, message, code=code)


def not_found(message: str, code: str = "") -> KeylessError:
    """The thing is not there."""
    return KeylessError(ErrorKind.NOT_FOUND, message, code=code)


def conflict(message: str, code: str = "") -> KeylessError:
    """The state of the thing does not allow this."""
    return KeylessError(ErrorKind.CONFLICT, message, code=code)
