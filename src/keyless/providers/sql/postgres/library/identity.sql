-- What identity columns tell of themselves. Run after strings.sql.
-- Source: Transact-SQL reference, "IDENT_CURRENT", "IDENT_SEED", "IDENT_INCR", "DBCC CHECKIDENT".
SET search_path = tsql, pg_catalog;

CREATE FUNCTION identity_of(name citext) RETURNS regclass STABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT pg_get_serial_sequence(t.full_name, a.attname)::regclass
    FROM (SELECT format('%I.%I', coalesce(tsql.fold(tsql.parsename(name, 2)::text), 'dbo'), tsql.fold(tsql.parsename(name, 1)::text))) AS t(full_name)
    JOIN pg_attribute a ON a.attrelid = to_regclass(t.full_name) AND a.attidentity <> '' $$;
CREATE FUNCTION ident_current(citext) RETURNS numeric VOLATILE STRICT LANGUAGE plpgsql AS $$
DECLARE s regclass := tsql.identity_of($1); n numeric;
BEGIN
  IF s IS NULL THEN RETURN NULL; END IF;
  EXECUTE format('SELECT last_value FROM %s', s) INTO n;
  RETURN n;
END $$;
CREATE FUNCTION ident_seed(citext) RETURNS numeric STABLE STRICT LANGUAGE sql AS $$ SELECT seqstart::numeric FROM pg_sequence WHERE seqrelid = tsql.identity_of($1) $$;
CREATE FUNCTION ident_incr(citext) RETURNS numeric STABLE STRICT LANGUAGE sql AS $$ SELECT seqincrement::numeric FROM pg_sequence WHERE seqrelid = tsql.identity_of($1) $$;
-- The next identity comes after this number; without one, after the largest that there is
CREATE FUNCTION checkident(name citext, value bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE s regclass := tsql.identity_of(name); used boolean;
BEGIN
  IF s IS NULL THEN PERFORM tsql.fail(7997, format('%s does not contain an identity column.', name)); END IF;
  EXECUTE format('SELECT is_called FROM %s', s) INTO used;
  IF value IS NOT NULL THEN PERFORM setval(s, value, used); RETURN; END IF;
  EXECUTE (SELECT format('SELECT setval(%L, max(%I)) FROM %s HAVING max(%I) > (SELECT last_value FROM %s)', s, a.attname, a.attrelid::regclass, a.attname, s)
    FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    WHERE d.classid = 'pg_class'::regclass AND d.objid = s AND d.refclassid = 'pg_class'::regclass AND a.attidentity <> '');
END $$;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA tsql TO PUBLIC;
