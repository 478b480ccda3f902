-- What T-SQL tells about users and permissions: the catalog views, and the functions that ask. Run after definitions.sql.
-- A user sees itself, its roles and what there always is; who manages users or may see definitions sees all.
-- Source: Transact-SQL reference, "Security catalog views", "Security functions".
SET search_path = tsql, pg_catalog;

CREATE FUNCTION sees_all() RETURNS boolean STABLE LANGUAGE sql SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp AS
  $$ SELECT allowed(me(), 'VIEW DEFINITION', 0, 0) OR allowed(me(), 'ALTER ANY USER', 0, 0) OR allowed(me(), 'ALTER ANY ROLE', 0, 0) $$;
CREATE FUNCTION known_principals() RETURNS SETOF principals STABLE LANGUAGE sql SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp AS
  $$ SELECT * FROM principals WHERE sees_all() OR id < 5 OR id >= 16384 OR id = ANY (me()) OR owner = ANY (me()) $$;
CREATE FUNCTION known_members() RETURNS SETOF members STABLE LANGUAGE sql SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp AS
  $$ SELECT * FROM members WHERE sees_all() OR role = ANY (me()) OR member = ANY (me()) $$;
CREATE FUNCTION known_permissions() RETURNS SETOF permissions STABLE LANGUAGE sql SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp AS
  $$ SELECT * FROM permissions WHERE sees_all() OR grantee = ANY (me()) OR grantor = ANY (me()) $$;
CREATE FUNCTION permission_code(class_ int, permission_ text) RETURNS text STABLE LANGUAGE sql SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp AS
  $$ SELECT code FROM permission_kinds WHERE class = class_ AND permission = permission_ $$;

-- the directory's ID, with its bytes as a uniqueidentifier has them
CREATE FUNCTION sid_bytes(sid text) RETURNS varbinary IMMUTABLE LANGUAGE sql AS $$
  SELECT (CASE WHEN sid ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN (SELECT decode(string_agg(substr(h, o, 2), '' ORDER BY n), 'hex')
    FROM (SELECT replace(sid, '-', '')) s(h), unnest(ARRAY[7, 5, 3, 1, 11, 9, 15, 13, 17, 19, 21, 23, 25, 27, 29, 31]) WITH ORDINALITY AS x(o, n))
    WHEN sid IS NOT NULL THEN convert_to(sid, 'UTF8') END)::tsql.varbinary $$;

CREATE VIEW sys.database_principals AS SELECT name, id AS principal_id, CASE type WHEN 'S' THEN 'S' ELSE type::text END::citext AS type,
    (CASE type WHEN 'R' THEN 'DATABASE_ROLE' WHEN 'X' THEN 'EXTERNAL_GROUP' WHEN 'E' THEN 'EXTERNAL_USER' ELSE 'SQL_USER' END)::citext AS type_desc,
    default_schema AS default_schema_name, created::datetime AS create_date, modified::datetime AS modify_date, owner AS owning_principal_id,
    tsql.sid_bytes(CASE WHEN id = 1 THEN '\x01' ELSE sid END) AS sid, (fixed::int)::tsql.bit AS is_fixed_role,
    (CASE WHEN type IN ('E', 'X') THEN 4 ELSE 0 END)::int AS authentication_type, (CASE WHEN type IN ('E', 'X') THEN 'EXTERNAL' ELSE 'NONE' END)::citext AS authentication_type_desc,
    NULL::citext AS default_language_name, NULL::int AS default_language_lcid, 0::tsql.bit AS allow_encrypted_value_modifications
  FROM known_principals();
CREATE VIEW sys.database_role_members AS SELECT role AS role_principal_id, member AS member_principal_id FROM known_members();
CREATE VIEW sys.database_permissions AS SELECT (CASE class WHEN 2 THEN 1 ELSE class END)::tsql.tinyint AS class,
    (CASE class WHEN 0 THEN 'DATABASE' WHEN 3 THEN 'SCHEMA' ELSE 'OBJECT_OR_COLUMN' END)::citext AS class_desc,
    CASE class WHEN 3 THEN (SELECT s.schema_id FROM sys.schemas s WHERE s.name::text = (SELECT nspname FROM pg_namespace WHERE oid = major)) ELSE tsql.id(major) END AS major_id,
    col::int AS minor_id, grantee AS grantee_principal_id, grantor AS grantor_principal_id, tsql.permission_code(class, permission)::citext AS type,
    permission::citext AS permission_name, state::text::citext AS state,
    (CASE state WHEN 'G' THEN 'GRANT' WHEN 'W' THEN 'GRANT_WITH_GRANT_OPTION' ELSE 'DENY' END)::citext AS state_desc
  FROM known_permissions();
GRANT SELECT ON sys.database_principals, sys.database_role_members, sys.database_permissions TO PUBLIC;

CREATE FUNCTION user_id(name_ citext) RETURNS int STABLE LANGUAGE sql SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp AS
  $$ SELECT id FROM known_principals() WHERE name = name_ $$;
CREATE FUNCTION user_id() RETURNS int STABLE LANGUAGE sql SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp AS
  $$ SELECT CASE WHEN is_dbo() THEN 1 ELSE (SELECT u.principal FROM login_users u JOIN principals p ON p.id = u.principal WHERE u.role = session_user ORDER BY p.type, p.id LIMIT 1) END $$;
CREATE FUNCTION user_name(id_ int) RETURNS citext STABLE LANGUAGE sql SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp AS
  $$ SELECT name FROM known_principals() WHERE id = id_ $$;
-- the name of an identity by its sid
CREATE FUNCTION suser_sname(sid_ bytea) RETURNS citext STABLE LANGUAGE sql SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp AS
  $$ SELECT name FROM known_principals() WHERE sid_bytes(sid)::bytea = sid_ $$;

-- 1, 0, or NULL where there is no such role or group
CREATE FUNCTION is_member(name_ citext) RETURNS int STABLE LANGUAGE sql SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp AS
  $$ SELECT (id = ANY (me()))::int FROM principals WHERE name = name_ AND type IN ('R', 'X') $$;
CREATE FUNCTION is_rolemember(role_ citext) RETURNS int STABLE LANGUAGE sql SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp AS
  $$ SELECT (id = ANY (me()))::int FROM principals WHERE name = role_ AND type = 'R' $$;
CREATE FUNCTION is_rolemember(role_ citext, member_ citext) RETURNS int STABLE LANGUAGE sql SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp AS $$
  SELECT (r.id = 0 OR (m.id = 1 AND r.id = 16384) OR EXISTS (WITH RECURSIVE up(id) AS (SELECT m.id UNION SELECT x.role FROM up JOIN members x ON x.member = up.id) SELECT FROM up WHERE up.id = r.id))::int
  FROM known_principals() r, known_principals() m WHERE r.name = role_ AND r.type = 'R' AND m.name = member_ $$;

-- a name as `dbo.t`, `[dbo].[t]` or `t`
CREATE FUNCTION securable_named(name_ text, class_ text) RETURNS TABLE (class int, major oid) STABLE LANGUAGE plpgsql SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp AS $$
DECLARE parts text[] := (SELECT array_agg(fold(coalesce(nullif(m[1], ''), m[2]))) FROM regexp_matches(coalesce(name_, ''), '\[([^\]]*)\]|([^.\[\]]+)', 'g') m);
BEGIN
  IF class_ = 'DATABASE' THEN RETURN QUERY SELECT 0, 0::oid WHERE name_ IS NULL OR parts[1] = lower(database_name());
  ELSIF class_ = 'SCHEMA' THEN RETURN QUERY SELECT 3, oid FROM pg_namespace WHERE nspname = parts[1] AND is_own_schema(nspname);
  ELSIF class_ = 'OBJECT' AND cardinality(parts) <= 2 THEN RETURN QUERY SELECT s.class, s.major FROM securable(CASE WHEN cardinality(parts) = 2 THEN parts[1] ELSE 'dbo' END, parts[cardinality(parts)]) s;
  END IF;
END $$;
CREATE FUNCTION has_perms_by_name(name_ citext, class_ citext, permission_ citext, column_ citext DEFAULT NULL, kind_ citext DEFAULT NULL) RETURNS int STABLE LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp AS $$
DECLARE thing record; wanted_ text := upper(permission_::text); col_ int := 0;
BEGIN
  SELECT * INTO thing FROM securable_named(name_::text, upper(coalesce(class_, 'DATABASE')::text));
  IF thing.class IS NULL OR NOT (wanted_ = 'ANY' OR EXISTS (SELECT FROM permission_kinds k WHERE k.class = thing.class AND k.permission = wanted_)) THEN RETURN NULL; END IF;
  IF column_ IS NOT NULL THEN
    IF upper(coalesce(kind_, 'COLUMN')::text) <> 'COLUMN' OR thing.class <> 1 THEN RETURN NULL; END IF;
    SELECT attnum INTO col_ FROM pg_attribute WHERE attrelid = thing.major AND attname = fold(column_::text) AND attnum > 0 AND NOT attisdropped;
    IF col_ IS NULL THEN RETURN NULL; END IF;
  END IF;
  IF wanted_ = 'ANY' THEN
    RETURN (SELECT coalesce(bool_or(allowed(me(), k.permission, thing.class, thing.major, col_)), false)::int FROM permission_kinds k WHERE k.class = thing.class); END IF;
  RETURN allowed(me(), wanted_, thing.class, thing.major, col_)::int;
END $$;
CREATE FUNCTION fn_my_permissions(name_ citext, class_ citext) RETURNS TABLE (entity_name citext, subentity_name citext, permission_name citext) STABLE LANGUAGE sql
  SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp AS $$
  SELECT coalesce(name_, 'database'), ''::citext, k.permission::citext FROM securable_named(name_::text, upper(class_::text)) t JOIN permission_kinds k ON k.class = t.class
    WHERE allowed(me(), k.permission, t.class, t.major)
  UNION ALL
  SELECT name_, a.attname::text::citext, k.permission::citext FROM securable_named(name_::text, upper(class_::text)) t JOIN permission_kinds k ON k.class = t.class AND k.permission IN ('SELECT', 'UPDATE', 'REFERENCES')
    JOIN pg_attribute a ON t.class = 1 AND a.attrelid = t.major AND a.attnum > 0 AND NOT a.attisdropped WHERE allowed(me(), k.permission, t.class, t.major, a.attnum) $$;

-- the older procedures
CREATE FUNCTION sys.sp_addrolemember("@rolename" citext, "@membername" citext) RETURNS void LANGUAGE sql AS $$ SELECT tsql.change_member($1::text, 'ADD', $2::text) $$;
CREATE FUNCTION sys.sp_droprolemember("@rolename" citext, "@membername" citext) RETURNS void LANGUAGE sql AS $$ SELECT tsql.change_member($1::text, 'DROP', $2::text) $$;
