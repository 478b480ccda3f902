-- T-SQL's functions, under their own names. Run after types.sql.
-- Source: Transact-SQL reference, "String functions", "Date and time functions", "Mathematical functions", "Aggregate functions".
SET search_path = tsql, pg_catalog;

CREATE FUNCTION len(citext) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT length(rtrim($1::text, ' ')) $$;
CREATE FUNCTION datalength(citext) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT octet_length(convert_to($1::text, 'UTF8')) $$;
CREATE FUNCTION datalength_wide(citext) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT 2 * (length($1::text) + regexp_count($1::text, '[\U00010000-\U0010FFFF]')) $$;
CREATE FUNCTION datalength(bytea) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT octet_length($1) $$;
CREATE FUNCTION datalength(int4) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT 4 $$;
CREATE FUNCTION datalength(int8) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT 8 $$;
CREATE FUNCTION "upper"(citext) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT pg_catalog.upper($1::text)::citext $$;
CREATE FUNCTION "lower"(citext) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT pg_catalog.lower($1::text)::citext $$;
CREATE FUNCTION "ltrim"(citext) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT pg_catalog.ltrim($1::text)::citext $$;
CREATE FUNCTION "rtrim"(citext) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT pg_catalog.rtrim($1::text)::citext $$;
CREATE FUNCTION "trim"(citext) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT pg_catalog.btrim($1::text)::citext $$;
CREATE FUNCTION "reverse"(citext) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT pg_catalog.reverse($1::text)::citext $$;
CREATE FUNCTION unicode(citext) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT nullif(pg_catalog.ascii($1::text), 0) $$;
CREATE FUNCTION "nchar"(int) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT CASE WHEN $1 BETWEEN 1 AND 1114111 THEN pg_catalog.chr($1)::citext END $$;
CREATE FUNCTION "ascii"(citext) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT CASE WHEN pg_catalog.ascii($1::text) BETWEEN 1 AND 127 THEN pg_catalog.ascii($1::text) WHEN $1::text = '' THEN NULL ELSE 63 END $$;
CREATE FUNCTION "char"(int) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT CASE WHEN $1 BETWEEN 1 AND 255 THEN pg_catalog.chr($1)::citext END $$;
CREATE FUNCTION space(int) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT CASE WHEN $1 >= 0 THEN pg_catalog.repeat(' ', least($1, 8000))::citext END $$;
CREATE FUNCTION replicate(citext, int) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT CASE WHEN $2 >= 0 THEN pg_catalog.left(pg_catalog.repeat($1::text, least($2, 8000)), 8000)::citext END $$;
CREATE FUNCTION "left"(citext, int) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN
  IF $2 < 0 THEN PERFORM tsql.fail(536, 'Invalid length parameter passed to the LEFT function.'); END IF; RETURN pg_catalog.left($1::text, $2); END $$;
CREATE FUNCTION "right"(citext, int) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN
  IF $2 < 0 THEN PERFORM tsql.fail(536, 'Invalid length parameter passed to the RIGHT function.'); END IF; RETURN pg_catalog.right($1::text, $2); END $$;
CREATE FUNCTION "substring"(citext, int, int) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN
  IF $3 < 0 THEN PERFORM tsql.fail(537, 'Invalid length parameter passed to the LEFT or SUBSTRING function.'); END IF; RETURN pg_catalog.substr($1::text, $2, least($3::bigint, 2147483647 - greatest($2, 0))::int); END $$;
CREATE FUNCTION charindex(citext, citext) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT CASE WHEN $1::text = '' THEN 0 ELSE strpos(pg_catalog.lower($2::text), pg_catalog.lower($1::text)) END $$;
CREATE FUNCTION charindex(citext, citext, int) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT CASE WHEN $1::text = '' THEN 0 WHEN strpos(pg_catalog.lower(substr($2::text, greatest($3, 1))), pg_catalog.lower($1::text)) = 0 THEN 0
    ELSE strpos(pg_catalog.lower(substr($2::text, greatest($3, 1))), pg_catalog.lower($1::text)) + greatest($3, 1) - 1 END $$;
-- an escaped pattern, and a class such as [a-f] as a regular expression
CREATE FUNCTION pattern(p text, e text DEFAULT NULL) RETURNS text IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE r text := ''; i int := 1; c text; close int;
BEGIN
  WHILE i <= length(p) LOOP
    c := substr(p, i, 1);
    IF e IS NOT NULL AND c = e AND i < length(p) THEN
      i := i + 1; r := r || regexp_replace(substr(p, i, 1), '([^[:alnum:]])', '\\\1');
    ELSIF c = e THEN RETURN '(?!)';
    ELSIF c = '%' THEN r := r || '.*';
    ELSIF c = '_' THEN r := r || '.';
    ELSIF c = '[' THEN
      close := strpos(substr(p, i + 2), ']');
      IF close = 0 THEN RETURN '(?!)'; END IF;
      c := substr(p, i + 1, close);
      r := r || '[' || CASE WHEN left(c, 1) = '^' THEN '^' ELSE '' END
        || replace(replace(CASE WHEN left(c, 1) = '^' THEN substr(c, 2) ELSE c END, '\', '\\'), '[', '\[') || ']';
      i := i + close + 1;
    ELSE r := r || regexp_replace(c, '([^[:alnum:]])', '\\\1');
    END IF;
    i := i + 1;
  END LOOP;
  RETURN r;
END $$;
CREATE FUNCTION is_like(citext, citext) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT $1::text ~ ('(?i)^(?:' || tsql.pattern($2::text) || ')$') $$;
CREATE FUNCTION is_like(citext, citext, citext) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT $1::text ~ ('(?i)^(?:' || tsql.pattern($2::text, $3::text) || ')$') $$;
CREATE FUNCTION patindex(citext, citext) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT CASE WHEN left($1::text, 1) = '%' THEN regexp_instr($2::text, tsql.pattern(substr(CASE WHEN right($1::text, 1) = '%' THEN left($1::text, -1) ELSE $1::text END, 2)) || CASE WHEN right($1::text, 1) = '%' THEN '' ELSE '$' END, 1, 1, 0, 'i')
    WHEN tsql.is_like($2, $1) THEN 1 ELSE 0 END $$;
CREATE FUNCTION substituted(citext, citext, citext) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT CASE WHEN $2::text = '' THEN $1 ELSE regexp_replace($1::text, regexp_replace($2::text, '([^[:alnum:]])', '\\\1', 'g'), pg_catalog.replace($3::text, '\', '\\'), 'gi')::citext END $$;
-- the same three, where a collation that tells capitals from small letters is asked for
CREATE FUNCTION charindex_exactly(citext, citext, int DEFAULT 1) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT CASE WHEN $1::text = '' OR strpos(substr($2::text, greatest($3, 1)), $1::text) = 0 THEN 0 ELSE strpos(substr($2::text, greatest($3, 1)), $1::text) + greatest($3, 1) - 1 END $$;
CREATE FUNCTION patindex_exactly(citext, citext) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT CASE WHEN left($1::text, 1) = '%' THEN regexp_instr($2::text, tsql.pattern(substr(CASE WHEN right($1::text, 1) = '%' THEN left($1::text, -1) ELSE $1::text END, 2)) || CASE WHEN right($1::text, 1) = '%' THEN '' ELSE '$' END)
    WHEN $2::text ~ ('^(?:' || tsql.pattern($1::text) || ')$') THEN 1 ELSE 0 END $$;
CREATE FUNCTION substituted_exactly(citext, citext, citext) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT CASE WHEN $2::text = '' THEN $1 ELSE pg_catalog.replace($1::text, $2::text, $3::text)::citext END $$;
CREATE FUNCTION stuff(citext, int, int, citext) RETURNS citext IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$
  SELECT CASE WHEN $2 BETWEEN 1 AND length($1::text) AND $3 >= 0 THEN overlay($1::text PLACING coalesce($4::text, '') FROM $2 FOR $3)::citext END $$;
CREATE FUNCTION quotename(citext) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT CASE WHEN length($1::text) <= 128 THEN ('[' || pg_catalog.replace($1::text, ']', ']]') || ']')::citext END $$;
CREATE FUNCTION string_split(citext, citext) RETURNS TABLE (value citext) IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT v::citext FROM string_to_table($1::text, $2::text) v $$;
CREATE FUNCTION string_split(citext, citext, int) RETURNS TABLE (value citext, ordinal bigint) IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT v::citext, o FROM string_to_table($1::text, $2::text) WITH ORDINALITY s(v, o) $$;
CREATE FUNCTION isnumeric(citext) RETURNS int IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$ SELECT CASE WHEN $1::text ~ '^\s*[-+]?[$£€¥]?[-+]?(\d[\d,]*\.?\d*|\.\d+)([eEdD][-+]?\d+)?\s*$' OR $1::text ~ '^\s*[-+$£€¥.,]\s*$' THEN 1 ELSE 0 END $$;
CREATE FUNCTION fits(citext, int) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT length($1::text) <= $2 $$;
CREATE FUNCTION fits(bytea, int) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT octet_length($1) <= $2 $$;

CREATE FUNCTION now7() RETURNS timestamp STABLE PARALLEL SAFE LANGUAGE sql AS $$ SELECT statement_timestamp() AT TIME ZONE 'UTC' $$;
CREATE FUNCTION getdate() RETURNS datetime STABLE PARALLEL SAFE LANGUAGE sql AS $$ SELECT to_datetime(statement_timestamp() AT TIME ZONE 'UTC') $$;
CREATE FUNCTION dateadd(part text, n int, d timestamp) RETURNS timestamp IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT d + CASE part WHEN 'year' THEN make_interval(years => n) WHEN 'quarter' THEN make_interval(months => 3 * n) WHEN 'month' THEN make_interval(months => n)
    WHEN 'week' THEN make_interval(weeks => n) WHEN 'day' THEN make_interval(days => n) WHEN 'hour' THEN make_interval(hours => n)
    WHEN 'minute' THEN make_interval(mins => n) WHEN 'second' THEN make_interval(secs => n) WHEN 'millisecond' THEN n * interval '1 millisecond'
    WHEN 'microsecond' THEN n * interval '1 microsecond' WHEN 'nanosecond' THEN div(n, 1000) * interval '1 microsecond'
    WHEN 'dayofyear' THEN make_interval(days => n) WHEN 'weekday' THEN make_interval(days => n) END $$;
CREATE FUNCTION dateadd(part text, n int, d datetime) RETURNS datetime IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN
  IF part IN ('microsecond', 'nanosecond') THEN PERFORM tsql.fail(9810, 'The datepart ' || part || ' is not supported by date function dateadd for data type datetime.'); END IF;
  RETURN tsql.to_datetime(tsql.dateadd(part, n, d::timestamp)); END $$;
CREATE FUNCTION dateadd(part text, n int, d citext) RETURNS datetime IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT to_datetime(dateadd(part, n, to_timestamp(d))) $$;
CREATE FUNCTION dateadd(part text, n int, d date) RETURNS date IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN
  IF part NOT IN ('year', 'quarter', 'month', 'week', 'day', 'dayofyear', 'weekday') THEN PERFORM tsql.fail(9810, 'The datepart ' || part || ' is not supported by date function dateadd for data type date.'); END IF;
  RETURN tsql.dateadd(part, n, d::timestamp)::date; END $$;
CREATE FUNCTION datediff_big(part text, a timestamp, b timestamp) RETURNS bigint IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT CASE part WHEN 'year' THEN extract(year FROM b) - extract(year FROM a)
    WHEN 'quarter' THEN (extract(year FROM b) - extract(year FROM a)) * 4 + extract(quarter FROM b) - extract(quarter FROM a)
    WHEN 'month' THEN (extract(year FROM b) - extract(year FROM a)) * 12 + extract(month FROM b) - extract(month FROM a)
    WHEN 'week' THEN ((b::date - extract(dow FROM b)::int) - (a::date - extract(dow FROM a)::int)) / 7
    WHEN 'day' THEN b::date - a::date
    WHEN 'millisecond' THEN floor(extract(epoch FROM b) * 1000) - floor(extract(epoch FROM a) * 1000)
    WHEN 'microsecond' THEN floor(extract(epoch FROM b) * 1000000) - floor(extract(epoch FROM a) * 1000000)
    WHEN 'hour' THEN extract(epoch FROM date_trunc('hour', b) - date_trunc('hour', a)) / 3600
    WHEN 'minute' THEN extract(epoch FROM date_trunc('minute', b) - date_trunc('minute', a)) / 60
    WHEN 'second' THEN extract(epoch FROM date_trunc('second', b) - date_trunc('second', a)) END::bigint $$;
CREATE FUNCTION datediff(part text, a timestamp, b timestamp) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN
  RETURN tsql.datediff_big(part, a, b)::int4; EXCEPTION WHEN numeric_value_out_of_range THEN
  PERFORM tsql.fail(535, 'The datediff function resulted in an overflow.'); END $$;
CREATE FUNCTION datediff(part text, a citext, b citext) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT datediff(part, to_timestamp(a), to_timestamp(b)) $$;
CREATE FUNCTION datediff(part text, a citext, b timestamp) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT datediff(part, to_timestamp(a), b) $$;
CREATE FUNCTION datediff(part text, a timestamp, b citext) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT datediff(part, a, to_timestamp(b)) $$;
CREATE FUNCTION datepart(part text, d timestamp) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT CASE part WHEN 'weekday' THEN extract(dow FROM d) + 1 WHEN 'dayofyear' THEN extract(doy FROM d) WHEN 'iso_week' THEN extract(week FROM d)
    WHEN 'week' THEN div(extract(doy FROM d) - 1 + extract(dow FROM date_trunc('year', d)), 7) + 1
    WHEN 'second' THEN floor(extract(second FROM d)) WHEN 'millisecond' THEN floor(extract(milliseconds FROM d)) % 1000
    WHEN 'microsecond' THEN extract(microseconds FROM d) % 1000000 WHEN 'nanosecond' THEN extract(microseconds FROM d) % 1000000 * 1000
    WHEN 'year' THEN extract(year FROM d) WHEN 'quarter' THEN extract(quarter FROM d) WHEN 'month' THEN extract(month FROM d)
    WHEN 'day' THEN extract(day FROM d) WHEN 'hour' THEN extract(hour FROM d) WHEN 'minute' THEN extract(minute FROM d) END::int $$;
CREATE FUNCTION datepart(part text, d citext) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT datepart(part, to_timestamp(d)) $$;
CREATE FUNCTION datename(part text, d timestamp) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT CASE part WHEN 'month' THEN to_char(d, 'FMMonth') WHEN 'weekday' THEN to_char(d, 'FMDay') ELSE datepart(part, d)::text END::citext $$;
CREATE FUNCTION datename(part text, d citext) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT datename(part, to_timestamp(d)) $$;
CREATE FUNCTION eomonth(d timestamp, n int DEFAULT 0) RETURNS date IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT (date_trunc('month', d) + make_interval(months => n + 1, days => -1))::date $$;
CREATE FUNCTION eomonth(d citext, n int DEFAULT 0) RETURNS date IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT eomonth(to_timestamp(d), n) $$;
CREATE FUNCTION datefromparts(int, int, int) RETURNS date IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN RETURN make_date($1, $2, $3);
  EXCEPTION WHEN datetime_field_overflow THEN PERFORM tsql.fail(289, 'Cannot construct data type date, some of the arguments have values which are not valid.'); END $$;
CREATE FUNCTION isdate(citext) RETURNS int IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$ SELECT CASE WHEN tsql.try_timestamp($1) >= '1753-01-01' AND $1::text !~ ':\d\d\.\d{4}' THEN 1 ELSE 0 END $$;

-- CONVERT with a style
CREATE FUNCTION styled(d timestamp, style int) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE f text := CASE style WHEN 1 THEN 'MM/DD/YY' WHEN 3 THEN 'DD/MM/YY' WHEN 101 THEN 'MM/DD/YYYY' WHEN 102 THEN 'YYYY.MM.DD' WHEN 103 THEN 'DD/MM/YYYY' WHEN 104 THEN 'DD.MM.YYYY' WHEN 105 THEN 'DD-MM-YYYY'
  WHEN 106 THEN 'DD Mon YYYY' WHEN 107 THEN 'Mon DD, YYYY' WHEN 108 THEN 'HH24:MI:SS' WHEN 110 THEN 'MM-DD-YYYY' WHEN 111 THEN 'YYYY/MM/DD' WHEN 112 THEN 'YYYYMMDD'
  WHEN 114 THEN 'HH24:MI:SS:MS' WHEN 120 THEN 'YYYY-MM-DD HH24:MI:SS' WHEN 20 THEN 'YYYY-MM-DD HH24:MI:SS' WHEN 121 THEN 'YYYY-MM-DD HH24:MI:SS.MS' WHEN 21 THEN 'YYYY-MM-DD HH24:MI:SS.MS'
  WHEN 126 THEN 'YYYY-MM-DD"T"HH24:MI:SS.MS' WHEN 23 THEN 'YYYY-MM-DD' END;
BEGIN
  IF style IN (0, 100) THEN RETURN tsql.str(d::tsql.datetime); END IF;
  IF f IS NULL THEN PERFORM tsql.fail(281, style || ' is not a style that is supported when converting from a date to a character string.'); END IF;
  RETURN to_char(d, f);
END $$;
CREATE FUNCTION from_styled(v citext, style int) RETURNS timestamp IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE f text := CASE style WHEN 101 THEN 'MM/DD/YYYY' WHEN 102 THEN 'YYYY.MM.DD' WHEN 103 THEN 'DD/MM/YYYY' WHEN 104 THEN 'DD.MM.YYYY' WHEN 105 THEN 'DD-MM-YYYY' WHEN 110 THEN 'MM-DD-YYYY'
  WHEN 111 THEN 'YYYY/MM/DD' WHEN 112 THEN 'YYYYMMDD' END;
BEGIN
  IF style IN (20, 21, 23, 120, 121, 126) THEN RETURN tsql.to_timestamp(v); END IF;
  IF f IS NULL THEN PERFORM tsql.fail(281, style || ' is not a style that is supported when converting from a character string to a date.'); END IF;
  RETURN pg_catalog.to_timestamp(v::text, f)::timestamp;
EXCEPTION WHEN datetime_field_overflow OR invalid_datetime_format THEN
  PERFORM tsql.fail(241, 'Conversion failed when converting date and/or time from character string.');
END $$;

CREATE FUNCTION last_identity() RETURNS numeric VOLATILE LANGUAGE plpgsql AS $$ BEGIN RETURN lastval(); EXCEPTION WHEN object_not_in_prerequisite_state THEN RETURN NULL; END $$;
CREATE FUNCTION round_to(numeric, int, int DEFAULT 0) RETURNS numeric IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT round(CASE WHEN $3 = 0 THEN round($1, $2) ELSE trunc($1, $2) END, scale($1)) $$;
CREATE FUNCTION round_to(int4, int, int DEFAULT 0) RETURNS int4 IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT (CASE WHEN $3 = 0 THEN round($1::numeric, $2) ELSE trunc($1::numeric, $2) END)::int4 $$;
CREATE FUNCTION round_to(float8, int, int DEFAULT 0) RETURNS float8 IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT (CASE WHEN $3 = 0 THEN round($1::numeric, $2) ELSE trunc($1::numeric, $2) END)::float8 $$;

-- A quotient of decimals, cut off behind so many digits
CREATE FUNCTION quotient(numeric, numeric, int) RETURNS numeric IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT div($1 * ('1e' || $3)::numeric, $2) * ('1e-' || $3)::numeric $$;
CREATE FUNCTION sign(int4) RETURNS int4 IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT pg_catalog.sign($1::numeric)::int4 $$;
CREATE FUNCTION sign(numeric) RETURNS numeric IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT pg_catalog.sign($1) $$;
CREATE FUNCTION sign(float8) RETURNS float8 IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT pg_catalog.sign($1) $$;
CREATE FUNCTION sign(float4) RETURNS float8 IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT pg_catalog.sign($1::float8) $$;
CREATE FUNCTION sign(int8) RETURNS int8 IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT pg_catalog.sign($1::numeric)::int8 $$;
CREATE FUNCTION power(int8, float8) RETURNS int8 IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT round(pg_catalog.power($1::numeric, $2::numeric))::int8 $$;
CREATE FUNCTION power(int4, float8) RETURNS int4 IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT pg_catalog.power($1::float8, $2)::int4 $$;
CREATE FUNCTION power(numeric, float8) RETURNS numeric IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT round(pg_catalog.power($1, $2::numeric), scale($1)) $$;
CREATE FUNCTION power(float8, float8) RETURNS float8 IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT pg_catalog.power($1, $2) $$;

-- Aggregates keep the type of what they add up, and int's average is an int
CREATE FUNCTION as_int4(int8) RETURNS int4 IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'int84';
CREATE FUNCTION add_int8(numeric, int8) RETURNS numeric IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$ SELECT CASE WHEN $2 IS NULL THEN $1 ELSE coalesce($1, 0) + $2 END $$;
CREATE FUNCTION as_int8(numeric) RETURNS int8 IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT $1::int8 $$;
CREATE FUNCTION avg_int4(int8[]) RETURNS int4 IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT CASE WHEN $1[1] > 0 THEN ($1[2] / $1[1])::int4 END $$;
CREATE AGGREGATE sum(int2) (SFUNC = int2_sum, STYPE = int8, FINALFUNC = as_int4);
CREATE AGGREGATE sum(int4) (SFUNC = int4_sum, STYPE = int8, FINALFUNC = as_int4);
CREATE AGGREGATE sum(int8) (SFUNC = add_int8, STYPE = numeric, FINALFUNC = as_int8);
CREATE AGGREGATE sum(numeric) (SFUNC = numeric_avg_accum, STYPE = internal, FINALFUNC = numeric_sum);
CREATE AGGREGATE sum(float8) (SFUNC = float8pl, STYPE = float8);
CREATE AGGREGATE avg(int2) (SFUNC = int2_avg_accum, STYPE = int8[], FINALFUNC = avg_int4, INITCOND = '{0,0}');
CREATE AGGREGATE avg(int4) (SFUNC = int4_avg_accum, STYPE = int8[], FINALFUNC = avg_int4, INITCOND = '{0,0}');
CREATE FUNCTION counted_sum(numeric[], int8) RETURNS numeric[] IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT ARRAY[$1[1] + 1, $1[2] + $2] $$;
CREATE FUNCTION avg_int8(numeric[]) RETURNS int8 IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT CASE WHEN $1[1] > 0 THEN trunc($1[2] / $1[1])::int8 END $$;
CREATE AGGREGATE avg(int8) (SFUNC = counted_sum, STYPE = numeric[], FINALFUNC = avg_int8, INITCOND = '{0,0}');
CREATE AGGREGATE avg(numeric) (SFUNC = numeric_avg_accum, STYPE = internal, FINALFUNC = numeric_avg);
CREATE AGGREGATE avg(float8) (SFUNC = float8_accum, STYPE = float8[], FINALFUNC = float8_avg, INITCOND = '{0,0,0}');
CREATE FUNCTION joined(text, citext, citext) RETURNS text IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$ SELECT CASE WHEN $2 IS NULL THEN $1 WHEN $1 IS NULL THEN $2::text ELSE $1 || coalesce($3::text, '') || $2::text END $$;
CREATE FUNCTION as_citext(text) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT $1::citext $$;
CREATE AGGREGATE string_agg(citext, citext) (SFUNC = joined, STYPE = text, FINALFUNC = as_citext);

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA tsql TO PUBLIC;
CREATE SCHEMA dbo;

-- What a date function takes
CREATE FUNCTION ts(timestamp) RETURNS timestamp IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT $1 $$;
CREATE FUNCTION ts(citext) RETURNS timestamp IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.to_timestamp($1) $$;
CREATE FUNCTION ts(time) RETURNS timestamp IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT '1900-01-01'::date + $1 $$;

-- CAST to a text of n characters: text and dates are cut off, an int that does not fit is '*', other numbers fail
CREATE FUNCTION cut(citext, int) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT pg_catalog.left($1::text, $2)::citext $$;
DO $do$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['date', 'time', 'timestamp', 'tsql.datetime', 'tsql.bit'] LOOP
    EXECUTE format('CREATE FUNCTION tsql.cut(%1$s, int) RETURNS tsql.citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $b$ SELECT tsql.cut(tsql.str($1), $2) $b$', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['int4', 'int8', 'numeric', 'float8', 'uuid'] LOOP
    EXECUTE format('CREATE FUNCTION tsql.cut(v %1$s, n int) RETURNS tsql.citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $b$ DECLARE s tsql.citext := tsql.str(v); BEGIN IF length(s::text) <= n THEN RETURN s; END IF; %2$s END $b$', t,
      CASE t WHEN 'int4' THEN 'RETURN ''*'';' WHEN 'uuid' THEN 'PERFORM tsql.fail(8170, ''Insufficient result space to convert uniqueidentifier value to char.'');'
        ELSE 'PERFORM tsql.fail(8115, ''Arithmetic overflow error converting expression to data type nvarchar.'');' END);
  END LOOP;
END $do$;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA tsql TO PUBLIC;

-- SQL Server cuts decimals off where PostgreSQL rounds, in assignments too: these casts are this database's own
DO $do$ DECLARE s text; t text; BEGIN
  FOREACH s IN ARRAY ARRAY['numeric', 'float8', 'float4'] LOOP
    FOREACH t IN ARRAY ARRAY['int2', 'int4', 'int8'] LOOP
      EXECUTE format('CREATE FUNCTION tsql.%1$s_%2$s(%1$s) RETURNS %2$s IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $b$ SELECT pg_catalog.%2$s(trunc($1%3$s)) $b$', s, t, CASE WHEN s = 'float4' THEN '::float8' ELSE '' END);
      EXECUTE format('UPDATE pg_cast SET castfunc = %1$L::regprocedure WHERE castsource = %2$L::regtype AND casttarget = %3$L::regtype', format('tsql.%s_%s(%s)', s, t, s), s, t);
    END LOOP;
  END LOOP;
END $do$;
