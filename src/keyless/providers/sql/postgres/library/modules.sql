-- What has a T-SQL text of its own. A procedure is PostgreSQL's in name, owner and right to EXECUTE; its text is all
-- that it gives, and the gateway runs it. Each is made as who asks, so PostgreSQL decides who may.
-- Source: Transact-SQL reference, "CREATE PROCEDURE", "ALTER PROCEDURE", "CREATE VIEW", "CREATE FUNCTION".
CREATE FUNCTION tsql.taken(schema text, name text, kinds text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = schema AND c.relname = name AND strpos(kinds, c.relkind::text) = 0 AND c.relkind IN ('r', 'v', 'S', 'p'))
    OR EXISTS (SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
      WHERE n.nspname = schema AND p.proname = name AND strpos(kinds, p.prokind::text) = 0) $$;

CREATE FUNCTION tsql.define_procedure(mode text, schema text, name text, definition text, told text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE there boolean := EXISTS (SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  WHERE n.nspname = schema AND p.proname = name AND p.prokind = 'p');
BEGIN
  IF tsql.taken(schema, name, 'p') OR (there AND mode = 'CREATE') THEN
    PERFORM tsql.fail(2714, format('There is already an object named ''%s'' in the database.', name));
  ELSIF NOT there AND mode = 'ALTER' THEN
    PERFORM tsql.fail(208, format('Invalid object name ''%s.%s''.', schema, name));
  END IF;
  EXECUTE format('CREATE OR REPLACE PROCEDURE %I.%I(OUT definition text) LANGUAGE sql AS %L', schema, name, format('SELECT %L::text', definition));
  IF NOT there THEN
    EXECUTE format('REVOKE ALL ON PROCEDURE %I.%I FROM PUBLIC', schema, name);
  END IF;
  EXECUTE format('COMMENT ON PROCEDURE %I.%I IS %L', schema, name, told);
END $$;
