"""A disk that fails when it is told to: full, read-only, or with syncs that fail; and that works again.

Owns the faults below one folder of this process, for keyless's own file operations and for SQLite's. Python's calls
are replaced in `os` and `io`; SQLite's by another `xOpen` of its default VFS, whose files have a `xWrite`, `xTruncate`
and `xSync` of ours. What fails does so before it has any effect, but for a sync: its data is written, and may be on
the disk or not.

Source: sqlite.org, "OS Interface (VFS)", "sqlite3_vfs" and "sqlite3_io_methods".
"""

from __future__ import annotations

import _sqlite3
import builtins
import ctypes
import errno
import io
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

#: Calls that can fail. `change` is everything that makes, renames or removes a name.
WRITE, SYNC, CHANGE = "write", "sync", "change"

_SQLITE_FULL, _SQLITE_IOERR_WRITE, _SQLITE_IOERR_FSYNC = 13, 10 | 3 << 8, 10 | 4 << 8


class Disk:
    """The folder's disk. Works until `fails` is called."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._calls: tuple[str, ...] = ()
        self._error = 0
        self._where = ""
        self._times = math.inf
        #: How many calls have failed.
        self.failed = 0

    def fails(self, *calls: str, error: int, where: str = "", times: float = math.inf) -> None:
        """From now on these calls fail, for files whose path below the folder begins with `where`; so many times."""
        self._calls, self._error, self._where, self._times = calls, error, where, times
        self.failed = 0

    def works(self) -> None:
        """From now on nothing fails."""
        self._calls = ()

    def error_of(self, call: str, path: str) -> int:
        """The errno with which this call fails; 0 if it does not."""
        if call not in self._calls or not path.startswith(f"{self._folder}/{self._where}"):
            return 0
        if self.failed >= self._times:
            return 0
        self.failed += 1
        return self._error

    def check(self, call: str, target: int | str | os.PathLike[str]) -> None:
        """Raise if this call fails."""
        path = os.readlink(f"/proc/self/fd/{target}") if isinstance(target, int) else os.path.abspath(target)
        if error := self.error_of(call, path):
            raise OSError(error, os.strerror(error), path)


@contextmanager
def faulty_disk(folder: Path) -> Iterator[Disk]:
    """A disk for what this process opens in `folder` from now on; skips the test where SQLite cannot be reached."""
    disk = Disk(folder)
    with pytest.MonkeyPatch.context() as patch:
        _patch_python(patch, disk)
        with _patched_sqlite(disk):
            yield disk
            disk.works()


def _patch_python(patch: pytest.MonkeyPatch, disk: Disk) -> None:
    def before(module: Any, name: str, call: str, argument: int = 0) -> None:
        real: Callable[..., Any] = getattr(module, name)

        def checked(*args: Any, **given: Any) -> Any:
            disk.check(call, args[argument])
            return real(*args, **given)

        patch.setattr(module, name, checked)

    before(os, "write", WRITE)
    before(os, "fsync", SYNC)
    for name in ("rename", "replace", "link", "unlink", "mkdir", "rmdir"):
        before(os, name, CHANGE)

    real_open = io.open

    class Raw(io.FileIO):
        def write(self, data: Any) -> int:
            disk.check(WRITE, self.fileno())
            return super().write(data)

    def opened(file: Any, mode: str = "r", buffering: int = -1, *args: Any, **given: Any) -> Any:
        if isinstance(file, str | os.PathLike) and set(mode) & set("wxa+"):
            disk.check(CHANGE, file)
        if set(mode) & set("wxa") and "b" in mode and buffering != 0:
            return io.BufferedWriter(Raw(file, mode.replace("b", ""), opener=given.get("opener")))
        return real_open(file, mode, buffering, *args, **given)

    patch.setattr(io, "open", opened)
    patch.setattr(builtins, "open", opened)


# SQLite

_OPEN = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
_ON_WRITE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int64)
_ON_TRUNCATE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int64)
_ON_SYNC = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)


class _Vfs(ctypes.Structure):
    _fields_ = (
        ("version", ctypes.c_int),
        ("file_size", ctypes.c_int),
        ("max_path", ctypes.c_int),
        ("next", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("data", ctypes.c_void_p),
        ("open", _OPEN),
    )


class _Methods(ctypes.Structure):
    """Version 3; what is not replaced is only copied."""

    _fields_ = (
        ("version", ctypes.c_int),
        ("close", ctypes.c_void_p),
        ("read", ctypes.c_void_p),
        ("write", _ON_WRITE),
        ("truncate", _ON_TRUNCATE),
        ("sync", _ON_SYNC),
        ("others", ctypes.c_void_p * 13),
    )


class _File(ctypes.Structure):
    _fields_ = (("methods", ctypes.POINTER(_Methods)),)


@contextmanager
def _patched_sqlite(disk: Disk) -> Iterator[None]:
    library = ctypes.CDLL(_sqlite3.__file__)  # it finds what this is linked with
    try:
        library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
        vfs = library.sqlite3_vfs_find(None).contents
    except AttributeError:
        pytest.skip("this Python's SQLite cannot be reached")
    names: dict[int, str] = {}
    tables: dict[int, _Methods] = {}  # for ever: connections may outlive the test
    real_address = ctypes.cast(vfs.open, ctypes.c_void_p).value
    assert real_address is not None
    real = _OPEN(real_address)

    def open_(this: int, name: int | None, file: int, flags: int, out: int | None) -> int:
        # the name is passed on as an address: SQLite keeps it, and looks at what stands around it
        code: int = real(this, name, file, flags, out)
        opened = _File.from_address(file)
        if code == 0 and opened.methods and name:
            names[file] = ctypes.string_at(name).decode()
            original = ctypes.addressof(opened.methods.contents)
            if original not in tables:
                tables[original] = _faulty(opened.methods.contents, names, disk)
            opened.methods = ctypes.pointer(tables[original])
        return code

    replacement = _OPEN(open_)
    vfs.open = replacement
    _KEPT.append((replacement, tables, names))
    try:
        yield
    finally:
        vfs.open = real


#: Callbacks and tables that C may still point to.
_KEPT: list[object] = []


def _faulty(methods: _Methods, names: dict[int, str], disk: Disk) -> _Methods:
    copy = _Methods.from_buffer_copy(methods)
    real_write, real_truncate, real_sync = methods.write, methods.truncate, methods.sync

    def write(file: int, data: int, amount: int, offset: int) -> int:
        error = disk.error_of(WRITE, names[file])
        if error:
            return _SQLITE_FULL if error == errno.ENOSPC else _SQLITE_IOERR_WRITE
        return int(real_write(file, data, amount, offset))

    def truncate(file: int, size: int) -> int:
        return _SQLITE_IOERR_WRITE if disk.error_of(WRITE, names[file]) else int(real_truncate(file, size))

    def sync(file: int, flags: int) -> int:
        return _SQLITE_IOERR_FSYNC if disk.error_of(SYNC, names[file]) else int(real_sync(file, flags))

    copy.write, copy.truncate, copy.sync = _ON_WRITE(write), _ON_TRUNCATE(truncate), _ON_SYNC(sync)
    _KEPT.append((methods, copy.write, copy.truncate, copy.sync))
    return copy
