"""Progress bars of long transfers. Owns how they look; they are on standard error, and only if it is a terminal."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

#: A transfer of fewer bytes is over before a bar could be read.
_LONG = 16 * 1024 * 1024


def bars() -> Progress:
    """A place for bars; nothing is to be seen until there is one, nor where standard error is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    return Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal)


def advance(shown: Progress, name: str, size: int | None) -> Callable[[int], None]:
    """Show a bar if the transfer is long; returns what moves it on."""
    if size is not None and size < _LONG:
        return lambda _count: None
    task = shown.add_task(name, total=size)
    return lambda count: shown.advance(task, count)
