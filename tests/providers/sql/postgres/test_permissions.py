"""Users, groups, roles and permissions: what each may do, by trying it."""

from __future__ import annotations

import pytest

from keyless.providers.sql.engine import Database
from keyless.providers.sql.postgres.engine import PostgresEngine
from keyless.providers.sql.postgres.session import PostgresSession
from tests.providers.sql.postgres.people import People, failure, run

_TABLES = """CREATE SCHEMA sales; CREATE TABLE dbo.t (a INT PRIMARY KEY, b INT); INSERT INTO dbo.t VALUES (1, 2);
CREATE TABLE sales.o (a INT, b INT); INSERT INTO sales.o VALUES (3, 4); CREATE PROCEDURE p AS SELECT 1 AS a"""


@pytest.fixture
async def people(engine: PostgresEngine, database: Database, owner: PostgresSession) -> People:
    """Everybody, with a table in dbo and one in sales."""
    for statement in _TABLES.split(";"):
        await run(owner, statement)
    return People(engine, database, owner)


# what was said (or a fixed role that was given), then what is tried, then the error (0: it works)
_DECISIONS: list[tuple[list[str], str, int]] = [
    ([], "SELECT a FROM t", 229),
    (["GRANT SELECT ON dbo.t TO {0}"], "SELECT a FROM t", 0),
    (["GRANT SELECT ON OBJECT::dbo.t TO {0}"], "SELECT * FROM t", 0),
    (["GRANT SELECT ON dbo.t TO {0}"], "SELECT a FROM sales.o", 229),
    (["GRANT SELECT ON SCHEMA::sales TO {0}"], "SELECT a FROM sales.o", 0),
    (["GRANT SELECT ON SCHEMA::sales TO {0}"], "SELECT a FROM t", 229),
    (["GRANT SELECT TO {0}"], "SELECT a FROM t", 0),
    (["GRANT SELECT ON DATABASE::{db} TO {0}"], "SELECT a FROM t", 0),
    (["GRANT CONTROL ON SCHEMA::sales TO {0}"], "INSERT INTO sales.o VALUES (1, 1)", 0),
    (["GRANT CONTROL ON SCHEMA::sales TO {0}"], "ALTER TABLE sales.o ADD c INT", 0),
    (["GRANT CONTROL ON SCHEMA::sales TO {0}"], "CREATE TABLE sales.n (a INT)", 262),
    (["GRANT CONTROL ON SCHEMA::sales TO {0}", "GRANT CREATE TABLE TO {0}"], "CREATE TABLE sales.n (a INT)", 0),
    (["GRANT CREATE TABLE TO {0}"], "CREATE TABLE sales.n (a INT)", 2760),
    (["GRANT CREATE TABLE TO {0}", "GRANT ALTER ON SCHEMA::dbo TO {0}"], "CREATE TABLE sales.n (a INT)", 2760),
    (["GRANT CONTROL ON dbo.t TO {0}"], "DELETE FROM t", 0),
    (["GRANT ALTER ON dbo.t TO {0}"], "ALTER TABLE t ADD c INT", 0),
    (["GRANT ALTER ON dbo.t TO {0}"], "TRUNCATE TABLE t", 0),
    (["GRANT ALTER ON dbo.t TO {0}"], "CREATE INDEX i ON t (a)", 0),
    (["GRANT ALTER ON dbo.t TO {0}"], "SELECT a FROM t", 229),
    (["GRANT ALTER ON dbo.t TO {0}"], "ALTER TABLE sales.o ADD c INT", 1088),
    (["GRANT ALTER ON dbo.t TO {0}"], "DROP TABLE t", 3701),
    (["GRANT ALTER ON dbo.t TO {0}"], "TRUNCATE TABLE sales.o", 4701),
    (["GRANT CONTROL ON dbo.t TO {0}"], "DROP TABLE t", 0),
    ([], "ALTER TABLE t ADD c INT", 1088),
    ([], "DROP TABLE t", 3701),
    ([], "CREATE TABLE n (a INT, c AS a + 1)", 262),
    ([], "CREATE TABLE #n (a INT, c AS a + 1); ALTER TABLE #n ADD d AS a + 2; INSERT INTO #n VALUES (1)", 0),
    (["GRANT CREATE TABLE TO {0}", "GRANT CONTROL ON SCHEMA::sales TO {0}"], "CREATE TABLE sales.n (a INT, c AS a)", 0),
    (["GRANT CREATE TABLE TO {0}"], "CREATE TABLE sales.n (a INT, c AS a + 1)", 2760),
    (["GRANT ALTER ON dbo.t TO {0}"], "ALTER TABLE t ADD c AS a + 1", 0),
    (["GRANT ALTER ON dbo.t TO {0}"], "ALTER TABLE sales.o ADD c AS a + 1", 1088),
    ([], "ALTER TABLE t ADD c AS a + 1", 1088),
    ([], "CREATE VIEW v AS SELECT 1 AS a", 262),
    ([], "CREATE SCHEMA s", 262),
    (["GRANT SELECT ON dbo.t (a) TO {0}"], "SELECT a FROM t", 0),
    (["GRANT SELECT ON dbo.t (a) TO {0}"], "SELECT b FROM t", 230),
    (["GRANT SELECT (a) ON dbo.t TO {0}"], "SELECT * FROM t", 230),
    (["GRANT UPDATE ON t (a) TO {0}"], "UPDATE t SET a = 5", 0),
    (["GRANT UPDATE ON t (a) TO {0}"], "UPDATE t SET b = 5", 230),
    (["GRANT SELECT ON t TO {0}", "DENY SELECT ON t (b) TO {0}"], "SELECT a FROM t", 0),
    (["GRANT SELECT ON t TO {0}", "DENY SELECT ON t (b) TO {0}"], "SELECT a, b FROM t", 230),
    (["db_datareader", "DENY SELECT ON t (b) TO {0}"], "SELECT b FROM t", 230),
    (["db_datareader"], "SELECT a FROM sales.o", 0),
    (["db_datareader"], "DELETE FROM t", 229),
    (["db_datawriter"], "INSERT INTO t VALUES (7, 1)", 0),
    (["db_datawriter"], "SELECT a FROM t", 229),
    (["db_datareader", "DENY SELECT ON dbo.t TO {0}"], "SELECT a FROM t", 229),
    (["db_datareader", "DENY SELECT ON dbo.t TO {0}"], "SELECT a FROM sales.o", 0),
    (["db_datareader", "DENY SELECT ON SCHEMA::dbo TO {0}"], "SELECT a FROM t", 229),
    (["GRANT SELECT ON t TO {0}", "DENY SELECT ON SCHEMA::dbo TO {0}"], "SELECT a FROM t", 229),
    (["GRANT SELECT ON t TO {0}", "DENY SELECT TO {0}"], "SELECT a FROM t", 229),
    (["GRANT SELECT ON t TO {0}", "DENY CONTROL ON t TO {0}"], "SELECT a FROM t", 229),
    (["GRANT SELECT ON t TO {0}", "DENY SELECT ON t TO public"], "SELECT a FROM t", 229),
    (["GRANT SELECT ON t TO public"], "SELECT a FROM t", 0),
    (["DENY SELECT ON t TO {0}", "GRANT SELECT ON t TO {0}"], "SELECT a FROM t", 0),
    (["GRANT SELECT ON t TO {0}", "REVOKE SELECT ON t FROM {0}"], "SELECT a FROM t", 229),
    (["GRANT SELECT ON t TO public", "DENY SELECT ON t TO {0}", "REVOKE SELECT ON t TO {0}"], "SELECT a FROM t", 0),
    (["db_datareader", "db_denydatareader"], "SELECT a FROM t", 229),
    (["db_owner", "db_denydatawriter"], "DELETE FROM t", 229),
    (["db_owner"], "DELETE FROM t", 0),
    (["db_owner"], "CREATE TABLE n (a INT IDENTITY PRIMARY KEY); INSERT INTO n DEFAULT VALUES", 0),
    (["db_owner"], "DROP TABLE t", 0),
    (["db_owner", "DENY SELECT ON t TO {0}"], "SELECT a FROM t", 229),
    (["db_ddladmin"], "CREATE TABLE sales.n (a INT)", 0),
    (["db_ddladmin"], "ALTER TABLE t DROP COLUMN b", 0),
    (["db_ddladmin"], "ALTER TABLE t ALTER COLUMN b BIGINT", 0),
    (["GRANT ALTER ON t TO {0}"], "ALTER TABLE t ALTER COLUMN b BIGINT", 0),
    (["GRANT ALTER ON t TO {0}"], "ALTER TABLE sales.o ALTER COLUMN b BIGINT", 1088),
    ([], "ALTER TABLE t ALTER COLUMN b BIGINT", 1088),
    ([], "CREATE TABLE #n (a INT, b INT); ALTER TABLE #n ALTER COLUMN a BIGINT; ALTER TABLE #n DROP COLUMN b", 0),
    (["db_ddladmin"], "CREATE VIEW v AS SELECT a FROM t; DROP VIEW v", 0),
    (["db_ddladmin"], "CREATE FUNCTION dbo.f() RETURNS INT AS BEGIN RETURN 1 END", 0),
    ([], "CREATE FUNCTION dbo.f() RETURNS INT AS BEGIN RETURN 1 END", 262),
    (["GRANT ALTER ON t TO {0}"], "EXEC sp_rename 't', 'n'", 0),
    (["GRANT SELECT ON t TO {0}"], "EXEC sp_rename 't', 'n'", 1088),
    (["db_ddladmin"], "DROP TABLE t", 0),
    (["db_ddladmin"], "SELECT a FROM t", 229),
    (["db_ddladmin"], "CREATE TABLE n (a INT); SELECT a FROM n", 229),
    (["db_ddladmin"], "CREATE SCHEMA s", 0),
    (["db_ddladmin"], "CREATE USER x FROM EXTERNAL PROVIDER", 15247),
    (["db_accessadmin"], "CREATE USER x FROM EXTERNAL PROVIDER; DROP USER x", 0),
    (["db_accessadmin"], "ALTER ROLE db_datareader ADD MEMBER {0}", 15151),
    (["db_accessadmin"], "GRANT SELECT ON t TO public", 15151),
    (["db_securityadmin"], "CREATE ROLE r; GRANT SELECT ON t TO r; ALTER ROLE r ADD MEMBER {0}", 0),
    (["db_securityadmin"], "ALTER ROLE db_owner ADD MEMBER {0}", 15151),
    (["db_securityadmin"], "GRANT SELECT ON t TO {0}", 4624),
    (["db_securityadmin"], "SELECT a FROM t", 229),
    (["GRANT SELECT ON t TO {0}"], "GRANT SELECT ON t TO public", 15151),
    (["GRANT SELECT ON t TO {0} WITH GRANT OPTION"], "GRANT SELECT ON t TO public", 0),
    (["GRANT SELECT ON t TO {0} WITH GRANT OPTION"], "GRANT DELETE ON t TO public", 15151),
    (["GRANT SELECT ON t TO {0} WITH GRANT OPTION", "REVOKE GRANT OPTION FOR SELECT ON t FROM {0} CASCADE"],
     "GRANT SELECT ON t TO public", 15151),
    (["CREATE SCHEMA own AUTHORIZATION {0}", "GRANT CREATE TABLE TO {0}"],
     "CREATE TABLE own.x (a INT); SELECT a FROM own.x; DROP TABLE own.x", 0),
    (["CREATE SCHEMA own2 AUTHORIZATION {0}"], "SELECT a FROM t", 229),
    (["GRANT SELECT ON t TO {0}"], "SELECT a INTO n FROM t", 262),
    (["db_owner"], "SELECT a INTO n FROM t; SELECT a FROM n; DROP TABLE n", 0),
    (["db_ddladmin"], "CREATE TABLE n (a INT REFERENCES t (a))", 0),
    ([], "CREATE TABLE #n (a INT IDENTITY); INSERT INTO #n DEFAULT VALUES; SELECT a FROM #n; DROP TABLE #n", 0),
    ([], "CREATE TABLE #n (a INT IDENTITY); TRUNCATE TABLE #n; CREATE INDEX i ON #n (a)", 0),
    (["GRANT ALL ON t TO {0}"], "INSERT INTO t VALUES (2, 1); UPDATE t SET b = 2; DELETE FROM t", 0),
    ([], "SELECT TOP 1 a FROM dbo.t WHERE 1 = 0", 229),
    ([], "EXEC p", 229),
    (["GRANT EXECUTE ON p TO {0}"], "EXEC p", 0),
    (["GRANT EXECUTE ON SCHEMA::dbo TO {0}"], "EXEC dbo.p", 0),
    (["GRANT EXECUTE TO {0}"], "EXEC p", 0),
    (["GRANT EXECUTE TO {0}", "DENY EXECUTE ON OBJECT::p TO {0}"], "EXEC p", 229),
    ([], "CREATE PROCEDURE n AS SELECT 1 AS a", 262),
    (["GRANT CREATE PROCEDURE TO {0}"], "CREATE PROCEDURE n AS SELECT 1 AS a", 2760),
    (["GRANT CREATE PROCEDURE TO {0}", "GRANT ALTER ON SCHEMA::dbo TO {0}"], "CREATE PROCEDURE n AS SELECT 1 AS a", 0),
    (["db_ddladmin"], "CREATE PROCEDURE n AS SELECT 1 AS a", 0),
    (["db_ddladmin"], "ALTER PROCEDURE p AS SELECT 2 AS a", 0),
    (["GRANT ALTER ON p TO {0}"], "ALTER PROCEDURE p AS SELECT 2 AS a", 0),
    (["GRANT EXECUTE ON p TO {0}"], "ALTER PROCEDURE p AS SELECT 2 AS a", 3704),
    (["GRANT EXECUTE ON p TO {0}"], "DROP PROCEDURE p", 3701),
    (["GRANT CONTROL ON p TO {0}"], "DROP PROCEDURE p", 0),
    (["GRANT EXECUTE ON p TO {0}"], "SELECT a FROM t", 229),
    (["GRANT INSERT ON t TO {0}"], "INSERT INTO t (a) SELECT 5", 0),
    (["GRANT INSERT ON t TO {0}"], "INSERT INTO t (a) OUTPUT inserted.a VALUES (1)", 229),
    (["GRANT UPDATE ON t TO {0}"], "UPDATE t SET a = 1 WHERE b = 2", 229),
    (["GRANT UPDATE, SELECT ON t TO {0}"], "UPDATE t SET a = 1 WHERE b = 2", 0),
]  # fmt: skip


async def test_decisions(people: People) -> None:
    wrong = []
    for number, (said, tried, expected) in enumerate(_DECISIONS):
        name = f"u{number}"
        await run(people.dbo, "BEGIN TRANSACTION")
        await run(people.dbo, f"CREATE USER [{name}] FROM EXTERNAL PROVIDER")
        for statement in said:
            written = f"ALTER ROLE {statement} ADD MEMBER {{0}}" if statement.startswith("db_") else statement
            await run(people.dbo, written.format(name, db=f"[{people.database.id.name}]"))
        await run(people.dbo, "COMMIT")
        session = await people.come(name)
        await run(session, "BEGIN TRANSACTION")
        found = 0
        for statement in tried.format(name).split(";"):
            error = await failure(session, statement)
            found = found or (error.number if error else 0)
        if found != expected:
            wrong.append((said, tried, expected, found))
        await run(session, "ROLLBACK")
        await session.close()
        if any("public" in statement for statement in said):
            await run(people.dbo, "REVOKE SELECT ON t FROM public")
    assert not wrong, "\n".join(map(str, wrong))
