"""How hosts say no: the envelopes of errors, each shared by some shapes.

Owns their form and the codes in them. Clients read the status, show the text, and Service Fabric's know three codes.

Source: App Service, "REST endpoint reference"; virtual machines, "How to use managed identities to acquire an access
token", error handling; Service Fabric, "How to leverage … managed identity", error handling.
"""

from __future__ import annotations

from keyless.http.message import Request, Response
from keyless.model.errors import ErrorKind, KeylessError
from keyless.workload.shape import json_response

_OAUTH = {
    ErrorKind.UNAUTHENTICATED: "unauthorized_client",
    ErrorKind.FORBIDDEN: "unauthorized_client",
    ErrorKind.NOT_FOUND: "not_found",
    ErrorKind.THROTTLED: "temporarily_unavailable",
    ErrorKind.UNAVAILABLE: "temporarily_unavailable",
    ErrorKind.INTERNAL: "unknown",
}
_NESTED = {
    ErrorKind.INVALID: "InvalidRequest",
    ErrorKind.UNAUTHENTICATED: "SecretHeaderNotFound",
    ErrorKind.NOT_FOUND: "InvalidApiPath",
    ErrorKind.TOO_LARGE: "RequestBodyTooLarge",
    ErrorKind.THROTTLED: "TooManyRequests",
    ErrorKind.UNAVAILABLE: "ServiceUnavailable",
}


def app_service_error(request: Request, status: int, error: KeylessError) -> Response:
    """App Service, in both versions."""
    return json_response(status, {"statusCode": status, "message": error.message, "correlationId": request.request_id})


def oauth_error(request: Request, status: int, error: KeylessError) -> Response:
    """Virtual machines and servers connected through Arc."""
    code = _OAUTH.get(error.kind, "invalid_request")
    return json_response(status, {"error": code, "error_description": error.message})


def nested_error(request: Request, status: int, error: KeylessError) -> Response:
    """Cloud Shell and Service Fabric."""
    code = error.code or _NESTED.get(error.kind, "InternalServerError")
    inner = {"code": code, "message": error.message, "correlationId": request.request_id}
    return json_response(status, {"error": inner})
