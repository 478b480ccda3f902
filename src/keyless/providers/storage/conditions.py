"""What a request demands of what is there: conditional headers, an expression of tags, the ID of a lease.

Owns their reading and their evaluation against a blob or a container. Pure; leases and expressions have rules of their
own in `leases.py` and `tags.py`.

Source: RFC 9110, 13; Azure Storage, "Specifying conditional headers for Blob service operations".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from keyless.http.message import Headers
from keyless.model.errors import ErrorKind, KeylessError, conflict, invalid
from keyless.providers.storage import leases
from keyless.providers.storage.headers import parse_http_date
from keyless.providers.storage.leases import Lease
from keyless.providers.storage.tags import Expression, read_if_tags

LEASE_ID = "x-ms-lease-id"
IF_TAGS = "x-ms-if-tags"
NAMES = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")
ANY = "*"
_MAX_TAGS = 64
_TAG = re.compile(r'(?:W/)?(?:"([^"]*)"|([^\s",]+))')
_TAGS = re.compile(rf"\s*{_TAG.pattern}\s*(?:,\s*{_TAG.pattern}\s*)*")


class Subject(Protocol):
    """What conditions look at: an ETag without its quotes, the time of the last change in Unix seconds, and so on."""

    @property
    def etag(self) -> str: ...
    @property
    def changed(self) -> int: ...
    @property
    def tags(self) -> Mapping[str, str]: ...
    @property
    def lease(self) -> Lease | None: ...


@dataclass(frozen=True, slots=True)
class Version:
    """What a write made: the new ETag, its time in Unix seconds, and the moment that names the version, if one does."""

    etag: str
    changed: int
    moment: int | None = None


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a request demands of what is there. None, or an empty lease ID: nothing was said."""

    match: frozenset[str] | None = None
    none_match: frozenset[str] | None = None
    modified_since: int | None = None
    unmodified_since: int | None = None
    if_tags: Expression | None = None
    lease_id: str = ""

    @property
    def creates_only(self) -> bool:
        """Whether a write under these conditions can never overwrite."""
        return self.none_match is not None and ANY in self.none_match

    def check_read(self, there: Subject, now: float) -> None:
        """Raise PRECONDITION (412) or NOT_MODIFIED (304) if a read of a blob may not go ahead."""
        leases.check_read(there.lease, now, self.lease_id, "Blob")
        if not self._matches(there):
            raise _not_met()
        if not self._is_news(there):
            raise KeylessError(
                ErrorKind.NOT_MODIFIED, "What the client has is still the latest.", code="ConditionNotMet"
            )

    def check_write(self, there: Subject | None, now: float) -> None:
        """Raise PRECONDITION, or CONFLICT `BlobAlreadyExists`, if a write over `there` (None: nothing) may not."""
        leases.check_write(there.lease if there else None, now, self.lease_id, "Blob")
        if there is None:
            if self.match is not None or self.if_tags is not None:
                raise _not_met()
            return
        if self.creates_only:
            raise conflict("The blob exists already: choose to overwrite it, or another name.", "BlobAlreadyExists")
        self._check_unchanged(there)

    def check_change(self, there: Subject, now: float) -> None:
        """Raise PRECONDITION if a change to a blob that is there, its deletion included, may not go ahead."""
        leases.check_write(there.lease, now, self.lease_id, "Blob")
        self._check_unchanged(there)

    def check_beside(self, there: Subject, now: float) -> None:
        """The same for what leaves the blob as it is (a snapshot of it): a lease does not stand in its way."""
        leases.check_read(there.lease, now, self.lease_id, "Blob")
        self._check_unchanged(there)

    def check_container(self, there: Subject, now: float, *, deletes: bool = False) -> None:
        """Raise PRECONDITION if a use of a container may not go ahead; a lease stands in the way of deletion only."""
        check = leases.check_write if deletes else leases.check_read
        check(there.lease, now, self.lease_id, "Container")
        self._check_unchanged(there)

    def _check_unchanged(self, there: Subject) -> None:
        if not self._matches(there) or not self._is_news(there):
            raise _not_met()

    def _matches(self, there: Subject) -> bool:
        if self.if_tags is not None and not self.if_tags.holds(there.tags):
            return False
        if self.match is not None:
            return ANY in self.match or there.etag in self.match
        return self.unmodified_since is None or there.changed <= self.unmodified_since

    def _is_news(self, there: Subject) -> bool:
        if self.none_match is not None:
            return ANY not in self.none_match and there.etag not in self.none_match
        return self.modified_since is None or there.changed > self.modified_since


_NONE = Conditions()
_ALL = frozenset({*NAMES, IF_TAGS, LEASE_ID})


def read_conditions(headers: Headers) -> Conditions:
    """The conditions of a request; raises INVALID with `InvalidHeaderValue`."""
    if not headers.any_of(_ALL):
        return _NONE
    return Conditions(
        _tags(headers, "if-match"),
        _tags(headers, "if-none-match"),
        _date(headers, "if-modified-since"),
        _date(headers, "if-unmodified-since"),
        read_if_tags(headers.get(IF_TAGS)) if IF_TAGS in headers else None,
        _lease_id(headers),
    )


def read_tags_conditions(headers: Headers) -> Conditions:
    """The conditions of an operation on tags, which has the conditional headers under names of their own."""
    return replace(
        read_lease_only(headers, IF_TAGS),
        match=_tags(headers, "x-ms-blob-if-match"),
        none_match=_tags(headers, "x-ms-blob-if-none-match"),
        modified_since=_date(headers, "x-ms-blob-if-modified-since"),
        unmodified_since=_date(headers, "x-ms-blob-if-unmodified-since"),
    )


def read_lease_only(headers: Headers, *allowed: str) -> Conditions:
    """The conditions of a request that knows but a lease ID, and those `allowed`; raises INVALID for any other."""
    if any(name in headers for name in (*NAMES, IF_TAGS) if name not in allowed):
        raise invalid(
            "This operation does not take these conditional headers: send it without.", "ConditionHeadersNotSupported"
        )
    return read_conditions(headers)


def _tags(headers: Headers, name: str) -> frozenset[str] | None:
    if name not in headers:
        return None
    text = headers.get(name)
    if text.count(",") >= _MAX_TAGS or not _TAGS.fullmatch(text):
        raise invalid(f"The header {name} holds no list of ETags.", "InvalidHeaderValue")
    return frozenset(quoted or bare for quoted, bare in _TAG.findall(text))


def _lease_id(headers: Headers) -> str:
    return leases.read_lease_id(headers.get(LEASE_ID), LEASE_ID) if LEASE_ID in headers else ""


def _date(headers: Headers, name: str) -> int | None:
    return parse_http_date(headers.get(name), name) if name in headers else None


def _not_met() -> KeylessError:
    return KeylessError(
        ErrorKind.PRECONDITION,
        "The condition of the request's headers is not met: fetch the present version and try again.",
        code="ConditionNotMet",
    )
