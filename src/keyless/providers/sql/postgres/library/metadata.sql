-- The functions that tell about objects, databases and the server. Run after catalog.sql and information_schema.sql.
-- Source: Transact-SQL reference, "Metadata functions", "SERVERPROPERTY", "sys.fn_listextendedproperty".
SET search_path = tsql, pg_catalog;

-- The parts of a name such as db..[a.b] or "s".t; NULL for what is none
CREATE FUNCTION name_parts(written text) RETURNS text[] IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE parts text[] := '{}'; part text := ''; i int := 1; c text; closing text;
BEGIN
  WHILE i <= length(written) LOOP
    c := substr(written, i, 1);
    IF c IN ('[', '"') AND part = '' THEN
      closing := CASE c WHEN '[' THEN ']' ELSE '"' END;
      LOOP
        i := i + 1;
        IF i > length(written) THEN RETURN NULL; END IF;
        IF substr(written, i, 1) = closing THEN
          EXIT WHEN substr(written, i + 1, 1) <> closing;
          i := i + 1;
        END IF;
        part := part || substr(written, i, 1);
      END LOOP;
    ELSIF c = '.' THEN parts := parts || btrim(part); part := '';
    ELSE part := part || c;
    END IF;
    i := i + 1;
  END LOOP;
  RETURN parts || btrim(part);
END $$;

CREATE FUNCTION object_id(written citext, kind citext DEFAULT NULL) RETURNS int STABLE PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE parts text[] := tsql.name_parts(written::text); n int := cardinality(parts); found int; base text; in_schema int;
BEGIN
  base := parts[n];
  IF n > 3 OR base IS NULL OR base = '' THEN RETURN NULL; END IF;
  IF left(base, 1) = '#' THEN
    RETURN (SELECT o.object_id FROM tsql_tempdb.objects o WHERE o.name = base::tsql.citext AND (kind IS NULL OR o.type = rtrim(kind::text)::tsql.citext));
  END IF;
  IF n = 3 AND parts[1] <> '' AND parts[1]::tsql.citext <> tsql.database() THEN RETURN NULL; END IF;
  SELECT s.schema_id INTO in_schema FROM sys.schemas s WHERE s.name = coalesce(nullif(parts[n - 1], ''), 'dbo')::tsql.citext;
  SELECT o.object_id INTO found FROM sys.all_objects o WHERE o.name = base::tsql.citext AND o.schema_id = in_schema AND (kind IS NULL OR o.type = rtrim(kind::text)::tsql.citext)
    ORDER BY o.type IN ('U'::tsql.citext, 'V'::tsql.citext) DESC LIMIT 1;
  RETURN found;
END $$;
CREATE FUNCTION object_name(int) RETURNS citext STABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT name FROM sys.all_objects WHERE object_id = $1 UNION ALL SELECT name FROM tsql_tempdb.objects WHERE object_id = $1 LIMIT 1 $$;
CREATE FUNCTION object_schema_name(int) RETURNS citext STABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT s.name FROM sys.all_objects o JOIN sys.schemas s ON s.schema_id = o.schema_id WHERE o.object_id = $1 LIMIT 1 $$;
CREATE FUNCTION schema_id(citext) RETURNS int STABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT schema_id FROM sys.schemas WHERE name = $1 $$;
CREATE FUNCTION schema_name(int) RETURNS citext STABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT name FROM sys.schemas WHERE schema_id = $1 $$;
CREATE FUNCTION col_name(int, int) RETURNS citext STABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT name FROM sys.all_columns WHERE object_id = $1 AND column_id = $2 $$;
CREATE FUNCTION col_length(citext, citext) RETURNS int2 STABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT max_length FROM sys.all_columns WHERE object_id = tsql.object_id($1) AND name = $2 $$;
CREATE FUNCTION columnproperty(int, citext, citext) RETURNS int STABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT CASE lower($3::text) WHEN 'allowsnull' THEN c.is_nullable::int4 WHEN 'columnid' THEN c.column_id WHEN 'isidentity' THEN c.is_identity::int4 WHEN 'iscomputed' THEN c.is_computed::int4
    WHEN 'precision' THEN CASE WHEN c.system_type_id IN (231, 239) AND c.max_length > 0 THEN c.max_length / 2 WHEN c.system_type_id IN (165, 167, 173, 175, 231, 239) THEN c.max_length ELSE c.precision END
    WHEN 'scale' THEN CASE WHEN c.collation_name IS NULL THEN c.scale END::int4 WHEN 'charmaxlen' THEN CASE WHEN c.system_type_id IN (231, 239) AND c.max_length > 0 THEN c.max_length / 2 WHEN c.system_type_id IN (167, 175, 231) THEN c.max_length END
    WHEN 'isrowguidcol' THEN 0 WHEN 'issparse' THEN 0 WHEN 'iscolumnset' THEN 0 WHEN 'ishidden' THEN 0 WHEN 'isidnotforrepl' THEN CASE WHEN c.is_identity::boolean THEN 0 END WHEN 'isxmlindexable' THEN 0
    WHEN 'isoutparam' THEN NULL WHEN 'usesansitrim' THEN 1 WHEN 'generatedalwaystype' THEN 0 WHEN 'isindexable' THEN CASE WHEN c.max_length = -1 THEN 0 ELSE 1 END WHEN 'isdeterministic' THEN CASE WHEN c.is_computed::boolean THEN 1 END END
  FROM sys.all_columns c WHERE c.object_id = $1 AND c.name = $2 $$;
CREATE FUNCTION objectproperty(int, citext) RETURNS int STABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT CASE lower($2::text) WHEN 'istable' THEN (o.type = 'U'::citext)::int WHEN 'isusertable' THEN (o.type = 'U'::citext)::int WHEN 'isview' THEN (o.type = 'V'::citext)::int WHEN 'isprocedure' THEN (o.type = 'P'::citext)::int
    WHEN 'isscalarfunction' THEN (o.type = 'FN'::citext)::int WHEN 'isinlinefunction' THEN (o.type = 'IF'::citext)::int WHEN 'istablefunction' THEN (o.type IN ('IF'::citext, 'TF'::citext))::int WHEN 'istrigger' THEN 0
    WHEN 'ismsshipped' THEN o.is_ms_shipped::int4 WHEN 'issystemtable' THEN 0 WHEN 'isprimarykey' THEN (o.type = 'PK'::citext)::int WHEN 'isforeignkey' THEN (o.type = 'F'::citext)::int WHEN 'isuniquecnst' THEN (o.type = 'UQ'::citext)::int
    WHEN 'ischeckcnst' THEN (o.type = 'C'::citext)::int WHEN 'isdefaultcnst' THEN (o.type = 'D'::citext)::int WHEN 'isconstraint' THEN (o.type IN ('PK'::citext, 'UQ'::citext, 'F'::citext, 'C'::citext, 'D'::citext))::int
    WHEN 'isquotedidenton' THEN 1 WHEN 'isansinullson' THEN 1 WHEN 'ownerid' THEN 1 WHEN 'schemaid' THEN o.schema_id WHEN 'isencrypted' THEN 0 WHEN 'isschemabound' THEN 0
    WHEN 'tablehasidentity' THEN EXISTS (SELECT FROM sys.identity_columns i WHERE i.object_id = o.object_id)::int WHEN 'tablehasprimarykey' THEN EXISTS (SELECT FROM sys.key_constraints k WHERE k.parent_object_id = o.object_id AND k.type = 'PK'::citext)::int
    WHEN 'tablehasforeignkey' THEN EXISTS (SELECT FROM sys.foreign_keys k WHERE k.parent_object_id = o.object_id)::int WHEN 'tablehasclustindex' THEN EXISTS (SELECT FROM sys.indexes i WHERE i.object_id = o.object_id AND i.index_id = 1)::int
    WHEN 'tablehasindex' THEN EXISTS (SELECT FROM sys.indexes i WHERE i.object_id = o.object_id AND i.index_id > 0)::int WHEN 'tabletemporaltype' THEN 0 WHEN 'tableisfake' THEN 0 WHEN 'tablehasuniquecnst' THEN EXISTS (SELECT FROM sys.key_constraints k WHERE k.parent_object_id = o.object_id AND k.type = 'UQ'::citext)::int END
  FROM sys.all_objects o WHERE o.object_id = $1 $$;
CREATE FUNCTION type_name(int) RETURNS citext STABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT name FROM tsql.type_list WHERE user_type_id = $1 $$;
CREATE FUNCTION type_id(citext) RETURNS int STABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT user_type_id FROM tsql.type_list WHERE name = $1 $$;
CREATE FUNCTION db_id(citext DEFAULT NULL) RETURNS int2 STABLE PARALLEL SAFE LANGUAGE sql AS $$ SELECT CASE WHEN $1 IS NULL OR $1 = tsql.database() THEN 5 WHEN $1 = 'master'::citext THEN 1 WHEN $1 = 'tempdb'::citext THEN 2 END::int2 $$;
CREATE FUNCTION db_name(int) RETURNS citext STABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT CASE $1 WHEN 5 THEN tsql.database() WHEN 1 THEN 'master'::citext WHEN 2 THEN 'tempdb'::citext END $$;
CREATE FUNCTION indexproperty(int, citext, citext) RETURNS int STABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT CASE lower($3::text) WHEN 'indexid' THEN i.index_id WHEN 'isunique' THEN i.is_unique::int4 WHEN 'isclustered' THEN (i.index_id = 1)::int WHEN 'isdisabled' THEN 0 WHEN 'isfulltextkey' THEN 0 WHEN 'ishypothetical' THEN 0
    WHEN 'isstatistics' THEN 0 WHEN 'indexfillfactor' THEN 0 WHEN 'ispadindex' THEN 0 END FROM sys.indexes i WHERE i.object_id = $1 AND i.name = $2 $$;
CREATE FUNCTION index_col(citext, int, int) RETURNS citext STABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT tsql.col_name(c.object_id, c.column_id) FROM sys.index_columns c WHERE c.object_id = tsql.object_id($1) AND c.index_id = $2 AND c.key_ordinal = $3 $$;
CREATE FUNCTION serverproperty(citext) RETURNS citext STABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT (CASE lower($1::text) WHEN 'productversion' THEN '16.0.1000.6' WHEN 'productmajorversion' THEN '16' WHEN 'productminorversion' THEN '0' WHEN 'productbuild' THEN '1000' WHEN 'productlevel' THEN 'RTM' WHEN 'edition' THEN 'SQL Azure'
    WHEN 'engineedition' THEN '5' WHEN 'collation' THEN 'SQL_Latin1_General_CP1_CI_AS' WHEN 'servername' THEN pg_catalog.current_setting('keyless.server', true) WHEN 'machinename' THEN pg_catalog.current_setting('keyless.server', true)
    WHEN 'isclustered' THEN '0' WHEN 'isfulltextinstalled' THEN '0' WHEN 'isintegratedsecurityonly' THEN '1' WHEN 'ishadrenabled' THEN '0' WHEN 'issingleuser' THEN '0' WHEN 'isxtpsupported' THEN '0' WHEN 'isexternalauthenticationonly' THEN '1'
    WHEN 'lcid' THEN '1033' WHEN 'sqlcharsetname' THEN 'iso_1' WHEN 'sqlsortordername' THEN 'nocase_iso' END)::citext $$;
CREATE FUNCTION databasepropertyex(citext, citext) RETURNS citext STABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT (CASE lower($2::text) WHEN 'status' THEN 'ONLINE' WHEN 'updateability' THEN 'READ_WRITE' WHEN 'useraccess' THEN 'MULTI_USER' WHEN 'collation' THEN 'SQL_Latin1_General_CP1_CI_AS' WHEN 'recovery' THEN 'FULL' WHEN 'version' THEN '957'
    WHEN 'lcid' THEN '1033' WHEN 'edition' THEN 'Standard' WHEN 'serviceobjective' THEN 'S0' WHEN 'isautoclose' THEN '0' WHEN 'isansinullsenabled' THEN '1' WHEN 'isquotedidentifiersenabled' THEN '1' END)::citext WHERE $1 = tsql.database() $$;
CREATE FUNCTION has_dbaccess(citext) RETURNS int STABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT CASE WHEN $1 = tsql.database() THEN 1 END $$;
CREATE FUNCTION dm_exec_sessions(spid int, host citext, program citext, login citext, isolation int, transactions int) RETURNS SETOF sys.dm_exec_sessions STABLE PARALLEL SAFE LANGUAGE sql AS $$
  SELECT spid::int2, login_time, host, program, host_process_id, login, status, cpu_time, memory_usage, is_user_process, text_size, language, date_format, date_first, quoted_identifier,
    isolation::int2, lock_timeout, login, database_id, transactions FROM sys.dm_exec_sessions $$;
-- What the caller asks for, level by level; NULL at a level asks for all of it
CREATE FUNCTION fn_listextendedproperty(name citext, level0type citext, level0name citext, level1type citext, level1name citext, level2type citext, level2name citext)
  RETURNS TABLE (objtype citext, objname citext, name citext, value citext) STABLE PARALLEL SAFE LANGUAGE sql AS $$
  SELECT o.objtype, o.objname, p.name, p.value FROM sys.extended_properties p JOIN (
    SELECT 3 AS class, 'SCHEMA'::citext AS objtype, s.name AS objname, s.schema_id AS major, 0 AS minor FROM sys.schemas s WHERE $4 IS NULL AND $2 = 'SCHEMA'::citext AND ($3 IS NULL OR s.name = $3)
    UNION ALL SELECT 1, upper($4::text)::citext, o.name, o.object_id, 0 FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id
      WHERE $6 IS NULL AND s.name = $3 AND ($5 IS NULL OR o.name = $5) AND o.type = (CASE lower($4::text) WHEN 'table' THEN 'U' WHEN 'view' THEN 'V' WHEN 'procedure' THEN 'P' WHEN 'sequence' THEN 'SO' END)::citext
    UNION ALL SELECT 1, 'COLUMN', c.name, c.object_id, c.column_id FROM sys.columns c JOIN sys.objects o ON o.object_id = c.object_id JOIN sys.schemas s ON s.schema_id = o.schema_id
      WHERE lower($6::text) = 'column' AND s.name = $3 AND o.name = $5 AND ($7 IS NULL OR c.name = $7)
    UNION ALL SELECT 1, 'CONSTRAINT', k.name, k.object_id, 0 FROM sys.objects k JOIN sys.objects o ON o.object_id = k.parent_object_id JOIN sys.schemas s ON s.schema_id = o.schema_id
      WHERE lower($6::text) = 'constraint' AND s.name = $3 AND o.name = $5 AND ($7 IS NULL OR k.name = $7)
    UNION ALL SELECT 7, 'INDEX', i.name, i.object_id, i.index_id FROM sys.indexes i JOIN sys.objects o ON o.object_id = i.object_id JOIN sys.schemas s ON s.schema_id = o.schema_id
      WHERE lower($6::text) = 'index' AND s.name = $3 AND o.name = $5 AND ($7 IS NULL OR i.name = $7)) AS o ON p.class = o.class AND p.major_id = o.major AND p.minor_id = o.minor
  WHERE $1 IS NULL OR p.name = $1 $$;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA tsql TO PUBLIC;
