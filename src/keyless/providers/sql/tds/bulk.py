"""Rows that a client loads: the columns and the rows of a message, as its bytes come.

Owns taking them apart, however they are cut. Source: [MS-TDS] 2.2.6.1 (bulk load), 2.2.7.4, 2.2.7.14, 2.2.7.19.
"""

from __future__ import annotations

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tds.decoding import Declared, read_type
from keyless.providers.sql.tds.reader import Malformed, Reader, TooShort
from keyless.providers.sql.types import Column, Row

#: What one row may have at most.
MAX_ROW = 64 * 1024 * 1024
_MAX_COLUMNS = 4096
_COLUMNS, _ROW, _ROW_WITH_NULLS, _DONE = 0x81, 0xD1, 0xD2, 0xFD
_OLD = {0x22: "image", 0x23: "text", 0x63: "ntext"}
_DONE_SIZE = 12


class BulkReader:
    """Reads one message. `columns` are there from the first rows on."""

    def __init__(self) -> None:
        self.columns: tuple[Column, ...] = ()
        self._declared: tuple[Declared, ...] = ()
        self._left = bytearray()
        self._wanted = 0
        self._ended = False

    def feed(self, data: bytes) -> list[Row]:
        """The rows that are whole now; raises Malformed, or SqlError for a type that is not to be had."""
        self._left += data
        # what was too short is not read again for every few bytes that come
        if len(self._left) < self._wanted or self._ended:
            return []
        reader, rows, whole = Reader(bytes(self._left)), list[Row](), 0
        try:
            while reader.left and not self._ended:
                self._token(reader, rows)
                whole = len(self._left) - reader.left
        except TooShort:
            pass
        del self._left[:whole]
        self._wanted = 2 * len(self._left) if whole == 0 else 0
        if len(self._left) > MAX_ROW:
            raise Malformed("a row is too large")
        return rows

    def end(self) -> list[Row]:
        """What is left when the message has ended; raises Malformed if it broke off."""
        self._wanted = 0
        rows = self.feed(b"")
        if self._left or not self.columns:
            raise Malformed("the rows break off")
        return rows

    def _token(self, reader: Reader, rows: list[Row]) -> None:
        token = reader.u8()
        if token == _COLUMNS and not self._declared:
            self._read_columns(reader)
        elif token == _ROW and self._declared:
            rows.append(tuple([declared.read(reader) for declared in self._declared]))
        elif token == _ROW_WITH_NULLS and self._declared:
            nulls = int.from_bytes(reader.take((len(self._declared) + 7) // 8), "little")
            rows.append(
                tuple(
                    [
                        None if nulls >> place & 1 else declared.read(reader)
                        for place, declared in enumerate(self._declared)
                    ]
                )
            )
        elif token == _DONE:
            reader.take(_DONE_SIZE)
            self._ended = True
        else:
            raise Malformed("rows hold something else")

    def _read_columns(self, reader: Reader) -> None:
        count = reader.u16()
        if not 0 < count <= _MAX_COLUMNS:
            raise Malformed("there is an impossible number of columns")
        found: list[tuple[Column, Declared]] = []
        for _ in range(count):
            reader.take(6)
            if (old := _OLD.get(reader.peek())) is not None:
                raise SqlError(4816, f"A column of type {old} cannot be loaded: load varchar(max) or varbinary(max).")
            declared = read_type(reader)
            found.append((Column(reader.short_text(), declared.type), declared))
        self.columns = tuple(column for column, _ in found)
        self._declared = tuple(declared for _, declared in found)
