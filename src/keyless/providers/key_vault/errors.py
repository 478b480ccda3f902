"""How a vault says no.

Owns the error envelope of the vault's data plane and the service's codes. Must not decide what is an error.

Source: Azure Key Vault REST API, "Authentication, requests and responses" (error responses): the outer code is
general; where the service tells more, `innererror.code` does, and clients look at it to choose their next step.
"""

from __future__ import annotations

import msgspec

from keyless.http.message import Response
from keyless.model.errors import ErrorKind, KeylessError

SECRET_NOT_FOUND = "SecretNotFound"  # noqa: S105 (the service's code)
SECRET_DISABLED = "SecretDisabled"  # noqa: S105
OBJECT_DELETED = "ObjectIsDeletedButRecoverable"
FORBIDDEN_BY_RBAC = "ForbiddenByRbac"
FORBIDDEN_BY_POLICY = "ForbiddenByPolicy"
VAULT_NOT_FOUND = "VaultNotFound"
BAD_PARAMETER = "BadParameter"
FORBIDDEN = "Forbidden"

JSON = "application/json; charset=utf-8"

_GENERAL: dict[ErrorKind, tuple[int, str]] = {
    ErrorKind.INVALID: (400, BAD_PARAMETER),
    ErrorKind.UNAUTHENTICATED: (401, "Unauthorized"),
    ErrorKind.REVOKED: (401, "Unauthorized"),
    ErrorKind.FORBIDDEN: (403, FORBIDDEN),
    ErrorKind.NOT_FOUND: (404, "NotFound"),
    ErrorKind.CONFLICT: (409, "Conflict"),
    ErrorKind.PRECONDITION: (412, "PreconditionFailed"),
    ErrorKind.NOT_MODIFIED: (304, "NotModified"),
    ErrorKind.RANGE: (416, "InvalidRange"),
    ErrorKind.TOO_LARGE: (413, "RequestEntityTooLarge"),
    ErrorKind.THROTTLED: (429, "Throttled"),
    ErrorKind.UNSUPPORTED: (501, "NotImplemented"),
    ErrorKind.UNAVAILABLE: (503, "ServiceUnavailable"),
    ErrorKind.INTERNAL: (500, "InternalServerError"),
}
#: Codes that the service puts into the inner error, below the general one.
_INNER = {SECRET_DISABLED, OBJECT_DELETED, FORBIDDEN_BY_RBAC, FORBIDDEN_BY_POLICY}


class _Inner(msgspec.Struct):
    code: str


class _Error(msgspec.Struct, omit_defaults=True):
    code: str
    message: str
    innererror: _Inner | None = None


class _Envelope(msgspec.Struct):
    error: _Error


def error_response(error: KeylessError) -> Response:
    """The error in the vault's envelope: `{"error": {"code", "message", "innererror"?}}`."""
    status, general = _GENERAL[error.kind]
    code = error.code
    if error.kind is ErrorKind.FORBIDDEN and not code:
        code = FORBIDDEN_BY_RBAC  # a refusal that names no code is for want of a role
    told = _Error(general, error.message, _Inner(code)) if code in _INNER else _Error(code or general, error.message)
    return Response(status, msgspec.json.encode(_Envelope(told)), {"Content-Type": JSON})
