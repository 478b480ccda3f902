"""Every surface's error envelope becomes the same one line."""

from __future__ import annotations

import httpx
import pytest

from keyless.cli.errors import refusal


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (
            b'{"error": {"code": "ResourceNotFound", "message": "It is not there."}}',
            "ResourceNotFound",
            "It is not there.",
        ),
        (
            b'{"error": {"code": "Forbidden", "message": "No.", "innererror": {"code": "ForbiddenByRbac"}}}',
            "ForbiddenByRbac",
            "No.",
        ),
        (b'{"error": "invalid_client", "error_description": "Who?"}', "invalid_client", "Who?"),
        (b'{"error": "invalid_client"}', "invalid_client", "invalid_client"),
        (
            b"<Error><Code>BlobNotFound</Code><Message>Gone.\nRequestId:1\nTime:2</Message></Error>",
            "BlobNotFound",
            "Gone.",
        ),
    ],
)
def test_reads_the_envelope(body: bytes, code: str, message: str) -> None:
    found = refusal(httpx.Response(404), body)
    assert (found.status, found.code, found.message) == (404, code, message)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'"text"', b'{"error": null}', b"[" * 100_000])
def test_says_something_about_an_answer_that_says_nothing(body: bytes) -> None:
    found = refusal(httpx.Response(503, headers={"x-ms-error-code": "ServerBusy"}), body)
    assert found.message.startswith("The server answered 503 ServerBusy without saying why;")
    assert found.code == "ServerBusy"
