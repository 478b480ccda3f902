"""A driver within the test's own process: pytds, with a token."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.clients.tools import lacking
from tests.harness import RunningServer


def connect(server: RunningServer, port: int, database: str, token: str, *, patience: float = 30) -> Any:
    """A connection with autocommit to a database of the only server that has one of that name.

    A login that is refused is tried again until `patience` is over; the last refusal is the cause of TimeoutError.
    """
    try:
        import pytds
    except ImportError as error:
        lacking(f"pytds ({error})")
    return pytds.connect(
        dsn="localhost",
        port=port,
        database=database,
        access_token_callable=lambda: token,
        cafile=str(server.data / "tls" / "own-ca.pem"),
        validate_host=False,  # this version asks pyOpenSSL for what it has no more
        autocommit=True,
        login_timeout=patience,
    )


def rows(connection: Any, statement: str) -> list[tuple[Any, ...]]:
    """What a batch gives; it has been read to its end."""
    found: list[tuple[Any, ...]] = []
    with connection.cursor() as cursor:
        cursor.execute(statement)
        while True:
            found += [tuple(row) for row in cursor.fetchall()] if cursor.description else []
            if not cursor.nextset():
                return found


@dataclass
class Counter:
    """Inserts 1, 2, 3 … into `numbers` from a thread. `done` is the last that was acknowledged, `tried` the last sent.

    Odd numbers are inserted by a statement each, even ones together with a row of `evens` in a transaction.
    """

    open: Callable[[], Any]
    done: int = 0
    tried: int = 0
    failure: Exception | None = None
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    @staticmethod
    def prepare(connection: Any) -> None:
        """Make the tables."""
        rows(connection, "CREATE TABLE numbers (n INT PRIMARY KEY, filler NVARCHAR(200) NOT NULL)")
        rows(connection, "CREATE TABLE evens (n INT PRIMARY KEY)")

    @staticmethod
    def drop(connection: Any) -> None:
        """Remove them, if they are there."""
        rows(connection, "DROP TABLE IF EXISTS numbers")
        rows(connection, "DROP TABLE IF EXISTS evens")

    def start(self) -> None:
        """Go on from `tried`."""
        self._stopping.clear()
        self.failure = None
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def stop(self) -> None:
        """Stop, if it has not by itself; `failure` is why it did."""
        self._stopping.set()
        assert self._thread is not None
        self._thread.join(60)
        assert not self._thread.is_alive()

    def check(self, connection: Any) -> None:
        """What was acknowledged is there and at most one more, nothing by halves; go on from what is there."""
        found = [n for (n,) in rows(connection, "SELECT n FROM numbers ORDER BY n")]
        assert found == list(range(1, len(found) + 1))
        assert len(found) in {self.done, self.tried}, (len(found), self.done, self.tried)
        assert [n for (n,) in rows(connection, "SELECT n FROM evens ORDER BY n")] == [n for n in found if n % 2 == 0]
        self.done = self.tried = len(found)

    def _work(self) -> None:
        try:
            connection = self.open()
            while not self._stopping.is_set():
                number = self.tried + 1
                statement = f"INSERT INTO numbers VALUES ({number}, REPLICATE(N'{number} ', 20))"
                if number % 2 == 0:
                    statement = f"BEGIN TRAN; {statement}; INSERT INTO evens VALUES ({number}); COMMIT"
                self.tried = number
                rows(connection, statement)
                self.done = number
            connection.close()
        except Exception as error:  # kept for the test: a thread's own end would pass unseen
            self.failure = error
