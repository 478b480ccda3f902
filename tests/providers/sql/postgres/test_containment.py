"""No statement reaches the file system, the network, another database or another session.

Two walls: what T-SQL does not have here, and what PostgreSQL refuses a user's role itself, past the translation.
"""

from __future__ import annotations

import psycopg
import pytest

from keyless.providers.sql.engine import Database, Login
from keyless.providers.sql.postgres.connections import Connection
from keyless.providers.sql.postgres.databases import database_name
from keyless.providers.sql.postgres.engine import PostgresEngine
from keyless.providers.sql.postgres.session import PostgresSession
from tests.providers.sql.postgres.conftest import SERVER, named, principal
from tests.providers.sql.postgres.people import People, failure, run

_TSQL = """SELECT * FROM OPENROWSET(BULK '/etc/passwd', SINGLE_CLOB) AS x
SELECT * FROM OPENROWSET('MSOLEDBSQL', 'server=x', 'SELECT 1')
SELECT * FROM OPENDATASOURCE('MSOLEDBSQL', 'server=x').db.dbo.t
SELECT * FROM OPENQUERY(linked, 'SELECT 1')
SELECT * FROM linked.db.dbo.t
SELECT * FROM other.dbo.t
SELECT * FROM [other]..t
SELECT * FROM tempdb.dbo.t
INSERT INTO other.dbo.t VALUES (1)
UPDATE other.dbo.t SET a = 1
DELETE FROM other.dbo.t
SELECT a INTO other.dbo.n FROM t
CREATE TABLE other.dbo.n (a INT)
DROP TABLE other.dbo.t
GRANT SELECT ON other.dbo.t TO public
USE other
USE master
CREATE DATABASE x
DROP DATABASE other
ALTER DATABASE other SET READ_ONLY
BACKUP DATABASE x TO DISK = '/tmp/x'
RESTORE DATABASE x FROM DISK = '/tmp/x'
BULK INSERT t FROM '/etc/passwd'
EXEC xp_cmdshell 'true'
EXEC master..xp_cmdshell 'true'
EXEC xp_dirtree '/'
EXEC xp_fileexist '/etc/passwd'
EXEC xp_regread 'x', 'y'
EXEC sp_OACreate 'x', 1
EXEC sp_configure 'show advanced options', 1
EXEC sp_addlinkedserver 'x'
EXEC sp_execute_external_script @language = N'Python', @script = N'x'
EXEC ('SELECT 1') AT linked
EXEC ('SELECT 1') AS USER = 'dbo'
EXECUTE AS USER = 'dbo'
EXECUTE AS LOGIN = 'sa'
REVERT
SETUSER 'dbo'
RECONFIGURE
SHUTDOWN
KILL 51
DBCC CHECKDB
CHECKPOINT
CREATE LOGIN x WITH PASSWORD = 'y'
CREATE ASSEMBLY x FROM '/tmp/x'
CREATE EXTERNAL DATA SOURCE x WITH (LOCATION = 'x')
CREATE EXTERNAL TABLE x (a INT) WITH (LOCATION = 'x')
CREATE CREDENTIAL x WITH IDENTITY = 'y'
CREATE SYNONYM x FOR other.dbo.t
CREATE ENDPOINT x
ALTER SERVER ROLE sysadmin ADD MEMBER x
SELECT * FROM sys.server_principals
SELECT * FROM sys.sql_logins
SELECT * FROM pg_catalog.pg_database
SELECT * FROM pg_database
SELECT * FROM tsql.principals
SELECT * FROM [public].x
CREATE TABLE pg_temp.x (a INT)
CREATE TABLE sys.x (a INT)
CREATE TABLE tsql.x (a INT)
CREATE SCHEMA pg_x
CREATE SCHEMA tsql_x
DROP SCHEMA sys
DROP VIEW sys.tables
SELECT pg_read_file('/etc/passwd')
SELECT dbo.pg_read_file('/etc/passwd')
SELECT pg_catalog.pg_read_file('/etc/passwd')
SELECT tsql.define('x')
SELECT * FROM pg_ls_dir('/')
SELECT current_setting('data_directory')
COPY t TO '/tmp/x'
SELECT 'x'::regclass
SELECT 1; SET ROLE keyless""".splitlines()


@pytest.fixture
async def people(engine: PostgresEngine, database: Database, owner: PostgresSession) -> People:
    """A table here, and another database with one of the same name."""
    await run(owner, "CREATE TABLE t (a INT PRIMARY KEY); INSERT INTO t VALUES (1)")
    other = await engine.open(Login(SERVER, named("other"), principal("owner"), True))
    if await failure(other, "SELECT a FROM t"):
        await run(other, "CREATE TABLE t (a INT); INSERT INTO t VALUES (2)")
    await other.close()
    return People(engine, database, owner)


async def test_tsql_has_no_way_out(people: People) -> None:
    through = []
    for statement in _TSQL:
        error = await failure(people.dbo, statement)
        if error is None or error.number == 50000 or error.severity >= 20:
            through.append((statement, error))
    assert not through, "\n".join(map(str, through))
    assert await run(people.dbo, "SELECT a FROM t") == [(1,)]


# {o} is dbo's role, {r} the user's own, {x} that of the other database
_POSTGRES = """SELECT datname FROM pg_database
SELECT rolname FROM pg_roles
SELECT usename FROM pg_user
SELECT groname FROM pg_group
SELECT rolpassword FROM pg_authid
SELECT member FROM pg_auth_members
SELECT query FROM pg_stat_activity
SELECT pg_stat_get_activity(NULL)
SELECT pg_stat_get_backend_activity(1)
SELECT datname FROM pg_stat_database
SELECT pid FROM pg_locks
SELECT objid FROM pg_shdepend
SELECT description FROM pg_shdescription
SELECT setting FROM pg_settings
SELECT spcname FROM pg_tablespace
SELECT pg_database_size('postgres')
SHOW data_directory
SHOW config_file
SELECT name FROM tsql.principals
SELECT role FROM tsql.logins
SELECT role FROM tsql.members
SELECT major FROM tsql.permissions
SELECT relation FROM tsql.relations
SELECT tsql.settle(NULL, NULL)
SELECT tsql.enter('x', '{{}}', 'x', 'x')
SELECT tsql.wanted(NULL, NULL)
SELECT tsql.take_back(0, 0, 0, 'SELECT', 5)
SELECT tsql.administering()
UPDATE tsql.fixed_permissions SET state = 'G'
UPDATE pg_class SET relowner = 10
ALTER FUNCTION tsql.may_define() SECURITY INVOKER
CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'
CREATE FUNCTION dbo.f() RETURNS int LANGUAGE sql AS 'SELECT 1'
CREATE FUNCTION tsql.f() RETURNS int LANGUAGE sql AS 'SELECT 1'
CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'
CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE internal AS 'pg_backend_pid'
CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE c AS 'x', 'y'
DO $$ BEGIN PERFORM 1; END $$
CREATE TABLE public.x (a int)
CREATE TABLE dbo.x (a int)
CREATE TABLE tsql.x (a int)
CREATE TABLE sys.x (a int)
CREATE SCHEMA x
CREATE EXTENSION dblink
CREATE EXTENSION file_fdw
CREATE EXTENSION postgres_fdw
CREATE FOREIGN DATA WRAPPER x
CREATE PUBLICATION x
CREATE SUBSCRIPTION x CONNECTION 'host=1' PUBLICATION y
CREATE TABLESPACE x LOCATION '/tmp'
CREATE EVENT TRIGGER x ON ddl_command_end EXECUTE FUNCTION tsql.defined()
ALTER EVENT TRIGGER tsql_2_defined DISABLE
DROP EVENT TRIGGER tsql_2_defined
LOAD 'auto_explain'
SELECT pg_read_file('/etc/passwd')
SELECT pg_read_binary_file('/etc/passwd')
SELECT pg_stat_file('/etc/passwd')
SELECT pg_ls_dir('/')
SELECT pg_ls_waldir()
SELECT pg_current_logfile()
COPY dbo.t TO '/tmp/x'
COPY dbo.t FROM '/etc/passwd'
COPY (SELECT 1) TO '/tmp/x'
COPY (SELECT 1) TO PROGRAM 'true'
COPY dbo.t FROM PROGRAM 'true'
SELECT lo_import('/etc/passwd')
SELECT lo_export(1, '/tmp/x')
SELECT lo_create(0)
SELECT lo_from_bytea(0, 'x')
SET ROLE keyless
SET ROLE {o}
SET ROLE {x}
SET SESSION AUTHORIZATION keyless
SET SESSION AUTHORIZATION {o}
GRANT {o} TO {r}
GRANT pg_read_server_files TO {r}
ALTER ROLE {r} SUPERUSER
ALTER ROLE {r} CONNECTION LIMIT -1
ALTER ROLE {r} SET temp_file_limit = -1
CREATE ROLE x
DROP ROLE {x}
CREATE DATABASE x
ALTER SYSTEM SET work_mem = '1GB'
SET temp_file_limit = -1
SET session_replication_role = replica
SET event_triggers = off
SET dynamic_library_path = '/tmp'
SET session_preload_libraries = 'x'
SET allow_system_table_mods = on
SELECT pg_reload_conf()
SELECT pg_cancel_backend(1)
SELECT pg_terminate_backend(1)
SELECT pg_advisory_lock(1)
SELECT pg_notify('x', 'y')
SELECT pg_logical_emit_message(true, 'x', 'y')
SELECT pg_export_snapshot()
SELECT query_to_xml('SELECT 1', true, true, '')
CHECKPOINT
REINDEX TABLE dbo.t
TRUNCATE dbo.t
DROP TABLE dbo.t
ALTER TABLE dbo.t ADD b int
COMMENT ON TABLE dbo.t IS 'x'
CREATE INDEX ON dbo.t (a)
CREATE TRIGGER x AFTER INSERT ON dbo.t EXECUTE FUNCTION suppress_redundant_updates_trigger()
SELECT a FROM dbo.t""".splitlines()


async def direct(engine: PostgresEngine, people: People) -> tuple[Connection, str]:
    """Past the translation, as the role of a user without permissions."""
    session = await people.user("ann")
    role = engine._sessions[session].role
    return await engine._connections.open(database_name(people.database), role), role


async def test_postgresql_refuses_a_users_role_all_but_its_own(engine: PostgresEngine, people: People) -> None:
    connection, role = await direct(engine, people)
    names = {"r": role, "o": f"{database_name(people.database)}_o", "x": f"{database_name(named('other'))}_o"}
    through = []
    for statement in _POSTGRES:
        try:
            await connection.execute(statement.format(**names))
        except psycopg.Error as error:
            if error.sqlstate != "42501":
                through.append((statement, str(error)))
        else:
            through.append((statement, "done"))
    assert not through, "\n".join(map(str, through))
    for elsewhere in (database_name(named("other")), "postgres", "template1"):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            await engine._connections.open(elsewhere, role)
    await connection.close()


@pytest.mark.parametrize(
    ("call", "number"),
    [
        ("create_user('x', 'y', 'E')", 15247),
        ("change_member('db_owner', 'ADD', 'ann')", 15151),
        ("""change_permissions('GRANT', '[["SELECT", []]]', 'OBJECT', 'dbo', 't', '{public}', false, false)""", 15151),
        ("define('CREATE TABLE dbo.x (a int)')", 262),
        ("define('DROP TABLE dbo.t')", 3701),
        ("define('SELECT 1')", 1088),
        ("truncate_table('dbo.t')", 4701),
        ("reseed('dbo.t', 'a')", 4701),
        ("reseed('tsql.principals', 'id')", 4701),
    ],
)
async def test_functions_that_run_as_another_ask_first(
    engine: PostgresEngine, people: People, call: str, number: int
) -> None:
    connection, _ = await direct(engine, people)
    with pytest.raises(psycopg.Error, match=f"^{number} "):
        await connection.execute(f"SELECT tsql.{call}")
    await connection.close()


@pytest.mark.parametrize(
    "statements",
    [
        "SELECT 1",
        "INSERT INTO dbo.t VALUES (3)",
        "COPY dbo.t TO '/tmp/x'",
        "GRANT ALL ON dbo.t TO public",
        "SET ROLE keyless",
        "CREATE TABLE dbo.x (a int); INSERT INTO dbo.t VALUES (3)",
        "COMMENT ON TABLE dbo.t IS E'\\''; DELETE FROM dbo.t; --'",
        "COMMENT ON TABLE dbo.t IS 'x' /* ' */; DELETE FROM dbo.t; --'",
        'CREATE TABLE dbo."x;" (a int); DELETE FROM dbo.t',
        "CREATE FUNCTION dbo.f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$",
        "ALTER TABLE dbo.u ADD b int",
        "DROP TABLE dbo.u",
        "COMMENT ON TABLE dbo.u IS 'x'",
        "CREATE INDEX ON dbo.u (a)",
        "ALTER ROLE keyless NOLOGIN",
        "ALTER SCHEMA dbo RENAME TO x",
        "ALTER SCHEMA tsql RENAME TO x",
        "CREATE EXTENSION hstore",
        "CREATE EVENT TRIGGER x ON ddl_command_end EXECUTE FUNCTION tsql.defined()",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO public",
        "CREATE CAST (int AS text) WITHOUT FUNCTION",
        "CREATE RULE r AS ON SELECT TO dbo.u DO INSTEAD SELECT 1 AS a",
    ],
)
async def test_who_may_define_one_thing_defines_nothing_else(
    engine: PostgresEngine, people: People, statements: str
) -> None:
    await run(people.dbo, "CREATE TABLE u (a INT)")
    connection, _ = await direct(engine, people)
    await run(people.dbo, "GRANT ALTER ON t TO ann")
    await connection.execute("SELECT tsql.define('ALTER TABLE dbo.t ADD c int')")
    with pytest.raises(psycopg.Error):
        await connection.execute("SELECT tsql.define($1)", [statements])
    assert await run(people.dbo, "SELECT a FROM t") == [(1,)]
    await connection.close()
