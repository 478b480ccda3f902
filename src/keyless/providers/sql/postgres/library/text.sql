-- Text as SQL Server compares it: without regard to case and to blanks at the end. Run first, once, by a superuser.
-- Source: Transact-SQL reference, "Collation and Unicode support", "char and varchar", "nchar and nvarchar".
CREATE SCHEMA tsql;
SET search_path = tsql, pg_catalog;

-- The modifier says what was declared: 16384 times the kind (varchar 1, nvarchar 2, char 3, nchar 4, text 5, ntext 6), and
-- the length, 0 for MAX. PostgreSQL's own functions for varchar keep it, always 4 higher.
CREATE TYPE citext;
CREATE FUNCTION ci_in(cstring) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'textin';
CREATE FUNCTION ci_out(citext) RETURNS cstring IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'textout';
CREATE FUNCTION ci_recv(internal) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'textrecv';
CREATE FUNCTION ci_send(citext) RETURNS bytea IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'textsend';
CREATE FUNCTION modifier_in(cstring[]) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'varchartypmodin';
CREATE FUNCTION modifier_out(int) RETURNS cstring IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'varchartypmodout';
CREATE TYPE citext (INPUT = ci_in, OUTPUT = ci_out, RECEIVE = ci_recv, SEND = ci_send, TYPMOD_IN = modifier_in,
  TYPMOD_OUT = modifier_out, LIKE = text, CATEGORY = 'S', COLLATABLE = true);
CREATE FUNCTION of_modifier(int) RETURNS text IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT kind || CASE WHEN kind IN ('text', 'ntext', 'image') THEN '' ELSE '(' || coalesce(nullif(($1 - 4) & 16383, 0)::text, 'max') || ')' END
    FROM (SELECT (ARRAY['varchar', 'nvarchar', 'char', 'nchar', 'text', 'ntext', 'varbinary', 'binary', 'image'])[($1 - 4) >> 14]) AS s(kind) $$;
CREATE CAST (citext AS text) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (citext AS varchar) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (text AS citext) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE CAST (varchar AS citext) WITHOUT FUNCTION AS ASSIGNMENT;

-- To a declared length. A cast cuts off what is too long; an assignment leaves it to the column's own check, whose error
-- names the column, but for blanks.
CREATE FUNCTION sized(citext, int, boolean) RETURNS citext IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$
  SELECT CASE WHEN ($2 - 4) & 16383 = 0 THEN $1
    WHEN length($1::text) < ($2 - 4) & 16383 THEN CASE WHEN ($2 - 4) >> 14 IN (3, 4) THEN rpad($1::text, ($2 - 4) & 16383)::citext ELSE $1 END
    WHEN $3 OR rtrim(substr($1::text, (($2 - 4) & 16383) + 1), ' ') = '' THEN left($1::text, ($2 - 4) & 16383)::citext
    ELSE $1 END $$;
CREATE CAST (citext AS citext) WITH FUNCTION sized(citext, int, boolean) AS IMPLICIT;

-- PostgreSQL's char(n) has the comparisons that look past blanks; what they get is in lower case. PL/pgSQL is the faster
-- of its languages here, and an index needs names with their schema.
CREATE FUNCTION lowered(citext) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'lower';
CREATE FUNCTION padded_cmp(citext, citext) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'bpcharcmp';
CREATE FUNCTION padded_hash(citext) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'hashbpchar';
CREATE FUNCTION padded_hash(citext, bigint) RETURNS bigint IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'hashbpcharextended';
CREATE FUNCTION ci_cmp(citext, citext) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN RETURN tsql.padded_cmp(tsql.lowered($1), tsql.lowered($2)); END $$;
CREATE FUNCTION ci_hash(citext) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN RETURN tsql.padded_hash(tsql.lowered($1)); END $$;
CREATE FUNCTION ci_hash(citext, bigint) RETURNS bigint IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN RETURN tsql.padded_hash(tsql.lowered($1), $2); END $$;
DO $do$ DECLARE t record; BEGIN
  FOR t IN SELECT * FROM (VALUES
    ('=', 'eq', '=', '<>', 'HASHES, MERGES, RESTRICT = eqsel, JOIN = eqjoinsel'), ('<>', 'ne', '<>', '=', 'RESTRICT = neqsel, JOIN = neqjoinsel'),
    ('<', 'lt', '>', '>=', 'RESTRICT = scalarltsel, JOIN = scalarltjoinsel'), ('>', 'gt', '<', '<=', 'RESTRICT = scalargtsel, JOIN = scalargtjoinsel'),
    ('<=', 'le', '>=', '>', 'RESTRICT = scalarlesel, JOIN = scalarlejoinsel'), ('>=', 'ge', '<=', '<', 'RESTRICT = scalargesel, JOIN = scalargejoinsel')
  ) AS v(op, name, commuted, negated, more) LOOP
    EXECUTE format('CREATE FUNCTION tsql.padded_%1$s(tsql.citext, tsql.citext) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS ''bpchar%1$s''', t.name);
    EXECUTE format('CREATE FUNCTION tsql.ci_%1$s(tsql.citext, tsql.citext) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $b$ BEGIN RETURN tsql.padded_%1$s(tsql.lowered($1), tsql.lowered($2)); END $b$', t.name);
    EXECUTE format('CREATE OPERATOR tsql.%1$s (LEFTARG = tsql.citext, RIGHTARG = tsql.citext, FUNCTION = tsql.ci_%2$s, COMMUTATOR = OPERATOR(tsql.%3$s), NEGATOR = OPERATOR(tsql.%4$s), %5$s)', t.op, t.name, t.commuted, t.negated, t.more);
  END LOOP;
END $do$;
CREATE OPERATOR CLASS citext_ops DEFAULT FOR TYPE citext USING btree AS
  OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 ci_cmp(citext, citext);
CREATE OPERATOR CLASS citext_ops DEFAULT FOR TYPE citext USING hash AS
  OPERATOR 1 =, FUNCTION 1 ci_hash(citext), FUNCTION 2 ci_hash(citext, bigint);

CREATE FUNCTION ci_smaller(citext, citext) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN RETURN CASE WHEN tsql.ci_cmp($1, $2) <= 0 THEN $1 ELSE $2 END; END $$;
CREATE FUNCTION ci_larger(citext, citext) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN RETURN CASE WHEN tsql.ci_cmp($1, $2) >= 0 THEN $1 ELSE $2 END; END $$;
CREATE AGGREGATE min(citext) (SFUNC = ci_smaller, STYPE = citext, SORTOP = <, PARALLEL = SAFE, COMBINEFUNC = ci_smaller);
CREATE AGGREGATE max(citext) (SFUNC = ci_larger, STYPE = citext, SORTOP = >, PARALLEL = SAFE, COMBINEFUNC = ci_larger);

CREATE FUNCTION ci_like(citext, text) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'texticlike';
CREATE FUNCTION ci_not_like(citext, text) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'texticnlike';
CREATE OPERATOR ~~ (LEFTARG = citext, RIGHTARG = text, FUNCTION = ci_like, NEGATOR = !~~, RESTRICT = iclikesel, JOIN = iclikejoinsel);
CREATE OPERATOR !~~ (LEFTARG = citext, RIGHTARG = text, FUNCTION = ci_not_like, NEGATOR = ~~, RESTRICT = icnlikesel, JOIN = icnlikejoinsel);
