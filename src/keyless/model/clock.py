"""Time as a parameter. Owns the type; everything that needs the time is handed one of these."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Seconds since 1970-01-01 UTC.
Clock = Callable[[], float]

system_clock: Clock = time.time
