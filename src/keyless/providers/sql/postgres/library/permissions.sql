-- Permissions: what T-SQL has granted and denied, and what of it PostgreSQL enforces. Run after principals.sql.
-- GRANT, DENY and REVOKE write rows; settle() makes PostgreSQL's privileges on tables and columns what follows from them.
-- Source: Transact-SQL reference, "GRANT", "DENY", "REVOKE"; "Permissions (Database Engine)".
SET search_path = tsql, pg_catalog;

-- class 0 is the database, 1 a table or view, 2 a routine, 3 a schema (sys.database_permissions shows 2 as 1);
-- regclass and its like, so that a copy by name finds the same things
CREATE TABLE permissions (
  class smallint NOT NULL, relation regclass, routine regprocedure, namespace regnamespace,
  major oid NOT NULL GENERATED ALWAYS AS (coalesce(relation::oid, routine::oid, namespace::oid, 0::oid)) STORED,
  col smallint NOT NULL DEFAULT 0, grantee int NOT NULL REFERENCES principals ON DELETE CASCADE, grantor int NOT NULL REFERENCES principals,
  permission text NOT NULL, state "char" NOT NULL CHECK (state IN ('G', 'W', 'D')),
  UNIQUE (class, major, col, grantee, grantor, permission));
CREATE TABLE fixed_permissions (grantee int, permission text, state "char");
INSERT INTO fixed_permissions SELECT v.role, unnest(v.permissions), v.state FROM (VALUES
  (16384, ARRAY['CONTROL'], 'G'), (16385, ARRAY['ALTER ANY USER', 'CONNECT'], 'G'),
  (16386, ARRAY['ALTER ANY ROLE', 'CREATE SCHEMA', 'VIEW DEFINITION'], 'G'),
  (16387, ARRAY['ALTER ANY SCHEMA', 'CREATE TABLE', 'CREATE VIEW', 'CREATE PROCEDURE', 'CREATE FUNCTION', 'CREATE SCHEMA', 'CREATE TYPE', 'CREATE SYNONYM', 'CREATE SEQUENCE', 'REFERENCES'], 'G'),
  (16390, ARRAY['SELECT'], 'G'), (16391, ARRAY['INSERT', 'UPDATE', 'DELETE'], 'G'),
  (16392, ARRAY['SELECT'], 'D'), (16393, ARRAY['INSERT', 'UPDATE', 'DELETE'], 'D')) AS v(role, permissions, state);
CREATE VIEW rules AS
  SELECT class, major, col, grantee, permission, state FROM permissions
  UNION ALL SELECT 0, 0::oid, 0, grantee, permission, state FROM fixed_permissions;

-- the permissions that there are, with the codes that sys.database_permissions has for them
CREATE TABLE permission_kinds (class smallint, permission text, code text, PRIMARY KEY (class, permission));
INSERT INTO permission_kinds
  SELECT class, name, code FROM (VALUES ('SELECT', 'SL'), ('INSERT', 'IN'), ('UPDATE', 'UP'), ('DELETE', 'DL'), ('REFERENCES', 'RF'), ('EXECUTE', 'EX'),
    ('ALTER', 'AL'), ('CONTROL', 'CL'), ('VIEW DEFINITION', 'VW'), ('TAKE OWNERSHIP', 'TO')) AS p(name, code), unnest(ARRAY[0, 1, 2, 3]) AS class
  WHERE NOT (class = 1 AND name = 'EXECUTE') AND NOT (class = 2 AND name IN ('INSERT', 'UPDATE', 'DELETE'))
  UNION ALL SELECT 0, name, code FROM (VALUES ('CONNECT', 'CO'), ('CREATE TABLE', 'CRTB'), ('CREATE VIEW', 'CRVW'), ('CREATE PROCEDURE', 'CRPR'),
    ('CREATE FUNCTION', 'CRFN'), ('CREATE SCHEMA', 'CRSM'), ('CREATE ROLE', 'CRRL'), ('CREATE TYPE', 'CRTY'), ('CREATE SYNONYM', 'CRSN'), ('CREATE SEQUENCE', 'CRSO'),
    ('ALTER ANY SCHEMA', 'ALSM'), ('ALTER ANY ROLE', 'ALRL'), ('ALTER ANY USER', 'ALUS')) AS p(name, code)
  UNION ALL SELECT 3, 'CREATE SEQUENCE', 'CRSO';
-- what follows from what, upwards to the database: a grant of the right side grants the left, a denial denies it
CREATE TABLE implied (class smallint, permission text, by_class smallint, by_permission text, PRIMARY KEY (class, permission, by_class, by_permission));
INSERT INTO implied
  SELECT DISTINCT k.class, k.permission, b.class, p.name FROM permission_kinds k
    JOIN (VALUES (0, 0), (1, 1), (1, 3), (1, 0), (2, 2), (2, 3), (2, 0), (3, 3), (3, 0)) AS b(of, class) ON b.of = k.class
    CROSS JOIN LATERAL (VALUES (k.permission), ('CONTROL')) AS p(name)
  UNION SELECT class, 'ALTER', 0, unnest(ARRAY['ALTER ANY SCHEMA', 'ALTER']) FROM unnest(ARRAY[1, 2, 3]) AS class
  UNION SELECT 0, permission, 0, 'ALTER' FROM permission_kinds WHERE class = 0 AND (permission LIKE 'CREATE %' OR permission LIKE 'ALTER%')
  UNION SELECT 0, 'CREATE SCHEMA', 0, 'ALTER ANY SCHEMA' UNION SELECT 0, 'CREATE ROLE', 0, 'ALTER ANY ROLE'
  UNION SELECT 3, 'CREATE SEQUENCE', 3, 'ALTER' UNION SELECT 3, 'CREATE SEQUENCE', 0, 'ALTER ANY SCHEMA';

CREATE FUNCTION schema_of(class int, major oid) RETURNS oid STABLE LANGUAGE sql AS $$
  SELECT CASE class WHEN 1 THEN (SELECT relnamespace FROM pg_class WHERE oid = major) WHEN 2 THEN (SELECT pronamespace FROM pg_proc WHERE oid = major) WHEN 3 THEN major END $$;
CREATE FUNCTION owner_of(class int, major oid) RETURNS int STABLE LANGUAGE sql AS $$
  SELECT coalesce((SELECT owner FROM tsql.schema_owners WHERE namespace::oid = tsql.schema_of(class, major)), 1) $$;

-- whether these principals have a permission: on a column (col), on all of a thing (0)
CREATE FUNCTION allowed(pi int[], permission_ text, class_ int, major_ oid, col_ int DEFAULT 0) RETURNS boolean STABLE LANGUAGE sql SET search_path = tsql, pg_catalog, pg_temp AS $$
  SELECT 1 = ANY (pi) OR (class_ <> 0 AND owner_of(class_, major_) = ANY (pi)) OR coalesce((
    SELECT bool_or(u.state <> 'D') AND NOT bool_or(u.state = 'D') FROM rules u
      JOIN implied i ON i.class = class_ AND i.permission = permission_ AND i.by_class = u.class AND i.by_permission = u.permission
    WHERE u.grantee = ANY (pi) AND u.col IN (0, col_) AND u.major = CASE u.class WHEN 0 THEN 0::oid WHEN 3 THEN schema_of(class_, major_) ELSE major_ END), false) $$;

-- PostgreSQL's privileges on tables (col 0) and columns that follow for roles (NULL: all) on tables (NULL: all)
CREATE FUNCTION wanted(roles name[], relations oid[]) RETURNS TABLE (role name, relation oid, col smallint, privilege text)
  STABLE LANGUAGE sql SET search_path = tsql, pg_catalog, pg_temp AS $$
  WITH pi AS MATERIALIZED (SELECT c.role, c.principal FROM closure c JOIN logins l ON l.role = c.role AND l.active WHERE roles IS NULL OR l.role = ANY (roles)),
  kind AS (SELECT unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'REFERENCES']) AS permission),
  thing AS MATERIALIZED (SELECT c.oid AS relation, c.relnamespace AS namespace, coalesce(o.owner, 1) AS owner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN schema_owners o ON o.namespace::oid = n.oid
    WHERE c.relkind IN ('r', 'v', 'p') AND is_own_schema(n.nspname) AND (relations IS NULL OR c.oid = ANY (relations))),
  broad AS MATERIALIZED (SELECT pi.role, s.namespace, i.permission, bool_or(u.state <> 'D') AS granted, bool_or(u.state = 'D') AS denied
    FROM pi JOIN rules u ON u.grantee = pi.principal AND u.class IN (0, 3)
      JOIN implied i ON i.class = 1 AND i.by_class = u.class AND i.by_permission = u.permission JOIN kind k ON k.permission = i.permission
      JOIN (SELECT DISTINCT namespace FROM thing) s ON u.class = 0 OR u.major = s.namespace GROUP BY 1, 2, 3),
  single AS MATERIALIZED (SELECT pi.role, u.major AS relation, i.permission, u.col, bool_or(u.state <> 'D') AS granted, bool_or(u.state = 'D') AS denied
    FROM pi JOIN rules u ON u.grantee = pi.principal AND u.class = 1 JOIN thing t ON t.relation = u.major
      JOIN implied i ON i.class = 1 AND i.by_class = 1 AND i.by_permission = u.permission JOIN kind k ON k.permission = i.permission GROUP BY 1, 2, 3, 4),
  owned AS MATERIALIZED (SELECT DISTINCT pi.role, t.relation FROM pi JOIN thing t ON t.owner = pi.principal),
  partial AS MATERIALIZED (SELECT s.role, s.relation, s.permission, bool_or(s.denied) AS denied FROM single s WHERE s.col > 0 GROUP BY 1, 2, 3),
  cell AS (SELECT b.role, t.relation, b.permission FROM broad b JOIN thing t USING (namespace)
    UNION SELECT s.role, s.relation, s.permission FROM single s UNION SELECT o.role, o.relation, kind.permission FROM owned o CROSS JOIN kind),
  decided AS MATERIALIZED (SELECT c.role, c.relation, c.permission, o.role IS NOT NULL AS owned,
      coalesce(b.granted, false) OR coalesce(s.granted, false) AS granted, coalesce(b.denied, false) OR coalesce(s.denied, false) AS denied,
      p.role IS NOT NULL AS partly, coalesce(p.denied, false) AS holes
    FROM cell c JOIN thing t USING (relation) LEFT JOIN broad b ON b.role = c.role AND b.namespace = t.namespace AND b.permission = c.permission
      LEFT JOIN single s ON s.role = c.role AND s.relation = c.relation AND s.permission = c.permission AND s.col = 0
      LEFT JOIN partial p ON p.role = c.role AND p.relation = c.relation AND p.permission = c.permission
      LEFT JOIN owned o ON o.role = c.role AND o.relation = c.relation)
  SELECT d.role, d.relation, 0::smallint, d.permission FROM decided d WHERE d.owned OR (d.granted AND NOT d.denied AND NOT d.holes)
  UNION ALL
  SELECT d.role, d.relation, a.attnum, d.permission FROM decided d
    JOIN pg_attribute a ON a.attrelid = d.relation AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN single s ON s.role = d.role AND s.relation = d.relation AND s.permission = d.permission AND s.col = a.attnum
    WHERE d.partly AND NOT d.owned AND NOT d.denied AND (d.holes OR NOT d.granted) AND (d.granted OR s.granted) AND NOT coalesce(s.denied, false) $$;

-- what PostgreSQL has now, of the same
CREATE FUNCTION present(roles name[], relations oid[]) RETURNS TABLE (role name, relation oid, col smallint, privilege text)
  STABLE LANGUAGE sql SET search_path = tsql, pg_catalog, pg_temp AS $$
  WITH r AS MATERIALIZED (SELECT l.role, g.oid FROM logins l JOIN pg_roles g ON g.rolname = l.role WHERE roles IS NULL OR l.role = ANY (roles)),
  t AS MATERIALIZED (SELECT c.oid, c.relacl FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'v', 'p') AND is_own_schema(n.nspname) AND (relations IS NULL OR c.oid = ANY (relations)))
  SELECT r.role, t.oid, 0::smallint, a.privilege_type FROM t CROSS JOIN LATERAL aclexplode(t.relacl) a JOIN r ON r.oid = a.grantee
  UNION ALL
  SELECT r.role, t.oid, c.attnum, a.privilege_type FROM t JOIN pg_attribute c ON c.attrelid = t.oid AND c.attacl IS NOT NULL
    CROSS JOIN LATERAL aclexplode(c.attacl) a JOIN r ON r.oid = a.grantee $$;

-- make PostgreSQL's privileges what they have to be; idempotent
CREATE FUNCTION settle(roles name[], relations oid[]) RETURNS void LANGUAGE plpgsql SET search_path = tsql, pg_catalog, pg_temp AS $$
DECLARE r record;
BEGIN
  IF roles = '{}' OR relations = '{}' THEN RETURN; END IF;
  FOR r IN SELECT l.role, l.active, allowed(array(SELECT principal FROM closure c WHERE c.role = l.role), 'CONNECT', 0, 0) AS may
      FROM logins l WHERE roles IS NULL OR l.role = ANY (roles) LOOP
    CONTINUE WHEN r.active = r.may;
    UPDATE logins SET active = r.may WHERE role = r.role;
    EXECUTE format('ALTER ROLE %I %s', r.role, CASE WHEN r.may THEN 'LOGIN' ELSE 'NOLOGIN' END);
  END LOOP;
  -- tables first: REVOKE on a table takes its columns' privileges as well
  FOR r IN
    WITH w AS (SELECT * FROM wanted(roles, relations) WHERE col = 0), p AS (SELECT * FROM present(roles, relations) WHERE col = 0)
    SELECT x.verb, x.preposition, x.relation, x.privilege, string_agg(quote_ident(x.role), ', ') AS listed FROM (
      SELECT 'REVOKE' AS verb, 'FROM' AS preposition, q.* FROM (SELECT * FROM p EXCEPT SELECT * FROM w) q
      UNION ALL SELECT 'GRANT', 'TO', q.* FROM (SELECT * FROM w EXCEPT SELECT * FROM p) q) x
    GROUP BY 1, 2, 3, 4 ORDER BY 1 DESC LOOP
    EXECUTE format('%s %s ON TABLE %s %s %s', r.verb, r.privilege, r.relation::regclass, r.preposition, r.listed);
  END LOOP;
  FOR r IN
    WITH w AS (SELECT * FROM wanted(roles, relations) WHERE col > 0), p AS (SELECT * FROM present(roles, relations) WHERE col > 0)
    SELECT x.verb, x.preposition, x.relation, x.privilege, x.role, string_agg(quote_ident(a.attname), ', ') AS columns FROM (
      SELECT 'REVOKE' AS verb, 'FROM' AS preposition, q.* FROM (SELECT * FROM p EXCEPT SELECT * FROM w) q
      UNION ALL SELECT 'GRANT', 'TO', q.* FROM (SELECT * FROM w EXCEPT SELECT * FROM p) q) x
      JOIN pg_attribute a ON a.attrelid = x.relation AND a.attnum = x.col AND NOT a.attisdropped
    GROUP BY 1, 2, 3, 4, 5 ORDER BY 1 DESC LOOP
    EXECUTE format('%s %s (%s) ON TABLE %s %s %I', r.verb, r.privilege, r.columns, r.relation::regclass, r.preposition, r.role);
  END LOOP;
  IF relations IS NULL THEN PERFORM settle_schemas(roles); PERFORM settle_routines(roles, NULL); END IF;
END $$;

-- SELECT … INTO makes its table as the user, so the user may create where T-SQL says so
CREATE FUNCTION settle_schemas(roles name[]) RETURNS void LANGUAGE plpgsql SET search_path = tsql, pg_catalog, pg_temp AS $$
DECLARE r record;
BEGIN
  FOR r IN SELECT l.role, n.nspname, has_schema_privilege(l.role, n.oid, 'CREATE') AS has,
      l.active AND allowed(pi.ids, 'CREATE TABLE', 0, 0) AND allowed(pi.ids, 'ALTER', 3, n.oid) AS may
      FROM logins l CROSS JOIN pg_namespace n CROSS JOIN LATERAL (SELECT array(SELECT principal FROM closure c WHERE c.role = l.role) AS ids) pi
      WHERE is_own_schema(n.nspname) AND (roles IS NULL OR l.role = ANY (roles)) LOOP
    CONTINUE WHEN r.has = r.may;
    EXECUTE format('%s CREATE ON SCHEMA %I %s %I', CASE WHEN r.may THEN 'GRANT' ELSE 'REVOKE' END, r.nspname, CASE WHEN r.may THEN 'TO' ELSE 'FROM' END, r.role);
  END LOOP;
END $$;

CREATE FUNCTION settle_routines(roles name[], routines oid[]) RETURNS void LANGUAGE plpgsql SET search_path = tsql, pg_catalog, pg_temp AS $$
DECLARE r record;
BEGIN
  FOR r IN SELECT l.role, p.oid, has_function_privilege(l.role, p.oid, 'EXECUTE') AS has,
      l.active AND allowed(array(SELECT principal FROM closure c WHERE c.role = l.role), CASE WHEN p.proretset THEN 'SELECT' ELSE 'EXECUTE' END, 2, p.oid) AS may
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace CROSS JOIN logins l
      WHERE is_own_schema(n.nspname) AND (roles IS NULL OR l.role = ANY (roles)) AND (routines IS NULL OR p.oid = ANY (routines)) LOOP
    CONTINUE WHEN r.has = r.may;
    EXECUTE format('%s EXECUTE ON ROUTINE %s %s %I', CASE WHEN r.may THEN 'GRANT' ELSE 'REVOKE' END, r.oid::regprocedure, CASE WHEN r.may THEN 'TO' ELSE 'FROM' END, r.role);
  END LOOP;
END $$;

-- a thing by its name: its class and number; no row if there is none
CREATE FUNCTION securable(schema_ text, name_ text) RETURNS TABLE (class int, major oid) STABLE LANGUAGE sql SET search_path = tsql, pg_catalog, pg_temp AS $$
  SELECT 1, c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = schema_ AND is_own_schema(schema_) AND c.relname = name_ AND c.relkind IN ('r', 'v', 'p')
  UNION ALL
  SELECT 2, p.oid FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = schema_ AND is_own_schema(schema_) AND p.proname = name_ LIMIT 1 $$;

-- as whom somebody grants: the owner's, by who controls the thing; its own, by who may pass the permission on; or nobody's
CREATE FUNCTION grantor_of(permission_ text, class_ int, major_ oid, col_ int) RETURNS int STABLE LANGUAGE sql SET search_path = tsql, pg_catalog, pg_temp AS $$
  SELECT CASE WHEN allowed(me(), 'CONTROL', class_, major_) OR 16386 = ANY (me()) THEN owner_of(class_, major_)
    WHEN allowed(me(), permission_, class_, major_, col_) THEN (
      SELECT min(u.grantee) FROM rules u JOIN implied i ON i.class = class_ AND i.permission = permission_ AND i.by_class = u.class AND i.by_permission = u.permission
      WHERE u.state = 'W' AND u.grantee = ANY (me()) AND u.col IN (0, col_) AND u.major = CASE u.class WHEN 0 THEN 0::oid WHEN 3 THEN schema_of(class_, major_) ELSE major_ END) END $$;

-- what one has passed on goes with it
CREATE FUNCTION take_back(class_ int, major_ oid, col_ int, permission_ text, from_ int) RETURNS void LANGUAGE plpgsql SET search_path = tsql, pg_catalog, pg_temp AS $$
DECLARE next int;
BEGIN
  FOR next IN DELETE FROM permissions WHERE class = class_ AND major = major_ AND col = col_ AND permission = permission_ AND grantor = from_ AND grantor <> 1 RETURNING grantee LOOP
    PERFORM take_back(class_, major_, col_, permission_, next);
  END LOOP;
END $$;

-- GRANT, DENY, REVOKE and REVOKE GRANT OPTION FOR ('UNOPTION'). `listed` is [[permission, [column, …]], …]
CREATE FUNCTION change_permissions(verb text, listed jsonb, class_ text, schema_ text, name_ text, grantees text[], option_ boolean, cascade_ boolean)
  RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE number int := 0; thing oid := 0; asked record; column_ text; place int; grantee_ text; to_ int; by_ int; old permissions; touched int[] := '{}'; affected name[];
BEGIN
  PERFORM administering();
  IF class_ = 'SCHEMA' THEN
    SELECT 3, oid INTO number, thing FROM pg_namespace WHERE nspname = schema_ AND is_own_schema(schema_);
  ELSIF class_ = 'OBJECT' THEN
    SELECT s.class, s.major INTO number, thing FROM securable(schema_, name_) s;
  END IF;
  IF number IS NULL THEN
    PERFORM fail(15151, format('Cannot find the %s ''%s'', because it does not exist or you do not have permission.', lower(class_), coalesce(name_, schema_))); END IF;
  IF class_ = 'DATABASE' AND schema_ <> '' AND schema_::citext <> database_name()::citext THEN
    PERFORM fail(15151, format('Cannot find the database ''%s'', because it does not exist or you do not have permission.', schema_)); END IF;
  IF listed->0->>0 = 'ALL' THEN
    SELECT jsonb_agg(jsonb_build_array(p, '[]'::jsonb)) INTO listed FROM unnest(CASE
      WHEN number = 1 THEN ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'REFERENCES']
      WHEN (SELECT proretset FROM pg_proc WHERE oid = thing) THEN ARRAY['SELECT', 'REFERENCES'] ELSE ARRAY['EXECUTE', 'REFERENCES'] END) p;
  END IF;
  FOR asked IN SELECT e->>0 AS permission, CASE WHEN e->1 = '[]' THEN '[null]'::jsonb ELSE e->1 END AS columns FROM jsonb_array_elements(listed) e LOOP
    IF NOT EXISTS (SELECT FROM permission_kinds k WHERE k.class = number AND k.permission = asked.permission) THEN
      PERFORM fail(4606, format('Granted or revoked privilege %s is not compatible with object.', asked.permission)); END IF;
    FOR column_ IN SELECT jsonb_array_elements_text(asked.columns::jsonb) LOOP
      place := 0;
      IF column_ IS NOT NULL THEN
        place := (SELECT attnum FROM pg_attribute WHERE attrelid = thing AND attname = column_ AND attnum > 0 AND NOT attisdropped);
        IF number <> 1 OR asked.permission NOT IN ('SELECT', 'UPDATE', 'REFERENCES') THEN
          PERFORM fail(1020, 'Sub-entity lists (such as column or security expressions) cannot be specified for entity-level permissions.'); END IF;
        IF place IS NULL THEN PERFORM fail(4615, format('Invalid column name ''%s''.', column_)); END IF;
      END IF;
      by_ := grantor_of(asked.permission, number, thing, place);
      IF by_ IS NULL AND number = 0 THEN PERFORM fail(4613, 'Grantor does not have GRANT permission.'); END IF;
      IF by_ IS NULL THEN
        PERFORM fail(15151, format('Cannot find the %s ''%s'', because it does not exist or you do not have permission.', lower(class_), coalesce(name_, schema_))); END IF;
      FOREACH grantee_ IN ARRAY grantees LOOP
        to_ := principal_id(grantee_);
        IF to_ IS NULL THEN PERFORM fail(15151, format('Cannot find the user ''%s'', because it does not exist or you do not have permission.', grantee_)); END IF;
        IF to_ IN (1, 3, 4) OR to_ IN (SELECT principal FROM login_users WHERE role = session_user) OR (number <> 0 AND to_ = owner_of(number, thing)) THEN
          PERFORM fail(4624, 'Cannot grant, deny, or revoke permissions to sa, dbo, entity owner, information_schema, sys, or yourself.'); END IF;
        IF to_ = 2 OR to_ >= 16384 THEN PERFORM fail(4617, 'Cannot grant, deny or revoke permissions to or from special roles.'); END IF;
        IF asked.permission = 'CONNECT' AND EXISTS (SELECT FROM principals WHERE id = to_ AND type = 'R') THEN
          PERFORM fail(4627, 'Cannot grant, deny, or revoke the connect database permission to roles and application roles.'); END IF;
        old := NULL;
        SELECT * INTO old FROM permissions WHERE class = number AND major = thing AND col = place AND permission = asked.permission AND grantee = to_ AND grantor = by_;
        IF old.state = 'W' AND verb <> 'GRANT' THEN
          IF NOT cascade_ THEN PERFORM fail(4611, 'To revoke or deny grantable privileges, specify the CASCADE option.'); END IF;
          PERFORM take_back(number, thing, place, asked.permission, to_);
        END IF;
        IF verb = 'UNOPTION' THEN
          UPDATE permissions SET state = 'G' WHERE class = number AND major = thing AND col = place AND permission = asked.permission AND grantee = to_ AND grantor = by_ AND state = 'W';
        ELSE
          DELETE FROM permissions WHERE class = number AND major = thing AND col = place AND permission = asked.permission AND grantee = to_ AND grantor = by_;
          IF verb <> 'REVOKE' THEN
            INSERT INTO permissions (class, relation, routine, namespace, col, grantee, grantor, permission, state) VALUES (
              number, CASE number WHEN 1 THEN thing END, CASE number WHEN 2 THEN thing END, CASE number WHEN 3 THEN thing END, place, to_, by_, asked.permission,
              CASE WHEN verb = 'DENY' THEN 'D' WHEN option_ OR (old.state = 'W' AND verb = 'GRANT') THEN 'W' ELSE 'G' END::"char");
          END IF;
        END IF;
        touched := touched || to_;
      END LOOP;
    END LOOP;
  END LOOP;
  -- a cascade reaches others than those who are named
  affected := CASE WHEN cascade_ THEN array(SELECT role FROM logins) ELSE array(SELECT DISTINCT role FROM closure WHERE principal = ANY (touched)) END;
  IF number = 2 THEN PERFORM settle_routines(affected, ARRAY[thing]);
  ELSE PERFORM settle(affected, CASE number WHEN 1 THEN ARRAY[thing] END); END IF;
END $$;
