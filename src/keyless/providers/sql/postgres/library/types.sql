-- What PostgreSQL lacks of SQL Server's types. Run after text.sql.
-- Source: Transact-SQL reference, "Data types", "Data type precedence", "bit", "datetime".
SET search_path = tsql, pg_catalog;

-- Two that are told apart from PostgreSQL's own, so that a client is told the right type and conversions know which it is.
CREATE TYPE tsql.bit;
CREATE FUNCTION ms_bit_in(cstring) RETURNS tsql.bit IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'boolin';
CREATE FUNCTION ms_bit_out(tsql.bit) RETURNS cstring IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'boolout';
CREATE FUNCTION ms_bit_recv(internal) RETURNS tsql.bit IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'boolrecv';
CREATE FUNCTION ms_bit_send(tsql.bit) RETURNS bytea IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'boolsend';
CREATE TYPE tsql.bit (INPUT = ms_bit_in, OUTPUT = ms_bit_out, RECEIVE = ms_bit_recv, SEND = ms_bit_send, LIKE = boolean);
CREATE CAST (tsql.bit AS boolean) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (boolean AS tsql.bit) WITHOUT FUNCTION AS ASSIGNMENT;

CREATE TYPE datetime;
CREATE FUNCTION ms_datetime_in(cstring, oid, integer) RETURNS datetime IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'timestamp_in';
CREATE FUNCTION ms_datetime_out(datetime) RETURNS cstring STABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'timestamp_out';
CREATE FUNCTION ms_datetime_recv(internal, oid, integer) RETURNS datetime IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'timestamp_recv';
CREATE FUNCTION ms_datetime_send(datetime) RETURNS bytea IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'timestamp_send';
CREATE TYPE datetime (INPUT = ms_datetime_in, OUTPUT = ms_datetime_out, RECEIVE = ms_datetime_recv, SEND = ms_datetime_send, LIKE = timestamp);
CREATE CAST (datetime AS timestamp) WITHOUT FUNCTION AS IMPLICIT;

-- An error as SQL Server numbers it: SQLSTATE KL000, the number first in the message.
CREATE FUNCTION fail(number int, message text) RETURNS void LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN RAISE EXCEPTION USING ERRCODE = 'KL000', MESSAGE = number || ' ' || message; END $$;

-- datetime counts in ticks of 1/300 of a second
CREATE FUNCTION to_datetime(timestamp) RETURNS datetime IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT (date_trunc('second', $1) + make_interval(secs => round(round(extract(microseconds FROM $1) % 1000000 * 300 / 1000000.0) * 1000 / 300.0) / 1000.0)::interval)::text::datetime $$;
CREATE CAST (timestamp AS datetime) WITH FUNCTION to_datetime(timestamp) AS ASSIGNMENT;
CREATE FUNCTION to_datetime(date) RETURNS datetime IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT $1::timestamp::text::datetime $$;
CREATE CAST (date AS datetime) WITH FUNCTION to_datetime(date) AS ASSIGNMENT;

CREATE DOMAIN tinyint AS smallint CONSTRAINT keyless_tinyint CHECK (VALUE BETWEEN 0 AND 255);
CREATE DOMAIN money AS numeric(19, 4) CONSTRAINT keyless_money CHECK (VALUE BETWEEN -922337203685477.5808 AND 922337203685477.5807);
CREATE DOMAIN smallmoney AS numeric(10, 4) CONSTRAINT keyless_money CHECK (VALUE BETWEEN -214748.3648 AND 214748.3647);

-- From text: SQL Server's errors, not PostgreSQL's
DO $do$
DECLARE t record;
BEGIN
  FOR t IN SELECT * FROM (VALUES
    ('int2', 'smallint', 'smallint', 245, '0'), ('int4', 'int', 'int', 245, '0'), ('int8', 'bigint', 'bigint', 8114, '0'),
    ('numeric', 'numeric', 'numeric', 8114, NULL), ('float8', 'double precision', 'float', 8114, '0'), ('float4', 'real', 'real', 8114, '0'),
    ('date', 'date', 'date', 241, '1900-01-01'), ('time', 'time', 'time', 241, '00:00'), ('timestamp', 'timestamp', 'datetime2', 241, '1900-01-01'),
    ('uuid', 'uuid', 'uniqueidentifier', 8169, NULL)) AS v(name, pg, ms, number, empty)
  LOOP
    EXECUTE format($f$
      CREATE FUNCTION tsql.to_%1$s(v tsql.citext) RETURNS %2$s IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $b$
      BEGIN
        IF btrim(v::text) = '' THEN %5$s END IF;
        IF v::text ~* '(inf|nan|today|now|tomorrow|yesterday|epoch|allballs|[x_])' THEN RAISE invalid_text_representation; END IF;
        RETURN btrim(v::text)::%2$s;
      EXCEPTION
        WHEN numeric_value_out_of_range THEN PERFORM tsql.fail(%6$s, 'The conversion of the value overflowed %3$s.');
        WHEN invalid_text_representation OR invalid_datetime_format OR datetime_field_overflow OR invalid_parameter_value THEN
          PERFORM tsql.fail(%4$s, %7$L);
      END $b$ $f$, t.name, t.pg, t.ms, t.number,
      CASE WHEN t.empty IS NULL THEN 'RAISE invalid_text_representation;' ELSE format('RETURN %L;', t.empty) END,
      CASE WHEN t.name = 'int4' THEN 248 WHEN t.name = 'int2' THEN 244 ELSE 8115 END,
      CASE t.number WHEN 241 THEN 'Conversion failed when converting date and/or time from character string.'
        WHEN 8169 THEN 'Conversion failed when converting from a character string to uniqueidentifier.'
        WHEN 245 THEN 'Conversion failed when converting the character value to data type ' || t.ms || '.'
        ELSE 'Error converting data type nvarchar to ' || t.ms || '.' END);
    EXECUTE format('CREATE CAST (tsql.citext AS %s) WITH FUNCTION tsql.to_%s(tsql.citext) AS ASSIGNMENT', t.pg, t.name);
    EXECUTE format($f$CREATE FUNCTION tsql.try_%1$s(v tsql.citext) RETURNS %2$s IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $b$
      BEGIN RETURN tsql.to_%1$s(v); EXCEPTION WHEN SQLSTATE 'KL000' THEN RETURN NULL; END $b$ $f$, t.name, t.pg);
  END LOOP;
END $do$;

CREATE FUNCTION to_bit(citext) RETURNS tsql.bit IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT CASE WHEN lower($1::text) IN ('true', 'false') THEN (lower($1::text) = 'true')::tsql.bit ELSE (to_int4($1) <> 0)::tsql.bit END $$;
CREATE CAST (citext AS tsql.bit) WITH FUNCTION to_bit(citext) AS ASSIGNMENT;
CREATE FUNCTION since_1753(timestamp) RETURNS timestamp IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN
  IF $1 < '1753-01-01' THEN PERFORM tsql.fail(242, 'The conversion to a datetime data type resulted in an out-of-range value.'); END IF;
  RETURN $1; END $$;
CREATE FUNCTION to_datetime(citext) RETURNS datetime IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT to_datetime(since_1753(to_timestamp($1))) $$;
CREATE CAST (citext AS datetime) WITH FUNCTION to_datetime(citext) AS ASSIGNMENT;
CREATE FUNCTION bit_int4(tsql.bit) RETURNS int4 IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'bool_int4';
CREATE CAST (tsql.bit AS int4) WITH FUNCTION bit_int4(tsql.bit) AS IMPLICIT;
DO $do$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['int2', 'int4', 'int8', 'numeric', 'float8'] LOOP
    EXECUTE format('CREATE FUNCTION tsql.%1$s_bit(%1$s) RETURNS tsql.bit IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $b$ SELECT ($1 <> 0)::tsql.bit $b$', t);
    EXECUTE format('CREATE CAST (%1$s AS tsql.bit) WITH FUNCTION tsql.%1$s_bit(%1$s) AS ASSIGNMENT', t);
  END LOOP;
END $do$;

-- To text. float shows six digits, dates as in style 121 but datetime as in style 0, identifiers in capitals.
CREATE FUNCTION str(citext) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT $1 $$;
CREATE FUNCTION str(text) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT $1::citext $$;
CREATE FUNCTION str(tsql.bit) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT (bit_int4($1)::text)::citext $$;
CREATE FUNCTION str(int4) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT ($1::text)::citext $$;
CREATE FUNCTION str(int8) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT ($1::text)::citext $$;
CREATE FUNCTION str(numeric) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT ($1::text)::citext $$;
CREATE FUNCTION str(float8) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT CASE WHEN $1 = 0 THEN '0' WHEN abs($1) >= 1e6 OR abs($1) < 1e-4 THEN
    regexp_replace(regexp_replace(btrim(to_char($1, '9.99999EEEE')), '\.?0*e', 'e'), 'e([+-])(\d\d)$', 'e\10\2')
    ELSE trim_scale(round($1::numeric, greatest(0, 5 - floor(log(abs($1)))::int)))::text END::citext $$;
CREATE FUNCTION str(date) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT to_char($1::timestamp, 'YYYY-MM-DD')::citext $$;
CREATE FUNCTION str(time) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT (to_char('2000-01-01'::date + $1, 'HH24:MI:SS.US') || '0')::citext $$;
CREATE FUNCTION str(timestamp) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT (to_char($1, 'YYYY-MM-DD HH24:MI:SS.US') || '0')::citext $$;
CREATE FUNCTION str(datetime) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT (to_char($1::timestamp, 'Mon ') || lpad(to_char($1::timestamp, 'FMDD'), 2) || to_char($1::timestamp, ' YYYY ') || lpad(to_char($1::timestamp, 'FMHH12:MIAM'), 7))::citext $$;
CREATE FUNCTION str(uuid) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT upper($1::text)::citext $$;

-- Text beside another type: the text is converted, as its precedence is lower
DO $do$ DECLARE t record; o record;
BEGIN
  FOR t IN SELECT * FROM (VALUES ('int4'), ('int8'), ('numeric'), ('float8'), ('date'), ('time'), ('timestamp'), ('uuid')) AS v(name) LOOP
    FOR o IN SELECT * FROM (VALUES ('=', '=', 'eq'), ('<>', '<>', 'ne'), ('<', '>', 'lt'), ('>', '<', 'gt'), ('<=', '>=', 'le'), ('>=', '<=', 'ge')) AS v(op, commuted, name) LOOP
      EXECUTE format('CREATE FUNCTION tsql.%1$s_%2$s_text(%1$s, tsql.citext) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $b$ SELECT $1 OPERATOR(pg_catalog.%3$s) tsql.to_%1$s($2) $b$', t.name, o.name, o.op);
      EXECUTE format('CREATE FUNCTION tsql.text_%2$s_%1$s(tsql.citext, %1$s) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $b$ SELECT tsql.to_%1$s($1) OPERATOR(pg_catalog.%3$s) $2 $b$', t.name, o.name, o.op);
      EXECUTE format('CREATE OPERATOR tsql.%1$s (LEFTARG = %2$s, RIGHTARG = tsql.citext, FUNCTION = tsql.%2$s_%3$s_text)', o.op, t.name, o.name);
      EXECUTE format('CREATE OPERATOR tsql.%1$s (LEFTARG = tsql.citext, RIGHTARG = %2$s, FUNCTION = tsql.text_%3$s_%2$s)', o.op, t.name, o.name);
    END LOOP;
  END LOOP;
  FOR t IN SELECT * FROM (VALUES ('int4'), ('int8'), ('numeric'), ('float8')) AS v(name) LOOP
    FOR o IN SELECT * FROM (VALUES ('+', 'add'), ('-', 'sub'), ('*', 'mul'), ('/', 'div')) AS v(op, name) LOOP
      EXECUTE format('CREATE FUNCTION tsql.%1$s_%2$s_text(%1$s, tsql.citext) RETURNS %1$s IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $b$ SELECT $1 OPERATOR(pg_catalog.%3$s) tsql.to_%1$s($2) $b$', t.name, o.name, o.op);
      EXECUTE format('CREATE FUNCTION tsql.text_%2$s_%1$s(tsql.citext, %1$s) RETURNS %1$s IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $b$ SELECT tsql.to_%1$s($1) OPERATOR(pg_catalog.%3$s) $2 $b$', t.name, o.name, o.op);
      EXECUTE format('CREATE OPERATOR tsql.%1$s (LEFTARG = %2$s, RIGHTARG = tsql.citext, FUNCTION = tsql.%2$s_%3$s_text)', o.op, t.name, o.name);
      EXECUTE format('CREATE OPERATOR tsql.%1$s (LEFTARG = tsql.citext, RIGHTARG = %2$s, FUNCTION = tsql.text_%3$s_%2$s)', o.op, t.name, o.name);
    END LOOP;
  END LOOP;
END $do$;
CREATE FUNCTION concatenated(citext, citext) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT ($1::text || $2::text)::citext $$;
CREATE OPERATOR + (LEFTARG = citext, RIGHTARG = citext, FUNCTION = concatenated);
CREATE OPERATOR + (LEFTARG = bytea, RIGHTARG = bytea, FUNCTION = pg_catalog.byteacat);
CREATE FUNCTION days_after(datetime, int4) RETURNS datetime IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT to_datetime($1::timestamp + make_interval(days => $2)) $$;
CREATE OPERATOR + (LEFTARG = datetime, RIGHTARG = int4, FUNCTION = days_after);
CREATE FUNCTION days_before(datetime, int4) RETURNS datetime IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT to_datetime($1::timestamp - make_interval(days => $2)) $$;
CREATE OPERATOR - (LEFTARG = datetime, RIGHTARG = int4, FUNCTION = days_before);
CREATE FUNCTION days_after(datetime, int2) RETURNS datetime IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT days_after($1, $2::int4) $$;
CREATE OPERATOR + (LEFTARG = datetime, RIGHTARG = int2, FUNCTION = days_after);
CREATE FUNCTION days_before(datetime, int2) RETURNS datetime IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT days_before($1, $2::int4) $$;
CREATE OPERATOR - (LEFTARG = datetime, RIGHTARG = int2, FUNCTION = days_before);
CREATE FUNCTION days_after(datetime, numeric) RETURNS datetime IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT to_datetime($1::timestamp + $2::float8 * interval '1 day') $$;
CREATE OPERATOR + (LEFTARG = datetime, RIGHTARG = numeric, FUNCTION = days_after);
CREATE FUNCTION days_before(datetime, numeric) RETURNS datetime IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT to_datetime($1::timestamp - $2::float8 * interval '1 day') $$;
CREATE OPERATOR - (LEFTARG = datetime, RIGHTARG = numeric, FUNCTION = days_before);
CREATE FUNCTION same(tsql.bit, tsql.bit) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'booleq';
CREATE OPERATOR = (LEFTARG = tsql.bit, RIGHTARG = tsql.bit, FUNCTION = same, COMMUTATOR = =);
CREATE FUNCTION differs(tsql.bit, tsql.bit) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'boolne';
CREATE OPERATOR <> (LEFTARG = tsql.bit, RIGHTARG = tsql.bit, FUNCTION = differs, COMMUTATOR = <>);
CREATE FUNCTION same_int(tsql.bit, int4) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT bit_int4($1) = $2 $$;
CREATE OPERATOR = (LEFTARG = tsql.bit, RIGHTARG = int4, FUNCTION = same_int);
CREATE FUNCTION same_text(tsql.bit, citext) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT $1 = to_bit($2) $$;
CREATE OPERATOR = (LEFTARG = tsql.bit, RIGHTARG = citext, FUNCTION = same_text);
