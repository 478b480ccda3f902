"""What T-SQL tells about users and permissions: sys.database_*, and the functions that ask."""

from __future__ import annotations

import pytest

from keyless.providers.sql.engine import Database
from keyless.providers.sql.postgres.engine import PostgresEngine
from keyless.providers.sql.postgres.session import PostgresSession
from tests.providers.sql.postgres.people import People, run


@pytest.fixture
async def people(engine: PostgresEngine, database: Database, owner: PostgresSession) -> People:
    """A user with a role and permissions, and a group."""
    made = People(engine, database, owner)
    await run(owner, "CREATE TABLE t (a INT, b INT); CREATE SCHEMA sales; CREATE ROLE r")
    await made.user(
        "ann", "ALTER ROLE r ADD MEMBER {0}", "GRANT SELECT, UPDATE ON t TO r", "DENY SELECT ON t (b) TO {0}"
    )
    await run(
        owner, "GRANT INSERT ON SCHEMA::sales TO r WITH GRANT OPTION; CREATE USER [group a] FROM EXTERNAL PROVIDER"
    )
    return made


async def test_the_catalog_views(people: People) -> None:
    assert await run(
        people.dbo,
        "SELECT name, type, type_desc, authentication_type_desc, default_schema_name FROM sys.database_principals"
        " WHERE name IN ('ann', 'group a', 'r', 'dbo', 'db_owner') ORDER BY principal_id",
    ) == [
        ("dbo", "S", "SQL_USER", "NONE", "dbo"),
        ("r", "R", "DATABASE_ROLE", "NONE", None),
        ("ann", "E", "EXTERNAL_USER", "EXTERNAL", "dbo"),
        ("group a", "X", "EXTERNAL_GROUP", "EXTERNAL", "dbo"),
        ("db_owner", "R", "DATABASE_ROLE", "NONE", None),
    ]
    members = (
        "SELECT r.name, m.name FROM sys.database_role_members AS x JOIN sys.database_principals AS r"
        " ON r.principal_id = x.role_principal_id JOIN sys.database_principals AS m"
        " ON m.principal_id = x.member_principal_id"
    )
    assert await run(people.dbo, members) == [("r", "ann")]
    permissions = (
        "SELECT g.name, p.class_desc, COALESCE(OBJECT_NAME(p.major_id), SCHEMA_NAME(p.major_id)), p.minor_id, p.type,"
        " p.permission_name, p.state_desc FROM sys.database_permissions AS p JOIN sys.database_principals AS g"
        " ON g.principal_id = p.grantee_principal_id WHERE p.type <> 'CO' ORDER BY p.class, p.minor_id, p.type"
    )
    expected = [
        ("r", "OBJECT_OR_COLUMN", "t", 0, "SL", "SELECT", "GRANT"),
        ("r", "OBJECT_OR_COLUMN", "t", 0, "UP", "UPDATE", "GRANT"),
        ("ann", "OBJECT_OR_COLUMN", "t", 2, "SL", "SELECT", "DENY"),
        ("r", "SCHEMA", "sales", 0, "IN", "INSERT", "GRANT_WITH_GRANT_OPTION"),
    ]
    assert await run(people.dbo, permissions) == expected
    assert await run(people.sessions["ann"], permissions) == expected


async def test_a_user_sees_itself_and_its_roles_only(people: People) -> None:
    await people.user("ben")
    names = "SELECT name FROM sys.database_principals WHERE type IN ('E', 'X') OR name = 'r' ORDER BY name"
    assert await run(people.sessions["ben"], names) == [("ben",)]
    assert await run(people.sessions["ann"], names) == [("ann",), ("r",)]
    assert await run(people.sessions["ben"], "SELECT COUNT(*) FROM sys.database_role_members") == [(0,)]
    assert await run(people.sessions["ben"], "SELECT COUNT(*) FROM sys.database_permissions") == [(1,)]
    assert await run(people.sessions["ben"], "SELECT name FROM sys.tables") == []


_ASKED = [
    ("USER_NAME()", "dbo", "ann"),
    ("CURRENT_USER", "dbo", "ann"),
    ("SUSER_SNAME()", "owner", "ann"),
    ("ORIGINAL_LOGIN()", "owner", "ann"),
    ("USER_ID()", 1, 6),
    ("USER_ID('ann')", 6, 6),
    ("DATABASE_PRINCIPAL_ID('r')", 5, 5),
    ("DATABASE_PRINCIPAL_ID('missing')", None, None),
    ("USER_NAME(6)", "ann", "ann"),
    ("USER_NAME(1)", "dbo", "dbo"),
    ("IS_MEMBER('db_owner')", 1, 0),
    ("IS_MEMBER('r')", 0, 1),
    ("IS_MEMBER('public')", 1, 1),
    ("IS_MEMBER('missing')", None, None),
    ("IS_ROLEMEMBER('r')", 0, 1),
    ("IS_ROLEMEMBER('r', 'ann')", 1, 1),
    ("IS_ROLEMEMBER('db_owner', 'ann')", 0, 0),
    ("HAS_PERMS_BY_NAME('dbo.t', 'OBJECT', 'UPDATE')", 1, 1),
    ("HAS_PERMS_BY_NAME('[dbo].[t]', 'OBJECT', 'DELETE')", 1, 0),
    ("HAS_PERMS_BY_NAME('t', 'OBJECT', 'SELECT', 'a', 'COLUMN')", 1, 1),
    ("HAS_PERMS_BY_NAME('t', 'OBJECT', 'SELECT', 'b', 'COLUMN')", 1, 0),
    ("HAS_PERMS_BY_NAME('t', 'OBJECT', 'ANY')", 1, 1),
    ("HAS_PERMS_BY_NAME('missing', 'OBJECT', 'SELECT')", None, None),
    ("HAS_PERMS_BY_NAME('t', 'OBJECT', 'FLY')", None, None),
    ("HAS_PERMS_BY_NAME('sales', 'SCHEMA', 'INSERT')", 1, 1),
    ("HAS_PERMS_BY_NAME(NULL, NULL, 'CREATE TABLE')", 1, 0),
    ("HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'CONNECT')", 1, 1),
]


async def test_what_one_may_ask(people: People) -> None:
    wrong = []
    for asked, dbo, ann in _ASKED:
        found = [(await run(session, f"SELECT {asked}"))[0][0] for session in (people.dbo, people.sessions["ann"])]
        if found != [dbo, ann]:
            wrong.append((asked, found))
    assert wrong == []


async def test_ones_own_permissions(people: People) -> None:
    listed = "SELECT subentity_name, permission_name FROM fn_my_permissions('dbo.t', 'OBJECT') ORDER BY 1, 2"
    assert await run(people.sessions["ann"], listed) == [
        ("", "SELECT"), ("", "UPDATE"), ("a", "SELECT"), ("a", "UPDATE"), ("b", "UPDATE"),
    ]  # fmt: skip
    on_database = "SELECT permission_name FROM sys.fn_my_permissions(NULL, 'DATABASE')"
    assert await run(people.sessions["ann"], on_database) == [("CONNECT",)]


async def test_the_older_procedures(people: People) -> None:
    await run(people.dbo, "EXEC sp_addrolemember 'db_datawriter', 'ann'")
    assert await people.says("ann", "DELETE FROM t") == 0
    await run(people.dbo, "EXEC sp_droprolemember @rolename = 'db_datawriter', @membername = 'ann'")
    assert await people.says("ann", "DELETE FROM t") == 229
    assert await people.says("ann", "EXEC sp_addrolemember 'db_owner', 'ann'") == 15151
