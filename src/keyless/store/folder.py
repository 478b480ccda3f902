"""The data folder: who holds it, what it says of itself, and how it first comes to be.

Owns the lock, `instance.json`, and making a folder whole or not at all. Must not know what the other files hold.
Blocks on the disk; used at start and end only.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from keyless.model.errors import ErrorKind, KeylessError, conflict
from keyless.store.private_file import write_private

INSTANCE_FILE = "instance.json"
LOCK_FILE = "lock"
FORMAT = 1
_STAGING = ".new-"
_TRIES = 5


class Owner(msgspec.Struct, frozen=True):
    """The owner's application."""

    client_id: str
    principal_id: str


class Instance(msgspec.Struct, frozen=True):
    """What an instance is: fixed at its first start, but for where it listens. Holds nothing secret."""

    instance: str
    tenant: str
    subscription: str
    resource_group: str
    domain: str
    issuer: str
    owner: Owner
    address: str
    port: int
    listen: tuple[str, ...] = ()
    sql_port: int = 0
    format: int = FORMAT


class _Format(msgspec.Struct):
    """What is read first: a newer program may have changed all the rest."""

    format: int = FORMAT


class Holder(msgspec.Struct, frozen=True):
    """Who holds the folder."""

    pid: int
    started: float


def read_instance(folder: Path) -> Instance | None:
    """What the folder says of itself; None where no instance is. Raises INTERNAL when that is damaged."""
    try:
        data = (folder / INSTANCE_FILE).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(folder, error) from error
    try:
        if msgspec.json.decode(data, type=_Format).format > FORMAT:
            raise conflict(f"{folder} was written by a newer keyless: upgrade this program.")
        return msgspec.json.decode(data, type=Instance)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise KeylessError(
            ErrorKind.INTERNAL, f"{folder / INSTANCE_FILE} is damaged: restore the folder from a backup."
        ) from error


def write_instance(folder: Path, instance: Instance) -> None:
    """Write it, whole or not at all."""
    write_private(folder / INSTANCE_FILE, msgspec.json.format(msgspec.json.encode(instance)))


@contextlib.contextmanager
def staged(folder: Path, start: str, forget: Callable[[str], None]) -> Generator[Path]:
    """A new folder, to be filled; it takes the place of `folder` when the block ends well, else nothing stays.

    `start` names this first start among others. What one that was killed has left is removed first; `forget` is
    called with its name, for what it left elsewhere. Raises CONFLICT when there is something at `folder` already
    that is not an empty folder.
    """
    # what is mounted there cannot be renamed away: it is then filled from within
    inside = folder.is_mount()
    home, prefix = (folder, _STAGING) if inside else (folder.parent, f".{folder.name}{_STAGING}")
    try:
        home.mkdir(parents=True, exist_ok=True)
        left = [path for path in home.iterdir() if path.name.startswith(prefix)]
        for path in left:
            _remove_left(path, path.name.removeprefix(prefix), forget)
        if inside and left:
            _empty(folder)  # the one that was killed had begun to move its files here
        if folder.is_dir() and any(_strangers(folder)):
            raise conflict(
                f"{folder} has files that are not keyless's: name another folder with --data, or empty this one."
            )
        staging = home / f"{prefix}{start}"
        staging.mkdir(mode=0o700)
        held = _hold(staging)
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        yield staging
        _put_in_place(staging, folder, inside)
    except OSError as error:
        shutil.rmtree(staging, ignore_errors=True)
        raise _unwritable(folder, error) from error
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    finally:
        os.close(held)


def _put_in_place(staging: Path, folder: Path, inside: bool) -> None:
    if not inside:
        staging.chmod(0o700)
        staging.rename(folder)
        _sync(folder.parent)
        return
    folder.chmod(0o700)
    # `instance.json` says that the folder is whole, so it comes last
    for path in sorted(staging.iterdir(), key=lambda path: path.name == INSTANCE_FILE):
        _sync(folder)
        path.rename(folder / path.name)
    staging.rmdir()
    _sync(folder)


def _strangers(folder: Path) -> Iterator[Path]:
    """What an empty folder does not have; a file system's own is no stranger."""
    return (path for path in folder.iterdir() if path.name != "lost+found")


def _empty(folder: Path) -> None:
    if any(path.name.startswith(_STAGING) for path in folder.iterdir()):
        raise conflict(f"Another first start is making {folder} now: wait for it.")
    for path in _strangers(folder):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _remove_left(left: Path, start: str, forget: Callable[[str], None]) -> None:
    try:
        held = _hold(left)
    except OSError:
        return  # another start is at it now
    forget(start)  # first: the folder's name is what tells where the rest is
    shutil.rmtree(left, ignore_errors=True)
    os.close(held)


def _hold(folder: Path) -> int:
    """Lock a folder for as long as this process lives; raises OSError when another holds it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


@dataclass
class FolderLock:
    """Holds a data folder for this process, until it ends or `release` is called."""

    folder: Path
    _file: int = -1

    def take(self, started: float) -> None:
        """Take it; raises CONFLICT that says who holds it."""
        try:
            self._file = os.open(self.folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        if not self._try():
            self.release()
            holder = read_holder(self.folder)
            who = f"process {holder.pid}" if holder else "another process"
            raise conflict(
                f"{self.folder} is held by {who}: stop it with `keyless down`, or name another folder with --data."
            )
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, msgspec.json.encode(Holder(os.getpid(), started)), 0)

    def _try(self) -> bool:
        for _ in range(_TRIES):
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            if read_holder(self.folder) is not None:
                return False
            time.sleep(0.02)  # it was only somebody who looked
        return False

    def release(self) -> None:
        """Give it up, if it was taken."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def read_holder(folder: Path) -> Holder | None:
    """Who holds a folder now, or None."""
    try:
        file = os.open(folder / LOCK_FILE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        with contextlib.suppress(msgspec.MsgspecError):
            return msgspec.json.decode(os.read(file, 4096), type=Holder)
    finally:
        os.close(file)
    return None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable(folder: Path, error: OSError) -> KeylessError:
    reason = error.strerror or type(error).__name__
    return KeylessError(
        ErrorKind.UNAVAILABLE, f"{folder} cannot be written ({reason}): free space, or name another folder with --data."
    )


def _unreadable(folder: Path, error: OSError) -> KeylessError:
    return KeylessError(ErrorKind.UNAVAILABLE, f"{folder} cannot be read ({error.strerror}): mend its permissions.")
