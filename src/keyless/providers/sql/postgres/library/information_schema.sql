-- INFORMATION_SCHEMA, and the last step for every view of the tsql_catalog. Run after catalog.sql.
-- Source: Transact-SQL reference, "System information schema views".
SET search_path = tsql, pg_catalog;

CREATE VIEW tsql_information_schema.schemata AS SELECT database() AS catalog_name, name AS schema_name, 'dbo'::citext AS schema_owner, NULL::citext AS default_character_set_catalog,
  NULL::citext AS default_character_set_schema, 'UNICODE'::citext AS default_character_set_name FROM tsql_catalog.schemas;
CREATE VIEW tsql_information_schema.tables AS
  SELECT database() AS table_catalog, s.name AS table_schema, o.name AS table_name, (CASE o.type::text WHEN 'V' THEN 'VIEW' ELSE 'BASE TABLE' END)::citext AS table_type
  FROM tsql_catalog.objects o JOIN tsql_catalog.schemas s ON s.schema_id = o.schema_id WHERE o.type IN ('U'::citext, 'V'::citext) AND NOT o.temporary;
CREATE VIEW tsql_information_schema.columns AS
  SELECT database() AS table_catalog, s.name AS table_schema, l.table_name, c.name AS column_name, c.column_id AS ordinal_position, coalesce((l.told->>'default')::citext) AS column_default,
    (CASE WHEN l.attnotnull THEN 'NO' ELSE 'YES' END)::citext AS is_nullable, t.name AS data_type,
    CASE WHEN t.name IN ('xml'::citext) THEN -1 WHEN t.name IN ('nchar'::citext, 'nvarchar'::citext) AND c.max_length > 0 THEN c.max_length / 2
      WHEN t.name IN ('text'::citext, 'image'::citext) THEN 2147483647 WHEN t.name = 'ntext'::citext THEN 1073741823
      WHEN t.is_text OR t.name IN ('binary'::citext, 'varbinary'::citext) THEN c.max_length END::int4 AS character_maximum_length,
    CASE WHEN t.name IN ('text'::citext, 'image'::citext) THEN 2147483647 WHEN t.name = 'ntext'::citext THEN 2147483646
      WHEN t.is_text OR t.name IN ('binary'::citext, 'varbinary'::citext, 'xml'::citext) THEN c.max_length END::int4 AS character_octet_length,
    CASE WHEN t.system_type_id IN (48, 52, 56, 59, 60, 62, 106, 108, 122, 127) THEN c.precision END AS numeric_precision,
    CASE WHEN t.system_type_id IN (48, 52, 56, 60, 106, 108, 122, 127) THEN 10 WHEN t.system_type_id IN (59, 62) THEN 2 END::int2 AS numeric_precision_radix,
    CASE WHEN t.system_type_id IN (48, 52, 56, 60, 106, 108, 122, 127) THEN c.scale END::int4 AS numeric_scale,
    CASE WHEN t.system_type_id IN (40, 41, 42, 43, 58, 61) THEN c.scale END::int2 AS datetime_precision,
    NULL::citext AS character_set_catalog, NULL::citext AS character_set_schema, CASE WHEN t.is_text THEN CASE WHEN t.system_type_id IN (99, 231, 239) THEN 'UNICODE' ELSE 'iso_1' END END::citext AS character_set_name,
    NULL::citext AS collation_catalog, NULL::citext AS collation_schema, c.collation_name, NULL::citext AS domain_catalog, NULL::citext AS domain_schema, NULL::citext AS domain_name
  FROM column_list l JOIN tsql_catalog.columns c ON c.object_id = l.object_id AND c.column_id = l.attnum JOIN type_list t ON t.user_type_id = c.user_type_id
    JOIN tsql_catalog.schemas s ON s.schema_id = l.schema_id WHERE NOT l.temporary;
CREATE VIEW tsql_information_schema.views AS
  SELECT database() AS table_catalog, s.name AS table_schema, r.name AS table_name, CASE WHEN length(r.told->>'definition') <= 4000 THEN r.told->>'definition' END::citext AS view_definition,
    'NONE'::citext AS check_option, 'NO'::citext AS is_updatable
  FROM relation_list r JOIN tsql_catalog.schemas s ON s.schema_id = r.schema_id WHERE r.relkind = 'v' AND NOT r.shipped;
CREATE VIEW tsql_information_schema.table_constraints AS
  SELECT database() AS constraint_catalog, s.name AS constraint_schema, k.name AS constraint_name, database() AS table_catalog, s.name AS table_schema, k.table_name,
    (CASE k.contype WHEN 'p' THEN 'PRIMARY KEY' WHEN 'u' THEN 'UNIQUE' WHEN 'f' THEN 'FOREIGN KEY' ELSE 'CHECK' END)::citext AS constraint_type, 'NO'::citext AS is_deferrable, 'NO'::citext AS initially_deferred
  FROM constraint_list k JOIN tsql_catalog.schemas s ON s.schema_id = k.schema_id WHERE NOT k.temporary;
CREATE VIEW tsql_information_schema.key_column_usage AS
  SELECT database() AS constraint_catalog, s.name AS constraint_schema, k.name AS constraint_name, database() AS table_catalog, s.name AS table_schema, k.table_name, c.name AS column_name, p.place::int4 AS ordinal_position
  FROM constraint_list k CROSS JOIN LATERAL generate_subscripts(k.conkey, 1) AS p(place) JOIN column_list c ON c.oid = k.conrelid AND c.attnum = k.conkey[p.place]
    JOIN tsql_catalog.schemas s ON s.schema_id = k.schema_id WHERE k.contype IN ('p', 'u', 'f') AND NOT k.temporary;
CREATE VIEW tsql_information_schema.constraint_column_usage AS
  SELECT database() AS table_catalog, s.name AS table_schema, k.table_name, c.name AS column_name, database() AS constraint_catalog, s.name AS constraint_schema, k.name AS constraint_name
  FROM constraint_list k CROSS JOIN LATERAL generate_subscripts(k.conkey, 1) AS p(place) JOIN column_list c ON c.oid = k.conrelid AND c.attnum = k.conkey[p.place]
    JOIN tsql_catalog.schemas s ON s.schema_id = k.schema_id WHERE NOT k.temporary;
CREATE VIEW tsql_information_schema.constraint_table_usage AS
  SELECT table_catalog, table_schema, table_name, constraint_catalog, constraint_schema, constraint_name FROM tsql_information_schema.table_constraints;
CREATE VIEW tsql_information_schema.referential_constraints AS
  SELECT database() AS constraint_catalog, s.name AS constraint_schema, k.name AS constraint_name, database() AS unique_constraint_catalog, rs.name AS unique_constraint_schema, i.name AS unique_constraint_name,
    'SIMPLE'::citext AS match_option, action_name(k.confupdtype::text)::citext AS update_rule, action_name(k.confdeltype::text)::citext AS delete_rule
  FROM constraint_list k JOIN tsql_catalog.schemas s ON s.schema_id = k.schema_id JOIN relation_list r ON r.oid = k.confrelid JOIN tsql_catalog.schemas rs ON rs.schema_id = r.schema_id
    LEFT JOIN index_list i ON i.oid = k.conindid WHERE k.contype = 'f' AND NOT k.temporary;
CREATE VIEW tsql_information_schema.check_constraints AS
  SELECT database() AS constraint_catalog, s.name AS constraint_schema, k.name AS constraint_name, (k.told->>'definition')::citext AS check_clause
  FROM constraint_list k JOIN tsql_catalog.schemas s ON s.schema_id = k.schema_id WHERE k.contype = 'c' AND NOT k.temporary;
CREATE VIEW tsql_information_schema.sequences AS
  SELECT database() AS sequence_catalog, s.name AS sequence_schema, q.name AS sequence_name, t.name AS data_type, q.precision AS numeric_precision, 10::int2 AS numeric_precision_radix, q.scale::int4 AS numeric_scale,
    q.start_value, q.minimum_value, q.maximum_value, q.increment, q.is_cycling::int4 AS cycle_option, NULL::citext AS declared_data_type, NULL::int2 AS declared_numeric_precision, NULL::int4 AS declared_numeric_scale
  FROM tsql_catalog.sequences q JOIN tsql_catalog.schemas s ON s.schema_id = q.schema_id JOIN type_list t ON t.user_type_id = q.user_type_id WHERE NOT q.temporary;
CREATE VIEW tsql_information_schema.routines AS
  SELECT database() AS specific_catalog, s.name AS specific_schema, r.name AS specific_name, database() AS routine_catalog, s.name AS routine_schema, r.name AS routine_name,
    (CASE r.type WHEN 'P' THEN 'PROCEDURE' ELSE 'FUNCTION' END)::citext AS routine_type, type_word(p.declared) AS data_type, 'SQL'::citext AS routine_body,
    CASE WHEN length(r.definition) <= 4000 THEN r.definition END::citext AS routine_definition, unknown_date() AS created, unknown_date() AS last_altered
  FROM routine_list r JOIN tsql_catalog.schemas s ON s.schema_id = r.schema_id LEFT JOIN routine_parameter_list p ON p.object_id = r.object_id AND p.parameter_id = 0 WHERE NOT r.shipped;
CREATE VIEW tsql_information_schema.parameters AS
  SELECT database() AS specific_catalog, s.name AS specific_schema, r.name AS specific_name, p.parameter_id AS ordinal_position,
    (CASE WHEN p.parameter_id = 0 THEN 'OUT' WHEN p.is_output THEN 'INOUT' ELSE 'IN' END)::citext AS parameter_mode, (CASE WHEN p.parameter_id = 0 THEN 'YES' ELSE 'NO' END)::citext AS is_result,
    p.name AS parameter_name, type_word(p.declared) AS data_type, type_bytes(p.declared)::int4 AS character_octet_length, type_digits(p.declared) AS numeric_precision, type_scale(p.declared)::int4 AS numeric_scale
  FROM routine_parameter_list p JOIN routine_list r ON r.object_id = p.object_id JOIN tsql_catalog.schemas s ON s.schema_id = r.schema_id;

-- Into `sys` and `tempdb`, and the types and the capitals that clients are told
DO $do$ DECLARE v record; listed text; BEGIN
  FOR v IN SELECT c.oid, c.relname, EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'temporary') AS mixed
    FROM pg_class c WHERE relnamespace = 'tsql_catalog'::regnamespace AND relkind = 'v' LOOP
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO listed FROM pg_attribute WHERE attrelid = v.oid AND attname NOT IN ('temporary', '~shipped');
    EXECUTE format('CREATE VIEW sys.%1$I AS SELECT %2$s FROM tsql_catalog.%1$I%3$s', v.relname, listed, CASE WHEN v.mixed THEN ' WHERE NOT temporary' ELSE '' END);
    EXECUTE format('CREATE VIEW tsql_tempdb.%1$I AS SELECT %2$s FROM tsql_catalog.%1$I%3$s', v.relname, listed, CASE WHEN v.mixed THEN ' WHERE temporary' ELSE '' END);
  END LOOP;
  FOR v IN SELECT c.relnamespace::regnamespace::text AS schema, c.relname, a.attname,
      CASE WHEN c.relnamespace = 'tsql_information_schema'::regnamespace THEN upper(a.attname) ELSE a.attname END AS name,
      CASE WHEN declared(a.atttypid, a.atttypmod) <> 'nvarchar(max)' THEN declared(a.atttypid, a.atttypmod) WHEN a.attname = 'type' THEN 'char(2)' WHEN a.attname ~ '(definition|default|check_clause|value)$' THEN 'nvarchar(max)'
        WHEN a.attname ~ '_desc$|_rule$|_type$|_option$|^is_' THEN 'nvarchar(60)' ELSE 'nvarchar(128)' END AS type
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 WHERE c.relnamespace IN ('sys'::regnamespace, 'tsql_tempdb'::regnamespace, 'tsql_information_schema'::regnamespace) AND c.relkind = 'v' LOOP
    EXECUTE format('COMMENT ON COLUMN %s.%I.%I IS %L', v.schema, v.relname, v.attname, json_build_object('name', v.name, 'type', v.type));
  END LOOP;
  FOR v IN SELECT relname FROM pg_class WHERE relnamespace = 'tsql_information_schema'::regnamespace AND relkind = 'v' LOOP
    EXECUTE format('COMMENT ON VIEW tsql_information_schema.%I IS %L', v.relname, json_build_object('name', upper(v.relname)));
  END LOOP;
END $do$;
GRANT SELECT ON tsql.type_list TO PUBLIC;
GRANT USAGE ON SCHEMA sys, tsql_tempdb, tsql_information_schema TO PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA sys, tsql_tempdb, tsql_information_schema TO PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA tsql TO PUBLIC;
