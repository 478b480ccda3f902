-- SQL Server's catalog views (sys.*), over PostgreSQL's catalog and the comments that tell what it does not keep.
-- Run after functions.sql. Each view stands in `tsql_catalog` first, with a last column `temporary` where that matters;
-- from there it goes into `sys`, without the temporary tables, and into `tsql_tempdb`, with nothing but the session's own.
-- A user sees the objects that it owns or has any right on, as in SQL Server.
-- Source: Transact-SQL reference, "System catalog views".
CREATE SCHEMA tsql_catalog;
CREATE SCHEMA sys;
CREATE SCHEMA tsql_tempdb;
CREATE SCHEMA tsql_information_schema;
SET search_path = tsql, pg_catalog;

-- Object numbers are PostgreSQL's own: they stay as long as the object does
CREATE FUNCTION id(oid) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT (CASE WHEN $1::int8 < 2147483648 THEN $1::int8 ELSE $1::int8 - 4294967296 END)::int4 $$;
CREATE FUNCTION told(text) RETURNS jsonb IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$ SELECT CASE WHEN $1 IS JSON OBJECT THEN $1::jsonb ELSE '{}'::jsonb END $$;
CREATE FUNCTION told_of(class text, object oid, part int DEFAULT 0) RETURNS jsonb STABLE PARALLEL SAFE LANGUAGE sql AS $$
  SELECT tsql.told((SELECT description FROM pg_catalog.pg_description WHERE objoid = object AND objsubid = part AND classoid = ('pg_catalog.' || class)::pg_catalog.regclass)) $$;
CREATE FUNCTION visible(relation oid) RETURNS boolean STABLE PARALLEL SAFE LANGUAGE sql AS $$
  SELECT pg_catalog.pg_has_role((SELECT relowner FROM pg_catalog.pg_class WHERE oid = relation), 'USAGE')
    OR pg_catalog.has_table_privilege(relation, 'SELECT,INSERT,UPDATE,DELETE,REFERENCES')
    OR pg_catalog.has_any_column_privilege(relation, 'SELECT,INSERT,UPDATE,REFERENCES') $$;

-- The types: number, bytes (-1 for what has no end), digits, scale; `user_type_id` differs for sysname only
CREATE VIEW type_list AS SELECT name::citext AS name, system_type_id, user_type_id, max_length::int2 AS max_length, digits::int2 AS digits, scale::int2 AS scale, texts AS is_text
  FROM (VALUES ('image', 34, 34, 16, 0, 0, false), ('text', 35, 35, 16, 0, 0, true), ('uniqueidentifier', 36, 36, 16, 0, 0, false), ('date', 40, 40, 3, 10, 0, false),
    ('time', 41, 41, 5, 16, 7, false), ('datetime2', 42, 42, 8, 27, 7, false), ('datetimeoffset', 43, 43, 10, 34, 7, false), ('tinyint', 48, 48, 1, 3, 0, false),
    ('smallint', 52, 52, 2, 5, 0, false), ('int', 56, 56, 4, 10, 0, false), ('smalldatetime', 58, 58, 4, 16, 0, false), ('real', 59, 59, 4, 24, 0, false),
    ('money', 60, 60, 8, 19, 4, false), ('datetime', 61, 61, 8, 23, 3, false), ('float', 62, 62, 8, 53, 0, false), ('sql_variant', 98, 98, 8016, 0, 0, false),
    ('ntext', 99, 99, 16, 0, 0, true), ('bit', 104, 104, 1, 1, 0, false), ('decimal', 106, 106, 17, 38, 38, false), ('numeric', 108, 108, 17, 38, 38, false),
    ('smallmoney', 122, 122, 4, 10, 4, false), ('bigint', 127, 127, 8, 19, 0, false), ('varbinary', 165, 165, 8000, 0, 0, false), ('varchar', 167, 167, 8000, 0, 0, true),
    ('binary', 173, 173, 8000, 0, 0, false), ('char', 175, 175, 8000, 0, 0, true), ('timestamp', 189, 189, 8, 0, 0, false), ('nvarchar', 231, 231, 8000, 0, 0, true),
    ('nchar', 239, 239, 8000, 0, 0, true), ('xml', 241, 241, -1, 0, 0, false), ('sysname', 231, 256, 256, 0, 0, true))
    AS t(name, system_type_id, user_type_id, max_length, digits, scale, texts);

-- How a type is declared where no comment tells: the column of a view, or of SELECT … INTO
CREATE FUNCTION declared(type oid, modifier int) RETURNS text STABLE PARALLEL SAFE LANGUAGE sql AS $$
  SELECT CASE WHEN modifier >= 4 AND type IN ('tsql.citext'::regtype, 'tsql.varbinary'::regtype) THEN tsql.of_modifier(modifier) ELSE CASE pg_catalog.format_type(type, NULL)
    WHEN 'citext' THEN 'nvarchar(max)' WHEN 'tsql.citext' THEN 'nvarchar(max)' WHEN 'varbinary' THEN 'varbinary(max)' WHEN 'tsql.varbinary' THEN 'varbinary(max)' WHEN 'text' THEN 'nvarchar(max)' WHEN 'name' THEN 'nvarchar(128)'
    WHEN 'bit' THEN 'bit' WHEN 'tsql.bit' THEN 'bit' WHEN 'boolean' THEN 'bit' WHEN 'tinyint' THEN 'tinyint' WHEN 'tsql.tinyint' THEN 'tinyint'
    WHEN 'smallint' THEN 'smallint' WHEN 'integer' THEN 'int' WHEN 'bigint' THEN 'bigint' WHEN 'real' THEN 'real' WHEN 'double precision' THEN 'float'
    WHEN 'money' THEN 'money' WHEN 'tsql.money' THEN 'money' WHEN 'smallmoney' THEN 'smallmoney' WHEN 'tsql.smallmoney' THEN 'smallmoney'
    WHEN 'numeric' THEN CASE WHEN modifier >= 4 THEN format('decimal(%s,%s)', ((modifier - 4) >> 16) & 65535, (modifier - 4) & 2047) ELSE 'decimal(38,6)' END
    WHEN 'date' THEN 'date' WHEN 'datetime' THEN 'datetime' WHEN 'tsql.datetime' THEN 'datetime' WHEN 'uuid' THEN 'uniqueidentifier' WHEN 'bytea' THEN 'varbinary(max)'
    WHEN 'time without time zone' THEN format('time(%s)', CASE WHEN modifier < 0 THEN 7 ELSE modifier END)
    WHEN 'timestamp without time zone' THEN format('datetime2(%s)', CASE WHEN modifier < 0 THEN 7 ELSE modifier END)
    ELSE CASE WHEN EXISTS (SELECT FROM tsql.type_list WHERE name = replace(pg_catalog.format_type(type, NULL), 'tsql.', '')::tsql.citext) THEN replace(pg_catalog.format_type(type, NULL), 'tsql.', '') ELSE 'nvarchar(max)' END END END $$;
CREATE FUNCTION type_word(declared text) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT (CASE word WHEN 'rowversion' THEN 'timestamp' WHEN 'float' THEN CASE WHEN strpos(declared, '(') > 0 AND substring(declared FROM '\d+')::int <= 24 THEN 'real' ELSE 'float' END ELSE word END)::tsql.citext
  FROM (SELECT split_part(declared, '(', 1)) AS s(word) $$;
-- The first and second number of a type; -1 is MAX
CREATE FUNCTION measure(declared text, place int, otherwise int) RETURNS int IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$
  SELECT CASE m WHEN 'max' THEN -1 WHEN '' THEN otherwise ELSE m::int END FROM (SELECT coalesce(split_part(substring(declared FROM '\(([^)]*)\)'), ',', place), '')) AS s(m) $$;
CREATE FUNCTION type_bytes(declared text) RETURNS int2 IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT (CASE type_word(declared)::text
    WHEN 'char' THEN measure(declared, 1, 1) WHEN 'varchar' THEN measure(declared, 1, 1) WHEN 'binary' THEN measure(declared, 1, 1) WHEN 'varbinary' THEN measure(declared, 1, 1)
    WHEN 'nchar' THEN 2 * measure(declared, 1, 1) WHEN 'nvarchar' THEN CASE measure(declared, 1, 1) WHEN -1 THEN -1 ELSE 2 * measure(declared, 1, 1) END
    WHEN 'decimal' THEN 5 + 4 * ((measure(declared, 1, 18) > 9)::int + (measure(declared, 1, 18) > 19)::int + (measure(declared, 1, 18) > 28)::int)
    WHEN 'numeric' THEN 5 + 4 * ((measure(declared, 1, 18) > 9)::int + (measure(declared, 1, 18) > 19)::int + (measure(declared, 1, 18) > 28)::int)
    WHEN 'time' THEN 3 + (measure(declared, 1, 7) > 2)::int + (measure(declared, 1, 7) > 4)::int
    WHEN 'datetime2' THEN 6 + (measure(declared, 1, 7) > 2)::int + (measure(declared, 1, 7) > 4)::int
    WHEN 'datetimeoffset' THEN 8 + (measure(declared, 1, 7) > 2)::int + (measure(declared, 1, 7) > 4)::int
    ELSE (SELECT max_length FROM type_list WHERE name = type_word(declared)) END)::int2 $$;
CREATE FUNCTION type_digits(declared text) RETURNS tsql.tinyint IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT (CASE type_word(declared)::text WHEN 'decimal' THEN measure(declared, 1, 18) WHEN 'numeric' THEN measure(declared, 1, 18)
    WHEN 'time' THEN 8 + CASE measure(declared, 1, 7) WHEN 0 THEN 0 ELSE 1 + measure(declared, 1, 7) END
    WHEN 'datetime2' THEN 19 + CASE measure(declared, 1, 7) WHEN 0 THEN 0 ELSE 1 + measure(declared, 1, 7) END
    WHEN 'datetimeoffset' THEN 26 + CASE measure(declared, 1, 7) WHEN 0 THEN 0 ELSE 1 + measure(declared, 1, 7) END
    ELSE (SELECT digits FROM type_list WHERE name = type_word(declared)) END)::tsql.tinyint $$;
CREATE FUNCTION type_scale(declared text) RETURNS tsql.tinyint IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT (CASE type_word(declared)::text WHEN 'decimal' THEN measure(declared, 2, 0) WHEN 'numeric' THEN measure(declared, 2, 0)
    WHEN 'time' THEN measure(declared, 1, 7) WHEN 'datetime2' THEN measure(declared, 1, 7) WHEN 'datetimeoffset' THEN measure(declared, 1, 7)
    ELSE (SELECT scale FROM type_list WHERE name = type_word(declared)) END)::tsql.tinyint $$;

-- The lists that the views are made of. MATERIALIZED: each is read once for each view that a query names, where a plan
-- over all of them at once reads them again for each row.
-- Schemas under SQL Server's names and numbers
CREATE VIEW schema_list AS WITH list AS MATERIALIZED (
  SELECT oid, CASE nspname WHEN 'tsql_information_schema' THEN 'INFORMATION_SCHEMA' ELSE coalesce(told_of('pg_namespace', oid)->>'name', nspname) END::citext AS name,
    CASE nspname WHEN 'dbo' THEN 1 WHEN 'tsql_information_schema' THEN 3 WHEN 'sys' THEN 4 ELSE id(oid) END AS schema_id,
    nspname IN ('sys', 'tsql_information_schema') AS shipped, false AS temporary
  FROM pg_catalog.pg_namespace
  WHERE nspname NOT LIKE 'pg\_%' AND nspname NOT IN ('tsql', 'tsql_catalog', 'tsql_tempdb', 'public', 'information_schema')
  UNION ALL SELECT pg_catalog.pg_my_temp_schema(), 'dbo', 1, false, true WHERE pg_catalog.pg_my_temp_schema() <> 0)
SELECT * FROM list;

CREATE VIEW relation_list AS WITH list AS MATERIALIZED (
  SELECT c.oid, id(c.oid) AS object_id, coalesce(t.told->>'name', c.relname)::citext AS name, s.schema_id, c.relkind, t.told, s.shipped, s.temporary, c.relnamespace, c.relowner
  FROM pg_catalog.pg_class c JOIN schema_list s ON s.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_description d ON d.objoid = c.oid AND d.objsubid = 0 AND d.classoid = 'pg_catalog.pg_class'::regclass
    CROSS JOIN LATERAL (SELECT told(d.description)) AS t(told)
  WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'v', 'S') AND (s.shipped OR visible(c.oid)) -- smaller numbers are PostgreSQL's own
    AND NOT (c.relkind = 'S' AND EXISTS (SELECT FROM pg_catalog.pg_depend p WHERE p.objid = c.oid AND p.classid = 'pg_catalog.pg_class'::regclass AND p.deptype = 'i')))
SELECT * FROM list;

-- the columns of the catalog's own views are many, and seldom asked for
DO $do$ DECLARE v record; BEGIN
FOR v IN SELECT * FROM (VALUES ('column_list', 'NOT r.shipped'), ('every_column_list', 'true')) AS t(name, wanted) LOOP EXECUTE format($v$
CREATE VIEW tsql.%I AS WITH list AS MATERIALIZED (
  SELECT r.object_id, r.oid, a.attnum, coalesce(t.told->>'name', a.attname)::citext AS name, t.told, coalesce(t.told->>'type', declared(a.atttypid, a.atttypmod)) AS declared,
    a.attnotnull, a.attidentity, a.attgenerated, e.oid AS default_oid, r.schema_id, r.name AS table_name, r.relkind, r.shipped, r.temporary
  FROM relation_list r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_catalog.pg_description d ON d.objoid = r.oid AND d.objsubid = a.attnum AND d.classoid = 'pg_catalog.pg_class'::regclass
    LEFT JOIN pg_catalog.pg_attrdef e ON e.adrelid = r.oid AND e.adnum = a.attnum AND a.attgenerated = ''
    CROSS JOIN LATERAL (SELECT told(d.description)) AS t(told)
  WHERE r.relkind <> 'S' AND %s)
SELECT * FROM list$v$, v.name, v.wanted); END LOOP; END $do$;

CREATE VIEW constraint_list AS WITH list AS MATERIALIZED (
  SELECT c.oid, id(c.oid) AS object_id, coalesce(t.told->>'name', c.conname)::citext AS name, r.schema_id, c.contype, t.told, c.conrelid, c.confrelid, c.conindid, c.conkey, c.confkey,
    c.confdeltype, c.confupdtype, r.object_id AS parent_object_id, r.name AS table_name, c.convalidated, c.conname ~ '^(pk|uq|ck|fk|df)__.*__[0-9a-f]{8}([0-9a-f]{8})?$' AS unnamed, r.shipped, r.temporary
  FROM pg_catalog.pg_constraint c JOIN relation_list r ON r.oid = c.conrelid
    CROSS JOIN LATERAL (SELECT told_of('pg_constraint', c.oid)) AS t(told)
  WHERE c.contype IN ('p', 'u', 'f', 'c') AND NOT starts_with(c.conname, 'keyless_'))
SELECT * FROM list;

CREATE VIEW index_list AS WITH list AS MATERIALIZED (
  SELECT oid, relid, (row_number() OVER w + CASE WHEN bool_or(clustered) OVER (PARTITION BY relid) THEN 0 ELSE 1 END)::int4 AS index_id,
    clustered AND row_number() OVER w = 1 AS clustered, name, filter, is_unique, is_primary, of_constraint, object_id, keys, columns, options, shipped, temporary
  FROM (SELECT i.indexrelid AS oid, i.indrelid AS relid, coalesce((coalesce(k.told, t.told)->>'clustered')::boolean, false) AS clustered,
      coalesce(k.name, (t.told->>'name')::citext, x.relname::text::citext) AS name, (t.told->>'filter') AS filter, i.indisunique AS is_unique, i.indisprimary AS is_primary, k.oid AS of_constraint,
      r.object_id, i.indnkeyatts AS keys, i.indkey AS columns, i.indoption AS options, r.shipped, r.temporary
    FROM pg_catalog.pg_index i JOIN relation_list r ON r.oid = i.indrelid JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
      LEFT JOIN constraint_list k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u')
      CROSS JOIN LATERAL (SELECT told_of('pg_class', i.indexrelid)) AS t(told)) AS s
  WINDOW w AS (PARTITION BY relid ORDER BY clustered DESC, oid))
SELECT * FROM list;

CREATE VIEW index_column_list AS
  SELECT i.object_id, i.index_id, p.place::int4 AS index_column_id, (i.columns[p.place - 1])::int4 AS column_id,
    (CASE WHEN p.place <= i.keys THEN p.place ELSE 0 END)::tsql.tinyint AS key_ordinal,
    p.place <= i.keys AND (i.options[p.place - 1] & 1) = 1 AS descending, p.place > i.keys AS included, i.shipped, i.temporary
  FROM index_list i CROSS JOIN LATERAL generate_series(1, array_length(i.columns, 1)) AS p(place);

-- Procedures and functions: PostgreSQL's, with their T-SQL in the comment; `parameters` lists name, type, OUTPUT, default
CREATE VIEW routine_list AS
  SELECT p.oid, coalesce(t.told->>'name', p.proname)::citext AS name, id(p.oid) AS object_id, s.schema_id, k.type, k.description, t.told->>'definition' AS definition, t.told, s.shipped
  FROM pg_catalog.pg_proc p JOIN schema_list s ON s.oid = p.pronamespace AND NOT s.shipped
    JOIN pg_catalog.pg_description d ON d.objoid = p.oid AND d.objsubid = 0 AND d.classoid = 'pg_catalog.pg_proc'::regclass CROSS JOIN LATERAL (SELECT told(d.description)) AS t(told)
    CROSS JOIN LATERAL (SELECT CASE WHEN p.prokind = 'p' THEN 'P' WHEN p.proretset THEN 'IF' ELSE 'FN' END,
      CASE WHEN p.prokind = 'p' THEN 'SQL_STORED_PROCEDURE' WHEN p.proretset THEN 'SQL_INLINE_TABLE_VALUED_FUNCTION' ELSE 'SQL_SCALAR_FUNCTION' END) AS k(type, description)
  WHERE p.oid >= 16384 AND d.objoid >= 16384 AND t.told ? 'definition' AND (pg_catalog.pg_has_role(p.proowner, 'USAGE') OR pg_catalog.has_function_privilege(p.oid, 'EXECUTE'));
CREATE VIEW routine_parameter_list AS
  SELECT r.object_id, (p.told->>0)::citext AS name, p.place::int4 AS parameter_id, p.told->>1 AS declared, (p.told->>2)::boolean AS is_output, (p.told->>3)::boolean AS has_default
  FROM routine_list r CROSS JOIN LATERAL jsonb_array_elements(coalesce((r.told->>'parameters')::jsonb, '[]'::jsonb)) WITH ORDINALITY AS p(told, place)
  UNION ALL SELECT object_id, '', 0, told->>'returns', true, false FROM routine_list WHERE told ? 'returns';

-- When an object was made or changed is not kept
CREATE FUNCTION unknown_date() RETURNS datetime IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.to_datetime('2026-01-01'::timestamp) $$;

CREATE VIEW tsql_catalog.schemas AS SELECT name, schema_id, CASE schema_id WHEN 3 THEN 3 WHEN 4 THEN 4 ELSE 1 END AS principal_id FROM schema_list WHERE NOT temporary
  UNION ALL SELECT 'guest', 2, 2;

CREATE VIEW tsql_catalog.all_objects AS
  SELECT name, object_id, NULL::int AS principal_id, schema_id, parent_object_id, type::citext AS type, description::citext AS type_desc, unknown_date() AS create_date, unknown_date() AS modify_date,
    shipped::tsql.bit AS is_ms_shipped, false::tsql.bit AS is_published, false::tsql.bit AS is_schema_published, temporary
  FROM (
    SELECT name, object_id, schema_id, 0 AS parent_object_id, CASE relkind WHEN 'v' THEN 'V' WHEN 'S' THEN 'SO' ELSE 'U' END AS type,
      CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE_OBJECT' ELSE 'USER_TABLE' END AS description, shipped, temporary FROM relation_list
    UNION ALL SELECT name, object_id, schema_id, parent_object_id, CASE contype WHEN 'p' THEN 'PK' WHEN 'u' THEN 'UQ' WHEN 'f' THEN 'F' ELSE 'C' END,
      CASE contype WHEN 'p' THEN 'PRIMARY_KEY_CONSTRAINT' WHEN 'u' THEN 'UNIQUE_CONSTRAINT' WHEN 'f' THEN 'FOREIGN_KEY_CONSTRAINT' ELSE 'CHECK_CONSTRAINT' END, shipped, temporary FROM constraint_list
    UNION ALL SELECT coalesce(told->>'default_name', 'DF__' || object_id || '__' || attnum)::citext, id(default_oid), schema_id, object_id, 'D', 'DEFAULT_CONSTRAINT', shipped, temporary
      FROM column_list WHERE default_oid IS NOT NULL
    UNION ALL SELECT name, object_id, schema_id, 0, type, description, shipped, false FROM routine_list
  ) AS o;
-- As it was called before there were schemas: without one, or with dbo, it means this
CREATE VIEW tsql_catalog.sysobjects AS
  SELECT name, object_id AS id, type::text::tsql.citext(49154) AS xtype, schema_id::int2 AS uid, 0::int2 AS info, 0 AS status, 0 AS base_schema_ver, 0 AS replinfo,
    parent_object_id AS parent_obj, create_date AS crdate, 0::int2 AS ftcatid, 0 AS schema_ver, 0 AS stats_schema_ver, (CASE type::text WHEN 'PK' THEN 'K' WHEN 'UQ' THEN 'K' ELSE type::text END)::tsql.citext(49154) AS type, 0::int2 AS userstat,
    0::int2 AS sysstat, 0::int2 AS indexdel, modify_date AS refdate, 0 AS version, 0 AS deltrig, 0 AS instrig, 0 AS updtrig, 0 AS seltrig, 0 AS category, 0::int2 AS cache, temporary
  FROM tsql_catalog.all_objects;
CREATE VIEW tsql_catalog.objects AS SELECT * FROM tsql_catalog.all_objects WHERE is_ms_shipped = false::tsql.bit;
CREATE VIEW tsql_catalog.tables AS
  SELECT o.name, o.object_id, o.principal_id, o.schema_id, o.parent_object_id, o.type, o.type_desc, o.create_date, o.modify_date, o.is_ms_shipped, o.is_published, o.is_schema_published,
    0 AS lob_data_space_id, NULL::int AS filestream_data_space_id, (SELECT coalesce(max(attnum), 0) FROM column_list c WHERE c.object_id = o.object_id)::int4 AS max_column_id_used,
    false::tsql.bit AS lock_on_bulk_load, true::tsql.bit AS uses_ansi_nulls, false::tsql.bit AS is_replicated, false::tsql.bit AS has_replication_filter, false::tsql.bit AS is_merge_published,
    false::tsql.bit AS is_sync_tran_subscribed, false::tsql.bit AS has_unchecked_assembly_data, 0 AS text_in_row_limit, false::tsql.bit AS large_value_types_out_of_row, false::tsql.bit AS is_tracked_by_cdc,
    0::tsql.tinyint AS lock_escalation, 'TABLE'::citext AS lock_escalation_desc, false::tsql.bit AS is_filetable, false::tsql.bit AS is_memory_optimized, 0::tsql.tinyint AS durability,
    'SCHEMA_AND_DATA'::citext AS durability_desc, 0::tsql.tinyint AS temporal_type, 'NON_TEMPORAL_TABLE'::citext AS temporal_type_desc, NULL::int AS history_table_id, false::tsql.bit AS is_remote_data_archive_enabled,
    false::tsql.bit AS is_external, false::tsql.bit AS is_node, false::tsql.bit AS is_edge, temporary
  FROM tsql_catalog.objects o WHERE type = 'U'::citext;
CREATE VIEW tsql_catalog.all_views AS
  SELECT name, object_id, principal_id, schema_id, parent_object_id, type, type_desc, create_date, modify_date, is_ms_shipped, is_published, is_schema_published, false::tsql.bit AS is_replicated,
    false::tsql.bit AS has_replication_filter, false::tsql.bit AS has_opaque_metadata, false::tsql.bit AS has_unchecked_assembly_data, false::tsql.bit AS with_check_option, false::tsql.bit AS is_date_correlation_view, temporary
  FROM tsql_catalog.all_objects WHERE type = 'V'::citext;
CREATE VIEW tsql_catalog.views AS SELECT * FROM tsql_catalog.all_views WHERE is_ms_shipped = false::tsql.bit;
CREATE VIEW tsql_catalog.system_views AS SELECT * FROM tsql_catalog.all_views WHERE is_ms_shipped = true::tsql.bit;
CREATE VIEW tsql_catalog.system_objects AS SELECT * FROM tsql_catalog.all_objects WHERE is_ms_shipped = true::tsql.bit;

DO $do$ DECLARE v record; BEGIN
FOR v IN SELECT * FROM (VALUES ('columns', 'column_list'), ('all_columns', 'every_column_list')) AS t(name, list) LOOP EXECUTE format($v$
CREATE VIEW tsql_catalog.%I AS
  SELECT c.object_id, c.name, c.attnum::int4 AS column_id, t.system_type_id::tsql.tinyint AS system_type_id, t.user_type_id, type_bytes(c.declared) AS max_length, type_digits(c.declared) AS precision, type_scale(c.declared) AS scale,
    CASE WHEN t.is_text THEN 'SQL_Latin1_General_CP1_CI_AS' END::citext AS collation_name, (NOT c.attnotnull)::tsql.bit AS is_nullable, true::tsql.bit AS is_ansi_padded, false::tsql.bit AS is_rowguidcol,
    (c.attidentity <> '')::tsql.bit AS is_identity, (c.attgenerated <> '')::tsql.bit AS is_computed, false::tsql.bit AS is_filestream, false::tsql.bit AS is_replicated, false::tsql.bit AS is_non_sql_subscribed,
    false::tsql.bit AS is_merge_published, false::tsql.bit AS is_dts_replicated, false::tsql.bit AS is_xml_document, 0 AS xml_collection_id, coalesce(id(c.default_oid), 0) AS default_object_id, 0 AS rule_object_id,
    false::tsql.bit AS is_sparse, false::tsql.bit AS is_column_set, 0::tsql.tinyint AS generated_always_type, 'NOT_APPLICABLE'::citext AS generated_always_type_desc, NULL::int AS encryption_type,
    NULL::citext AS encryption_type_desc, NULL::citext AS encryption_algorithm_name, NULL::int AS column_encryption_key_id, NULL::citext AS column_encryption_key_database_name,
    false::tsql.bit AS is_hidden, false::tsql.bit AS is_masked, NULL::int AS graph_type, NULL::citext AS graph_type_desc, c.shipped AS "~shipped", c.temporary
  FROM tsql.%I c JOIN type_list t ON t.name = type_word(c.declared)$v$, v.name, v.list); END LOOP; END $do$;
CREATE VIEW tsql_catalog.identity_columns AS
  SELECT c.object_id, c.name, c.column_id, c.system_type_id, c.user_type_id, c.max_length, c.precision, c.scale, c.collation_name, c.is_nullable, c.is_identity,
    q.seqstart AS seed_value, q.seqincrement AS increment_value, pg_catalog.pg_sequence_last_value(q.seqrelid) AS last_value, false::tsql.bit AS is_not_for_replication, c.is_computed, c.temporary
  FROM tsql_catalog.columns c JOIN column_list l ON l.object_id = c.object_id AND l.attnum = c.column_id
    JOIN pg_catalog.pg_depend d ON d.refobjid = l.oid AND d.refobjsubid = l.attnum AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.classid = 'pg_catalog.pg_class'::regclass AND d.deptype = 'i'
    JOIN pg_catalog.pg_sequence q ON q.seqrelid = d.objid
  WHERE l.attidentity <> '';
CREATE VIEW tsql_catalog.computed_columns AS
  SELECT c.object_id, c.name, c.column_id, c.system_type_id, c.user_type_id, c.max_length, c.precision, c.scale, c.collation_name, c.is_nullable, c.is_identity, c.is_computed,
    (l.told->>'definition')::citext AS definition, true::tsql.bit AS uses_database_collation, (l.told ? 'persisted')::tsql.bit AS is_persisted, c.temporary
  FROM tsql_catalog.columns c JOIN column_list l ON l.object_id = c.object_id AND l.attnum = c.column_id WHERE l.attgenerated <> '';
CREATE VIEW tsql_catalog.types AS
  SELECT name, system_type_id::tsql.tinyint AS system_type_id, user_type_id, 4 AS schema_id, NULL::int AS principal_id, max_length, digits::tsql.tinyint AS precision, scale::tsql.tinyint AS scale,
    CASE WHEN is_text THEN 'SQL_Latin1_General_CP1_CI_AS' END::citext AS collation_name, (name NOT IN ('timestamp'::citext, 'sysname'::citext))::tsql.bit AS is_nullable, false::tsql.bit AS is_user_defined,
    false::tsql.bit AS is_assembly_type, 0 AS default_object_id, 0 AS rule_object_id, false::tsql.bit AS is_table_type FROM type_list;

CREATE VIEW tsql_catalog.indexes AS
  SELECT object_id, name, index_id, (CASE WHEN clustered THEN 1 ELSE 2 END)::tsql.tinyint AS type, (CASE WHEN clustered THEN 'CLUSTERED' ELSE 'NONCLUSTERED' END)::citext AS type_desc, is_unique::tsql.bit AS is_unique,
    1 AS data_space_id, false::tsql.bit AS ignore_dup_key, is_primary::tsql.bit AS is_primary_key, (of_constraint IS NOT NULL AND NOT is_primary)::tsql.bit AS is_unique_constraint, 0::tsql.tinyint AS fill_factor,
    false::tsql.bit AS is_padded, false::tsql.bit AS is_disabled, false::tsql.bit AS is_hypothetical, false::tsql.bit AS is_ignored_in_optimization, true::tsql.bit AS allow_row_locks, true::tsql.bit AS allow_page_locks,
    (filter IS NOT NULL)::tsql.bit AS has_filter, filter::citext AS filter_definition, NULL::int AS compression_delay, false::tsql.bit AS suppress_dup_key_messages, false::tsql.bit AS auto_created,
    false::tsql.bit AS optimize_for_sequential_key, temporary FROM index_list
  UNION ALL SELECT object_id, NULL, 0, 0, 'HEAP', false::tsql.bit, 1, false::tsql.bit, false::tsql.bit, false::tsql.bit, 0, false::tsql.bit, false::tsql.bit, false::tsql.bit, false::tsql.bit, true::tsql.bit, true::tsql.bit,
    false::tsql.bit, NULL, NULL, false::tsql.bit, false::tsql.bit, false::tsql.bit, temporary
    FROM relation_list r WHERE relkind IN ('r', 'p') AND NOT EXISTS (SELECT FROM index_list i WHERE i.object_id = r.object_id AND i.clustered);
CREATE VIEW tsql_catalog.index_columns AS
  SELECT object_id, index_id, index_column_id, column_id, key_ordinal, 0::tsql.tinyint AS partition_ordinal, descending::tsql.bit AS is_descending_key, included::tsql.bit AS is_included_column,
    0::tsql.tinyint AS column_store_order_ordinal, temporary FROM index_column_list;
CREATE VIEW tsql_catalog.key_constraints AS
  SELECT o.name, o.object_id, o.principal_id, o.schema_id, o.parent_object_id, o.type, o.type_desc, o.create_date, o.modify_date, o.is_ms_shipped, o.is_published, o.is_schema_published,
    i.index_id AS unique_index_id, k.unnamed::tsql.bit AS is_system_named, true::tsql.bit AS is_enforced, o.temporary
  FROM tsql_catalog.objects o JOIN constraint_list k ON k.object_id = o.object_id AND k.parent_object_id = o.parent_object_id JOIN index_list i ON i.of_constraint = k.oid WHERE o.type IN ('PK'::citext, 'UQ'::citext);
CREATE FUNCTION action_number(text) RETURNS tsql.tinyint IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT (CASE $1 WHEN 'c' THEN 1 WHEN 'n' THEN 2 WHEN 'd' THEN 3 ELSE 0 END)::tsql.tinyint $$;
CREATE FUNCTION action_name(text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT CASE $1 WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' ELSE 'NO ACTION' END $$;
CREATE VIEW tsql_catalog.foreign_keys AS
  SELECT o.name, o.object_id, o.principal_id, o.schema_id, o.parent_object_id, o.type, o.type_desc, o.create_date, o.modify_date, o.is_ms_shipped, o.is_published, o.is_schema_published,
    id(k.confrelid) AS referenced_object_id, i.index_id AS key_index_id, false::tsql.bit AS is_disabled, false::tsql.bit AS is_not_for_replication, (NOT k.convalidated)::tsql.bit AS is_not_trusted,
    action_number(k.confdeltype::text) AS delete_referential_action, replace(action_name(k.confdeltype::text), ' ', '_')::citext AS delete_referential_action_desc,
    action_number(k.confupdtype::text) AS update_referential_action, replace(action_name(k.confupdtype::text), ' ', '_')::citext AS update_referential_action_desc, k.unnamed::tsql.bit AS is_system_named, o.temporary
  FROM tsql_catalog.objects o JOIN constraint_list k ON k.object_id = o.object_id AND k.parent_object_id = o.parent_object_id LEFT JOIN index_list i ON i.oid = k.conindid WHERE o.type = 'F'::citext;
CREATE VIEW tsql_catalog.foreign_key_columns AS
  SELECT k.object_id AS constraint_object_id, p.place::int4 AS constraint_column_id, k.parent_object_id, (k.conkey[p.place])::int4 AS parent_column_id, id(k.confrelid) AS referenced_object_id,
    (k.confkey[p.place])::int4 AS referenced_column_id, k.temporary
  FROM constraint_list k CROSS JOIN LATERAL generate_subscripts(k.conkey, 1) AS p(place) WHERE k.contype = 'f';
CREATE VIEW tsql_catalog.check_constraints AS
  SELECT o.name, o.object_id, o.principal_id, o.schema_id, o.parent_object_id, o.type, o.type_desc, o.create_date, o.modify_date, o.is_ms_shipped, o.is_published, o.is_schema_published,
    false::tsql.bit AS is_disabled, false::tsql.bit AS is_not_for_replication, (NOT k.convalidated)::tsql.bit AS is_not_trusted,
    CASE WHEN (k.told->>'of_column')::boolean AND array_length(k.conkey, 1) = 1 THEN k.conkey[1]::int4 ELSE 0 END AS parent_column_id, (k.told->>'definition')::citext AS definition,
    true::tsql.bit AS uses_database_collation, k.unnamed::tsql.bit AS is_system_named, o.temporary
  FROM tsql_catalog.objects o JOIN constraint_list k ON k.object_id = o.object_id AND k.parent_object_id = o.parent_object_id WHERE o.type = 'C'::citext;
CREATE VIEW tsql_catalog.default_constraints AS
  SELECT o.name, o.object_id, o.principal_id, o.schema_id, o.parent_object_id, o.type, o.type_desc, o.create_date, o.modify_date, o.is_ms_shipped, o.is_published, o.is_schema_published,
    c.attnum::int4 AS parent_column_id, (c.told->>'default')::citext AS definition, (o.name::text ~ '^DF__.*__[0-9A-F]{8}$')::tsql.bit AS is_system_named, o.temporary
  FROM tsql_catalog.objects o JOIN column_list c ON id(c.default_oid) = o.object_id WHERE o.type = 'D'::citext;
CREATE VIEW tsql_catalog.sequences AS
  SELECT o.name, o.object_id, o.principal_id, o.schema_id, o.parent_object_id, o.type, o.type_desc, o.create_date, o.modify_date, o.is_ms_shipped, o.is_published, o.is_schema_published,
    q.seqstart AS start_value, q.seqincrement AS increment, q.seqmin AS minimum_value, q.seqmax AS maximum_value, q.seqcycle::tsql.bit AS is_cycling, (q.seqcache > 1)::tsql.bit AS is_cached, q.seqcache::int4 AS cache_size,
    t.system_type_id::tsql.tinyint AS system_type_id, t.user_type_id, t.digits::tsql.tinyint AS precision, t.scale::tsql.tinyint AS scale, coalesce(pg_catalog.pg_sequence_last_value(q.seqrelid), q.seqstart) AS current_value,
    false::tsql.bit AS is_exhausted, pg_catalog.pg_sequence_last_value(q.seqrelid) AS last_used_value, o.temporary
  FROM tsql_catalog.objects o JOIN relation_list r ON r.object_id = o.object_id AND r.relkind = 'S' JOIN pg_catalog.pg_sequence q ON q.seqrelid = r.oid
    JOIN type_list t ON t.name = coalesce(type_word(r.told->>'type'), type_word(declared(q.seqtypid, -1))) WHERE o.type = 'SO'::citext;
CREATE VIEW tsql_catalog.procedures AS
  SELECT name, object_id, principal_id, schema_id, parent_object_id, type, type_desc, create_date, modify_date, is_ms_shipped, is_published, is_schema_published, false::tsql.bit AS is_auto_executed,
    false::tsql.bit AS is_execution_replicated, false::tsql.bit AS is_repl_serializable_only, false::tsql.bit AS skips_repl_constraints, temporary FROM tsql_catalog.objects WHERE type = 'P'::citext;
CREATE VIEW tsql_catalog.parameters AS
  SELECT p.object_id, p.name, p.parameter_id, t.system_type_id::tsql.tinyint AS system_type_id, t.user_type_id, type_bytes(p.declared) AS max_length, type_digits(p.declared) AS precision, type_scale(p.declared) AS scale,
    p.is_output::tsql.bit AS is_output, false::tsql.bit AS is_cursor_ref, p.has_default::tsql.bit AS has_default_value, false::tsql.bit AS is_xml_document, NULL::citext AS default_value, 0 AS xml_collection_id,
    false::tsql.bit AS is_readonly, true::tsql.bit AS is_nullable
  FROM routine_parameter_list p JOIN type_list t ON t.name = type_word(p.declared);
CREATE VIEW tsql_catalog.sql_modules AS
  SELECT m.object_id, m.definition::citext AS definition, true::tsql.bit AS uses_ansi_nulls, true::tsql.bit AS uses_quoted_identifier, false::tsql.bit AS is_schema_bound, true::tsql.bit AS uses_database_collation,
    false::tsql.bit AS is_recompiled, false::tsql.bit AS null_on_null_input, NULL::int AS execute_as_principal_id, false::tsql.bit AS uses_native_compilation, false::tsql.bit AS is_inlineable
  FROM (SELECT object_id, told->>'definition' AS definition FROM relation_list WHERE relkind = 'v' AND NOT shipped
    UNION ALL SELECT object_id, definition FROM routine_list WHERE NOT shipped) AS m;
CREATE VIEW tsql_catalog.all_sql_modules AS SELECT * FROM tsql_catalog.sql_modules;

CREATE VIEW tsql_catalog.extended_properties AS
  SELECT class::tsql.tinyint AS class, description::citext AS class_desc, major_id, minor_id, p.key::citext AS name, p.value::citext AS value, temporary
  FROM (SELECT 1 AS class, 'OBJECT_OR_COLUMN' AS description, object_id AS major_id, 0 AS minor_id, told, temporary FROM relation_list
    UNION ALL SELECT 1, 'OBJECT_OR_COLUMN', object_id, attnum::int4, told, temporary FROM column_list
    UNION ALL SELECT 1, 'OBJECT_OR_COLUMN', object_id, 0, told, temporary FROM constraint_list
    UNION ALL SELECT 3, 'SCHEMA', schema_id, 0, told_of('pg_namespace', oid), temporary FROM schema_list WHERE NOT temporary
    UNION ALL SELECT 7, 'INDEX', object_id, index_id, told_of('pg_class', oid), temporary FROM index_list) AS o(class, description, major_id, minor_id, told, temporary)
    CROSS JOIN LATERAL jsonb_each_text(told->'properties') AS p;

-- How much there is: as PostgreSQL counted when it last looked, in pages of 8 KB as SQL Server's
CREATE VIEW tsql_catalog.dm_db_partition_stats AS
  SELECT p.oid::int8 AS partition_id, i.object_id, i.index_id, 1 AS partition_number, p.relpages::int8 AS in_row_data_page_count, p.relpages::int8 AS in_row_used_page_count,
    p.relpages::int8 AS in_row_reserved_page_count, 0::int8 AS lob_used_page_count, 0::int8 AS lob_reserved_page_count, 0::int8 AS row_overflow_used_page_count,
    0::int8 AS row_overflow_reserved_page_count, p.relpages::int8 AS used_page_count, p.relpages::int8 AS reserved_page_count, greatest(c.reltuples, 0)::int8 AS row_count, i.temporary
  FROM (SELECT relid, oid, object_id, index_id, shipped, temporary FROM index_list
      UNION ALL SELECT oid, oid, object_id, 0, shipped, temporary FROM relation_list r WHERE relkind IN ('r', 'p') AND NOT EXISTS (SELECT FROM index_list x WHERE x.relid = r.oid AND x.index_id = 1)) AS i
    JOIN pg_catalog.pg_class c ON c.oid = i.relid JOIN pg_catalog.pg_class p ON p.oid = i.oid WHERE NOT i.shipped;

-- Of databases and sessions only the own one is seen
CREATE FUNCTION database() RETURNS citext STABLE PARALLEL SAFE LANGUAGE sql AS $$ SELECT coalesce(pg_catalog.current_setting('keyless.database', true), 'master')::citext $$;
CREATE VIEW tsql_catalog.databases AS
  SELECT database() AS name, 5 AS database_id, NULL::int AS source_database_id, NULL::bytea AS owner_sid, unknown_date() AS create_date, 160::tsql.tinyint AS compatibility_level,
    'SQL_Latin1_General_CP1_CI_AS'::citext AS collation_name, 0::tsql.tinyint AS user_access, 'MULTI_USER'::citext AS user_access_desc, false::tsql.bit AS is_read_only, false::tsql.bit AS is_auto_close_on,
    false::tsql.bit AS is_auto_shrink_on, 0::tsql.tinyint AS state, 'ONLINE'::citext AS state_desc, false::tsql.bit AS is_in_standby, false::tsql.bit AS is_cleanly_shutdown, 1::tsql.tinyint AS snapshot_isolation_state,
    'ON'::citext AS snapshot_isolation_state_desc, true::tsql.bit AS is_read_committed_snapshot_on, 1::tsql.tinyint AS recovery_model, 'FULL'::citext AS recovery_model_desc, 2::tsql.tinyint AS page_verify_option,
    'CHECKSUM'::citext AS page_verify_option_desc, true::tsql.bit AS is_ansi_nulls_on, true::tsql.bit AS is_ansi_padding_on, true::tsql.bit AS is_ansi_warnings_on, true::tsql.bit AS is_quoted_identifier_on,
    false::tsql.bit AS is_recursive_triggers_on, false::tsql.bit AS is_fulltext_enabled, false::tsql.bit AS is_trustworthy_on, false::tsql.bit AS is_broker_enabled, false::tsql.bit AS is_encrypted, 0::tsql.tinyint AS containment, 'NONE'::citext AS containment_desc;

-- The session's own row; what it alone knows is handed in
CREATE FUNCTION connected_since() RETURNS timestamptz STABLE LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
  $$ SELECT backend_start FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) $$;
CREATE VIEW tsql_catalog.dm_exec_sessions AS
  SELECT 50::int2 AS session_id, to_datetime(connected_since()::timestamp) AS login_time, NULL::citext AS host_name, NULL::citext AS program_name, NULL::int AS host_process_id, NULL::citext AS login_name, 'running'::citext AS status,
    0 AS cpu_time, 0 AS memory_usage, true::tsql.bit AS is_user_process, 4096 AS text_size, 'us_english'::citext AS language, 'ymd'::citext AS date_format, 7::int2 AS date_first, true::tsql.bit AS quoted_identifier,
    2::int2 AS transaction_isolation_level, -1 AS lock_timeout, NULL::citext AS original_login_name, 5::int2 AS database_id, 0 AS open_transaction_count;

-- There are none of these here
CREATE VIEW tsql_catalog.synonyms AS SELECT name, object_id, principal_id, schema_id, parent_object_id, type, type_desc, create_date, modify_date, is_ms_shipped, is_published, is_schema_published, NULL::citext AS base_object_name FROM tsql_catalog.all_objects WHERE false;
CREATE VIEW tsql_catalog.triggers AS SELECT name, object_id, 1::tsql.tinyint AS parent_class, 'OBJECT_OR_COLUMN'::citext AS parent_class_desc, object_id AS parent_id, type, type_desc, create_date, modify_date, is_ms_shipped,
  false::tsql.bit AS is_disabled, false::tsql.bit AS is_not_for_replication, false::tsql.bit AS is_instead_of_trigger FROM tsql_catalog.all_objects WHERE false;
CREATE VIEW tsql_catalog.fulltext_indexes AS SELECT object_id, object_id AS unique_index_id, object_id AS fulltext_catalog_id FROM tsql_catalog.all_objects WHERE false;
CREATE VIEW tsql_catalog.fulltext_catalogs AS SELECT object_id AS fulltext_catalog_id, name FROM tsql_catalog.all_objects WHERE false;
CREATE VIEW tsql_catalog.table_types AS SELECT name, object_id AS system_type_id, object_id AS user_type_id, schema_id, object_id AS type_table_object_id FROM tsql_catalog.all_objects WHERE false;
