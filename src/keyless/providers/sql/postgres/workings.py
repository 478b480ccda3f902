"""The parts of a session that know each other: what runs programs, and what its instructions do.

Owns putting them together, nothing else.
"""

from __future__ import annotations

from keyless.providers.sql.postgres.calls import Calls
from keyless.providers.sql.postgres.cursor_rows import Cursors
from keyless.providers.sql.postgres.describing import Descriptions
from keyless.providers.sql.postgres.interpreter import Interpreter
from keyless.providers.sql.postgres.modules import Modules
from keyless.providers.sql.postgres.plans import Plans
from keyless.providers.sql.postgres.running import Runner
from keyless.providers.sql.postgres.settings import Settings
from keyless.providers.sql.postgres.table_variables import TableVariables
from keyless.providers.sql.postgres.transactions import Connection, Transactions


class Workings:
    """The parts of one session."""

    def __init__(
        self,
        connection: Connection,
        transactions: Transactions,
        settings: Settings,
        descriptions: Descriptions,
        runner: Runner,
        plans: Plans,
    ) -> None:
        self.connection = connection
        self.transactions = transactions
        self.settings = settings
        self.descriptions = descriptions
        self.runner = runner
        self.plans = plans
        self.tables = TableVariables(connection, transactions, descriptions)
        self.interpreter = Interpreter(self)
        self.calls = Calls(self)
        self.cursors = Cursors(self)
        self.modules = Modules(self)
