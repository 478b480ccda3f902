"""What the child sees of the file system that others do not: folders hidden, files replaced, private folders.

Runs inside. Whoever has no capabilities cannot undo it, nor can namespaces made from within: there these mounts are
locked. Source: mount(2), mount_namespaces(7), tmpfs(5).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from keyless.launcher.isolation.system_calls import MS_BIND, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_RDONLY, MS_REC, mount

_HARMLESS = MS_NOSUID | MS_NODEV | MS_NOEXEC


def hide(folders: Iterable[Path]) -> None:
    """Put an empty folder, which nobody can write to, over each that is there."""
    for folder in folders:
        if folder.is_dir():
            mount("tmpfs", str(folder), "tmpfs", _HARMLESS | MS_RDONLY, "mode=0500,size=4k")


def replace(files: Mapping[str, str]) -> None:
    """Put a file over each that is there; from the path to be replaced to that of the new one."""
    for path, new in files.items():
        if os.path.exists(path):
            mount(new, path, None, MS_BIND)


def private_folder(path: Path) -> int:
    """Make `path` an empty folder of this namespace's own (0700), on no disk; a descriptor of it, for those outside.

    Where it is not there, a parent that is gets a new face: what it holds stays, and the way to `path` is added.
    """
    standing = next(folder for folder in (path, *path.parents) if folder.is_dir())
    if standing == path:
        _mount_empty(path, "0700")
    else:
        _widen(standing)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700)
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _widen(folder: Path) -> None:
    """Make a folder writable here only, by an empty one over it into which its entries are bound."""
    before = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        entries = sorted(os.scandir(f"/proc/self/fd/{before}"), key=lambda entry: entry.name)
        _mount_empty(folder, "0755")
        for entry in entries:
            new = folder / entry.name
            if entry.is_symlink():
                new.symlink_to(os.readlink(entry.path))
                continue
            if entry.is_dir():
                new.mkdir()
            else:
                new.touch()
            mount(entry.path, str(new), None, MS_BIND | MS_REC)
    finally:
        os.close(before)


def _mount_empty(folder: Path, mode: str) -> None:
    mount("tmpfs", str(folder), "tmpfs", _HARMLESS, f"mode={mode},size=1m")
