"""Header values of the Blob protocol: dates, ranges, digests, metadata, content settings.

Owns their reading and writing. Pure; conditions are in `conditions.py`.

Source: Azure Storage REST API, "Put Blob", "Get Blob", "Specifying the range header for Blob service operations",
"Setting and retrieving properties and metadata"; RFC 9110, 5.6.7 (dates) and 14.1 (ranges).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from functools import lru_cache

from keyless.http.message import Headers
from keyless.model.errors import ErrorKind, KeylessError, invalid

DEFAULT_VERSION = "2021-12-02"
DEFAULT_CONTENT_TYPE = "application/octet-stream"
MAX_METADATA_BYTES = 8 * 1024
MAX_SETTING = 1024
MAX_CLIENT_REQUEST_ID = 1024
MAX_NUMBER = 2**63 - 1
META = "x-ms-meta-"

_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_PRINTABLE = re.compile(r"[\x20-\x7e]*")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RANGE = re.compile(r"bytes=\s*(\d{0,19})-(\d{0,19})", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ContentSettings:
    """The HTTP properties that a blob is served with; empty means unset. `md5` is base64."""

    content_type: str = DEFAULT_CONTENT_TYPE
    encoding: str = ""
    language: str = ""
    disposition: str = ""
    cache_control: str = ""
    md5: str = ""


@lru_cache(maxsize=4096)
def http_date(at: int) -> str:
    """Unix seconds as an HTTP date, its weekday right."""
    return formatdate(at, usegmt=True)


def parse_http_date(text: str, name: str) -> int:
    """Unix seconds of an HTTP date; raises INVALID, naming the header."""
    try:
        when = parsedate_to_datetime(text)
        if when.tzinfo is not None:
            return int(when.timestamp())
    except (ValueError, OverflowError, IndexError):
        pass
    raise invalid(f"The header {name} holds no HTTP date (Tue, 15 Nov 1994 08:12:31 GMT).", "InvalidHeaderValue")


def version_of(headers: Headers) -> str:
    """The protocol version that the client speaks; raises INVALID unless it has the form of a date."""
    version = headers.get("x-ms-version", DEFAULT_VERSION)
    if not _VERSION.fullmatch(version):
        raise invalid("The header x-ms-version must be a date such as 2021-12-02.", "InvalidHeaderValue")
    return version


def client_request_id(headers: Headers) -> str:
    """The client's own request ID if it can be echoed, else an empty string."""
    text = headers.get("x-ms-client-request-id")
    return text if len(text) <= MAX_CLIENT_REQUEST_ID and _PRINTABLE.fullmatch(text) else ""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """A range as it was asked for. `first` None: the last `last` bytes; `last` None: up to the end."""

    first: int | None
    last: int | None

    def within(self, size: int) -> tuple[int, int]:
        """First byte and length of what a thing of `size` bytes has of it; raises RANGE if that is nothing."""
        if self.first is None:
            length = min(self.last or 0, size)
            first = size - length
        else:
            first = self.first
            end = size if self.last is None else min(self.last + 1, size)
            length = end - first
        if length <= 0:
            raise KeylessError(
                ErrorKind.RANGE, f"The range lies outside of the blob, which has {size} bytes.", code="InvalidRange"
            )
        return first, length


def read_range(headers: Headers) -> ByteRange | None:
    """The range that is asked for; `x-ms-range` counts before `Range`. Raises INVALID for one that cannot be read."""
    name = "x-ms-range" if "x-ms-range" in headers else "range"
    if name not in headers:
        return None
    found = _RANGE.fullmatch(headers.get(name).strip())
    if not found or not (found[1] or found[2]):
        raise invalid(f"The header {name} must be one range of the form bytes=0-499.", "InvalidHeaderValue")
    first, last = (int(text) if text else None for text in found.groups())
    if first is not None and last is not None and last < first:
        raise invalid(f"The range of the header {name} ends before it begins.", "InvalidHeaderValue")
    return ByteRange(first, last)


def flag(headers: Headers, name: str, *, default: bool = False) -> bool:
    """A header that is `true` or `false`; raises INVALID for anything else."""
    if name not in headers:
        return default
    text = headers.get(name).lower()
    if text not in {"true", "false"}:
        raise invalid(f"The header {name} must be true or false.", "InvalidHeaderValue")
    return text == "true"


def read_number(headers: Headers, name: str) -> int | None:
    """A whole number from 0 up to `MAX_NUMBER`; None if it is not there. Raises INVALID with `InvalidHeaderValue`."""
    if name not in headers:
        return None
    text = headers.get(name).strip()
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else -1
    if not 0 <= number <= MAX_NUMBER:
        raise invalid(f"The header {name} must be a whole number from 0 to {MAX_NUMBER}.", "InvalidHeaderValue")
    return number


def read_md5(headers: Headers, name: str) -> bytes | None:
    """A digest of 16 bytes; None if it is not there. Raises INVALID with `InvalidMd5`."""
    if name not in headers:
        return None
    try:
        digest = base64.b64decode(headers.get(name), validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != 16:
        raise invalid(f"The header {name} must be the base64 form of an MD5 digest of 16 bytes.", "InvalidMd5")
    return digest


def read_metadata(headers: Headers) -> dict[str, str]:
    """The user's metadata; raises INVALID with `InvalidMetadata` or `MetadataTooLarge`."""
    metadata = headers.with_prefix(META)
    for name, value in metadata.items():
        if not _IDENTIFIER.fullmatch(name) or not _PRINTABLE.fullmatch(value):
            raise invalid(
                "A name in the metadata must be letters, digits and underscores, and its value printable ASCII.",
                "InvalidMetadata",
            )
    if sum(len(name) + len(value) for name, value in metadata.items()) > MAX_METADATA_BYTES:
        raise invalid("The metadata may have at most 8 KiB in all.", "MetadataTooLarge")
    return metadata


def metadata_headers(metadata: Mapping[str, str]) -> dict[str, str]:
    """Metadata as response headers."""
    return {META + name: value for name, value in metadata.items()}


def read_settings(headers: Headers, *, standard_too: bool) -> ContentSettings:
    """The content settings of a blob that is being written.

    `standard_too`: the request's own Content-Type and its kin count where no `x-ms-blob-…` is given. They do for
    Put Blob; for Put Block List they speak of the XML. Raises INVALID.
    """

    def value(name: str) -> str:
        text = headers.get(f"x-ms-blob-{name}")
        if not text and standard_too and name != "content-disposition":
            text = headers.get(name)
        if len(text) > MAX_SETTING or not _PRINTABLE.fullmatch(text):
            raise invalid(
                f"A blob's {name} may have at most {MAX_SETTING} characters of printable ASCII.", "InvalidHeaderValue"
            )
        return text

    digest = read_md5(headers, "x-ms-blob-content-md5")
    return ContentSettings(
        content_type=value("content-type") or DEFAULT_CONTENT_TYPE,
        encoding=value("content-encoding"),
        language=value("content-language"),
        disposition=value("content-disposition"),
        cache_control=value("cache-control"),
        md5="" if digest is None else base64.b64encode(digest).decode(),
    )
