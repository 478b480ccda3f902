-- More functions of dates. Run after moments.sql.
-- Source: Transact-SQL reference, "Date and time functions", "CAST and CONVERT", "FORMAT".
SET search_path = tsql, pg_catalog;

CREATE FUNCTION styled_datetime(d timestamp, style int) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE f text := CASE style WHEN 1 THEN 'MM/DD/YY' WHEN 2 THEN 'YY.MM.DD' WHEN 3 THEN 'DD/MM/YY' WHEN 4 THEN 'DD.MM.YY' WHEN 5 THEN 'DD-MM-YY' WHEN 6 THEN 'DD Mon YY' WHEN 7 THEN 'Mon DD, YY'
  WHEN 8 THEN 'HH24:MI:SS' WHEN 24 THEN 'HH24:MI:SS' WHEN 10 THEN 'MM-DD-YY' WHEN 11 THEN 'YY/MM/DD' WHEN 12 THEN 'YYMMDD' WHEN 14 THEN 'HH24:MI:SS:MS' WHEN 25 THEN 'YYYY-MM-DD HH24:MI:SS.MS'
  WHEN 13 THEN 'DD Mon YYYY HH24:MI:SS:MS' WHEN 113 THEN 'DD Mon YYYY HH24:MI:SS:MS'
  WHEN 101 THEN 'MM/DD/YYYY' WHEN 102 THEN 'YYYY.MM.DD' WHEN 103 THEN 'DD/MM/YYYY' WHEN 104 THEN 'DD.MM.YYYY' WHEN 105 THEN 'DD-MM-YYYY'
  WHEN 106 THEN 'DD Mon YYYY' WHEN 107 THEN 'Mon DD, YYYY' WHEN 108 THEN 'HH24:MI:SS' WHEN 110 THEN 'MM-DD-YYYY' WHEN 111 THEN 'YYYY/MM/DD' WHEN 112 THEN 'YYYYMMDD'
  WHEN 114 THEN 'HH24:MI:SS:MS' WHEN 120 THEN 'YYYY-MM-DD HH24:MI:SS' WHEN 20 THEN 'YYYY-MM-DD HH24:MI:SS' WHEN 121 THEN 'YYYY-MM-DD HH24:MI:SS.MS' WHEN 21 THEN 'YYYY-MM-DD HH24:MI:SS.MS'
  WHEN 126 THEN 'YYYY-MM-DD"T"HH24:MI:SS' WHEN 127 THEN 'YYYY-MM-DD"T"HH24:MI:SS' WHEN 23 THEN 'YYYY-MM-DD' END;
BEGIN
  IF style IN (0, 100) THEN RETURN tsql.str(d::tsql.datetime); END IF;
  IF style IN (9, 109) THEN RETURN to_char(d, 'Mon ') || lpad(to_char(d, 'FMDD'), 2) || to_char(d, ' YYYY ') || lpad(to_char(d, 'FMHH12:MI:SS:MSAM'), 14); END IF;
  IF style = 22 THEN RETURN to_char(d, 'MM/DD/YY ') || lpad(to_char(d, 'FMHH12:MI:SS AM'), 11); END IF;
  IF f IS NULL THEN PERFORM tsql.fail(281, style || ' is not a valid style number when converting from datetime to a character string.'); END IF;
  RETURN to_char(d, f) || CASE WHEN style IN (126, 127) AND to_char(d, 'MS') <> '000' THEN to_char(d, '.MS') ELSE '' END;
END $$;
-- datetime2 shows all its digits where datetime shows three
CREATE OR REPLACE FUNCTION styled(d timestamp, style int) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT CASE WHEN style IN (21, 25, 121) THEN tsql.str(d) ELSE tsql.styled_datetime(d, style) END $$;
CREATE FUNCTION styled(datetime, int) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.styled_datetime($1::timestamp, $2) $$;
CREATE FUNCTION styled(smalldatetime, int) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.styled_datetime($1::timestamp, $2) $$;
CREATE OR REPLACE FUNCTION from_styled(v citext, style int) RETURNS timestamp IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE t text := btrim(v::text); f text := CASE style % 100 WHEN 1 THEN 'MDY' WHEN 2 THEN 'YMD' WHEN 3 THEN 'DMY' WHEN 4 THEN 'DMY' WHEN 5 THEN 'DMY' WHEN 10 THEN 'MDY' WHEN 11 THEN 'YMD' END;
  m text[]; y int; mo int; d int;
BEGIN
  IF style IN (0, 100, 6, 106, 7, 107, 8, 108, 9, 109, 12, 112, 13, 113, 14, 114, 20, 21, 23, 25, 120, 121, 126, 127) THEN RETURN tsql.to_timestamp(v); END IF;
  IF f IS NULL OR style NOT IN (1, 2, 3, 4, 5, 10, 11, 101, 102, 103, 104, 105, 110, 111) THEN PERFORM tsql.fail(281, style || ' is not a valid style number when converting from varchar to a date.'); END IF;
  m := regexp_match(t, '^(\d{1,4})[-/.](\d{1,2})[-/.](\d{1,4})(?:\s+(.*))?$');
  IF m IS NULL THEN RAISE invalid_datetime_format; END IF;
  IF f = 'YMD' OR length(m[1]) = 4 THEN y := m[1]::int; mo := m[2]::int; d := m[3]::int;
  ELSIF f = 'MDY' THEN mo := m[1]::int; d := m[2]::int; y := m[3]::int;
  ELSE d := m[1]::int; mo := m[2]::int; y := m[3]::int; END IF;
  IF y < 50 THEN y := y + 2000; ELSIF y < 100 THEN y := y + 1900; END IF;
  RETURN make_date(y, mo, d) + coalesce(m[4], '00:00')::time;
EXCEPTION WHEN datetime_field_overflow OR invalid_datetime_format THEN
  PERFORM tsql.fail(241, 'Conversion failed when converting date and/or time from character string.');
END $$;
CREATE FUNCTION styled(datetimeoffset, int) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN
  IF $2 NOT IN (0, 20, 21, 25, 120, 121, 126, 127) THEN RETURN tsql.styled(tsql.ts($1), $2); END IF;
  RETURN tsql.str($1); END $$;
CREATE FUNCTION datetrunc(part text, d timestamp, of text DEFAULT 'datetime2', but text DEFAULT 'weekday nanosecond') RETURNS timestamp IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN
  IF part = ANY (string_to_array(but, ' ')) THEN PERFORM tsql.fail(9810, 'The datepart ' || part || ' is not supported by date function datetrunc for data type ' || of || '.'); END IF;
  RETURN CASE part WHEN 'week' THEN date_trunc('day', d) - make_interval(days => extract(dow FROM d)::int) WHEN 'iso_week' THEN date_trunc('week', d) WHEN 'dayofyear' THEN date_trunc('day', d) ELSE date_trunc(part, d) END; END $$;
CREATE FUNCTION datetrunc(part text, d datetime) RETURNS datetime IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.to_datetime(tsql.datetrunc(part, d::timestamp)) $$;
CREATE FUNCTION datetrunc(part text, d date) RETURNS date IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.datetrunc(part, d::timestamp, 'date', 'weekday hour minute second millisecond microsecond nanosecond')::date $$;
CREATE FUNCTION datetrunc(part text, d time) RETURNS time IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT tsql.datetrunc(part, '2000-01-01'::date + d, 'time', 'year quarter month dayofyear day week iso_week weekday nanosecond')::time $$;
CREATE FUNCTION datetrunc(part text, d citext) RETURNS timestamp IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.datetrunc(part, tsql.to_timestamp(d)) $$;
CREATE FUNCTION moment_of(y int, mo int, d int, h int, mi int, s int, fraction int, digits int) RETURNS timestamp IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN
  IF digits NOT BETWEEN 0 AND 7 OR fraction >= 10 ^ digits OR s > 59 THEN RAISE datetime_field_overflow; END IF;
  RETURN make_timestamp(y, mo, d, h, mi, (s + trunc(fraction / 10::numeric ^ digits, 6))::float8);
EXCEPTION WHEN datetime_field_overflow THEN PERFORM tsql.fail(289, 'Cannot construct data type datetime2, some of the arguments have values which are not valid.'); END $$;
CREATE FUNCTION datetimefromparts(int, int, int, int, int, int, int) RETURNS datetime IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.to_datetime(tsql.moment_of($1, $2, $3, $4, $5, $6, $7, 3)) $$;
CREATE FUNCTION smalldatetimefromparts(int, int, int, int, int) RETURNS smalldatetime IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.to_smalldatetime(tsql.moment_of($1, $2, $3, $4, $5, 0, 0, 0)) $$;
CREATE FUNCTION timefromparts(int, int, int, int, int) RETURNS time IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.moment_of(2000, 1, 1, $1, $2, $3, $4, $5)::time $$;
CREATE FUNCTION datetimeoffsetfromparts(int, int, int, int, int, int, int, int, int, int) RETURNS datetimeoffset IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT tsql.with_offset(tsql.moment_of($1, $2, $3, $4, $5, $6, $7, $10) - make_interval(mins => $8 * 60 + $9), $8 * 60 + $9) $$;
-- FORMAT with a pattern of .NET's: what is in the list below, in the invariant culture and en-US; all else is an error
CREATE FUNCTION format_date(d timestamp, pattern citext) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE rest text := CASE pattern::text COLLATE "C" WHEN 'd' THEN 'M/d/yyyy' WHEN 'D' THEN 'dddd, MMMM d, yyyy' WHEN 't' THEN 'h:mm tt' WHEN 'T' THEN 'h:mm:ss tt' WHEN 's' THEN 'yyyy-MM-ddTHH:mm:ss' ELSE pattern::text END;
  r text := ''; m text; f text;
BEGIN
  IF length(rest) = 1 THEN PERFORM tsql.fail(40510, 'FORMAT with the pattern ' || rest || ' is not supported by this server.'); END IF;
  WHILE rest <> '' LOOP
    m := (regexp_match(rest, '^(yyyy|yy|MMMM|MMM|MM|M|dddd|ddd|dd|d|HH|H|hh|h|mm|m|ss|s|fffffff|ffffff|fff|ff|f|tt|''[^'']*''|[T /:.,-])'))[1];
    IF m IS NULL THEN PERFORM tsql.fail(40510, 'FORMAT with the pattern ' || left(rest, 20) || ' is not supported by this server.'); END IF;
    f := CASE m COLLATE "C" WHEN 'yyyy' THEN 'YYYY' WHEN 'yy' THEN 'YY' WHEN 'MMMM' THEN 'FMMonth' WHEN 'MMM' THEN 'Mon' WHEN 'MM' THEN 'MM' WHEN 'M' THEN 'FMMM' WHEN 'dddd' THEN 'FMDay' WHEN 'ddd' THEN 'Dy'
      WHEN 'dd' THEN 'DD' WHEN 'd' THEN 'FMDD' WHEN 'HH' THEN 'HH24' WHEN 'H' THEN 'FMHH24' WHEN 'hh' THEN 'HH12' WHEN 'h' THEN 'FMHH12' WHEN 'mm' THEN 'MI' WHEN 'm' THEN 'FMMI' WHEN 'ss' THEN 'SS' WHEN 's' THEN 'FMSS'
      WHEN 'fff' THEN 'MS' WHEN 'ffffff' THEN 'US' WHEN 'fffffff' THEN 'US"0"' WHEN 'tt' THEN 'AM' END;
    r := r || CASE WHEN f IS NOT NULL THEN to_char(d, f) WHEN m = 'ff' THEN left(to_char(d, 'US'), 2) WHEN m = 'f' THEN left(to_char(d, 'US'), 1) ELSE btrim(m, '''') END;
    rest := substr(rest, length(m) + 1);
  END LOOP;
  RETURN r::tsql.citext;
END $$;
CREATE FUNCTION format_number(n numeric, pattern citext) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE m text[] := regexp_match(pattern::text, '^([NnFfDdPpCc])(\d{0,2})$'); digits int; kind text; grouped text := 'FM999,999,999,999,999,999,990'; z text[];
BEGIN
  IF m IS NOT NULL THEN
    kind := upper(m[1]); digits := coalesce(nullif(m[2], '')::int, CASE kind WHEN 'D' THEN 0 ELSE 2 END);
    IF kind = 'D' THEN RETURN (CASE WHEN n < 0 THEN '-' ELSE '' END || lpad(trunc(abs(n))::text, greatest(digits, length(trunc(abs(n))::text)), '0'))::tsql.citext; END IF;
    IF kind = 'F' THEN RETURN round(n, digits)::text::tsql.citext; END IF;
    IF kind = 'P' THEN RETURN (to_char(round(n * 100, digits), grouped || CASE WHEN digits > 0 THEN '.' || repeat('0', digits) ELSE '' END) || '%')::tsql.citext; END IF;
    RETURN (CASE WHEN kind = 'C' AND n < 0 THEN '-$' WHEN kind = 'C' THEN '$' ELSE '' END
      || to_char(round(CASE WHEN kind = 'C' THEN abs(n) ELSE n END, digits), grouped || CASE WHEN digits > 0 THEN '.' || repeat('0', digits) ELSE '' END))::tsql.citext;
  END IF;
  z := regexp_match(pattern::text, '^(#,##)?(0+)(?:\.(0+))?$');
  IF z IS NULL THEN PERFORM tsql.fail(40510, 'FORMAT with the pattern ' || left(pattern::text, 20) || ' is not supported by this server.'); END IF;
  digits := coalesce(length(z[3]), 0);
  IF z[1] IS NOT NULL THEN RETURN to_char(round(n, digits), grouped || CASE WHEN digits > 0 THEN '.' || repeat('0', digits) ELSE '' END)::tsql.citext; END IF;
  RETURN (CASE WHEN n < 0 THEN '-' ELSE '' END || lpad(trunc(round(abs(n), digits))::text, greatest(length(z[2]), length(trunc(round(abs(n), digits))::text)), '0')
    || CASE WHEN digits > 0 THEN '.' || split_part(round(abs(n), digits)::text, '.', 2) ELSE '' END)::tsql.citext;
END $$;
DO $do$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['timestamp', 'date', 'datetime', 'smalldatetime'] LOOP
    EXECUTE format('CREATE FUNCTION tsql.formatted(%1$s, tsql.citext) RETURNS tsql.citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $b$ SELECT tsql.format_date($1::timestamp, $2) $b$', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['int4', 'int8', 'numeric', 'float8'] LOOP
    EXECUTE format('CREATE FUNCTION tsql.formatted(%1$s, tsql.citext) RETURNS tsql.citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $b$ SELECT tsql.format_number($1::numeric, $2) $b$', t);
  END LOOP;
END $do$;
-- AT TIME ZONE: Windows' names of the zones that are asked for most, and the names that PostgreSQL knows
CREATE FUNCTION zone_of(name citext) RETURNS text STABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE z text := CASE lower(name::text) WHEN 'utc' THEN 'UTC' WHEN 'pacific standard time' THEN 'America/Los_Angeles' WHEN 'mountain standard time' THEN 'America/Denver' WHEN 'central standard time' THEN 'America/Chicago'
  WHEN 'eastern standard time' THEN 'America/New_York' WHEN 'gmt standard time' THEN 'Europe/London' WHEN 'w. europe standard time' THEN 'Europe/Berlin' WHEN 'romance standard time' THEN 'Europe/Paris'
  WHEN 'central european standard time' THEN 'Europe/Warsaw' WHEN 'central europe standard time' THEN 'Europe/Budapest' WHEN 'e. europe standard time' THEN 'Europe/Chisinau' WHEN 'fle standard time' THEN 'Europe/Kiev' WHEN 'russian standard time' THEN 'Europe/Moscow'
  WHEN 'china standard time' THEN 'Asia/Shanghai' WHEN 'tokyo standard time' THEN 'Asia/Tokyo' WHEN 'india standard time' THEN 'Asia/Kolkata' WHEN 'singapore standard time' THEN 'Asia/Singapore' WHEN 'aus eastern standard time' THEN 'Australia/Sydney'
  WHEN 'new zealand standard time' THEN 'Pacific/Auckland' WHEN 'e. south america standard time' THEN 'America/Sao_Paulo' END;
BEGIN
  IF z IS NULL THEN PERFORM tsql.fail(9820, format('The time zone parameter ''%s'' provided to AT TIME ZONE clause is invalid.', left(name::text, 60))); END IF;
  RETURN z;
END $$;
CREATE FUNCTION in_zone(d datetimeoffset, zone citext) RETURNS datetimeoffset STABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT tsql.with_offset(tsql.utc_of(d), (extract(epoch FROM ((tsql.utc_of(d) AT TIME ZONE 'UTC') AT TIME ZONE tsql.zone_of(zone)) - tsql.utc_of(d)) / 60)::int) $$;
CREATE FUNCTION in_zone(d timestamp, zone citext) RETURNS datetimeoffset STABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  -- PostgreSQL takes an hour that a change of the clock repeats as the second of the two, SQL Server as the first
  SELECT tsql.in_zone(tsql.with_offset(CASE WHEN (early AT TIME ZONE z) = d THEN early AT TIME ZONE 'UTC' ELSE late AT TIME ZONE 'UTC' END, 0), zone)
  FROM (SELECT z, late, (d - (((late - interval '1 day') AT TIME ZONE z) - ((late - interval '1 day') AT TIME ZONE 'UTC'))) AT TIME ZONE 'UTC' AS early
    FROM (SELECT z, d AT TIME ZONE z AS late FROM tsql.zone_of(zone) AS z) AS s) AS t $$;
-- From text: what is smaller than a microsecond is cut off and never makes a day of midnight; a time alone is of 1900-01-01
CREATE OR REPLACE FUNCTION to_timestamp(v citext) RETURNS timestamp IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE t text := regexp_replace(btrim(v::text), '(\.\d{6})\d+', '\1');
BEGIN
  IF t = '' THEN RETURN '1900-01-01'; END IF;
  IF t ~* '(inf|nan|today|now|tomorrow|yesterday|epoch|allballs|[x_])' THEN RAISE invalid_text_representation; END IF;
  IF t ~ '^\d{1,2}(:\d|\s*[ap]m)' THEN RETURN '1900-01-01'::date + t::time; END IF;
  RETURN t::timestamp;
EXCEPTION WHEN invalid_text_representation OR invalid_datetime_format OR datetime_field_overflow OR invalid_parameter_value THEN
  PERFORM tsql.fail(241, 'Conversion failed when converting date and/or time from character string.');
END $$;
CREATE OR REPLACE FUNCTION to_time(v citext) RETURNS time IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.to_timestamp(v)::time $$;
-- A number is days since 1900-01-01
CREATE FUNCTION ts(int4) RETURNS timestamp IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT '1900-01-01'::timestamp + make_interval(days => $1) $$;
CREATE FUNCTION dateadd(part text, n int, d int4) RETURNS datetime IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.to_datetime(tsql.dateadd(part, n, tsql.ts(d))) $$;
CREATE FUNCTION datediff_more(part text, a timestamp, b timestamp) RETURNS bigint IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT CASE WHEN part IN ('dayofyear', 'weekday') THEN (b::date - a::date)::bigint WHEN part = 'nanosecond' THEN tsql.datediff_big('microsecond', a, b) * 1000 ELSE tsql.datediff_big(part, a, b) END $$;
CREATE OR REPLACE FUNCTION datediff(part text, a timestamp, b timestamp) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN
  RETURN tsql.datediff_more(part, a, b)::int4; EXCEPTION WHEN numeric_value_out_of_range THEN
  PERFORM tsql.fail(535, 'The datediff function resulted in an overflow. The number of dateparts separating two date/time instances is too large.'); END $$;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA tsql TO PUBLIC;
