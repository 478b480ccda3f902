"""The credential that an application hands to an official client. Owns the cache and its thread-safety.

It satisfies azure-core's `TokenCredential` and `SupportsTokenInfo` by shape, without importing azure-core.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping

from keyless.client.access_token import AccessToken
from keyless.client.app_service import MAX_SECONDS, endpoint_of, fetch_token
from keyless.client.errors import CredentialUnavailable
from keyless.model.clock import Clock, system_clock

#: Resources whose tokens are kept; an application that asks for more fetches its oldest anew.
MAX_RESOURCES = 64


class ManagedIdentityCredential:
    """Gets tokens for the managed identity of the app that `keyless run` started this process as.

    Without an argument it is the app's default identity; otherwise exactly one of `client_id`, `object_id` and
    `resource_id` picks one of those that are assigned to it. One instance may be shared by all threads.
    """

    def __init__(
        self,
        *,
        client_id: str | None = None,
        object_id: str | None = None,
        resource_id: str | None = None,
        environ: Mapping[str, str] = os.environ,
        clock: Clock = system_clock,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        given = {"client_id": client_id, "object_id": object_id, "mi_res_id": resource_id}
        selectors = [(name, value) for name, value in given.items() if value]
        if len(selectors) > 1:
            raise ValueError("give one of client_id, object_id and resource_id, not several")
        self._selector = selectors[0] if selectors else None
        self._environ = environ
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._held: dict[tuple[str, ...], AccessToken] = {}
        self._flights: dict[tuple[str, ...], _Flight] = {}

    def get_token(self, *scopes: str, **options: object) -> AccessToken:
        """A token for the one scope `scopes` (`https://vault.azure.net/.default`), from memory while it is fresh.

        With a claims challenge (`claims=…`) a new one is fetched. Raises CredentialUnavailable or TokenRefused.
        """
        held = self._held.get(scopes)
        if held is not None and held.refresh_on > self._clock() and not (options and options.get("claims")):
            return held
        return self._renew(scopes, anew=bool(options.get("claims")))

    def get_token_info(self, *scopes: str, options: Mapping[str, object] | None = None) -> AccessToken:
        """The same with azure-core's newer signature; `options` may hold `claims`."""
        return self.get_token(*scopes, **(options or {}))

    def _renew(self, scopes: tuple[str, ...], *, anew: bool) -> AccessToken:
        if len(scopes) != 1:
            raise ValueError("a managed identity gets a token for exactly one scope at a time")
        with self._lock:
            held = self._held.get(scopes)
            if held is not None and held.refresh_on > self._clock() and not anew:
                return held
            flight = self._flights.get(scopes)
            leads = flight is None
            if flight is None:
                flight = self._flights[scopes] = _Flight()
        return self._lead(scopes, flight) if leads else flight.result()

    def _lead(self, scopes: tuple[str, ...], flight: _Flight) -> AccessToken:
        try:
            flight.token = token = fetch_token(
                endpoint_of(self._environ),
                scopes[0].removesuffix("/.default"),
                self._selector,
                clock=self._clock,
                sleep=self._sleep,
            )
            with self._lock:
                self._held.pop(scopes, None)
                if len(self._held) >= MAX_RESOURCES:
                    del self._held[next(iter(self._held))]
                self._held[scopes] = token
            return token
        except Exception as error:
            flight.error = error
            raise
        finally:
            with self._lock:
                del self._flights[scopes]
            flight.done.set()


class _Flight:
    """A request under way, which others wait for instead of asking as well."""

    __slots__ = ("done", "error", "token")

    def __init__(self) -> None:
        self.done = threading.Event()
        self.token: AccessToken | None = None
        self.error: Exception | None = None

    def result(self) -> AccessToken:
        self.done.wait(2 * MAX_SECONDS)
        if self.error is not None:
            raise self.error
        if self.token is None:
            raise CredentialUnavailable("The identity endpoint did not answer in time.")
        return self.token
