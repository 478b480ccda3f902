-- Who may define what: CREATE, ALTER and DROP. Run after permissions.sql.
-- Everything that is made belongs to dbo's role, because in PostgreSQL only an owner may alter. define() runs a definition
-- as that role; what it touched is then checked by event triggers, and refused as a whole if it was not allowed.
-- Source: Transact-SQL reference, "Permissions" of each statement; PostgreSQL, "Event Triggers".
SET search_path = tsql, pg_catalog;

-- the tables and views that there are, and since when
CREATE TABLE relations (relation regclass PRIMARY KEY, created timestamp NOT NULL DEFAULT now7(), modified timestamp NOT NULL DEFAULT now7());

CREATE TABLE routines (routine regprocedure PRIMARY KEY);

-- whether somebody may define anything at all: what comes next runs as the owner
CREATE FUNCTION may_define() RETURNS boolean STABLE LANGUAGE sql SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM schema_owners WHERE owner = ANY (me()))
    OR EXISTS (SELECT FROM rules WHERE grantee = ANY (me()) AND state <> 'D' AND (permission = 'CONTROL' OR permission ~ '^(ALTER|CREATE)')) $$;
-- a definition, run as the owner (this function is given to dbo's role when a database is made): statements with ';'
-- between them, each read so far that none is anything but a definition, or one of the library's functions that define
CREATE FUNCTION define(statements text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp AS $$
DECLARE before oid[]; one text; bare text; referenced oid;
BEGIN
  IF NOT tsql.may_define() THEN
    statements := regexp_replace(statements, '^SELECT tsql\.define_computed\(''', '');
    PERFORM tsql.need_to_create((regexp_match(statements, '^CREATE (?:TABLE|VIEW|SCHEMA|FUNCTION|PROCEDURE)'))[1], NULL);
    PERFORM tsql.refuse(statements);
  END IF;
  before := array(SELECT oid FROM pg_constraint WHERE contype = 'f');
  FOR one IN SELECT btrim(m[1], E' \n') FROM regexp_matches(statements, $re$((?:'(?:[^']|'')*'|"(?:[^"]|"")*"|[^'";])+)$re$, 'g') m LOOP
    CONTINUE WHEN one = '';
    bare := regexp_replace(one, $re$'(?:[^']|'')*'|"(?:[^"]|"")*"$re$, '~', 'g');
    IF bare !~ '^((CREATE|ALTER|DROP|COMMENT)\s|SELECT tsql\.(define_\w+|retype|add_default|drop_constraint|drop_column)\((~|NULL|True|False|true|false|::jsonb|\d|[, ])*\)$)' OR bare ~ '[''"$\\]|--|/\*|[[:alnum:]_&]~' THEN
      PERFORM tsql.fail(15247, 'User does not have permission to perform this action.'); END IF;
    EXECUTE one;
  END LOOP;
  FOR referenced IN SELECT confrelid FROM pg_constraint WHERE contype = 'f' AND oid <> ALL (before) AND conparentid = 0 LOOP
    PERFORM tsql.need_on(referenced, 'REFERENCES');
  END LOOP;
END $$;
-- the error for somebody who may define nothing
CREATE FUNCTION refuse(statements text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE words text[] := regexp_split_to_array(statements, '\s+');
  module text[] := regexp_match(statements, $re$^SELECT tsql\.define_(?:\w+_)?(view|function|procedure)\('(\w+)'$re$);
  name text := coalesce((regexp_match(statements, '^\w+ \w+ (?:IF EXISTS )?(?:"[^"]*"\.)?"([^"]*)"'))[1], '');
BEGIN
  IF module[2] = 'ALTER' THEN PERFORM tsql.fail(3704, format('User does not have permission to perform this operation on %s.', module[1]));
  ELSIF module IS NOT NULL THEN PERFORM tsql.need_to_create('CREATE ' || upper(module[1]), NULL); END IF;
  IF words[1] = 'DROP' THEN PERFORM tsql.fail(3701, format('Cannot drop the %s ''%s'', because it does not exist or you do not have permission.', lower(words[2]), name)); END IF;
  PERFORM tsql.fail(1088, format('Cannot find the object "%s" because it does not exist or you do not have permissions.', name));
END $$;

CREATE FUNCTION may(permission text, class int, major oid) RETURNS boolean STABLE LANGUAGE sql SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp AS
  $$ SELECT allowed(me(), permission, class, major) $$;
CREATE FUNCTION need_on(relation oid, permission text) RETURNS void STABLE LANGUAGE plpgsql SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp AS $$ BEGIN
  IF NOT allowed(me(), permission, 1, relation) THEN
    PERFORM fail(229, format('The %s permission was denied on the object ''%s'', database ''%s'', schema ''%s''.', permission,
      (SELECT relname FROM pg_class WHERE oid = relation), database_name(), (SELECT nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation)));
  END IF; END $$;
-- who may do anything with a table knows of it; catalog.sql asks for the rights that PostgreSQL has
CREATE FUNCTION may_see(relation oid) RETURNS boolean STABLE LANGUAGE sql SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp AS
  $$ SELECT allowed(me(), 'ALTER', 1, relation) OR allowed(me(), 'VIEW DEFINITION', 1, relation) $$;
CREATE OR REPLACE FUNCTION visible(relation oid) RETURNS boolean STABLE LANGUAGE sql AS $$
  SELECT pg_catalog.pg_has_role((SELECT relowner FROM pg_catalog.pg_class WHERE oid = relation), 'USAGE')
    OR pg_catalog.has_table_privilege(relation, 'SELECT,INSERT,UPDATE,DELETE,REFERENCES')
    OR pg_catalog.has_any_column_privilege(relation, 'SELECT,INSERT,UPDATE,REFERENCES') OR tsql.may_see(relation) $$;
CREATE FUNCTION database_name() RETURNS text STABLE LANGUAGE sql AS $$ SELECT coalesce(current_setting('keyless.database', true), current_database()) $$;
CREATE FUNCTION need_to_create(what text, schema_ oid) RETURNS void STABLE LANGUAGE plpgsql SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp AS $$ BEGIN
  IF what IS NULL THEN RETURN; END IF;
  IF NOT allowed(me(), what, 0, 0) THEN PERFORM fail(262, format('%s permission denied in database ''%s''.', what, database_name())); END IF;
  IF schema_ IS NOT NULL AND NOT allowed(me(), 'ALTER', 3, schema_) THEN
    PERFORM fail(2760, format('The specified schema name "%s" either does not exist or you do not have permission to use it.', schema_::regnamespace)); END IF;
END $$;
CREATE FUNCTION need_to_alter(relation oid) RETURNS void STABLE LANGUAGE plpgsql SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp AS $$ BEGIN
  IF NOT allowed(me(), 'ALTER', 1, relation) AND NOT EXISTS (SELECT FROM pg_class WHERE oid = relation AND relnamespace = pg_my_temp_schema()) THEN
    PERFORM fail(1088, format('Cannot find the object "%s" because it does not exist or you do not have permissions.', (SELECT relname FROM pg_class WHERE oid = relation))); END IF;
END $$;
-- a view hides whose its tables are only where all have the same owner: an ownership chain
CREATE FUNCTION settle_view(view_ oid) RETURNS void LANGUAGE plpgsql SET search_path = tsql, pg_catalog, pg_temp AS $$
DECLARE broken boolean := EXISTS (SELECT FROM pg_rewrite w JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
    WHERE w.ev_class = view_ AND d.refobjid <> view_ AND owner_of(1, d.refobjid) <> owner_of(1, view_));
BEGIN
  IF broken <> EXISTS (SELECT FROM pg_class WHERE oid = view_ AND 'security_invoker=true' = ANY (reloptions)) THEN
    EXECUTE format('ALTER VIEW %s SET (security_invoker = %s)', view_::regclass, CASE WHEN broken THEN 'true' ELSE 'false' END);
  END IF;
END $$;

CREATE FUNCTION defined() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp AS $$
DECLARE c record; kind "char"; schema_ oid; of_ oid; free boolean := is_dbo(); owner_ name := owner_role(); told boolean := tg_tag = 'COMMENT'; touched oid[] := '{}'; gone boolean := false;
BEGIN
  IF session_user = current_user OR tg_tag IN ('GRANT', 'REVOKE') OR (told AND free) THEN RETURN; END IF;
  FOR c IN SELECT * FROM pg_event_trigger_ddl_commands() LOOP
    CONTINUE WHEN c.schema_name LIKE 'pg\_temp%' OR c.schema_name LIKE 'pg\_toast%';
    IF c.object_type = 'schema' THEN
      CONTINUE WHEN told AND may('ALTER', 3, c.objid);
      IF NOT free AND tg_tag <> 'CREATE SCHEMA' THEN PERFORM fail(15247, 'User does not have permission to perform this action.'); END IF;
      IF NOT free THEN PERFORM need_to_create('CREATE SCHEMA', NULL); END IF;
      EXECUTE format('GRANT USAGE ON SCHEMA %s TO PUBLIC', c.objid::regnamespace);
      PERFORM settle_schemas(NULL);
    ELSIF c.classid = 'pg_class'::regclass THEN
      SELECT relkind, relnamespace INTO kind, schema_ FROM pg_class WHERE oid = c.objid;
      IF kind = 'i' THEN
        SELECT indrelid INTO of_ FROM pg_index WHERE indexrelid = c.objid;
        IF NOT free THEN PERFORM need_to_alter(of_); END IF;
      ELSIF kind = 'S' THEN
        -- an identity's belongs to its table, which is looked at by itself
        IF NOT free AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = c.objid AND classid = 'pg_class'::regclass AND deptype IN ('a', 'i')) AND NOT may('CREATE SEQUENCE', 3, schema_) THEN
          PERFORM need_to_create('CREATE SEQUENCE', schema_); END IF;
      ELSIF EXISTS (SELECT FROM relations WHERE relation = c.objid) THEN
        IF NOT free THEN PERFORM need_to_alter(c.objid); END IF;
        UPDATE relations SET modified = now7() WHERE relation = c.objid;
        touched := touched || c.objid;
      ELSE
        IF NOT free THEN PERFORM need_to_create(CASE kind WHEN 'v' THEN 'CREATE VIEW' ELSE 'CREATE TABLE' END, schema_); END IF;
        INSERT INTO relations VALUES (c.objid);
        touched := touched || c.objid;
        IF (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = c.objid) <> owner_ THEN
          EXECUTE format('ALTER TABLE %s OWNER TO %I', c.objid::regclass, owner_); END IF;
      END IF;
    ELSIF c.classid = 'pg_proc'::regclass THEN
      SELECT pronamespace INTO schema_ FROM pg_proc WHERE oid = c.objid;
      IF EXISTS (SELECT FROM routines WHERE routine = c.objid) THEN
        IF NOT free AND NOT may('ALTER', 2, c.objid) THEN
          PERFORM fail(3704, format('User does not have permission to perform this operation on %s ''%s''.', c.object_type, (SELECT proname FROM pg_proc WHERE oid = c.objid))); END IF;
        CONTINUE;
      END IF;
      INSERT INTO routines VALUES (c.objid);
      IF NOT free THEN PERFORM need_to_create(CASE c.object_type WHEN 'procedure' THEN 'CREATE PROCEDURE' ELSE 'CREATE FUNCTION' END, schema_); END IF;
      IF (SELECT pg_get_userbyid(proowner) FROM pg_proc WHERE oid = c.objid) <> owner_ THEN
        EXECUTE format('ALTER ROUTINE %s OWNER TO %I', c.objid::regprocedure, owner_); END IF;
      EXECUTE format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', c.objid::regprocedure);
      PERFORM settle_routines(NULL, ARRAY[c.objid]);
    ELSIF NOT free THEN
      of_ := CASE c.classid WHEN 'pg_constraint'::regclass THEN (SELECT conrelid FROM pg_constraint WHERE oid = c.objid)
        WHEN 'pg_trigger'::regclass THEN (SELECT tgrelid FROM pg_trigger WHERE oid = c.objid)
        WHEN 'pg_attrdef'::regclass THEN (SELECT adrelid FROM pg_attrdef WHERE oid = c.objid) END;
      IF of_ IS NOT NULL THEN PERFORM need_to_alter(of_);
      ELSIF c.classid IN ('pg_constraint'::regclass, 'pg_attrdef'::regclass) THEN gone := true;
      ELSIF NOT (c.object_type = 'type' AND may('CREATE TYPE', 0, 0)) THEN PERFORM fail(15247, 'User does not have permission to perform this action.'); END IF;
    END IF;
  END LOOP;
  -- a part that this ALTER TABLE took away cannot tell its table; another part of the same one, looked at above, can
  IF gone AND touched = '{}' THEN PERFORM fail(15247, 'User does not have permission to perform this action.'); END IF;
  IF told OR touched = '{}' THEN RETURN; END IF;
  PERFORM settle(NULL, touched);
  PERFORM settle_view(oid) FROM pg_class WHERE oid = ANY (touched) AND relkind = 'v';
END $$;

CREATE FUNCTION dropped() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp AS $$
DECLARE c record; schema_ oid; free boolean := is_dbo();
BEGIN
  IF session_user = current_user THEN RETURN; END IF;
  FOR c IN SELECT * FROM pg_event_trigger_dropped_objects() LOOP
    CONTINUE WHEN c.is_temporary;
    IF c.original AND NOT free AND tg_tag <> 'ALTER TABLE' THEN
      schema_ := (SELECT oid FROM pg_namespace WHERE nspname = c.schema_name);
      IF c.object_type = 'index' AND schema_ IS NOT NULL THEN
        -- an index is called after its table
        PERFORM need_to_alter(oid) FROM pg_class WHERE relnamespace = schema_ AND relkind IN ('r', 'v', 'p') AND starts_with(c.object_name, relname || '.');
        IF NOT FOUND AND NOT may('ALTER', 3, schema_) THEN PERFORM fail(3701, format('Cannot drop the index ''%s'', because it does not exist or you do not have permission.', c.object_name)); END IF;
      ELSIF NOT (CASE
        WHEN c.object_type = 'schema' THEN may('CONTROL', 3, c.objid) OR may('ALTER ANY SCHEMA', 0, 0)
        WHEN schema_ IS NULL THEN false
        ELSE may('ALTER', 3, schema_) OR EXISTS (SELECT FROM rules u JOIN implied i ON i.class = u.class AND i.by_class = u.class AND i.permission = 'CONTROL' AND i.by_permission = u.permission
          WHERE u.class IN (1, 2) AND u.major = c.objid AND u.grantee = ANY (me()) AND u.state <> 'D') END) THEN
        PERFORM fail(3701, format('Cannot drop the %s ''%s'', because it does not exist or you do not have permission.', c.object_type, c.object_name));
      END IF;
    END IF;
    IF c.classid = 'pg_class'::regclass AND c.objsubid > 0 THEN
      DELETE FROM permissions WHERE class = 1 AND major = c.objid AND col = c.objsubid;
    ELSIF c.classid IN ('pg_class'::regclass, 'pg_proc'::regclass, 'pg_namespace'::regclass) THEN
      DELETE FROM permissions WHERE class = CASE c.classid WHEN 'pg_class'::regclass THEN 1 WHEN 'pg_proc'::regclass THEN 2 ELSE 3 END AND major = c.objid;
      DELETE FROM routines WHERE routine = c.objid AND c.classid = 'pg_proc'::regclass;
      DELETE FROM relations WHERE relation = c.objid AND c.classid = 'pg_class'::regclass;
      DELETE FROM schema_owners WHERE namespace = c.objid AND c.classid = 'pg_namespace'::regclass;
    END IF;
  END LOOP;
END $$;

-- TRUNCATE and the next identity: what PostgreSQL lets owners do only, and no event trigger sees
CREATE FUNCTION need_own(name_ text) RETURNS regclass LANGUAGE plpgsql SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp AS $$
DECLARE found_ pg_class;
BEGIN
  SELECT * INTO found_ FROM pg_class WHERE oid = to_regclass(name_) AND relkind IN ('r', 'p');
  IF found_.oid IS NULL OR NOT (found_.relnamespace = pg_my_temp_schema() OR
      (is_own_schema(found_.relnamespace::regnamespace::text) AND allowed(me(), 'ALTER', 1, found_.oid))) THEN
    PERFORM fail(4701, format('Cannot find the object "%s" because it does not exist or you do not have permissions.', coalesce(found_.relname, (parse_ident(name_))[cardinality(parse_ident(name_))])));
  END IF;
  RETURN found_.oid;
END $$;
CREATE FUNCTION truncate_table(name_ text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp AS
  $$ BEGIN EXECUTE format('TRUNCATE TABLE %s RESTART IDENTITY', need_own(name_)); END $$;
CREATE FUNCTION reseed(name_ text, column_ text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = tsql, pg_catalog, pg_temp AS $$
DECLARE of_ regclass := need_own(name_); sequence_ text := pg_get_serial_sequence(of_::text, column_);
BEGIN EXECUTE format('SELECT setval(%L, max(%I)) FROM %s HAVING max(%I) > (SELECT last_value FROM %s)', sequence_, column_, of_, column_, sequence_); END $$;
ALTER FUNCTION last_identity() SECURITY DEFINER SET search_path = pg_catalog, pg_temp;

CREATE EVENT TRIGGER tsql_1_defining ON ddl_command_start WHEN TAG IN (
  'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE', 'DROP TABLE', 'CREATE VIEW', 'ALTER VIEW', 'DROP VIEW', 'CREATE SCHEMA', 'ALTER SCHEMA', 'DROP SCHEMA',
  'CREATE FUNCTION', 'CREATE PROCEDURE', 'DROP FUNCTION', 'DROP PROCEDURE') EXECUTE FUNCTION defining();
CREATE EVENT TRIGGER tsql_2_defined ON ddl_command_end EXECUTE FUNCTION defined();
CREATE EVENT TRIGGER tsql_3_dropped ON sql_drop EXECUTE FUNCTION dropped();

-- what was missing, once PostgreSQL has refused a statement (as it was written for it): the first of `privileges` that the
-- user lacks on the table, the target's own only where it is the target; or a column that is named
CREATE FUNCTION refusal(kind text, name_ text, privileges text[], statement text) RETURNS TABLE (number int, message text) STABLE LANGUAGE plpgsql
  SET search_path = tsql, pg_catalog, pg_temp AS $$
DECLARE r record; p text; c text; target boolean;
BEGIN
  IF kind = 'schema' THEN
    IF may('CREATE TABLE', 0, 0) THEN RETURN QUERY SELECT 2760, format('The specified schema name "%s" either does not exist or you do not have permission to use it.', name_);
    ELSE RETURN QUERY SELECT 262, format('CREATE TABLE permission denied in database ''%s''.', database_name()); END IF;
    RETURN;
  END IF;
  IF kind IN ('function', 'procedure') THEN
    RETURN QUERY SELECT 229, format('The EXECUTE permission was denied on the object ''%s'', database ''%s'', schema ''%s''.', name_, database_name(), n.nspname)
      FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace WHERE f.proname = name_ AND is_own_schema(n.nspname) LIMIT 1;
    RETURN;
  END IF;
  FOR r IN SELECT t.oid, n.nspname, format('%s.%s', q(n.nspname), q(t.relname)) AS full_ FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace
      WHERE t.relname = name_ AND t.relkind IN ('r', 'v', 'p') AND is_own_schema(n.nspname) ORDER BY strpos(statement, format('%s.%s', q(n.nspname), q(t.relname))) = 0, n.nspname LOOP
    target := statement ~ ('(INSERT INTO|UPDATE|DELETE FROM|MERGE INTO) ' || regexp_replace(r.full_, '([^[:alnum:]])', '\\\1', 'g'));
    FOREACH p IN ARRAY privileges LOOP
      CONTINUE WHEN (p <> 'SELECT' AND NOT target) OR has_table_privilege(r.oid, p);
      c := NULL;
      IF p <> 'DELETE' AND has_any_column_privilege(r.oid, p) THEN
        SELECT attname INTO c FROM pg_attribute WHERE attrelid = r.oid AND attnum > 0 AND NOT attisdropped AND NOT has_column_privilege(r.oid, attnum, p)
          ORDER BY strpos(statement, q(attname)) = 0, attnum LIMIT 1;
        -- a column that is not named was reached by a star only
        CONTINUE WHEN strpos(statement, q(c)) = 0 AND strpos(statement, '*') = 0;
        RETURN QUERY SELECT 230, format('The %s permission was denied on the column ''%s'' of the object ''%s'', database ''%s'', schema ''%s''.', p, c, name_, database_name(), r.nspname);
      ELSE
        RETURN QUERY SELECT 229, format('The %s permission was denied on the object ''%s'', database ''%s'', schema ''%s''.', p, name_, database_name(), r.nspname);
      END IF;
      RETURN;
    END LOOP;
  END LOOP;
END $$;
CREATE FUNCTION q(name text) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT '"' || replace(name, '"', '""') || '"' $$;
