"""The port to the engine behind the gateway: sessions, batches and what they give.

Owns what the gateway asks of an engine. Must not know TDS or any database.

One session does one thing at a time: the gateway begins nothing before the stream of the last thing has ended or was
closed. `cancel` is the exception.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from keyless.model.identity import Principal
from keyless.model.resource_id import ResourceId
from keyless.providers.sql.types import Column, Parameter, Row

#: A principal by its name in the directory, or by its object or client ID where one is given beside it. Raises SqlError
#: where several have that name.
FindPrincipal = Callable[[str, str], "Awaitable[Principal | None]"]
#: The number of a database that cannot be had now; drivers try again.
UNAVAILABLE = 40613


class SqlError(Exception):
    """An error as SQL Server numbers them; raised, it ends the batch.

    `severity` 11 to 16 can be mended by the caller, 17 to 19 are the server's, from 20 on the session ends too.
    `line` counts from 1 within the batch. The message holds no token.
    """

    def __init__(self, number: int, message: str, *, severity: int = 16, state: int = 1, line: int = 1) -> None:
        super().__init__(message)
        self.number = number
        self.message = message
        self.severity = severity
        self.state = state
        self.line = line


@dataclass(frozen=True)
class Columns:
    """A result begins; rows follow, and then its `Done`."""

    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Rows:
    """Some rows of the result that has begun; the engine chooses how many (some hundreds), never an endless list."""

    rows: Sequence[Row]


class Command(Enum):
    """What kind of statement ended, where clients go by that."""

    OTHER = "other"
    SELECT = "select"
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    MERGE = "merge"
    CREATE_TABLE = "create table"
    ALTER_TABLE = "alter table"
    DROP_TABLE = "drop table"


@dataclass(frozen=True)
class Done:
    """A statement ended; `count` is of rows returned or changed, None where nothing is counted (SET NOCOUNT ON too)."""

    count: int | None = None
    command: Command = Command.OTHER


@dataclass(frozen=True)
class Message:
    """What PRINT and warnings say (severity up to 10), or an error after which the batch went on (from 11)."""

    number: int
    message: str
    severity: int = 0
    state: int = 1
    line: int = 1


@dataclass(frozen=True)
class Output:
    """The value of an output parameter at the end, named as it was handed in."""

    parameter: Parameter


@dataclass(frozen=True)
class ReturnStatus:
    """What a procedure returned."""

    status: int


Event = Columns | Rows | Done | Message | Output | ReturnStatus
Events = AsyncGenerator[Event, None]


class Isolation(Enum):
    """Isolation levels by their numbers in the transaction manager's requests."""

    UNCHANGED = 0
    READ_UNCOMMITTED = 1
    READ_COMMITTED = 2
    REPEATABLE_READ = 3
    SERIALIZABLE = 4
    SNAPSHOT = 5


@dataclass(frozen=True)
class Database:
    """A database: its resource's ID (`…/servers/{server}/databases/{name}`), and a GUID that none has had before it.

    The GUID tells it from an earlier database of the same name.
    """

    id: ResourceId
    guid: str


@dataclass(frozen=True)
class Login:
    """Who connects to what. The token has been verified; what the principal may do in there is the engine's matter.

    `database` is None for `master`. `administrator` says that the server's Entra administrator is this principal or a
    group that it is in. `host` and `application` are what the client says of itself. `groups` are the object IDs of the
    groups that it is in, directly or through groups.
    """

    server: ResourceId
    database: Database | None
    principal: Principal
    administrator: bool
    host: str = ""
    application: str = ""
    groups: tuple[str, ...] = ()


class Session(Protocol):
    """One connection's session in one database."""

    @property
    def transaction(self) -> int:
        """0 outside of a transaction; a number that no earlier transaction of this session had inside of one."""
        ...

    @property
    def committed(self) -> bool:
        """Whether the last transaction that ended was committed."""
        ...

    def run(self, text: str, parameters: Sequence[Parameter] = ()) -> Events:
        """Run a batch, with the parameters that its text names (`sp_executesql`; the declared types hold).

        Gives `Output` for each output parameter after the rest. Raises SqlError where the batch ends with one.
        Closing the stream early abandons what is left.
        """
        ...

    def call(self, procedure: str, parameters: Sequence[Parameter] = ()) -> Events:
        """Call a procedure by its name as the client wrote it (`[sys].sp_tables`, `dbo.add_order`).

        Gives `Output` and `ReturnStatus` after the rest. Raises SqlError (2812 where there is none).
        """
        ...

    async def load(self, text: str, columns: Sequence[Column], rows: AsyncIterator[Sequence[Row]]) -> int:
        """Load rows as `text`, an INSERT BULK, says; gives their number. Raises SqlError, and then none was loaded.

        `columns` are those of the rows.
        """
        ...

    async def describe(self, text: str, parameters: Sequence[Parameter] = ()) -> tuple[Column, ...]:
        """The columns of the first result that a batch would give, () if none; nothing is run, values are ignored."""
        ...

    async def describe_parameters(self, text: str, declared: Sequence[Parameter] = ()) -> tuple[Parameter, ...]:
        """The parameters that a batch names and `declared` does not hold, in order of appearance, types guessed."""
        ...

    async def begin(self, isolation: Isolation, name: str) -> None:
        """Begin a transaction, or one inside of it (which only counts)."""
        ...

    async def commit(self, name: str) -> None:
        """Commit; SqlError 3902 where there is none."""
        ...

    async def rollback(self, name: str) -> None:
        """Roll back all, or to the savepoint that is called so; SqlError 3903 or 6401."""
        ...

    async def save(self, name: str) -> None:
        """Set a savepoint."""
        ...

    async def cancel(self) -> None:
        """Stop what is running, from another task: its stream ends soon, by an end or by a SqlError of any number."""
        ...

    async def reset(self, *, keep_transaction: bool) -> None:
        """As after connecting: settings, temporary tables, prepared things; a transaction is rolled back or kept."""
        ...

    async def close(self) -> None:
        """End the session; a transaction is rolled back. Safe at any time, and twice."""
        ...


class Engine(Protocol):
    """Databases and sessions in them."""

    async def start(self, databases: Sequence[Database]) -> None:
        """Before anything else: `databases` are all that there are; what is left of others goes."""
        ...

    async def prepare(self, database: Database) -> None:
        """A database has been made: whoever opens it soon need not wait. Raises KeylessError where it cannot be."""
        ...

    async def delete_database(self, database: Database) -> None:
        """End its sessions and remove it with all it holds; nothing if it is not there."""
        ...

    async def open(self, login: Login) -> Session:
        """A session, in a database that is made if this is its first; SqlError 18456 for a principal without a user."""
        ...

    async def back_up(self, folder: Path) -> None:
        """Put a copy of all databases, of one moment, into a folder; sessions go on. No folder if there is nothing.

        Raises KeylessError when it cannot be. What is in there is the engine's matter.
        """
        ...

    async def close(self) -> None:
        """Close all."""
        ...
