"""What a session keeps beside its transaction: what SET set, and what the last statement left behind.

Owns the values that T-SQL reads as `@@…` or through functions of the session. No I/O.
Source: Transact-SQL reference, "System Functions", "SET Statements".
"""

from __future__ import annotations

from keyless.providers.sql.engine import Login
from keyless.providers.sql.postgres.outcomes import Failure
from keyless.providers.sql.postgres.transactions import Transactions
from keyless.providers.sql.types import Value

# ANSI_WARNINGS, ANSI_PADDING, ANSI_NULLS, QUOTED_IDENTIFIER, ANSI_NULL_DFLT_ON and CONCAT_NULL_YIELDS_NULL: always on
_ALWAYS_ON = 8 | 16 | 32 | 256 | 1024 | 4096
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
        self.xact_abort = False
        self.fetch_status = 0
        self.cursor_rows = 0
        self.level = 0
        #: The errors that were caught, the one of the innermost CATCH last.
        self.caught: list[Failure] = []
        self.implicit = False
        self.format_only = False
        self.identity_insert = ""
        self.identity: Value = None
        self.scope_identity: Value = None

    @property
    def administrator(self) -> bool:
        """Whether it is the server's administrator who asks."""
        return self._login.administrator

    def value(self, name: str) -> Value:
        """A value by its name, one of `SESSION_VALUES`."""
        login, depth = self._login, self._transactions.depth
        own: dict[str, Value] = {
            "@@trancount": depth, "@@rowcount": self.count, "@@error": self.error, "@@spid": 50,
            "@@version": VERSION, "@@servername": login.server.name, "@@language": "us_english", "@@datefirst": 7,
            "@@max_precision": 38, "@@options": self._options(),
            "@db_name()": login.database.id.name if login.database else "master",
            "@suser_sname()": login.principal.display_name,
            "@user_name()": "dbo" if login.administrator else login.principal.display_name,
            "@host_name()": login.host, "@app_name()": login.application,
            "@xact_state()": (-1 if self._transactions.doomed else 1) if depth else 0,
            "@@fetch_status": self.fetch_status, "@@cursor_rows": self.cursor_rows, "@@nestlevel": self.level,
            "@isolation()": self._transactions.isolation.value,
            "@scope_identity()": self.scope_identity,
            "@@identity": self.identity,
        }  # fmt: skip
        return own[name] if name in own else self._caught(name)

    def _options(self) -> int:
        """The bits of @@OPTIONS."""
        return _ALWAYS_ON | self.implicit << 1 | self.silent << 9 | self.xact_abort << 14

    def _caught(self, name: str) -> Value:
        """What ERROR_NUMBER() and its like tell, within a CATCH."""
        if not self.caught:
            return None
        error = self.caught[-1]
        told: dict[str, Value] = {
            "@error_number()": error.number, "@error_message()": error.message, "@error_severity()": error.severity,
            "@error_state()": error.state, "@error_line()": error.line, "@error_procedure()": error.procedure or None,
        }  # fmt: skip
        return told[name]
