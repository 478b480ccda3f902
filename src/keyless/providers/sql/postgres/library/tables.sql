-- ALTER TABLE, as far as the catalog has to be asked first. Every function runs as whoever calls it, mostly define().
-- What becomes a statement is a name that was found, quoted, or looked at by one_expression().
-- Source: Transact-SQL reference, "ALTER TABLE".

-- An expression or a type that is not more than one: no other statement hides in it.
CREATE FUNCTION one_expression(written text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
DECLARE bare text := regexp_replace(written, $re$'(?:[^']|'')*'|"(?:[^"]|"")*"$re$, '~', 'g');
BEGIN
  IF bare ~ '[;''"$\\]|--|/\*|[[:alnum:]_&]~' THEN PERFORM tsql.fail(15247, 'User does not have permission to perform this action.'); END IF;
  RETURN written;
END $$;

-- Change what a column's comment tells, NULL takes an entry away.
CREATE FUNCTION tell_column(relation text, name text, entries jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE number int := (SELECT attnum FROM pg_catalog.pg_attribute WHERE attrelid = to_regclass(relation) AND attname = name AND NOT attisdropped);
BEGIN
  EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', to_regclass(relation), name,
    jsonb_strip_nulls(tsql.told_of('pg_class', to_regclass(relation), number) || entries)::text);
END $$;

-- A column by its name: 4924 where there is none.
CREATE FUNCTION column_number(relation text, name text) RETURNS int LANGUAGE plpgsql STABLE AS $$
DECLARE number int;
BEGIN
  IF to_regclass(relation) IS NULL THEN PERFORM tsql.fail(4902, format('Cannot find the object %s because it does not exist or you do not have permissions.', relation)); END IF;
  IF NOT tsql.is_dbo() THEN PERFORM tsql.need_to_alter(to_regclass(relation)); END IF;  -- before anything is told of it
  SELECT attnum INTO number FROM pg_catalog.pg_attribute WHERE attrelid = to_regclass(relation) AND attname = name AND NOT attisdropped;
  IF number IS NULL THEN PERFORM tsql.fail(4924, format('ALTER TABLE failed because column ''%s'' does not exist in table %s.', name, relation)); END IF;
  RETURN number;
END $$;

-- The name of the constraint that holds a column's length, made of the column's name as it was written.
CREATE FUNCTION length_check(relation oid, number int) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT tsql.fold('keyless_length_' || coalesce(tsql.told_of('pg_class', relation, number)->>'name', (SELECT attname FROM pg_catalog.pg_attribute WHERE attrelid = relation AND attnum = number))) $$;

-- ALTER COLUMN: another type, which is also another limit of length, and whether NULL may be there.
CREATE FUNCTION retype(relation text, name text, type text, spelled text, length int, nullable boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  number int := tsql.column_number(relation, name);
  checked text := tsql.length_check(to_regclass(relation), number);
  standing text;
BEGIN
  -- SQL Server lets a column whose default stands be changed in its length only, and PostgreSQL would cast the default
  SELECT pg_get_expr(adbin, adrelid) INTO standing FROM pg_catalog.pg_attrdef WHERE adrelid = to_regclass(relation) AND adnum = number;
  EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I', to_regclass(relation), checked);
  IF standing IS NOT NULL THEN EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT', to_regclass(relation), name); END IF;
  EXECUTE format('ALTER TABLE %1$s ALTER COLUMN %2$I TYPE %3$s, ALTER COLUMN %2$I %4$s NOT NULL', to_regclass(relation), name, tsql.one_expression(type), CASE WHEN nullable THEN 'DROP' ELSE 'SET' END);
  IF standing IS NOT NULL THEN EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s', to_regclass(relation), name, standing); END IF;
  IF length IS NOT NULL THEN EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I CHECK (tsql.fits(%I, %s))', to_regclass(relation), checked, name, length); END IF;
  PERFORM tsql.tell_column(relation, name, jsonb_build_object('type', spelled));
END $$;

-- ADD DEFAULT … FOR: 1781 where there is one.
CREATE FUNCTION add_default(relation text, name text, expression text, told jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE number int := tsql.column_number(relation, name);
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_attrdef WHERE adrelid = to_regclass(relation) AND adnum = number) THEN
    PERFORM tsql.fail(1781, 'Column already has a DEFAULT bound to it.');
  END IF;
  EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s', to_regclass(relation), name, tsql.one_expression(expression));
  PERFORM tsql.tell_column(relation, name, told);
END $$;

-- DROP CONSTRAINT, which may be a default's name: 3728 where there is none of that name.
CREATE FUNCTION drop_constraint(relation text, wanted text, kept text, missing_ok boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE of_default name;
BEGIN
  SELECT attname INTO of_default FROM pg_catalog.pg_attribute
    WHERE attrelid = to_regclass(relation) AND NOT attisdropped AND lower(tsql.told_of('pg_class', attrelid, attnum)->>'default_name') = lower(wanted);
  IF of_default IS NOT NULL THEN
    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT', to_regclass(relation), of_default);
    PERFORM tsql.tell_column(relation, of_default, '{"default": null, "default_name": null}');
  ELSIF EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conrelid = to_regclass(relation) AND conname = kept) THEN
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', to_regclass(relation), kept);
  ELSIF NOT missing_ok THEN
    PERFORM tsql.fail(3728, format('''%s'' is not a constraint.', wanted));
  END IF;
END $$;

-- DROP COLUMN: PostgreSQL would take constraints, defaults and indexes with it, SQL Server refuses (5074).
CREATE FUNCTION drop_column(relation text, name text, missing_ok boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  number int;
  dependent text;
BEGIN
  IF missing_ok AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = to_regclass(relation) AND attname = name AND NOT attisdropped) THEN RETURN; END IF;
  number := tsql.column_number(relation, name);
  SELECT d.name INTO dependent FROM (
    SELECT coalesce(tsql.told_of('pg_constraint', oid)->>'name', conname) FROM pg_catalog.pg_constraint
      WHERE (conrelid = to_regclass(relation) AND number = ANY (conkey) OR confrelid = to_regclass(relation) AND number = ANY (confkey)) AND contype <> 'n'
        AND conname <> tsql.length_check(to_regclass(relation), number)
    UNION ALL SELECT coalesce(tsql.told_of('pg_class', indexrelid)->>'name', indexrelid::regclass::text) FROM pg_catalog.pg_index
      WHERE indrelid = to_regclass(relation) AND number = ANY (indkey)
    UNION ALL SELECT a.attname::text FROM pg_catalog.pg_depend p JOIN pg_catalog.pg_attrdef e ON p.classid = 'pg_attrdef'::regclass AND e.oid = p.objid
      JOIN pg_catalog.pg_attribute a ON a.attrelid = e.adrelid AND a.attnum = e.adnum AND a.attgenerated <> ''
      WHERE p.refobjid = to_regclass(relation) AND p.refobjsubid = number AND e.adrelid = p.refobjid AND e.adnum <> number
    UNION ALL SELECT tsql.told_of('pg_class', to_regclass(relation), number)->>'default_name') AS d(name) WHERE d.name IS NOT NULL LIMIT 1;
  IF dependent IS NOT NULL THEN
    PERFORM tsql.fail(5074, format('The object ''%s'' is dependent on column ''%s''. ALTER TABLE DROP COLUMN failed because one or more objects access this column.', dependent, name));
  END IF;
  EXECUTE format('ALTER TABLE %s DROP COLUMN %I', to_regclass(relation), name);
END $$;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA tsql TO PUBLIC;
