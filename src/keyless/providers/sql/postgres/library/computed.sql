-- Computed columns: PostgreSQL wants their types, Transact-SQL finds them. Run after tables.sql, and as whoever calls it.
-- All are stored: PostgreSQL computes none with functions of one's own while it reads, and indexes none that it does not store.
-- Source: Transact-SQL reference, "computed_column_definition".

-- A definition with `%s` where a computed column's type belongs; `expressions` tell them in that order, each with its `name`,
-- `sql` and whether it is `persisted`, over the columns of `source`.
CREATE FUNCTION define_computed(definition text, source text, expressions jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE one jsonb; types text[] := '{}'; made text; named text;
BEGIN
  FOR one IN SELECT jsonb_array_elements(expressions) LOOP
    EXECUTE format('CREATE TEMPORARY VIEW "~computed" AS SELECT %s AS computed FROM %s AS "~columns"', tsql.one_expression(one->>'sql'), tsql.one_expression(source));
    types := types || (SELECT format_type(atttypid, atttypmod) FROM pg_catalog.pg_attribute WHERE attrelid = 'pg_temp."~computed"'::regclass AND attnum = 1);
    DROP VIEW pg_temp."~computed";
  END LOOP;
  made := tsql.one_expression(format(definition, VARIADIC types));
  IF made !~ '^(CREATE (TEMPORARY )?TABLE|ALTER TABLE) ' THEN PERFORM tsql.fail(15247, 'User does not have permission to perform this action.'); END IF;
  EXECUTE made;
EXCEPTION WHEN invalid_object_definition THEN
  IF SQLERRM LIKE '%generated column%' THEN
    PERFORM tsql.fail(1759, 'A computed column is not allowed to be used in another one''s definition.'); END IF;
  SELECT string_agg(format('''%s''', e->>'name'), ', ') INTO named FROM jsonb_array_elements(expressions) e WHERE (e->>'persisted')::boolean;
  IF named IS NOT NULL THEN
    PERFORM tsql.fail(4936, format('Computed column %s cannot be persisted because the column is non-deterministic.', named)); END IF;
  PERFORM tsql.fail(40510, 'A computed column that is not deterministic is not supported by this server.');
END $$;
GRANT EXECUTE ON FUNCTION define_computed(text, text, jsonb) TO PUBLIC;
