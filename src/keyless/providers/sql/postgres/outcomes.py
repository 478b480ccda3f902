"""How far an error reaches: the statement, the procedure, or the whole batch.

Owns the lists. An error that is on none of them ends the batch and leaves the transaction: what nobody knows is not
gone past. Pure.
Source: Transact-SQL reference, "SET XACT_ABORT", "TRY...CATCH", "XACT_STATE", "THROW"; SQL Server, "Database engine
events and errors".
"""

from __future__ import annotations

from enum import Enum

from keyless.providers.sql.engine import SqlError


class Reach(Enum):
    """What an error ends."""

    STATEMENT = "statement"
    PROCEDURE = "procedure"
    BATCH = "batch"
    TRANSACTION = "transaction"


# constraints, arithmetic, what does not fit, and what is said of transactions, cursors and calls
_STATEMENT = {
    *(201, 213, 220, 266, 512, 515, 544, 547, 550, 628, 1222, 2601, 2627, 2628, 2812, 3701, 3902, 3903, 3930, 3931),
    *(6401, 8101, 8106, 8107, 8115, 8134, 8144, 8145, 8146, 8152, 8162, 8164),
    *(16905, 16911, 16915, 16916, 16917, 16922, 16924, 16925),
}
# what a statement's text names is not there, or is not what it should be: found when it is about to run
_PROCEDURE = {102, 105, 137, 156, 195, 206, 207, 208, 209, 402, 2760, 4104, 8120, 40510}
# a conversion fails, or another transaction wins
_TRANSACTION = {241, 242, 244, 245, 248, 293, 295, 529, 1205, 3960, 8114, 8169}


class Failure(SqlError):
    """An error on its way out, with how far it reaches, and the procedure that it comes from."""

    def __init__(self, error: SqlError, reach: Reach, procedure: str, *, raised: bool = False) -> None:
        super().__init__(error.number, error.message, severity=error.severity, state=error.state, line=error.line)
        self.reach = reach
        self.procedure = procedure
        #: By RAISERROR, which XACT_ABORT does not concern.
        self.raised = raised


def reach(error: SqlError) -> Reach:
    """How far an error reaches that no statement raised by itself."""
    if error.number in _STATEMENT:
        return Reach.STATEMENT
    if error.number in _PROCEDURE:
        return Reach.PROCEDURE
    return Reach.TRANSACTION if error.number in _TRANSACTION else Reach.BATCH
