"""The keys of foreign issuers: fetched when they are needed, kept for a while, never asked for too often.

Owns the cache and its rules. Must not know how a document is fetched, nor what a token says.

Keys are kept as long as the issuer says, within bounds. A token that names an unknown key makes them be fetched anew,
once in a short while: so a rotation counts at once, and forged tokens cannot make us hammer an issuer. A failure is
remembered briefly too. Many who ask at once wait for one fetch.

Source: OpenID Connect Core 1.0, section 10.1.1 (rotation); RFC 9111, section 5.2.2.1 (max-age).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from keyless.authority.federation.discovery import configuration_url, key_set_url
from keyless.authority.federation.foreign_keys import ForeignKey, by_kid, parse_key_set
from keyless.authority.federation.https_get import Document
from keyless.model.clock import Clock
from keyless.model.errors import KeylessError, invalid
from keyless.model.federation import IssuerSettings

MAX_ISSUERS = 256
DEFAULT_AGE, LEAST_AGE, MOST_AGE = 3600.0, 300.0, 86_400.0
REFRESH_SECONDS = 60.0
FAILURE_SECONDS = 30.0
#: Few enough that names which resolve slowly leave threads for everything else.
_MAX_FETCHES = 4
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=\"?(\d{1,9})")

Fetch = Callable[[str, IssuerSettings], Awaitable[Document]]


@dataclass(frozen=True)
class _Held:
    """What a fetch brought, under which settings, when, and until when it counts."""

    settings: IssuerSettings
    fetched: float
    until: float
    keys: tuple[ForeignKey, ...] = ()
    failure: str = ""


@dataclass
class IssuerKeys:
    """Finds the keys that may have signed a token. `settings_of` says what the operator set for an issuer."""

    settings_of: Callable[[str], IssuerSettings]
    fetch: Fetch
    clock: Clock
    _held: dict[str, _Held] = field(default_factory=dict, repr=False)
    _fetching: dict[IssuerSettings, asyncio.Task[_Held]] = field(default_factory=dict, repr=False)
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_MAX_FETCHES), repr=False)

    async def find(self, issuer: str, kid: str) -> Sequence[ForeignKey]:
        """The keys of an issuer by that name; all of them for a token that names none.

        Raises INVALID with the end of a sentence: why there are none.
        """
        held = await self._current(issuer)
        found = by_kid(held.keys, kid)
        if not found and self.clock() - held.fetched >= REFRESH_SECONDS and held.settings.key_set is None:
            held = await self._refresh(held.settings)
            found = by_kid(_keys_of(held).keys, kid)
        return found

    async def _current(self, issuer: str) -> _Held:
        settings = self.settings_of(issuer)
        held = self._held.get(issuer)
        # what the operator has changed since counts at once
        if held is None or held.settings != settings or self.clock() >= held.until:
            held = await self._refresh(settings)
        else:
            self._held[issuer] = self._held.pop(issuer)  # the least used go first
        return _keys_of(held)

    async def _refresh(self, settings: IssuerSettings) -> _Held:
        task = self._fetching.get(settings)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._fetch(settings))
            self._fetching[settings] = task
            task.add_done_callback(lambda _done: self._fetching.pop(settings, None))
        return await asyncio.shield(task)

    async def _fetch(self, settings: IssuerSettings) -> _Held:
        now = self.clock()
        before = self._held.get(settings.issuer)
        try:
            async with self._turns:
                keys, age = await self._read(settings)
            held = _Held(settings, now, now + age, keys)
        except KeylessError as error:
            held = _Held(settings, now, now + FAILURE_SECONDS, failure=error.message)
            # a token that names a key of its own invention must not take the good ones away from all others
            if before and before.settings == settings and before.keys and now < before.until:
                held = replace(before, fetched=now)
        self._held.pop(settings.issuer, None)
        while len(self._held) >= MAX_ISSUERS:
            del self._held[next(iter(self._held))]
        self._held[settings.issuer] = held
        return held

    async def _read(self, settings: IssuerSettings) -> tuple[tuple[ForeignKey, ...], float]:
        if settings.key_set is not None:
            return parse_key_set(settings.key_set), float("inf")
        configuration = await self.fetch(configuration_url(settings.issuer), settings)
        document = await self.fetch(key_set_url(configuration.data, settings.issuer), settings)
        return parse_key_set(document.data), _age(document.cache_control)


def _keys_of(held: _Held) -> _Held:
    if held.failure:
        raise invalid(held.failure, "IssuerUnusable")
    return held


def _age(cache_control: str) -> float:
    said = _MAX_AGE.search(cache_control)
    return min(max(float(said[1]), LEAST_AGE), MOST_AGE) if said else DEFAULT_AGE
