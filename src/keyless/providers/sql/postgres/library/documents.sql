-- xml, and sql_variant: a value with the name of its type. Run after moments.sql.
-- Source: Transact-SQL reference, "xml", "sql_variant".
SET search_path = tsql, pg_catalog;

CREATE TYPE xml;
CREATE FUNCTION xml_in(cstring) RETURNS tsql.xml IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'textin';
CREATE FUNCTION xml_out(tsql.xml) RETURNS cstring IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'textout';
CREATE FUNCTION xml_recv(internal) RETURNS tsql.xml IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'textrecv';
CREATE FUNCTION xml_send(tsql.xml) RETURNS bytea IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'textsend';
CREATE TYPE xml (INPUT = xml_in, OUTPUT = xml_out, RECEIVE = xml_recv, SEND = xml_send, LIKE = text);
-- Well-formed or not: this PostgreSQL is built without an XML parser, so tags are counted off against each other
CREATE FUNCTION to_xml(citext) RETURNS tsql.xml IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE v text := regexp_replace($1::text, '^\s*<\?xml[^>]*\?>', ''); rest text; tag text; open text[] := '{}'; name text;
BEGIN
  rest := regexp_replace(v, '<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>', '', 'g');
  FOR tag IN SELECT m[1] FROM regexp_matches(rest, '(<(?:"[^"]*"|\x27[^\x27]*\x27|[^>"\x27<])*>)', 'g') AS m LOOP
    name := substring(tag FROM '^</?([[:alpha:]_:][^\s/>]*)');
    IF name IS NULL THEN PERFORM tsql.fail(9455, 'XML parsing: illegal qualified name character.'); END IF;
    IF tag LIKE '</%' THEN
      IF open[cardinality(open)] IS DISTINCT FROM name THEN PERFORM tsql.fail(9436, 'XML parsing: end tag does not match start tag.'); END IF;
      open := trim_array(open, 1);
    ELSIF tag NOT LIKE '%/>' THEN open := open || name;
    END IF;
  END LOOP;
  rest := regexp_replace(rest, '<(?:"[^"]*"|\x27[^\x27]*\x27|[^>"\x27<])*>', '', 'g');
  IF rest ~ '<' OR rest ~ '&(?!(amp|lt|gt|apos|quot|#\d+|#x[0-9a-fA-F]+);)' THEN PERFORM tsql.fail(9421, 'XML parsing: illegal name character.'); END IF;
  IF cardinality(open) > 0 THEN PERFORM tsql.fail(9400, 'XML parsing: unexpected end of input.'); END IF;
  RETURN v::text::tsql.xml;
END $$;
CREATE CAST (citext AS tsql.xml) WITH FUNCTION to_xml(citext) AS ASSIGNMENT;
CREATE CAST (text AS tsql.xml) WITHOUT FUNCTION;
CREATE CAST (tsql.xml AS citext) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE FUNCTION str(tsql.xml) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT $1::tsql.citext $$;
CREATE FUNCTION cut(tsql.xml, int) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.cut(tsql.str($1), $2) $$;
CREATE FUNCTION datalength(tsql.xml) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT 2 * length(tsql.str($1)::text) $$;

-- sql_variant: the type's name, a bar, and the value as PostgreSQL writes it
CREATE TYPE sql_variant;
CREATE FUNCTION sv_in(cstring) RETURNS sql_variant IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'textin';
CREATE FUNCTION sv_out(sql_variant) RETURNS cstring IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'textout';
CREATE FUNCTION sv_recv(internal) RETURNS sql_variant IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'textrecv';
CREATE FUNCTION sv_send(sql_variant) RETURNS bytea IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'textsend';
CREATE TYPE sql_variant (INPUT = sv_in, OUTPUT = sv_out, RECEIVE = sv_recv, SEND = sv_send, LIKE = text);
CREATE CAST (text AS sql_variant) WITHOUT FUNCTION;
CREATE CAST (sql_variant AS text) WITHOUT FUNCTION;
CREATE FUNCTION str(sql_variant) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT substr($1::text, strpos($1::text, '|') + 1)::tsql.citext $$;
CREATE CAST (sql_variant AS citext) WITH FUNCTION str(sql_variant) AS ASSIGNMENT;
CREATE FUNCTION cut(sql_variant, int) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.cut(tsql.str($1), $2) $$;
DO $do$ DECLARE t record; BEGIN
  FOR t IN SELECT * FROM (VALUES ('int2', 'int'), ('int4', 'int'), ('int8', 'bigint'), ('numeric', 'decimal'), ('float8', 'float'), ('float4', 'real'),
    ('tsql.citext', 'nvarchar'), ('tsql.bit', 'bit'), ('bytea', 'varbinary'), ('tsql.varbinary', 'varbinary'), ('date', 'date'), ('time', 'time'),
    ('timestamp', 'datetime2'), ('tsql.datetime', 'datetime'), ('tsql.smalldatetime', 'smalldatetime'), ('uuid', 'uniqueidentifier')) AS v(pg, ms) LOOP
    EXECUTE format('CREATE FUNCTION tsql.to_variant(%1$s) RETURNS tsql.sql_variant IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $b$ SELECT (''%2$s|'' || $1%3$s::text)::tsql.sql_variant $b$',
      t.pg, t.ms, CASE t.pg WHEN 'tsql.bit' THEN '::int4' WHEN 'tsql.varbinary' THEN '::bytea' WHEN 'tsql.datetime' THEN '::timestamp' WHEN 'tsql.smalldatetime' THEN '::timestamp' ELSE '' END);
    EXECUTE format('CREATE CAST (%1$s AS tsql.sql_variant) WITH FUNCTION tsql.to_variant(%1$s) AS ASSIGNMENT', t.pg);
  END LOOP;
  FOR t IN SELECT * FROM (VALUES ('int2'), ('int4'), ('int8'), ('numeric'), ('float8'), ('date'), ('time'), ('timestamp'), ('uuid')) AS v(pg) LOOP
    EXECUTE format('CREATE FUNCTION tsql.%1$s_of(tsql.sql_variant) RETURNS %1$s IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $b$ SELECT %2$s tsql.to_%1$s(tsql.str($1)) %3$s $b$', t.pg,
      CASE WHEN t.pg LIKE 'int%' THEN 'CASE WHEN $1::text ~ ''^(decimal|float|real)'' THEN trunc(tsql.to_numeric(tsql.str($1)))::' || t.pg || ' ELSE' ELSE '' END,
      CASE WHEN t.pg LIKE 'int%' THEN 'END' ELSE '' END);
    EXECUTE format('CREATE CAST (tsql.sql_variant AS %1$s) WITH FUNCTION tsql.%1$s_of(tsql.sql_variant)', t.pg);
  END LOOP;
END $do$;
