-- Who is in a database: users, groups as users, roles and their members; and the PostgreSQL role of each who logs in.
-- Only PostgreSQL's administrator writes these tables. Who is connected is session_user, which a statement cannot change.
-- Source: Transact-SQL reference, "CREATE USER", "ALTER ROLE", "Database-level roles".
SET search_path = tsql, pg_catalog;

CREATE SEQUENCE principal_ids AS int START 5 MAXVALUE 16383;
-- 'E' is an external user, 'X' an external group, 'R' a role, 'S' what there always is; sid is an ID of the directory's
CREATE TABLE principals (
  id int PRIMARY KEY DEFAULT nextval('tsql.principal_ids'), name citext NOT NULL UNIQUE,
  type "char" NOT NULL CHECK (type IN ('E', 'X', 'R', 'S')), sid text UNIQUE,
  owner int REFERENCES principals, default_schema citext, fixed boolean NOT NULL DEFAULT false,
  created timestamp NOT NULL DEFAULT now7(), modified timestamp NOT NULL DEFAULT now7());
INSERT INTO principals (id, name, type, owner, default_schema, fixed) VALUES
  (0, 'public', 'R', 1, NULL, false), (1, 'dbo', 'S', NULL, 'dbo', false), (2, 'guest', 'S', NULL, 'guest', false),
  (3, 'INFORMATION_SCHEMA', 'S', NULL, NULL, false), (4, 'sys', 'S', NULL, NULL, false),
  (16384, 'db_owner', 'R', 1, NULL, true), (16385, 'db_accessadmin', 'R', 1, NULL, true), (16386, 'db_securityadmin', 'R', 1, NULL, true),
  (16387, 'db_ddladmin', 'R', 1, NULL, true), (16389, 'db_backupoperator', 'R', 1, NULL, true), (16390, 'db_datareader', 'R', 1, NULL, true),
  (16391, 'db_datawriter', 'R', 1, NULL, true), (16392, 'db_denydatareader', 'R', 1, NULL, true), (16393, 'db_denydatawriter', 'R', 1, NULL, true);
CREATE TABLE members (role int REFERENCES principals ON DELETE CASCADE, member int REFERENCES principals ON DELETE CASCADE, PRIMARY KEY (role, member));
-- a role of PostgreSQL for each identity that has logged in; active as long as it may connect
CREATE TABLE logins (role name PRIMARY KEY, sid text NOT NULL UNIQUE, name citext NOT NULL, active boolean NOT NULL DEFAULT false);
CREATE TABLE login_users (role name REFERENCES logins ON DELETE CASCADE, principal int REFERENCES principals ON DELETE CASCADE, PRIMARY KEY (role, principal));
-- schemas of which dbo is not the owner
CREATE TABLE schema_owners (namespace regnamespace PRIMARY KEY, owner int NOT NULL REFERENCES principals);

CREATE VIEW closure AS
  WITH RECURSIVE c(role, principal) AS (
    SELECT role, principal FROM login_users UNION SELECT c.role, m.role FROM c JOIN members m ON m.member = c.principal)
  SELECT role, principal FROM c UNION SELECT role, 0 FROM login_users;

-- PostgreSQL's role of dbo: whoever administers the server logs in as it, and it owns what is made
CREATE FUNCTION owner_role() RETURNS name STABLE LANGUAGE sql SET search_path = tsql, pg_catalog, pg_temp AS
  $$ SELECT rolname FROM pg_proc f JOIN pg_roles r ON r.oid = f.proowner WHERE f.pronamespace = 'tsql'::regnamespace AND f.proname = 'define' $$;

-- who is connected: the user, its groups and their roles
CREATE FUNCTION me() RETURNS int[] STABLE LANGUAGE plpgsql SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp AS $$ BEGIN
  IF session_user = owner_role() OR session_user = current_user THEN RETURN ARRAY[1, 0, 16384]; END IF;
  RETURN coalesce((SELECT array_agg(principal) FROM closure WHERE role = session_user), '{}'); END $$;
CREATE FUNCTION is_dbo() RETURNS boolean STABLE LANGUAGE sql SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp AS
  $$ SELECT coalesce(session_user = tsql.owner_role(), false) OR session_user = current_user $$;

CREATE FUNCTION is_own_schema(name text) RETURNS boolean IMMUTABLE LANGUAGE sql AS
  $$ SELECT name !~ '^(pg_|tsql)' AND name NOT IN ('sys', 'public', 'information_schema') $$;

-- one who changes users or permissions at a time; who defines tables meanwhile waits, and the other way round
CREATE FUNCTION administering() RETURNS void LANGUAGE plpgsql AS $$ BEGIN LOCK TABLE tsql.principals IN EXCLUSIVE MODE; END $$;
CREATE FUNCTION defining() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp SET lock_timeout = '5s' AS
  $$ BEGIN LOCK TABLE tsql.principals IN ROW SHARE MODE; END $$;

CREATE FUNCTION principal_id(wanted text) RETURNS int STABLE LANGUAGE sql AS $$ SELECT id FROM tsql.principals WHERE name OPERATOR(tsql.=) wanted::tsql.citext $$;

-- the role that somebody logs in as: NULL without a user, or where none of its users may connect
CREATE FUNCTION enter(sid_ text, groups text[], name_ text, role_ name) RETURNS name LANGUAGE plpgsql SET search_path = tsql, pg_catalog, pg_temp AS $$
DECLARE users int[] := array(SELECT id FROM principals WHERE (type = 'E' AND sid = sid_) OR (type = 'X' AND sid = ANY (groups)) ORDER BY id);
  known int[] := array(SELECT principal FROM login_users WHERE role = role_ ORDER BY principal);
BEGIN
  IF users <> known OR NOT EXISTS (SELECT FROM logins WHERE role = role_ AND name::text = name_) THEN
    IF users = '{}' AND NOT EXISTS (SELECT FROM logins WHERE role = role_) THEN RETURN NULL; END IF;
    PERFORM administering();
    users := array(SELECT id FROM principals WHERE (type = 'E' AND sid = sid_) OR (type = 'X' AND sid = ANY (groups)));
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 100', role_);
    END IF;
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO %I', current_database(), role_);
    INSERT INTO logins VALUES (role_, sid_, name_) ON CONFLICT (role) DO UPDATE SET name = excluded.name;
    DELETE FROM login_users WHERE role = role_;
    INSERT INTO login_users SELECT role_, unnest(users);
    PERFORM settle(ARRAY[role_], NULL);
  END IF;
  RETURN (SELECT role FROM logins WHERE role = role_ AND active);
END $$;

CREATE FUNCTION need(permission text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp AS $$ BEGIN
  IF NOT allowed(me(), permission, 0, 0) THEN PERFORM fail(15247, 'User does not have permission to perform this action.'); END IF; END $$;

CREATE FUNCTION new_name(name_ text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
  IF tsql.principal_id(name_) IS NOT NULL THEN PERFORM tsql.fail(15023, format('User, group, or role ''%s'' already exists in the current database.', name_)); END IF; END $$;

CREATE FUNCTION create_user(name_ text, sid_ text, type_ text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = tsql, pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE new int;
BEGIN
  PERFORM need('ALTER ANY USER'); PERFORM administering(); PERFORM new_name(name_);
  IF EXISTS (SELECT FROM principals WHERE sid = sid_) THEN PERFORM fail(15063, 'The login already has an account under a different user name.'); END IF;
  INSERT INTO principals (name, type, sid, default_schema) VALUES (name_, type_::"char", sid_, 'dbo') RETURNING id INTO new;
  INSERT INTO permissions (class, grantee, grantor, permission, state) VALUES (0, new, 1, 'CONNECT', 'G');
  -- who is connected as a member of a group has its own user's permissions from now on, too
  INSERT INTO login_users SELECT role, new FROM logins WHERE sid = sid_ AND type_ = 'E';
  PERFORM settle(array(SELECT role FROM logins WHERE sid = sid_), NULL);
END $$;

CREATE FUNCTION rename_principal(kind text, name_ text, to_ text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = tsql, pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE found_ principals;
BEGIN
  PERFORM administering();
  SELECT * INTO found_ FROM principals WHERE name = name_::citext AND type IN ('E', 'X', CASE kind WHEN 'role' THEN 'R' ELSE 'E' END::"char") AND (kind = 'role') = (type = 'R');
  IF found_.id IS NULL OR NOT (allowed(me(), CASE kind WHEN 'role' THEN 'ALTER ANY ROLE' ELSE 'ALTER ANY USER' END, 0, 0) OR found_.owner = ANY (me())) THEN
    PERFORM fail(15151, format('Cannot alter the %s ''%s'', because it does not exist or you do not have permission.', kind, name_)); END IF;
  IF found_.fixed OR found_.id < 5 THEN PERFORM fail(15150, format('Cannot alter the %s ''%s''.', kind, name_)); END IF;
  IF to_ IS NULL THEN RETURN; END IF;
  IF to_::citext <> found_.name THEN PERFORM new_name(to_); END IF;
  UPDATE principals SET name = to_, modified = now7() WHERE id = found_.id;
END $$;

CREATE FUNCTION create_role(name_ text, owner_ text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = tsql, pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE owns int := CASE WHEN owner_ IS NULL THEN coalesce((SELECT min(principal) FROM login_users WHERE role = session_user), 1) ELSE principal_id(owner_) END;
BEGIN
  PERFORM need('CREATE ROLE'); PERFORM administering(); PERFORM new_name(name_);
  IF owns IS NULL OR owns IN (0, 2, 3, 4) THEN PERFORM fail(15151, format('Cannot find the user ''%s'', because it does not exist or you do not have permission.', owner_)); END IF;
  IF owner_ IS NULL AND allowed(me(), 'CONTROL', 0, 0) THEN owns := 1; END IF;
  IF owner_ IS NOT NULL AND NOT (owns = ANY (me()) OR allowed(me(), 'CONTROL', 0, 0)) THEN
    PERFORM fail(15151, format('Cannot find the user ''%s'', because it does not exist or you do not have permission.', owner_)); END IF;
  INSERT INTO principals (name, type, owner) VALUES (name_, 'R', owns);
END $$;

CREATE FUNCTION drop_principal(kind text, name_ text, if_exists boolean) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = tsql, pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE found_ principals; affected name[];
BEGIN
  PERFORM administering();
  SELECT * INTO found_ FROM principals WHERE name = name_::citext AND (kind = 'role') = (type = 'R');
  IF found_.id IS NULL AND if_exists THEN RETURN; END IF;
  IF found_.id IS NULL OR NOT (allowed(me(), CASE kind WHEN 'role' THEN 'ALTER ANY ROLE' ELSE 'ALTER ANY USER' END, 0, 0) OR found_.owner = ANY (me())) THEN
    PERFORM fail(15151, format('Cannot drop the %s ''%s'', because it does not exist or you do not have permission.', kind, name_)); END IF;
  IF found_.fixed OR found_.id < 5 THEN PERFORM fail(15150, format('Cannot drop the %s ''%s''.', kind, name_)); END IF;
  IF EXISTS (SELECT FROM members WHERE role = found_.id) THEN PERFORM fail(15144, 'The role has members. It must be empty before it can be dropped.'); END IF;
  IF EXISTS (SELECT FROM schema_owners WHERE owner = found_.id) THEN PERFORM fail(15138, 'The database principal owns a schema in the database, and cannot be dropped.'); END IF;
  IF EXISTS (SELECT FROM principals WHERE owner = found_.id) THEN PERFORM fail(15138, 'The database principal owns a database role in the database, and cannot be dropped.'); END IF;
  IF EXISTS (SELECT FROM permissions WHERE grantor = found_.id) THEN
    PERFORM fail(15284, 'The database principal has granted or denied permissions to objects in the database and cannot be dropped.'); END IF;
  affected := array(SELECT DISTINCT role FROM closure WHERE principal = found_.id);
  DELETE FROM principals WHERE id = found_.id;
  PERFORM settle(affected, NULL);
END $$;

CREATE FUNCTION change_member(role_ text, verb text, member_ text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = tsql, pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE r principals; m principals;
BEGIN
  PERFORM administering();
  SELECT * INTO r FROM principals WHERE name = role_::citext AND type = 'R';
  IF r.id = 0 THEN PERFORM fail(15081, 'Membership of the public role cannot be changed.'); END IF;
  -- who may alter roles may not make itself an owner: fixed roles are db_owner's
  IF r.id IS NULL OR NOT (allowed(me(), 'CONTROL', 0, 0) OR (NOT r.fixed AND (allowed(me(), 'ALTER ANY ROLE', 0, 0) OR r.owner = ANY (me())))) THEN
    PERFORM fail(15151, format('Cannot alter the role ''%s'', because it does not exist or you do not have permission.', role_)); END IF;
  IF r.name = 'db_backupoperator' THEN PERFORM fail(40510, 'The role db_backupoperator is not supported by this server.'); END IF;
  SELECT * INTO m FROM principals WHERE name = member_::citext;
  IF m.id IS NULL THEN
    PERFORM fail(15151, format('Cannot %s the principal ''%s'', because it does not exist or you do not have permission.', lower(verb), member_)); END IF;
  IF m.id < 5 OR m.fixed THEN PERFORM fail(15405, format('Cannot use the special principal ''%s''.', member_)); END IF;
  IF verb = 'ADD' THEN
    IF EXISTS (WITH RECURSIVE up(id) AS (SELECT r.id UNION SELECT x.role FROM up JOIN members x ON x.member = up.id) SELECT FROM up WHERE id = m.id) THEN
      PERFORM fail(15413, 'Cannot make a role a member of itself.'); END IF;
    INSERT INTO members VALUES (r.id, m.id) ON CONFLICT DO NOTHING;
    PERFORM settle(array(SELECT DISTINCT role FROM closure WHERE principal = m.id), NULL);
  ELSE
    DELETE FROM members WHERE role = r.id AND member = m.id;
    PERFORM settle(array(SELECT DISTINCT role FROM closure WHERE principal = m.id), NULL);
  END IF;
END $$;

-- CREATE SCHEMA … AUTHORIZATION, ALTER AUTHORIZATION: whose a schema or a role is; PostgreSQL's owner stays the same
CREATE FUNCTION new_owner(name_ text) RETURNS int STABLE LANGUAGE plpgsql SET search_path = tsql, pg_catalog, pg_temp AS $$
DECLARE id_ int := principal_id(name_);
BEGIN
  -- whoever may not act for somebody may not make it an owner
  IF id_ IS NULL OR id_ IN (0, 2, 3, 4) OR NOT (id_ = ANY (me()) OR allowed(me(), 'CONTROL', 0, 0)) THEN
    PERFORM fail(15151, format('Cannot find the principal ''%s'', because it does not exist or you do not have permission.', name_)); END IF;
  RETURN id_;
END $$;
CREATE FUNCTION create_schema(name_ text, owner_ text, told text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = tsql, pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE owns int;
BEGIN
  PERFORM need_to_create('CREATE SCHEMA', NULL); PERFORM administering();
  owns := new_owner(owner_);
  PERFORM tsql.define(format('CREATE SCHEMA %I;', name_) || told);
  IF owns <> 1 THEN INSERT INTO schema_owners VALUES (name_::regnamespace, owns); PERFORM settle(NULL, NULL); END IF;
END $$;
CREATE FUNCTION give_schema(name_ text, to_ text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = tsql, pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE namespace_ oid := (SELECT oid FROM pg_namespace WHERE nspname = name_ AND is_own_schema(nspname)); owns int;
BEGIN
  PERFORM administering();
  IF namespace_ IS NULL OR NOT allowed(me(), 'TAKE OWNERSHIP', 3, namespace_) THEN
    PERFORM fail(15151, format('Cannot find the schema ''%s'', because it does not exist or you do not have permission.', name_)); END IF;
  IF name_ = 'dbo' THEN PERFORM fail(15150, 'Cannot alter the schema ''dbo''.'); END IF;
  owns := new_owner(to_);
  DELETE FROM schema_owners WHERE namespace = namespace_;
  IF owns <> 1 THEN INSERT INTO schema_owners VALUES (namespace_, owns); END IF;
  -- all permissions on what changes its owner go
  DELETE FROM permissions WHERE (class = 3 AND major = namespace_) OR (class IN (1, 2) AND schema_of(class, major) = namespace_);
  PERFORM settle(NULL, NULL);
  PERFORM settle_view(oid) FROM pg_class WHERE relkind = 'v' AND is_own_schema(relnamespace::regnamespace::text);
END $$;
CREATE FUNCTION give_role(name_ text, to_ text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = tsql, pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE role_ principals;
BEGIN
  PERFORM administering();
  SELECT * INTO role_ FROM principals WHERE name = name_::citext AND type = 'R' AND NOT fixed AND id > 4;
  IF role_.id IS NULL OR NOT (allowed(me(), 'CONTROL', 0, 0) OR role_.owner = ANY (me())) THEN
    PERFORM fail(15151, format('Cannot find the role ''%s'', because it does not exist or you do not have permission.', name_)); END IF;
  UPDATE principals SET owner = new_owner(to_), modified = now7() WHERE id = role_.id;
END $$;
