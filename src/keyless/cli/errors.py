"""What a command says when it fails: one line, and an exit code.

Owns the reading of every surface's error envelope into that line. Must not print anything else.
"""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import click

from keyless.cli.output import one_line

if TYPE_CHECKING:
    import httpx

FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130

_REQUEST_ID = re.compile(r"\s*RequestId:.*", re.DOTALL)


class Refused(click.ClickException):
    """The command could not be done; the message says why, and what to do next.

    `status` is the HTTP status if the server said no, and `code` the server's own code for the reason.
    """

    exit_code = FAILED

    def __init__(self, message: str, *, status: int = 0, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def complain(message: str) -> None:
    """One line on standard error."""
    print("keyless:", one_line(message), file=sys.stderr)


def refusal(response: httpx.Response, body: bytes) -> Refused:
    """What an answer of status 400 or more says, whatever its surface's envelope."""
    code, message = _json_envelope(body) or _xml_envelope(body) or ("", "")
    code = code or response.headers.get("x-ms-error-code", "")
    if not message:
        what = f"{response.status_code} {code or response.reason_phrase}".strip()
        message = f"The server answered {what} without saying why; `keyless audit` may tell more."
    return Refused(message, status=response.status_code, code=code)


def _json_envelope(body: bytes) -> tuple[str, str] | None:
    """The resource manager's and the vault's `{"error": {"code", "message"}}`, the token endpoint's (RFC 6749)."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    error = answer.get("error") if isinstance(answer, dict) else None
    if isinstance(error, dict):
        inner = error.get("innererror")
        code = inner.get("code") if isinstance(inner, dict) else error.get("code")
        return str(code or ""), str(error.get("message") or "")
    if isinstance(error, str):
        return error, str(answer.get("error_description") or error)
    return None


def _xml_envelope(body: bytes) -> tuple[str, str] | None:
    """The Blob protocol's `<Error><Code/><Message/></Error>`; its message ends with the request's ID."""
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 (from the server whose certificate was checked)
    except ElementTree.ParseError:
        return None
    return root.findtext("Code", ""), _REQUEST_ID.sub("", root.findtext("Message", ""))
