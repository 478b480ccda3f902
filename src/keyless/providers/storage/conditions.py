"""Conditional headers: If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since.

Owns their reading and their evaluation against a version of the thing. Pure.

Source: RFC 9110, 13; Azure Storage, "Specifying conditional headers for Blob service operations".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from keyless.http.message import Headers
from keyless.model.errors import ErrorKind, KeylessError, conflict, invalid
from keyless.providers.storage.headers import parse_http_date

NAMES = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")
ANY = "*"
_MAX_TAGS = 64
_TAG = re.compile(r'(?:W/)?(?:"([^"]*)"|([^\s",]+))')
_TAGS = re.compile(rf"\s*{_TAG.pattern}\s*(?:,\s*{_TAG.pattern}\s*)*")


@dataclass(frozen=True, slots=True)
class Version:
    """What conditions look at: an ETag without its quotes, and the time of the last change in Unix seconds."""

    etag: str
    changed: int


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a request demands of the version that is there. None: nothing was said."""

    match: frozenset[str] | None = None
    none_match: frozenset[str] | None = None
    modified_since: int | None = None
    unmodified_since: int | None = None

    @property
    def creates_only(self) -> bool:
        """Whether a write under these conditions can never overwrite."""
        return self.none_match is not None and ANY in self.none_match

    def check_read(self, there: Version) -> None:
        """Raise PRECONDITION (412) or NOT_MODIFIED (304) if a read may not go ahead."""
        if not self._matches(there):
            raise _not_met()
        if not self._is_news(there):
            raise KeylessError(
                ErrorKind.NOT_MODIFIED, "What the client has is still the latest.", code="ConditionNotMet"
            )

    def check_write(self, there: Version | None) -> None:
        """Raise PRECONDITION, or CONFLICT `BlobAlreadyExists`, if a write over `there` (None: nothing) may not."""
        if there is None:
            if self.match is not None:
                raise _not_met()
            return
        if self.creates_only:
            raise conflict("The blob exists already: choose to overwrite it, or another name.", "BlobAlreadyExists")
        self.check_change(there)

    def check_change(self, there: Version) -> None:
        """Raise PRECONDITION if a change to what is there, its deletion included, may not go ahead."""
        if not self._matches(there) or not self._is_news(there):
            raise _not_met()

    def _matches(self, there: Version) -> bool:
        if self.match is not None:
            return ANY in self.match or there.etag in self.match
        return self.unmodified_since is None or there.changed <= self.unmodified_since

    def _is_news(self, there: Version) -> bool:
        if self.none_match is not None:
            return ANY not in self.none_match and there.etag not in self.none_match
        return self.modified_since is None or there.changed > self.modified_since


_NONE = Conditions()


def read_conditions(headers: Headers) -> Conditions:
    """The conditions of a request; raises INVALID with `InvalidHeaderValue`."""
    if not any(name in headers for name in NAMES):
        return _NONE
    return Conditions(
        _tags(headers, "if-match"),
        _tags(headers, "if-none-match"),
        _date(headers, "if-modified-since"),
        _date(headers, "if-unmodified-since"),
    )


def refuse_conditions(headers: Headers) -> None:
    """Raise INVALID if a request that knows no conditions comes with one: it must not go ahead regardless."""
    if any(name in headers for name in NAMES):
        raise invalid("This operation takes no conditional headers: send it without.", "ConditionHeadersNotSupported")


def _tags(headers: Headers, name: str) -> frozenset[str] | None:
    if name not in headers:
        return None
    text = headers.get(name)
    if text.count(",") >= _MAX_TAGS or not _TAGS.fullmatch(text):
        raise invalid(f"The header {name} holds no list of ETags.", "InvalidHeaderValue")
    return frozenset(quoted or bare for quoted, bare in _TAG.findall(text))


def _date(headers: Headers, name: str) -> int | None:
    return parse_http_date(headers.get(name), name) if name in headers else None


def _not_met() -> KeylessError:
    return KeylessError(
        ErrorKind.PRECONDITION,
        "The condition of the request's headers is not met: fetch the present version and try again.",
        code="ConditionNotMet",
    )
