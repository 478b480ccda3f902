-- What the writer of queries needs. Run after functions.sql.
-- Source: Transact-SQL reference, "WITH common_table_expression", "TOP", "LIKE".
SET search_path = tsql, pg_catalog;

CREATE FUNCTION deeper(depth int, most int) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN
  IF depth >= most THEN PERFORM tsql.fail(530, format('The statement terminated. The maximum recursion %s has been exhausted before statement completion.', most)); END IF;
  RETURN depth + 1; END $$;
CREATE FUNCTION percentage(float8) RETURNS numeric IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN
  IF $1 NOT BETWEEN 0 AND 100 THEN PERFORM tsql.fail(1031, 'Percent values must be between 0 and 100.'); END IF;
  RETURN $1::numeric; END $$;
CREATE FUNCTION is_like_exactly(text, text) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT $1 ~ ('^(?:' || tsql.pattern($2) || ')$') $$;
CREATE FUNCTION is_like_exactly(text, text, text) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT $1 ~ ('^(?:' || tsql.pattern($2, $3) || ')$') $$;
CREATE FUNCTION generate_series(int, int) RETURNS TABLE (value int) IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT v FROM pg_catalog.generate_series($1, $2, CASE WHEN $2 >= $1 THEN 1 ELSE -1 END) v $$;
CREATE FUNCTION generate_series(int, int, int) RETURNS TABLE (value int) IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN
  IF $3 = 0 THEN PERFORM tsql.fail(4199, 'Argument value 0 is invalid for argument 3 of generate_series function.'); END IF;
  RETURN QUERY SELECT v FROM pg_catalog.generate_series($1, $2, $3) v; END $$;
CREATE FUNCTION generate_series(numeric, numeric, numeric) RETURNS TABLE (value numeric) IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT v FROM pg_catalog.generate_series($1, $2, $3) v $$;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA tsql TO PUBLIC;
