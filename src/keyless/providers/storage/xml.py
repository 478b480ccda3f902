"""The XML of the Blob protocol: lists out, block lists in and out, errors.

Owns its writing, by fragments so that long lists can be built in steps, and the safe reading of a block list.
Sans-IO.

Source: Azure Storage REST API, "List Containers", "List Blobs", "Put Block List", "Get Block List",
"Status and error codes".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from keyless.model.errors import KeylessError, invalid
from keyless.providers.storage.headers import http_date
from keyless.providers.storage.leases import Lease, State, state_of
from keyless.providers.storage.moments import moment_text
from keyless.providers.storage.page_ranges import PageRange
from keyless.providers.storage.tables.records import Blob, BlobType, Block, BlockRef, Container, Kind, Source
from keyless.providers.storage.tables.services import DAY
from keyless.providers.storage.tags import tags_element
from keyless.providers.storage.tiers import DEFAULT

DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'
MAX_BLOCK_LIST_BYTES = 10 * 1024 * 1024
MAX_BLOCKS = 50_000
_MAX_ID_TEXT = 128
#: What XML 1.0 cannot hold, or what its parsers do not give back as it was (line ends).
_UNTRUE = re.compile("[\x00-\x1f\x7f-\x9f\ufffe\uffff]")


_SOURCES = {source.value: source for source in Source}


@dataclass(frozen=True, slots=True)
class ListingHead:
    """What a list repeats of its request; `max_results` 0 when the client set none."""

    endpoint: str
    prefix: str = ""
    marker: str = ""
    max_results: int = 0
    delimiter: str = ""
    container: str = ""


def error_document(code: str, message: str, request_id: str) -> bytes:
    """The `Error` document."""
    text = f"{message}\nRequestId:{request_id}"
    return f"{DECLARATION}<Error><Code>{escape(code)}</Code><Message>{_safe(text)}</Message></Error>".encode()


def list_opening(head: ListingHead, items: str) -> str:
    """The beginning of an `EnumerationResults`; `items` is `Blobs` or `Containers`."""
    container = f" ContainerName={quoteattr(head.container)}" if head.container else ""
    parts = [
        f"{DECLARATION}<EnumerationResults ServiceEndpoint={quoteattr(head.endpoint)}{container}>",
        _name("Prefix", head.prefix) if head.prefix else "",
        _element("Marker", head.marker),
        f"<MaxResults>{head.max_results}</MaxResults>" if head.max_results else "",
        _name("Delimiter", head.delimiter) if head.delimiter else "",
        f"<{items}>",
    ]
    return "".join(parts)


def list_closing(next_marker: str, items: str) -> str:
    """The end of it; an empty marker says that the list is complete."""
    marker = f"<NextMarker>{escape(next_marker)}</NextMarker>" if next_marker else "<NextMarker />"
    return f"</{items}>{marker}</EnumerationResults>"


def container_entry(container: Container, now: float, *, with_metadata: bool) -> str:
    """One container of a list."""
    gone = container.deleted is not None
    return (
        f"<Container><Name>{escape(container.name)}</Name>"
        + (f"<Deleted>true</Deleted><Version>{container.id:016X}</Version>" if gone else "")
        + f"<Properties><Last-Modified>{http_date(container.changed)}</Last-Modified>"
        f"<Etag>&quot;{container.etag}&quot;</Etag>"
        + _lease(container.lease, now)
        + "<DefaultEncryptionScope>$account-encryption-key</DefaultEncryptionScope>"
        "<DenyEncryptionScopeOverride>false</DenyEncryptionScopeOverride>"
        "<HasImmutabilityPolicy>false</HasImmutabilityPolicy><HasLegalHold>false</HasLegalHold>"
        "<ImmutableStorageWithVersioningEnabled>false</ImmutableStorageWithVersioningEnabled>"
        + _deletion(container.deleted, container.expires, now)
        + f"</Properties>{_metadata(container.metadata) if with_metadata else ''}</Container>"
    )


@dataclass(frozen=True, slots=True)
class Shown:
    """What a list of blobs shows of each; `now` is a Unix time."""

    now: float
    metadata: bool = False
    tags: bool = False
    versions: bool = False
    copies: bool = False


def blob_entry(blob: Blob, shown: Shown) -> str:
    """One blob of a list."""
    settings = blob.settings
    return (
        f"<Blob>{_name('Name', blob.name)}{_moment(blob, shown)}<Properties>"
        f"<Creation-Time>{http_date(blob.created)}</Creation-Time>"
        f"<Last-Modified>{http_date(blob.changed)}</Last-Modified><Etag>{blob.etag}</Etag>"
        f"<Content-Length>{blob.size}</Content-Length>"
        + _element("Content-Type", settings.content_type)
        + _element("Content-Encoding", settings.encoding)
        + _element("Content-Language", settings.language)
        + _element("Content-MD5", settings.md5)
        + _element("Cache-Control", settings.cache_control)
        + _element("Content-Disposition", settings.disposition)
        + _type(blob)
        + (_lease(blob.lease, shown.now) if blob.kind is Kind.CURRENT else "")
        + "<ServerEncrypted>true</ServerEncrypted>"
        + (f"<TagCount>{len(blob.tags)}</TagCount>" if blob.tags else "")
        + _deletion(blob.deleted, blob.expires, shown.now)
        + (_copied(blob) if shown.copies else "")
        + f"</Properties>{_metadata(blob.metadata) if shown.metadata else ''}"
        + (tags_element(blob.tags) if shown.tags and blob.tags else "")
        + "</Blob>"
    )


def _type(blob: Blob) -> str:
    """A blob's type, and what only blobs of this type have."""
    text = f"<BlobType>{blob.form.type.value}</BlobType>"
    if blob.form.type is BlobType.APPEND:
        return text + ("<Sealed>true</Sealed>" if blob.form.sealed else "")
    if blob.form.type is BlobType.PAGE:
        return f"{text}<x-ms-blob-sequence-number>{blob.form.sequence}</x-ms-blob-sequence-number>"
    return (
        f"{text}<AccessTier>{blob.tier or DEFAULT}</AccessTier>"
        + ("<AccessTierInferred>true</AccessTierInferred>" if blob.tier_changed is None else "")
        + (f"<AccessTierChangeTime>{http_date(blob.tier_changed)}</AccessTierChangeTime>" if blob.tier_changed else "")
    )


def found_opening(endpoint: str, where: str) -> str:
    """The beginning of what Find Blobs by Tags gives; it ends as a list of blobs does."""
    return (
        f"{DECLARATION}<EnumerationResults ServiceEndpoint={quoteattr(endpoint)}><Where>{_safe(where)}</Where><Blobs>"
    )


def found_entry(container: str, name: str, tags: Mapping[str, str]) -> str:
    """One blob that was found."""
    where = f"<ContainerName>{escape(container)}</ContainerName>"
    return f"<Blob>{_name('Name', name)}{where}{tags_element(tags)}</Blob>"


def prefix_entry(prefix: str) -> str:
    """What stands for all blobs that share a name up to the delimiter."""
    return f"<BlobPrefix>{_name('Name', prefix)}</BlobPrefix>"


def block_entries(blocks: Iterable[Block]) -> str:
    """Blocks of a Get Block List."""
    return "".join(f"<Block><Name>{b.block_id}</Name><Size>{b.size}</Size></Block>" for b in blocks)


def page_list_opening() -> str:
    """The beginning of a `PageList`."""
    return f"{DECLARATION}<PageList>"


def page_ranges(ranges: Iterable[PageRange]) -> str:
    """Some ranges of it."""
    return "".join(
        f"<{tag}><Start>{found.start}</Start><End>{found.end - 1}</End></{tag}>"
        for found in ranges
        for tag in ("ClearRange" if found.cleared else "PageRange",)
    )


def page_list_closing(following: str) -> str:
    """Its end, with the marker of the next page."""
    return f"{_element('NextMarker', following)}</PageList>"


def parse_block_list(document: bytes) -> list[BlockRef]:
    """Read a `BlockList`; raises INVALID with `InvalidXmlDocument` or `BlockListTooLong`.

    Document types and entities are refused, so that nothing is expanded or fetched. It is read as UTF-8, whatever
    it says of itself: any other name would be looked up among Python's codecs.
    """
    reader = _BlockListReader()
    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.doctype
    try:
        parser.Parse(document, True)
    except expat.ExpatError as error:
        raise _bad(f"the XML breaks off or is malformed at line {error.lineno}") from None
    return reader.entries


class _BlockListReader:
    """Gathers the entries; its methods are expat's callbacks."""

    def __init__(self) -> None:
        self.entries: list[BlockRef] = []
        self._depth = 0
        self._source: Source | None = None
        self._text = ""

    def start(self, tag: str, _attributes: Mapping[str, str]) -> None:
        self._depth += 1
        if self._depth == 1 and tag == "BlockList":
            return
        if self._depth != 2 or tag not in _SOURCES:
            raise _bad("it holds an element that a BlockList does not have")
        self._source, self._text = _SOURCES[tag], ""

    def end(self, _tag: str) -> None:
        self._depth -= 1
        if self._source is not None:
            if len(self.entries) >= MAX_BLOCKS:
                raise invalid(f"A block list has at most {MAX_BLOCKS} blocks.", "BlockListTooLong")
            self.entries.append(BlockRef(self._source, self._text.strip()))
            self._source = None

    def text(self, data: str) -> None:
        self._text += data if self._source is not None else ""
        if len(self._text) > _MAX_ID_TEXT or (self._source is None and data.strip()):
            raise _bad("it holds text that is no block ID")

    def doctype(self, *_: object) -> None:
        raise _bad("it declares a document type")


def _bad(what: str) -> KeylessError:
    return invalid(f"The body is not a block list that can be read: {what}.", "InvalidXmlDocument")


def _moment(blob: Blob, shown: Shown) -> str:
    """Which of a name's states an entry is."""
    text = ""
    if blob.kind is Kind.SNAPSHOT:
        text = f"<Snapshot>{moment_text(blob.moment)}</Snapshot>"
    elif blob.kind is Kind.VERSION:
        text = f"<VersionId>{moment_text(blob.moment)}</VersionId>"
    elif shown.versions and blob.version is not None:
        text = f"<VersionId>{moment_text(blob.version)}</VersionId>"
        text += "<IsCurrentVersion>true</IsCurrentVersion>" if blob.kind is Kind.CURRENT else ""
    return text + ("<Deleted>true</Deleted>" if blob.deleted is not None else "")


def _deletion(deleted: int | None, expires: int | None, now: float) -> str:
    """When something was deleted softly, and for how many days it is there still."""
    if deleted is None or expires is None:
        return ""
    days = max(0, -(-(expires - int(now)) // DAY))  # a day that has begun counts
    return f"<DeletedTime>{http_date(deleted)}</DeletedTime><RemainingRetentionDays>{days}</RemainingRetentionDays>"


def _lease(lease: Lease | None, now: float) -> str:
    state = state_of(lease, now)
    duration = f"<LeaseDuration>{lease.duration}</LeaseDuration>" if lease and state is State.LEASED else ""
    status = "locked" if state.locked else "unlocked"
    return f"<LeaseStatus>{status}</LeaseStatus><LeaseState>{state.value}</LeaseState>{duration}"


def _metadata(metadata: Mapping[str, str]) -> str:
    if not metadata:
        return "<Metadata />"
    return f"<Metadata>{''.join(_element(name, value) for name, value in metadata.items())}</Metadata>"


def _copied(blob: Blob) -> str:
    if blob.copied is None:
        return ""
    return (
        f"{_element('CopyId', blob.copied.id)}<CopyStatus>success</CopyStatus>"
        f"{_element('CopySource', blob.copied.source)}<CopyProgress>{blob.size}/{blob.size}</CopyProgress>"
        f"<CopyCompletionTime>{http_date(blob.copied.at)}</CopyCompletionTime>"
    )


def _element(tag: str, text: str) -> str:
    return f"<{tag}>{escape(text)}</{tag}>" if text else f"<{tag} />"


def _name(tag: str, text: str) -> str:
    """A name; percent-encoded and marked so when XML would not give it back as it is."""
    if _UNTRUE.search(text):
        return f'<{tag} Encoded="true">{quote(text, safe="/")}</{tag}>'
    return f"<{tag}>{escape(text)}</{tag}>"


def _safe(text: str) -> str:
    return escape(_UNTRUE.sub(lambda found: "\n" if found[0] == "\n" else "\N{REPLACEMENT CHARACTER}", text))
