"""What a session keeps beside its transaction: what SET set, and what the last statement left behind.

Owns the values that T-SQL reads as `@@…` or through functions of the session. No I/O.
Source: Transact-SQL reference, "System Functions", "SET Statements".
"""

from __future__ import annotations

from keyless.providers.sql.engine import Login
from keyless.providers.sql.postgres.transactions import Transactions
from keyless.providers.sql.types import Value

VERSION = "Microsoft SQL Server 2022 (keyless, on PostgreSQL) - 16.0.1000.6"


class Settings:
    """The values of one session."""

    def __init__(self, login: Login, transactions: Transactions) -> None:
        self._login = login
        self._transactions = transactions
        self.forget()

    def forget(self) -> None:
        """As after connecting."""
        self.count = 0
        self.error = 0
        self.silent = False
        self.implicit = False
        self.format_only = False
        self.identity_insert = ""
        self.identity: Value = None

    def value(self, name: str) -> Value:
        """A value by its name, one of `SESSION_VALUES`."""
        login, depth = self._login, self._transactions.depth
        own: dict[str, Value] = {
            "@@trancount": depth, "@@rowcount": self.count, "@@error": self.error, "@@spid": 50,
            "@@version": VERSION, "@@servername": login.server.name, "@@language": "us_english", "@@datefirst": 7,
            "@@max_precision": 38, "@db_name()": login.database.id.name if login.database else "master",
            "@suser_sname()": login.principal.display_name,
            "@user_name()": "dbo" if login.administrator else login.principal.display_name,
            "@host_name()": login.host, "@app_name()": login.application, "@xact_state()": 1 if depth else 0,
            "@isolation()": self._transactions.isolation.value,
            "@scope_identity()": self.identity,
            "@@identity": self.identity,
        }  # fmt: skip
        return own[name]
