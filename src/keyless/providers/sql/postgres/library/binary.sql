-- Binary values with a declared length. Run after types.sql.
-- Source: Transact-SQL reference, "binary and varbinary", "CAST and CONVERT", "uniqueidentifier".
SET search_path = tsql, pg_catalog;

-- The modifier is that of text.sql: varbinary 7, binary 8, image 9
CREATE TYPE varbinary;
CREATE FUNCTION vb_in(cstring) RETURNS varbinary IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'byteain';
CREATE FUNCTION vb_out(varbinary) RETURNS cstring IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'byteaout';
CREATE FUNCTION vb_recv(internal) RETURNS varbinary IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'bytearecv';
CREATE FUNCTION vb_send(varbinary) RETURNS bytea IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'byteasend';
CREATE TYPE varbinary (INPUT = vb_in, OUTPUT = vb_out, RECEIVE = vb_recv, SEND = vb_send, TYPMOD_IN = modifier_in,
  TYPMOD_OUT = modifier_out, LIKE = bytea);
CREATE CAST (varbinary AS bytea) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (bytea AS varbinary) WITHOUT FUNCTION AS ASSIGNMENT;

-- To a declared length, as in text.sql; zeros fill up
CREATE FUNCTION sized(varbinary, int, boolean) RETURNS varbinary IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$
  SELECT CASE WHEN ($2 - 4) & 16383 = 0 THEN $1
    WHEN octet_length($1::bytea) < ($2 - 4) & 16383 THEN
      CASE WHEN ($2 - 4) >> 14 = 8 THEN ($1::bytea || decode(repeat('00', (($2 - 4) & 16383) - octet_length($1::bytea)), 'hex'))::tsql.varbinary ELSE $1 END
    WHEN $3 THEN substr($1::bytea, 1, ($2 - 4) & 16383)::tsql.varbinary
    ELSE $1 END $$;
CREATE CAST (varbinary AS varbinary) WITH FUNCTION sized(varbinary, int, boolean) AS IMPLICIT;

-- A number keeps its last bytes, and is filled up in front; MAX and varbinary take it as it is
CREATE FUNCTION number_sized(bytea, int) RETURNS varbinary IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$
  SELECT CASE WHEN $2 < 4 OR ($2 - 4) & 16383 = 0 THEN $1::tsql.varbinary
    WHEN octet_length($1) > ($2 - 4) & 16383 THEN substr($1, octet_length($1) - (($2 - 4) & 16383) + 1)::tsql.varbinary
    WHEN ($2 - 4) >> 14 = 8 THEN (decode(repeat('00', (($2 - 4) & 16383) - octet_length($1)), 'hex') || $1)::tsql.varbinary
    ELSE $1::tsql.varbinary END $$;
DO $do$ DECLARE t record; BEGIN
  FOR t IN SELECT * FROM (VALUES ('int2', 2), ('int4', 4), ('int8', 8)) AS v(name, size) LOOP
    EXECUTE format('CREATE FUNCTION tsql.to_binary(%1$s, int, boolean) RETURNS tsql.varbinary IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $b$ SELECT tsql.number_sized(pg_catalog.%1$ssend($1), $2) $b$', t.name);
    EXECUTE format('CREATE CAST (%1$s AS tsql.varbinary) WITH FUNCTION tsql.to_binary(%1$s, int, boolean) AS ASSIGNMENT', t.name);
    EXECUTE format('CREATE FUNCTION tsql.%1$s_of(tsql.varbinary) RETURNS %1$s IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $b$ SELECT (''\x''::bytea || substr($1::bytea, greatest(octet_length($1::bytea) - %2$s + 1, 1)))::%1$s $b$', t.name, t.size);
    EXECUTE format('CREATE CAST (tsql.varbinary AS %1$s) WITH FUNCTION tsql.%1$s_of(tsql.varbinary) AS ASSIGNMENT', t.name);
  END LOOP;
END $do$;
CREATE FUNCTION to_binary(tsql.bit, int, boolean) RETURNS varbinary IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.number_sized(decode(lpad(tsql.bit_int4($1)::text, 2, '0'), 'hex'), $2) $$;
CREATE CAST (tsql.bit AS varbinary) WITH FUNCTION to_binary(tsql.bit, int, boolean) AS ASSIGNMENT;

-- uniqueidentifier keeps its first three groups with the low byte first
CREATE FUNCTION turned(bytea) RETURNS bytea IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT substr($1, 4, 1) || substr($1, 3, 1) || substr($1, 2, 1) || substr($1, 1, 1) || substr($1, 6, 1) || substr($1, 5, 1)
    || substr($1, 8, 1) || substr($1, 7, 1) || substr($1, 9, 8) $$;
CREATE FUNCTION to_binary(uuid, int, boolean) RETURNS varbinary IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$
  SELECT CASE WHEN $2 < 4 THEN tsql.turned(uuid_send($1))::tsql.varbinary ELSE tsql.sized(tsql.turned(uuid_send($1))::tsql.varbinary, $2, $3) END $$;
CREATE CAST (uuid AS varbinary) WITH FUNCTION to_binary(uuid, int, boolean) AS ASSIGNMENT;
CREATE FUNCTION uuid_of(varbinary) RETURNS uuid IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN
  IF octet_length($1::bytea) < 16 THEN PERFORM tsql.fail(8169, 'Conversion failed when converting a binary value to uniqueidentifier.'); END IF;
  RETURN encode(tsql.turned(substr($1::bytea, 1, 16)), 'hex')::uuid; END $$;
CREATE CAST (varbinary AS uuid) WITH FUNCTION uuid_of(varbinary) AS ASSIGNMENT;
