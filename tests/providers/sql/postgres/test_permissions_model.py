"""Random grants, denials and memberships, against a small model of SQL Server's rules, tried with real statements."""

from __future__ import annotations

import asyncio
import os
import random
from dataclasses import dataclass, field
from itertools import product

import pytest

from keyless.providers.sql.engine import Database
from keyless.providers.sql.postgres.engine import PostgresEngine
from keyless.providers.sql.postgres.session import PostgresSession
from tests.providers.sql.postgres.people import People, run

_USERS, _ROLES = ("ann", "ben"), ("r1", "r2", "r3")
_FIXED = {
    "db_datareader": [("SELECT", "G")],
    "db_datawriter": [("INSERT", "G"), ("DELETE", "G")],
    "db_denydatareader": [("SELECT", "D")],
    "db_denydatawriter": [("INSERT", "D"), ("DELETE", "D")],
    "db_owner": [("CONTROL", "G")],
}
_TABLES = ("dbo.t", "sales.t")
_THINGS = ("DATABASE", "SCHEMA::dbo", "SCHEMA::sales", *_TABLES)
_PERMISSIONS = ("SELECT", "INSERT", "DELETE", "CONTROL")
_TRIED = {
    "SELECT": "SELECT a FROM {}",
    "INSERT": "INSERT INTO {} (a) SELECT 1 WHERE 1 = 0",
    "DELETE": "DELETE FROM {}",
}
_ROUNDS = int(os.environ.get("KEYLESS_TEST_ROUNDS", "1"))


@dataclass
class Model:
    """What was said: at most one row for each thing, permission and principal, as dbo says all of it."""

    rows: dict[tuple[str, str, str], str] = field(default_factory=dict)
    members: set[tuple[str, str]] = field(default_factory=set)

    def above(self, name: str) -> set[str]:
        """Somebody, its roles, theirs, and public."""
        found, todo = {"public"}, [name]
        while todo:
            one = todo.pop()
            if one not in found:
                found.add(one)
                todo += [role for role, member in self.members if member == one]
        return found

    def allows(self, user: str, permission: str, table: str) -> bool:
        """A grant counts unless anything is denied, at the table, its schema or the database."""
        who = self.above(user)
        places = {"DATABASE", f"SCHEMA::{table.split('.', maxsplit=1)[0]}", table}
        said = [
            state for (thing, what, to), state in self.rows.items()
            if thing in places and what in {permission, "CONTROL"} and to in who
        ]  # fmt: skip
        said += [state for role in who & set(_FIXED) for what, state in _FIXED[role] if what in {permission, "CONTROL"}]
        return "G" in said and "D" not in said

    def step(self, chance: random.Random) -> str:
        """The next statement, and what it changes here."""
        if chance.random() < 0.4:
            role = chance.choice([*_ROLES, *_FIXED])
            member = chance.choice([*_USERS, *_ROLES])
            if (role, member) in self.members:
                self.members.remove((role, member))
                return f"ALTER ROLE {role} DROP MEMBER {member}"
            if member in self.above(role):
                return f"GRANT SELECT ON dbo.other TO {member}"  # a circle: something else instead
            self.members.add((role, member))
            return f"ALTER ROLE {role} ADD MEMBER {member}"
        thing, permission = chance.choice(_THINGS), chance.choice(_PERMISSIONS)
        to = chance.choice([*_USERS, *_ROLES, "public"])
        verb = chance.choice(["GRANT", "GRANT", "DENY", "REVOKE"])
        if verb == "REVOKE":
            self.rows.pop((thing, permission, to), None)
        else:
            self.rows[thing, permission, to] = verb[0]
        on = "" if thing == "DATABASE" else f" ON {thing}"
        return f"{verb} {permission}{on} {'FROM' if verb == 'REVOKE' else 'TO'} {to}"


@pytest.mark.parametrize("seed", range(_ROUNDS))
async def test_what_follows_is_what_the_model_says(
    engine: PostgresEngine, database: Database, owner: PostgresSession, seed: int
) -> None:
    people = People(engine, database, owner)
    await run(
        owner, "CREATE SCHEMA sales; CREATE TABLE t (a INT); CREATE TABLE sales.t (a INT); CREATE TABLE other (a INT)"
    )
    for role in _ROLES:
        await run(owner, f"CREATE ROLE {role}")
    for user in _USERS:
        await people.user(user)
    # who may not connect has no session: CONTROL on the database takes that away too when it is denied
    chance, model, said = random.Random(seed), Model(), list[str]()
    while len(said) < 60:
        statement = model.step(chance)
        said.append(statement)
        if statement.startswith("DENY CONTROL TO"):
            model.rows.pop(("DATABASE", "CONTROL", statement.split()[-1]))
            continue
        if chance.random() < 0.2:
            await run(owner, f"BEGIN TRANSACTION; DENY CONTROL ON dbo.t TO public; {statement}; ROLLBACK")
        if chance.random() < 0.1:
            await run(owner, "DROP TABLE sales.t; CREATE TABLE sales.t (a INT)")
            for thing, permission, to in list(model.rows):
                if thing == "sales.t":
                    del model.rows[thing, permission, to]
            if " ON sales.t " in statement and not statement.startswith("REVOKE"):
                _, permission, *_, to = statement.split()
                model.rows["sales.t", permission, to] = statement[0]
        await run(owner, statement)
        for user, (permission, text), table in product(_USERS, _TRIED.items(), _TABLES):
            expected = 0 if model.allows(user, permission, table) else 229
            found = await people.says(user, text.format(table))
            assert found == expected, (user, permission, table, found, said)
    await asyncio.sleep(0)
