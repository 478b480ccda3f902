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

-- `body` begins with the list of columns, or with AS; `columns` are the comments on them
CREATE FUNCTION tsql.define_view(mode text, schema text, name text, body text, told text, columns text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE there boolean := EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = schema AND c.relname = name AND c.relkind = 'v');
BEGIN
  IF tsql.taken(schema, name, 'v') OR (there AND mode = 'CREATE') THEN
    PERFORM tsql.fail(2714, format('There is already an object named ''%s'' in the database.', name));
  ELSIF NOT there AND mode = 'ALTER' THEN
    PERFORM tsql.fail(208, format('Invalid object name ''%s.%s''.', schema, name));
  END IF;
  BEGIN
    EXECUTE format('CREATE OR REPLACE VIEW %I.%I%s', schema, name, body);
  EXCEPTION WHEN invalid_table_definition THEN
    PERFORM tsql.fail(40510, 'A change of a view''s columns, other than more of them at the end, is not supported by this server: drop it and create it.');
  END;
  EXECUTE format('COMMENT ON VIEW %I.%I IS %L', schema, name, told);
  EXECUTE columns;
END $$;

-- A function that is a query (`columns`: that query, with NULL for each parameter) tells its columns by a view that is
-- gone again at once
CREATE FUNCTION tsql.define_function(mode text, schema text, name text, parameters text, body text, columns text, told text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  there oid := (SELECT p.oid FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = schema AND p.proname = name AND p.prokind = 'f');
  returned text := '';
BEGIN
  IF tsql.taken(schema, name, 'f') OR (there IS NOT NULL AND mode = 'CREATE') THEN
    PERFORM tsql.fail(2714, format('There is already an object named ''%s'' in the database.', name));
  ELSIF there IS NULL AND mode = 'ALTER' THEN
    PERFORM tsql.fail(208, format('Invalid object name ''%s.%s''.', schema, name));
  END IF;
  IF columns <> '' THEN
    EXECUTE format('CREATE TEMPORARY VIEW "~columns" AS %s', columns);
    SELECT format('RETURNS TABLE (%s) ', string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum))
      INTO returned FROM pg_catalog.pg_attribute a WHERE a.attrelid = 'pg_temp."~columns"'::regclass AND a.attnum > 0;
    DROP VIEW pg_temp."~columns";
  END IF;
  BEGIN
    EXECUTE format('CREATE OR REPLACE FUNCTION %I.%I(%s) %s%s', schema, name, parameters, returned, body);
    IF (SELECT count(*) FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = schema AND p.proname = name) > 1 THEN
      RAISE invalid_function_definition;
    END IF;
  EXCEPTION WHEN invalid_function_definition THEN
    IF there IS NULL THEN RAISE; END IF;
    PERFORM tsql.fail(40510, 'A change of a function''s parameters or of what it returns is not supported by this server: drop it and create it.');
  END;
  IF there IS NULL THEN
    EXECUTE format('REVOKE ALL ON FUNCTION %I.%I FROM PUBLIC', schema, name);
  END IF;
  EXECUTE format('COMMENT ON FUNCTION %I.%I IS %L', schema, name, told);
END $$;
