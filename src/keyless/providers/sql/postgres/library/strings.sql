-- More functions of text and numbers. Run after functions.sql and binary.sql.
-- Source: Transact-SQL reference, "String functions", "Cryptographic functions", "Mathematical functions".
SET search_path = tsql, pg_catalog;

CREATE FUNCTION trimmed(v citext, what citext, side text) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT (CASE side WHEN 'LEADING' THEN pg_catalog.ltrim(v::text, w) WHEN 'TRAILING' THEN pg_catalog.rtrim(v::text, w) ELSE pg_catalog.btrim(v::text, w) END)::citext
    FROM (SELECT pg_catalog.lower(what::text) || pg_catalog.upper(what::text)) s(w) $$;
CREATE FUNCTION translated(v citext, from_ citext, to_ citext) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE r text := ''; c text; p int; f text := pg_catalog.lower(from_::text);
BEGIN
  IF length(from_::text) <> length(to_::text) THEN PERFORM tsql.fail(9828, 'The second and third arguments of the TRANSLATE built-in function must contain an equal number of characters.'); END IF;
  FOREACH c IN ARRAY string_to_array(v::text, NULL) LOOP
    p := strpos(f, pg_catalog.lower(c));
    r := r || CASE WHEN p = 0 THEN c ELSE substr(to_::text, p, 1) END;
  END LOOP;
  RETURN r::tsql.citext;
END $$;
CREATE FUNCTION quotename(v citext, mark citext) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT CASE WHEN length(v::text) > 128 THEN NULL WHEN m IN ('[', ']') THEN '[' || pg_catalog.replace(v::text, ']', ']]') || ']'
    WHEN m IN ('''', '"', '`') THEN m || pg_catalog.replace(v::text, m, m || m) || m
    WHEN m IN ('(', ')') THEN '(' || pg_catalog.replace(v::text, ')', '))') || ')' WHEN m IN ('<', '>') THEN '<' || pg_catalog.replace(v::text, '>', '>>') || '>'
    WHEN m IN ('{', '}') THEN '{' || pg_catalog.replace(v::text, '}', '}}') || '}' END::citext FROM (SELECT left(mark::text, 1)) s(m) $$;
CREATE FUNCTION parsename(v citext, part int) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE parts text[] := '{}'; m text[]; rest text := v::text;
BEGIN
  LOOP
    m := regexp_match(rest, '^(?:\[((?:[^\]]|\]\])*)\]|"((?:[^"]|"")*)"|([^.\[\]"]*))(\..*|)$');
    IF m IS NULL THEN RETURN NULL; END IF;
    parts := coalesce(pg_catalog.replace(m[1], ']]', ']'), pg_catalog.replace(m[2], '""', '"'), m[3]) || parts;
    EXIT WHEN m[4] = '';
    rest := substr(m[4], 2);
  END LOOP;
  IF array_length(parts, 1) > 4 OR parts[1] = '' THEN RETURN NULL; END IF;
  RETURN nullif(parts[part], '')::tsql.citext;
END $$;
CREATE FUNCTION string_escape(v citext, kind citext) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN
  IF lower(kind::text) <> 'json' THEN PERFORM tsql.fail(13605, 'An invalid value was specified for argument 2.'); END IF;
  RETURN substr(j, 2, length(j) - 2)::tsql.citext FROM (SELECT tsql.json_of(v)) s(j); END $$;
CREATE FUNCTION str_of(n float8, size int, digits int) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT (CASE WHEN length(trunc(n::numeric)::text) > size THEN repeat('*', size) ELSE lpad(left(t, size), size) END)::citext
    FROM (SELECT round(n::numeric, least(digits, greatest(0, size - length(trunc(n::numeric)::text) - 1)))::text) s(t) $$;
CREATE FUNCTION hashbytes(kind citext, v bytea) RETURNS varbinary IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN
  RETURN CASE upper(kind::text) WHEN 'SHA2_256' THEN sha256(v) WHEN 'SHA2_512' THEN sha512(v) WHEN 'MD5' THEN decode(md5(v), 'hex') END::tsql.varbinary; END $$;
CREATE FUNCTION log_of(v float8, base float8) RETURNS float8 IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT ln(v) / ln(base) $$;

-- CONVERT to text with a style, for what is no date: a number takes none, but money and float
CREATE FUNCTION styled(citext, int) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT $1 $$;
DO $do$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['int4', 'int8', 'numeric', 'tsql.bit', 'uuid'] LOOP
    EXECUTE format('CREATE FUNCTION tsql.styled(%1$s, int) RETURNS tsql.citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $b$ SELECT tsql.str($1) $b$', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['time', 'date'] LOOP
    EXECUTE format('CREATE FUNCTION tsql.styled(%1$s, int) RETURNS tsql.citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $b$ SELECT tsql.styled(tsql.ts($1), $2) $b$', t);
  END LOOP;
END $do$;
CREATE FUNCTION styled(tsql.money, int) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT (CASE WHEN $2 = 1 THEN btrim(to_char(round($1::numeric, 2), '999,999,999,999,999,990.00')) WHEN $2 IN (2, 126) THEN to_char($1::numeric, 'FM999999999999990.0000') ELSE to_char(round($1::numeric, 2), 'FM999999999999990.00') END)::citext $$;
-- money shows two digits
CREATE FUNCTION str(tsql.money) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.styled($1, 0) $$;
CREATE FUNCTION str(tsql.smallmoney) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.styled($1::numeric::tsql.money, 0) $$;
CREATE FUNCTION cut(tsql.money, int) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.cut(tsql.str($1), $2) $$;
CREATE FUNCTION cut(tsql.smallmoney, int) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.cut(tsql.str($1), $2) $$;
CREATE FUNCTION styled(float8, int) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT CASE WHEN $2 IN (1, 2, 3) THEN regexp_replace(btrim(to_char($1, CASE $2 WHEN 1 THEN '9.9999999EEEE' WHEN 2 THEN '9.999999999999999EEEE' ELSE '9.9999999999999999EEEE' END)), 'e([+-])(\d\d)$', 'e\10\2')::citext ELSE tsql.str($1) END $$;
CREATE FUNCTION styled(varbinary, int) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN
  IF $2 NOT IN (1, 2) THEN PERFORM tsql.fail(281, $2 || ' is not a valid style number when converting from varbinary to a character string.'); END IF;
  RETURN ((CASE $2 WHEN 1 THEN '0x' ELSE '' END) || upper(encode($1::bytea, 'hex')))::tsql.citext; END $$;
CREATE FUNCTION from_hex(v citext, style int) RETURNS varbinary IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE t text := v::text;
BEGIN
  IF style = 1 AND lower(left(t, 2)) <> '0x' OR style NOT IN (1, 2) THEN PERFORM tsql.fail(8114, 'Error converting data type varchar to varbinary.'); END IF;
  RETURN decode(CASE style WHEN 1 THEN substr(t, 3) ELSE t END, 'hex')::tsql.varbinary;
EXCEPTION WHEN invalid_parameter_value THEN PERFORM tsql.fail(8114, 'Error converting data type varchar to varbinary.'); END $$;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA tsql TO PUBLIC;
