-- smalldatetime and datetimeoffset. Run after functions.sql.
-- Source: Transact-SQL reference, "smalldatetime", "datetimeoffset", "CAST and CONVERT".
SET search_path = tsql, pg_catalog;

-- To the minute: from 30 seconds on, up
CREATE TYPE smalldatetime;
CREATE FUNCTION sd_in(cstring, oid, integer) RETURNS smalldatetime IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'timestamp_in';
CREATE FUNCTION sd_out(smalldatetime) RETURNS cstring STABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'timestamp_out';
CREATE FUNCTION sd_recv(internal, oid, integer) RETURNS smalldatetime IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'timestamp_recv';
CREATE FUNCTION sd_send(smalldatetime) RETURNS bytea IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'timestamp_send';
CREATE TYPE smalldatetime (INPUT = sd_in, OUTPUT = sd_out, RECEIVE = sd_recv, SEND = sd_send, LIKE = timestamp);
CREATE CAST (smalldatetime AS timestamp) WITHOUT FUNCTION AS IMPLICIT;
CREATE FUNCTION to_smalldatetime(timestamp) RETURNS smalldatetime IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE m timestamp := date_trunc('minute', date_trunc('milliseconds', $1) + interval '30 seconds 1 millisecond');
BEGIN
  IF m < '1900-01-01' OR m >= '2079-06-07' THEN PERFORM tsql.fail(242, 'The conversion of a date to smalldatetime resulted in an out-of-range value.'); END IF;
  RETURN m::text::tsql.smalldatetime;
END $$;
CREATE CAST (timestamp AS smalldatetime) WITH FUNCTION to_smalldatetime(timestamp) AS ASSIGNMENT;
CREATE FUNCTION to_smalldatetime(date) RETURNS smalldatetime IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.to_smalldatetime($1::timestamp) $$;
CREATE CAST (date AS smalldatetime) WITH FUNCTION to_smalldatetime(date) AS ASSIGNMENT;
CREATE FUNCTION to_smalldatetime(citext) RETURNS smalldatetime IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.to_smalldatetime(tsql.to_timestamp($1)) $$;
CREATE CAST (citext AS smalldatetime) WITH FUNCTION to_smalldatetime(citext) AS ASSIGNMENT;
CREATE FUNCTION to_smalldatetime(datetime) RETURNS smalldatetime IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.to_smalldatetime($1::timestamp) $$;
CREATE CAST (datetime AS smalldatetime) WITH FUNCTION to_smalldatetime(datetime) AS ASSIGNMENT;
CREATE FUNCTION to_datetime(smalldatetime) RETURNS datetime IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.to_datetime($1::timestamp) $$;
CREATE CAST (smalldatetime AS datetime) WITH FUNCTION to_datetime(smalldatetime) AS ASSIGNMENT;
CREATE FUNCTION str(smalldatetime) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.str(tsql.to_datetime($1)) $$;
CREATE FUNCTION cut(smalldatetime, int) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.cut(tsql.str($1), $2) $$;

-- A moment with its offset: an interval since 2000 in UTC, in which the days hold the offset's minutes and the time makes
-- up for them, so that PostgreSQL's comparisons of intervals compare the moments.
CREATE TYPE datetimeoffset;
CREATE FUNCTION do_in(cstring, oid, integer) RETURNS datetimeoffset IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'interval_in';
CREATE FUNCTION do_out(datetimeoffset) RETURNS cstring STABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'interval_out';
CREATE FUNCTION do_recv(internal, oid, integer) RETURNS datetimeoffset IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'interval_recv';
CREATE FUNCTION do_send(datetimeoffset) RETURNS bytea IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'interval_send';
CREATE TYPE datetimeoffset (INPUT = do_in, OUTPUT = do_out, RECEIVE = do_recv, SEND = do_send, LIKE = interval);
-- of the library alone: T-SQL knows no interval
CREATE CAST (datetimeoffset AS interval) WITHOUT FUNCTION;
CREATE CAST (interval AS datetimeoffset) WITHOUT FUNCTION;
DO $do$ DECLARE t record; BEGIN
  FOR t IN SELECT * FROM (VALUES
    ('=', 'eq', '=', '<>', 'HASHES, MERGES, RESTRICT = eqsel, JOIN = eqjoinsel'), ('<>', 'ne', '<>', '=', 'RESTRICT = neqsel, JOIN = neqjoinsel'),
    ('<', 'lt', '>', '>=', 'RESTRICT = scalarltsel, JOIN = scalarltjoinsel'), ('>', 'gt', '<', '<=', 'RESTRICT = scalargtsel, JOIN = scalargtjoinsel'),
    ('<=', 'le', '>=', '>', 'RESTRICT = scalarlesel, JOIN = scalarlejoinsel'), ('>=', 'ge', '<=', '<', 'RESTRICT = scalargesel, JOIN = scalargejoinsel')
  ) AS v(op, name, commuted, negated, more) LOOP
    EXECUTE format('CREATE FUNCTION tsql.do_%1$s(tsql.datetimeoffset, tsql.datetimeoffset) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS ''interval_%1$s''', t.name);
    EXECUTE format('CREATE OPERATOR tsql.%1$s (LEFTARG = tsql.datetimeoffset, RIGHTARG = tsql.datetimeoffset, FUNCTION = tsql.do_%2$s, COMMUTATOR = OPERATOR(tsql.%3$s), NEGATOR = OPERATOR(tsql.%4$s), %5$s)', t.op, t.name, t.commuted, t.negated, t.more);
  END LOOP;
END $do$;
CREATE FUNCTION do_cmp(datetimeoffset, datetimeoffset) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'interval_cmp';
CREATE FUNCTION do_hash(datetimeoffset) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'interval_hash';
CREATE OPERATOR CLASS datetimeoffset_ops DEFAULT FOR TYPE datetimeoffset USING btree AS
  OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 do_cmp(datetimeoffset, datetimeoffset);
CREATE OPERATOR CLASS datetimeoffset_ops DEFAULT FOR TYPE datetimeoffset USING hash AS OPERATOR 1 =, FUNCTION 1 do_hash(datetimeoffset);
CREATE FUNCTION do_smaller(datetimeoffset, datetimeoffset) RETURNS datetimeoffset IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'interval_smaller';
CREATE FUNCTION do_larger(datetimeoffset, datetimeoffset) RETURNS datetimeoffset IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'interval_larger';
CREATE AGGREGATE min(datetimeoffset) (SFUNC = do_smaller, STYPE = datetimeoffset, SORTOP = <);
CREATE AGGREGATE max(datetimeoffset) (SFUNC = do_larger, STYPE = datetimeoffset, SORTOP = >);

CREATE FUNCTION with_offset(utc timestamp, minutes int) RETURNS datetimeoffset IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT (gone + make_interval(days => $2 - extract(days FROM gone)::int, hours => (extract(days FROM gone)::int - $2) * 24))::tsql.datetimeoffset
    FROM (SELECT $1 - '2000-01-01'::timestamp) AS since(gone) $$;
CREATE FUNCTION utc_of(datetimeoffset) RETURNS timestamp IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT '2000-01-01'::timestamp + $1::interval $$;
CREATE FUNCTION offset_of(datetimeoffset) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT extract(days FROM $1::interval)::int $$;
CREATE FUNCTION local_of(datetimeoffset) RETURNS timestamp IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.utc_of($1) + make_interval(mins => tsql.offset_of($1)) $$;
CREATE CAST (datetimeoffset AS timestamp) WITH FUNCTION local_of(datetimeoffset) AS ASSIGNMENT;
CREATE FUNCTION to_datetimeoffset(timestamp) RETURNS datetimeoffset IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.with_offset($1, 0) $$;
CREATE CAST (timestamp AS datetimeoffset) WITH FUNCTION to_datetimeoffset(timestamp) AS ASSIGNMENT;
CREATE FUNCTION to_datetimeoffset(date) RETURNS datetimeoffset IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.with_offset($1::timestamp, 0) $$;
CREATE CAST (date AS datetimeoffset) WITH FUNCTION to_datetimeoffset(date) AS ASSIGNMENT;
CREATE FUNCTION to_datetimeoffset(datetime) RETURNS datetimeoffset IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.with_offset($1::timestamp, 0) $$;
CREATE CAST (datetime AS datetimeoffset) WITH FUNCTION to_datetimeoffset(datetime) AS ASSIGNMENT;
CREATE FUNCTION to_datetimeoffset(smalldatetime) RETURNS datetimeoffset IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.with_offset($1::timestamp, 0) $$;
CREATE CAST (smalldatetime AS datetimeoffset) WITH FUNCTION to_datetimeoffset(smalldatetime) AS ASSIGNMENT;
CREATE FUNCTION to_date(datetimeoffset) RETURNS date IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.local_of($1)::date $$;
CREATE CAST (datetimeoffset AS date) WITH FUNCTION to_date(datetimeoffset) AS ASSIGNMENT;
CREATE FUNCTION to_time(datetimeoffset) RETURNS time IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.local_of($1)::time $$;
CREATE CAST (datetimeoffset AS time) WITH FUNCTION to_time(datetimeoffset) AS ASSIGNMENT;
CREATE FUNCTION to_datetime(datetimeoffset) RETURNS datetime IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.to_datetime(tsql.local_of($1)) $$;
CREATE CAST (datetimeoffset AS datetime) WITH FUNCTION to_datetime(datetimeoffset) AS ASSIGNMENT;
CREATE FUNCTION minutes_of(v text) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE part text[] := regexp_match(v, '([+-])(\d{1,2}):(\d\d)\s*$'); m int;
BEGIN
  IF part IS NULL THEN RETURN 0; END IF;
  m := part[2]::int * 60 + part[3]::int;
  IF m > 840 OR part[3]::int > 59 THEN PERFORM tsql.fail(241, 'Conversion failed when converting date and/or time from character string.'); END IF;
  RETURN CASE part[1] WHEN '-' THEN -m ELSE m END;
END $$;
CREATE FUNCTION to_datetimeoffset(citext) RETURNS datetimeoffset IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT tsql.with_offset(tsql.to_timestamp(regexp_replace($1::text, '(\s*[+-]\d{1,2}:\d\d|\s*[zZ])\s*$', '')::tsql.citext)
    - make_interval(mins => tsql.minutes_of($1::text)), tsql.minutes_of($1::text)) $$;
CREATE CAST (citext AS datetimeoffset) WITH FUNCTION to_datetimeoffset(citext) AS ASSIGNMENT;
CREATE FUNCTION str(datetimeoffset) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT (tsql.str(tsql.local_of($1))::text || CASE WHEN tsql.offset_of($1) < 0 THEN ' -' ELSE ' +' END
    || lpad((abs(tsql.offset_of($1)) / 60)::text, 2, '0') || ':' || lpad((abs(tsql.offset_of($1)) % 60)::text, 2, '0'))::tsql.citext $$;
CREATE FUNCTION cut(datetimeoffset, int) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.cut(tsql.str($1), $2) $$;
CREATE FUNCTION ts(datetimeoffset) RETURNS timestamp IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.local_of($1) $$;
CREATE FUNCTION sysdatetimeoffset() RETURNS datetimeoffset STABLE PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.with_offset(statement_timestamp() AT TIME ZONE 'UTC', 0) $$;
CREATE FUNCTION switchoffset(datetimeoffset, citext) RETURNS datetimeoffset IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.with_offset(tsql.utc_of($1), tsql.minutes_of($2::text)) $$;
CREATE FUNCTION todatetimeoffset(timestamp, citext) RETURNS datetimeoffset IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT tsql.with_offset($1 - make_interval(mins => tsql.minutes_of($2::text)), tsql.minutes_of($2::text)) $$;
CREATE FUNCTION dateadd(part text, n int, d datetimeoffset) RETURNS datetimeoffset IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT tsql.with_offset(tsql.dateadd(part, n, tsql.local_of(d)) - make_interval(mins => tsql.offset_of(d)), tsql.offset_of(d)) $$;

-- Beside text and moments without an offset, which are converted
DO $do$ DECLARE t text; o record; BEGIN
  FOREACH t IN ARRAY ARRAY['citext', 'timestamp', 'datetime', 'date'] LOOP
    FOR o IN SELECT * FROM (VALUES ('=', 'eq'), ('<>', 'ne'), ('<', 'lt'), ('>', 'gt'), ('<=', 'le'), ('>=', 'ge')) AS v(op, name) LOOP
      EXECUTE format('CREATE FUNCTION tsql.do_%2$s_%3$s(tsql.datetimeoffset, %3$s) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $b$ SELECT $1 OPERATOR(tsql.%1$s) tsql.to_datetimeoffset($2) $b$', o.op, o.name, t);
      EXECUTE format('CREATE FUNCTION tsql.%3$s_%2$s_do(%3$s, tsql.datetimeoffset) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $b$ SELECT tsql.to_datetimeoffset($1) OPERATOR(tsql.%1$s) $2 $b$', o.op, o.name, t);
      EXECUTE format('CREATE OPERATOR tsql.%1$s (LEFTARG = tsql.datetimeoffset, RIGHTARG = %3$s, FUNCTION = tsql.do_%2$s_%3$s)', o.op, o.name, t);
      EXECUTE format('CREATE OPERATOR tsql.%1$s (LEFTARG = %3$s, RIGHTARG = tsql.datetimeoffset, FUNCTION = tsql.%3$s_%2$s_do)', o.op, o.name, t);
    END LOOP;
  END LOOP;
END $do$;
