"""Failures in the envelope of the Blob protocol.

Owns the one map from `ErrorKind` to status and code. Must not decide what went wrong.

Source: Azure Storage REST API, "Status and error codes", "Common REST API error codes", "Blob service error codes".
"""

from __future__ import annotations

from keyless.http.message import Request, Response
from keyless.model.errors import ErrorKind, KeylessError
from keyless.providers.storage.xml import error_document

#: The status, and the code where the error itself names none.
_KINDS: dict[ErrorKind, tuple[int, str]] = {
    ErrorKind.INVALID: (400, "InvalidInput"),
    ErrorKind.UNAUTHENTICATED: (401, "InvalidAuthenticationInfo"),
    ErrorKind.REVOKED: (401, "InvalidAuthenticationInfo"),
    ErrorKind.FORBIDDEN: (403, "AuthorizationPermissionMismatch"),
    ErrorKind.NOT_FOUND: (404, "ResourceNotFound"),
    ErrorKind.CONFLICT: (409, "ResourceAlreadyExists"),
    ErrorKind.PRECONDITION: (412, "ConditionNotMet"),
    ErrorKind.NOT_MODIFIED: (304, "ConditionNotMet"),
    ErrorKind.RANGE: (416, "InvalidRange"),
    ErrorKind.TOO_LARGE: (413, "RequestBodyTooLarge"),
    ErrorKind.THROTTLED: (503, "ServerBusy"),
    # clients take 501 for final, where they would send any other 5xx again
    ErrorKind.UNSUPPORTED: (501, "NotImplemented"),
    ErrorKind.UNAVAILABLE: (503, "ServerBusy"),
    ErrorKind.INTERNAL: (500, "InternalError"),
}
#: Codes whose status is not that of their kind.
_STATUS = {"UnsupportedHttpVerb": 405}


def error_response(request: Request, error: KeylessError) -> Response:
    """The error as clients read it: an XML document and `x-ms-error-code`; HEAD and 304 carry the header only."""
    status, code = _KINDS[error.kind]
    code = error.code or code
    status = _STATUS.get(code, status)
    headers = {"x-ms-error-code": code}
    if request.method == "HEAD" or status == 304:
        return Response(status, b"", headers)
    headers["Content-Type"] = "application/xml"
    return Response(status, error_document(code, error.message, request.request_id), headers)


def unsupported(what: str) -> KeylessError:
    """An operation or an option of the real service that is not there yet."""
    return KeylessError(ErrorKind.UNSUPPORTED, f"keyless does not support {what} yet; nothing was changed.")
