-- SQL Server's catalog procedures, as functions of the schema `sys`: parameters and columns are called as there, and a
-- procedure with several results is several functions, `sp_help`, `sp_help;2`, … One that gives nothing returns void.
-- They run as who calls them. Run after metadata.sql.
-- Source: Transact-SQL reference, "Catalog stored procedures", "sp_help", "sp_rename", "sp_addextendedproperty".
SET search_path = tsql, pg_catalog;

-- A pattern with its escapes, or a name
CREATE FUNCTION matches(name citext, wanted citext, pattern boolean) RETURNS boolean IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$
  SELECT wanted IS NULL OR CASE WHEN pattern THEN tsql.is_like(name, wanted, '\'::tsql.citext) ELSE name = wanted END $$;
CREATE FUNCTION here(qualifier citext) RETURNS boolean STABLE PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN
  IF qualifier IS NOT NULL AND qualifier <> tsql.database() AND qualifier::text NOT IN ('', '%') THEN
    PERFORM tsql.fail(15250, 'The database name component of the object qualifier must be the name of the current database.'); END IF;
  RETURN true; END $$;

-- A type as ODBC describes it. What moments are called changed with ODBC 3.
CREATE FUNCTION odbc_type(declared text, version int) RETURNS TABLE (data_type int2, digits int, bytes int, scale int2, radix int2, sql_type int2, sub int2, octets int) IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$
  SELECT (CASE WHEN version < 3 AND k IN ('datetime', 'datetime2', 'smalldatetime') THEN 11 WHEN version < 3 AND k IN ('date', 'time', 'datetimeoffset') THEN -9 ELSE code END)::int2,
    CASE WHEN k IN ('char', 'varchar', 'binary', 'varbinary') THEN greatest(b, 0) WHEN k IN ('nchar', 'nvarchar', 'sysname') THEN greatest(b / 2, 0) WHEN k IN ('text', 'image') THEN 2147483647 WHEN k = 'ntext' THEN 1073741823
      WHEN k = 'uniqueidentifier' THEN 36 WHEN k = 'xml' THEN 0 WHEN k = 'timestamp' THEN 8 WHEN k = 'float' THEN 53 ELSE p END,
    CASE WHEN k IN ('char', 'varchar', 'nchar', 'nvarchar', 'sysname', 'binary', 'varbinary') THEN greatest(b, 0) WHEN k IN ('text', 'image') THEN 2147483647 WHEN k = 'ntext' THEN 2147483646 WHEN k IN ('decimal', 'numeric') THEN p + 2
      WHEN k = 'money' THEN 21 WHEN k = 'smallmoney' THEN 12 WHEN k IN ('datetime', 'datetime2', 'smalldatetime') THEN 16 WHEN k = 'date' THEN 6 WHEN k = 'time' THEN 12 WHEN k = 'datetimeoffset' THEN 20 WHEN k = 'xml' THEN 0 ELSE b END,
    (CASE WHEN k IN ('int', 'bigint', 'smallint', 'tinyint', 'decimal', 'numeric', 'money', 'smallmoney', 'datetime', 'datetime2', 'datetimeoffset', 'time', 'smalldatetime') THEN s END)::int2,
    (CASE WHEN k IN ('int', 'bigint', 'smallint', 'tinyint', 'decimal', 'numeric', 'money', 'smallmoney') THEN 10 WHEN k IN ('float', 'real') THEN 2 END)::int2,
    (CASE WHEN k IN ('date', 'datetime', 'datetime2', 'smalldatetime') THEN 9 ELSE code END)::int2, (CASE WHEN k IN ('datetime', 'datetime2', 'smalldatetime') THEN 3 WHEN k = 'date' THEN 1 END)::int2,
    CASE WHEN k IN ('char', 'varchar', 'nchar', 'nvarchar', 'sysname', 'binary', 'varbinary') THEN greatest(b, 0) WHEN k IN ('text', 'image') THEN 2147483647 WHEN k = 'ntext' THEN 2147483646 END
  FROM (SELECT type_word(declared)::text, type_bytes(declared)::int, type_digits(declared)::int, type_scale(declared)::int) AS t(k, b, p, s)
    CROSS JOIN LATERAL (SELECT CASE k WHEN 'bit' THEN -7 WHEN 'tinyint' THEN -6 WHEN 'smallint' THEN 5 WHEN 'int' THEN 4 WHEN 'bigint' THEN -5 WHEN 'real' THEN 7 WHEN 'float' THEN 6 WHEN 'decimal' THEN 3 WHEN 'numeric' THEN 2
      WHEN 'money' THEN 3 WHEN 'smallmoney' THEN 3 WHEN 'char' THEN 1 WHEN 'varchar' THEN 12 WHEN 'text' THEN -1 WHEN 'nchar' THEN -8 WHEN 'nvarchar' THEN -9 WHEN 'sysname' THEN -9 WHEN 'ntext' THEN -10 WHEN 'binary' THEN -2
      WHEN 'varbinary' THEN -3 WHEN 'timestamp' THEN -2 WHEN 'image' THEN -4 WHEN 'date' THEN 91 WHEN 'time' THEN -154 WHEN 'datetime' THEN 93 WHEN 'datetime2' THEN 93 WHEN 'smalldatetime' THEN 93 WHEN 'datetimeoffset' THEN -155
      WHEN 'uniqueidentifier' THEN -11 WHEN 'xml' THEN -152 ELSE -150 END) AS c(code) $$;
-- A type's declaration from its numbers in the catalog
CREATE FUNCTION type_said(word citext, bytes int2, digits int2, scale int2) RETURNS text IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT CASE WHEN word::text IN ('nvarchar', 'nchar') AND bytes > 0 THEN format('%s(%s)', word, bytes / 2) WHEN word::text IN ('varchar', 'char', 'nvarchar', 'varbinary', 'binary') THEN format('%s(%s)', word, CASE bytes WHEN -1 THEN 'max' ELSE bytes::text END)
    WHEN word::text IN ('decimal', 'numeric') THEN format('%s(%s,%s)', word, digits, scale) WHEN word::text IN ('time', 'datetime2', 'datetimeoffset') THEN format('%s(%s)', word, scale) ELSE word::text END $$;
-- The type's number in the oldest protocol, which is another one where NULL is allowed
CREATE FUNCTION old_type(word citext, nullable boolean) RETURNS tsql.tinyint IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$
  SELECT (CASE word::text WHEN 'int' THEN CASE WHEN nullable THEN 38 ELSE 56 END WHEN 'smallint' THEN CASE WHEN nullable THEN 38 ELSE 52 END WHEN 'tinyint' THEN CASE WHEN nullable THEN 38 ELSE 48 END WHEN 'bigint' THEN CASE WHEN nullable THEN 38 ELSE 63 END
    WHEN 'bit' THEN 50 WHEN 'float' THEN CASE WHEN nullable THEN 109 ELSE 62 END WHEN 'real' THEN CASE WHEN nullable THEN 109 ELSE 59 END WHEN 'money' THEN CASE WHEN nullable THEN 110 ELSE 60 END WHEN 'smallmoney' THEN CASE WHEN nullable THEN 110 ELSE 122 END
    WHEN 'datetime' THEN CASE WHEN nullable THEN 111 ELSE 61 END WHEN 'smalldatetime' THEN CASE WHEN nullable THEN 111 ELSE 58 END WHEN 'decimal' THEN 106 WHEN 'numeric' THEN 108 WHEN 'char' THEN 47 WHEN 'varchar' THEN 39 WHEN 'nchar' THEN 47 WHEN 'nvarchar' THEN 39
    WHEN 'binary' THEN 45 WHEN 'varbinary' THEN 37 WHEN 'timestamp' THEN 45 WHEN 'text' THEN 35 WHEN 'ntext' THEN 35 WHEN 'image' THEN 34 WHEN 'uniqueidentifier' THEN 37 WHEN 'sql_variant' THEN 39 ELSE 0 END)::tsql.tinyint $$;

CREATE FUNCTION sys.sp_tables("@table_name" citext DEFAULT NULL, "@table_owner" citext DEFAULT NULL, "@table_qualifier" citext DEFAULT NULL, "@table_type" citext DEFAULT NULL, "@fUsePattern" tsql.bit DEFAULT true)
  RETURNS TABLE ("TABLE_QUALIFIER" citext, "TABLE_OWNER" citext, "TABLE_NAME" citext, "TABLE_TYPE" citext, "REMARKS" citext) STABLE LANGUAGE plpgsql AS $$
BEGIN
  IF "@table_qualifier"::text = '%' AND "@table_owner"::text = '' AND "@table_name"::text = '' THEN
    RETURN QUERY SELECT d.name, NULL::citext, NULL::citext, NULL::citext, NULL::citext FROM sys.databases d;
  ELSIF "@table_owner"::text = '%' AND "@table_qualifier"::text = '' AND "@table_name"::text = '' THEN
    RETURN QUERY SELECT NULL::citext, s.name, NULL::citext, NULL::citext, NULL::citext FROM sys.schemas s ORDER BY 2;
  ELSIF "@table_type"::text = '%' AND "@table_qualifier"::text = '' AND "@table_owner"::text = '' AND "@table_name"::text = '' THEN
    RETURN QUERY SELECT NULL::citext, NULL::citext, NULL::citext, t::citext, NULL::citext FROM unnest(ARRAY['SYSTEM TABLE', 'TABLE', 'VIEW']) AS t;
  ELSE
    PERFORM tsql.here("@table_qualifier");
    RETURN QUERY SELECT tsql.database(), s.name, o.name, t.kind, NULL::citext
      FROM sys.all_objects o JOIN sys.schemas s ON s.schema_id = o.schema_id CROSS JOIN LATERAL (SELECT (CASE o.type::text WHEN 'U' THEN 'TABLE' ELSE 'VIEW' END)::citext) AS t(kind)
      WHERE o.type IN ('U'::citext, 'V'::citext) AND tsql.matches(o.name, nullif("@table_name"::text, '')::citext, "@fUsePattern"::boolean) AND tsql.matches(s.name, nullif("@table_owner"::text, '')::citext, "@fUsePattern"::boolean)
        AND ("@table_type" IS NULL OR "@table_type"::text IN ('', '%') OR t.kind = ANY (SELECT btrim(w, ' ''')::citext FROM string_to_table("@table_type"::text, ',') w))
      ORDER BY 4, 1, 2, 3;
  END IF;
END $$;

-- What ODBC's driver calls where the database is a pattern; here there is one to match
CREATE FUNCTION sys.sp_tableswc("@table_name" citext DEFAULT NULL, "@table_owner" citext DEFAULT NULL, "@table_qualifier" citext DEFAULT NULL, "@table_type" citext DEFAULT NULL, "@fUsePattern" tsql.bit DEFAULT true)
  RETURNS TABLE ("TABLE_QUALIFIER" citext, "TABLE_OWNER" citext, "TABLE_NAME" citext, "TABLE_TYPE" citext, "REMARKS" citext) STABLE LANGUAGE sql AS $$
  SELECT * FROM sys.sp_tables("@table_name", "@table_owner", CASE WHEN "@table_owner"::text = '' AND "@table_name"::text = '' THEN "@table_qualifier" END, "@table_type", "@fUsePattern") AS t
  WHERE matches(database(), "@table_qualifier", "@fUsePattern"::boolean) $$;

CREATE FUNCTION sys.sp_columns_100("@table_name" citext, "@table_owner" citext DEFAULT NULL, "@table_qualifier" citext DEFAULT NULL, "@column_name" citext DEFAULT NULL, "@NameScope" int DEFAULT 0, "@ODBCVer" int DEFAULT 2, "@fUsePattern" tsql.bit DEFAULT true)
  RETURNS TABLE ("TABLE_QUALIFIER" citext, "TABLE_OWNER" citext, "TABLE_NAME" citext, "COLUMN_NAME" citext, "DATA_TYPE" int2, "TYPE_NAME" citext, "PRECISION" int, "LENGTH" int, "SCALE" int2, "RADIX" int2, "NULLABLE" int2,
    "REMARKS" citext, "COLUMN_DEF" citext, "SQL_DATA_TYPE" int2, "SQL_DATETIME_SUB" int2, "CHAR_OCTET_LENGTH" int, "ORDINAL_POSITION" int, "IS_NULLABLE" citext, "SS_IS_SPARSE" int2, "SS_IS_COLUMN_SET" int2, "SS_IS_COMPUTED" int2,
    "SS_IS_IDENTITY" int2, "SS_UDT_CATALOG_NAME" citext, "SS_UDT_SCHEMA_NAME" citext, "SS_UDT_ASSEMBLY_TYPE_NAME" citext, "SS_XML_SCHEMACOLLECTION_CATALOG_NAME" citext, "SS_XML_SCHEMACOLLECTION_SCHEMA_NAME" citext,
    "SS_XML_SCHEMACOLLECTION_NAME" citext, "SS_DATA_TYPE" tsql.tinyint) STABLE LANGUAGE sql AS $$
  SELECT database(), s.name, o.name, c.name, t.data_type, (y.name::text || CASE WHEN c.is_identity::boolean THEN ' identity' ELSE '' END)::citext, t.digits, t.bytes, t.scale, t.radix, c.is_nullable::int4::int2, NULL::citext, d.definition,
    t.sql_type, t.sub, t.octets, row_number() OVER (PARTITION BY c.object_id ORDER BY c.column_id)::int4, (CASE WHEN c.is_nullable::boolean THEN 'YES' ELSE 'NO' END)::citext, 0::int2, 0::int2, c.is_computed::int4::int2, c.is_identity::int4::int2,
    NULL::citext, NULL::citext, NULL::citext, NULL::citext, NULL::citext, NULL::citext, old_type(y.name, c.is_nullable::boolean)
  FROM sys.all_columns c JOIN sys.all_objects o ON o.object_id = c.object_id JOIN sys.schemas s ON s.schema_id = o.schema_id JOIN tsql.type_list y ON y.user_type_id = c.user_type_id
    LEFT JOIN sys.default_constraints d ON d.object_id = c.default_object_id
    CROSS JOIN LATERAL odbc_type(tsql.type_said(y.name, c.max_length, c.precision, c.scale), "@ODBCVer") AS t
  WHERE here("@table_qualifier") AND matches(o.name, "@table_name", "@fUsePattern"::boolean) AND matches(s.name, "@table_owner", "@fUsePattern"::boolean) AND matches(c.name, nullif("@column_name"::text, '')::citext, "@fUsePattern"::boolean)
  ORDER BY s.name, o.name, c.column_id $$;
CREATE FUNCTION sys.sp_columns_90("@table_name" citext, "@table_owner" citext DEFAULT NULL, "@table_qualifier" citext DEFAULT NULL, "@column_name" citext DEFAULT NULL, "@ODBCVer" int DEFAULT 2)
  RETURNS TABLE ("TABLE_QUALIFIER" citext, "TABLE_OWNER" citext, "TABLE_NAME" citext, "COLUMN_NAME" citext, "DATA_TYPE" int2, "TYPE_NAME" citext, "PRECISION" int, "LENGTH" int, "SCALE" int2, "RADIX" int2, "NULLABLE" int2, "REMARKS" citext, "COLUMN_DEF" citext, "SQL_DATA_TYPE" int2, "SQL_DATETIME_SUB" int2, "CHAR_OCTET_LENGTH" int, "ORDINAL_POSITION" int, "IS_NULLABLE" citext, "SS_DATA_TYPE" tsql.tinyint) STABLE LANGUAGE sql AS $$
  SELECT "TABLE_QUALIFIER", "TABLE_OWNER", "TABLE_NAME", "COLUMN_NAME", "DATA_TYPE", "TYPE_NAME", "PRECISION", "LENGTH", "SCALE", "RADIX", "NULLABLE", "REMARKS", "COLUMN_DEF", "SQL_DATA_TYPE", "SQL_DATETIME_SUB", "CHAR_OCTET_LENGTH", "ORDINAL_POSITION", "IS_NULLABLE", "SS_DATA_TYPE" FROM sys.sp_columns_100("@table_name", "@table_owner", "@table_qualifier", "@column_name", 0, "@ODBCVer", true::tsql.bit) $$;
CREATE FUNCTION sys.sp_columns("@table_name" citext, "@table_owner" citext DEFAULT NULL, "@table_qualifier" citext DEFAULT NULL, "@column_name" citext DEFAULT NULL, "@ODBCVer" int DEFAULT 2)
  RETURNS TABLE ("TABLE_QUALIFIER" citext, "TABLE_OWNER" citext, "TABLE_NAME" citext, "COLUMN_NAME" citext, "DATA_TYPE" int2, "TYPE_NAME" citext, "PRECISION" int, "LENGTH" int, "SCALE" int2, "RADIX" int2, "NULLABLE" int2, "REMARKS" citext, "COLUMN_DEF" citext, "SQL_DATA_TYPE" int2, "SQL_DATETIME_SUB" int2, "CHAR_OCTET_LENGTH" int, "ORDINAL_POSITION" int, "IS_NULLABLE" citext, "SS_DATA_TYPE" tsql.tinyint) STABLE LANGUAGE sql AS $$
  SELECT * FROM sys.sp_columns_90("@table_name", "@table_owner", "@table_qualifier", "@column_name", "@ODBCVer") $$;

CREATE FUNCTION sys.sp_pkeys("@table_name" citext, "@table_owner" citext DEFAULT NULL, "@table_qualifier" citext DEFAULT NULL)
  RETURNS TABLE ("TABLE_QUALIFIER" citext, "TABLE_OWNER" citext, "TABLE_NAME" citext, "COLUMN_NAME" citext, "KEY_SEQ" int2, "PK_NAME" citext) STABLE LANGUAGE sql AS $$
  SELECT database(), s.name, o.name, c.name, i.key_ordinal::int2, k.name
  FROM sys.key_constraints k JOIN sys.objects o ON o.object_id = k.parent_object_id JOIN sys.schemas s ON s.schema_id = o.schema_id JOIN sys.index_columns i ON i.object_id = o.object_id AND i.index_id = k.unique_index_id AND i.key_ordinal > 0
    JOIN sys.columns c ON c.object_id = o.object_id AND c.column_id = i.column_id
  WHERE here("@table_qualifier") AND k.type = 'PK'::citext AND o.name = "@table_name" AND ("@table_owner" IS NULL OR s.name = "@table_owner") ORDER BY 1, 2, 3, 5 $$;
CREATE FUNCTION sys.sp_fkeys("@pktable_name" citext DEFAULT NULL, "@pktable_owner" citext DEFAULT NULL, "@pktable_qualifier" citext DEFAULT NULL, "@fktable_name" citext DEFAULT NULL, "@fktable_owner" citext DEFAULT NULL, "@fktable_qualifier" citext DEFAULT NULL)
  RETURNS TABLE ("PKTABLE_QUALIFIER" citext, "PKTABLE_OWNER" citext, "PKTABLE_NAME" citext, "PKCOLUMN_NAME" citext, "FKTABLE_QUALIFIER" citext, "FKTABLE_OWNER" citext, "FKTABLE_NAME" citext, "FKCOLUMN_NAME" citext, "KEY_SEQ" int2,
    "UPDATE_RULE" int2, "DELETE_RULE" int2, "FK_NAME" citext, "PK_NAME" citext, "DEFERRABILITY" int2) STABLE LANGUAGE sql AS $$
  SELECT database(), ps.name, p.name, pc.name, database(), fs.name, o.name, fc.name, l.constraint_column_id::int2, (ARRAY[1, 0, 2, 3])[f.update_referential_action + 1]::int2, (ARRAY[1, 0, 2, 3])[f.delete_referential_action + 1]::int2, f.name, i.name, 7::int2
  FROM sys.foreign_keys f JOIN sys.foreign_key_columns l ON l.constraint_object_id = f.object_id JOIN sys.objects o ON o.object_id = f.parent_object_id JOIN sys.schemas fs ON fs.schema_id = o.schema_id
    JOIN sys.objects p ON p.object_id = f.referenced_object_id JOIN sys.schemas ps ON ps.schema_id = p.schema_id JOIN sys.columns fc ON fc.object_id = o.object_id AND fc.column_id = l.parent_column_id
    JOIN sys.columns pc ON pc.object_id = p.object_id AND pc.column_id = l.referenced_column_id LEFT JOIN sys.indexes i ON i.object_id = p.object_id AND i.index_id = f.key_index_id
  WHERE here("@pktable_qualifier") AND here("@fktable_qualifier") AND ("@pktable_name" IS NULL OR p.name = "@pktable_name") AND ("@pktable_owner" IS NULL OR ps.name = "@pktable_owner")
    AND ("@fktable_name" IS NULL OR o.name = "@fktable_name") AND ("@fktable_owner" IS NULL OR fs.name = "@fktable_owner") AND ("@pktable_name" IS NOT NULL OR "@fktable_name" IS NOT NULL)
  ORDER BY CASE WHEN "@pktable_name" IS NULL THEN ps.name ELSE fs.name END, CASE WHEN "@pktable_name" IS NULL THEN p.name ELSE o.name END, f.name, 9 $$;
CREATE FUNCTION sys.sp_statistics_100("@table_name" citext, "@table_owner" citext DEFAULT NULL, "@table_qualifier" citext DEFAULT NULL, "@index_name" citext DEFAULT '%', "@is_unique" citext DEFAULT 'N', "@accuracy" citext DEFAULT 'Q')
  RETURNS TABLE ("TABLE_QUALIFIER" citext, "TABLE_OWNER" citext, "TABLE_NAME" citext, "NON_UNIQUE" int2, "INDEX_QUALIFIER" citext, "INDEX_NAME" citext, "TYPE" int2, "SEQ_IN_INDEX" int2, "COLUMN_NAME" citext, "COLLATION" citext,
    "CARDINALITY" int, "PAGES" int, "FILTER_CONDITION" citext) STABLE LANGUAGE sql AS $$
  SELECT database(), s.name, o.name, NULL::int2, NULL::citext, NULL::citext, 0::int2, NULL::int2, NULL::citext, NULL::citext, NULL::int, NULL::int, NULL::citext
  FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id WHERE here("@table_qualifier") AND o.name = "@table_name" AND ("@table_owner" IS NULL OR s.name = "@table_owner") AND o.type IN ('U'::citext, 'V'::citext)
  UNION ALL (SELECT database(), s.name, o.name, 1 - i.is_unique::int4::int2, o.name, i.name, (CASE i.type WHEN 1 THEN 1 ELSE 3 END)::int2, x.key_ordinal::int2, c.name, (CASE WHEN x.is_descending_key::boolean THEN 'D' ELSE 'A' END)::citext, NULL, NULL, i.filter_definition
  FROM sys.indexes i JOIN sys.objects o ON o.object_id = i.object_id JOIN sys.schemas s ON s.schema_id = o.schema_id JOIN sys.index_columns x ON x.object_id = i.object_id AND x.index_id = i.index_id AND x.key_ordinal > 0
    JOIN sys.columns c ON c.object_id = i.object_id AND c.column_id = x.column_id
  WHERE o.name = "@table_name" AND ("@table_owner" IS NULL OR s.name = "@table_owner") AND matches(i.name, "@index_name", true) AND ("@is_unique" <> 'Y'::citext OR i.is_unique::boolean) ORDER BY 4, 7, 6, 8) $$;
CREATE FUNCTION sys.sp_statistics("@table_name" citext, "@table_owner" citext DEFAULT NULL, "@table_qualifier" citext DEFAULT NULL, "@index_name" citext DEFAULT '%', "@is_unique" citext DEFAULT 'N', "@accuracy" citext DEFAULT 'Q')
  RETURNS TABLE ("TABLE_QUALIFIER" citext, "TABLE_OWNER" citext, "TABLE_NAME" citext, "NON_UNIQUE" int2, "INDEX_QUALIFIER" citext, "INDEX_NAME" citext, "TYPE" int2, "SEQ_IN_INDEX" int2, "COLUMN_NAME" citext, "COLLATION" citext,
    "CARDINALITY" int, "PAGES" int, "FILTER_CONDITION" citext) STABLE LANGUAGE sql AS $$ SELECT * FROM sys.sp_statistics_100("@table_name", "@table_owner", "@table_qualifier", "@index_name", "@is_unique", "@accuracy") $$;
-- What identifies a row: the primary key, or else the first unique index whose columns are never NULL
CREATE FUNCTION sys.sp_special_columns_100("@table_name" citext, "@table_owner" citext DEFAULT NULL, "@table_qualifier" citext DEFAULT NULL, "@col_type" citext DEFAULT 'R', "@scope" citext DEFAULT 'T', "@nullable" citext DEFAULT 'U', "@ODBCVer" int DEFAULT 2)
  RETURNS TABLE ("SCOPE" int2, "COLUMN_NAME" citext, "DATA_TYPE" int2, "TYPE_NAME" citext, "PRECISION" int, "LENGTH" int, "SCALE" int2, "PSEUDO_COLUMN" int2) STABLE LANGUAGE sql AS $$
  SELECT CASE WHEN "@col_type" = 'V'::citext THEN NULL WHEN "@scope" = 'C'::citext THEN 0 ELSE 1 END::int2, c.name, t.data_type, y.name, t.digits, t.bytes, t.scale, 1::int2
  FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id JOIN sys.columns c ON c.object_id = o.object_id JOIN tsql.type_list y ON y.user_type_id = c.user_type_id
    CROSS JOIN LATERAL odbc_type(type_said(y.name, c.max_length, c.precision, c.scale), "@ODBCVer") AS t
    LEFT JOIN LATERAL (SELECT i.index_id FROM sys.indexes i WHERE i.object_id = o.object_id AND i.is_unique::boolean AND i.filter_definition IS NULL
      AND NOT EXISTS (SELECT FROM sys.index_columns n JOIN sys.columns m ON m.object_id = n.object_id AND m.column_id = n.column_id WHERE n.object_id = i.object_id AND n.index_id = i.index_id AND n.key_ordinal > 0 AND m.is_nullable::boolean AND "@nullable" = 'O'::citext)
      ORDER BY i.is_primary_key::boolean DESC, i.index_id LIMIT 1) AS best ON true
    LEFT JOIN sys.index_columns x ON x.object_id = o.object_id AND x.index_id = best.index_id AND x.column_id = c.column_id AND x.key_ordinal > 0
  WHERE here("@table_qualifier") AND o.name = "@table_name" AND ("@table_owner" IS NULL OR s.name = "@table_owner") AND CASE WHEN "@col_type" = 'V'::citext THEN y.name = 'timestamp'::citext ELSE x.column_id IS NOT NULL END ORDER BY x.key_ordinal $$;
CREATE FUNCTION sys.sp_special_columns_90("@table_name" citext, "@table_owner" citext DEFAULT NULL, "@table_qualifier" citext DEFAULT NULL, "@col_type" citext DEFAULT 'R', "@scope" citext DEFAULT 'T', "@nullable" citext DEFAULT 'U', "@ODBCVer" int DEFAULT 2)
  RETURNS TABLE ("SCOPE" int2, "COLUMN_NAME" citext, "DATA_TYPE" int2, "TYPE_NAME" citext, "PRECISION" int, "LENGTH" int, "SCALE" int2, "PSEUDO_COLUMN" int2) STABLE LANGUAGE sql AS $$
  SELECT * FROM sys.sp_special_columns_100("@table_name", "@table_owner", "@table_qualifier", "@col_type", "@scope", "@nullable", "@ODBCVer") $$;
CREATE FUNCTION sys.sp_special_columns("@table_name" citext, "@table_owner" citext DEFAULT NULL, "@table_qualifier" citext DEFAULT NULL, "@col_type" citext DEFAULT 'R', "@scope" citext DEFAULT 'T', "@nullable" citext DEFAULT 'U', "@ODBCVer" int DEFAULT 2)
  RETURNS TABLE ("SCOPE" int2, "COLUMN_NAME" citext, "DATA_TYPE" int2, "TYPE_NAME" citext, "PRECISION" int, "LENGTH" int, "SCALE" int2, "PSEUDO_COLUMN" int2) STABLE LANGUAGE sql AS $$
  SELECT * FROM sys.sp_special_columns_100("@table_name", "@table_owner", "@table_qualifier", "@col_type", "@scope", "@nullable", "@ODBCVer") $$;
CREATE FUNCTION sys.sp_stored_procedures("@sp_name" citext DEFAULT NULL, "@sp_owner" citext DEFAULT NULL, "@sp_qualifier" citext DEFAULT NULL, "@fUsePattern" tsql.bit DEFAULT true)
  RETURNS TABLE ("PROCEDURE_QUALIFIER" citext, "PROCEDURE_OWNER" citext, "PROCEDURE_NAME" citext, "NUM_INPUT_PARAMS" int, "NUM_OUTPUT_PARAMS" int, "NUM_RESULT_SETS" int, "REMARKS" citext, "PROCEDURE_TYPE" int2) STABLE LANGUAGE sql AS $$
  SELECT database(), s.name, (o.name::text || CASE o.type::text WHEN 'P' THEN ';1' ELSE ';0' END)::citext, -1, -1, -1, NULL::citext, 2::int2
  FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id
  WHERE here("@sp_qualifier") AND o.type IN ('P'::citext, 'FN'::citext, 'IF'::citext, 'TF'::citext) AND matches(o.name, "@sp_name", "@fUsePattern"::boolean) AND matches(s.name, "@sp_owner", "@fUsePattern"::boolean) ORDER BY 1, 2, 3 $$;
CREATE FUNCTION sys.sp_sproc_columns_100("@procedure_name" citext DEFAULT '%', "@procedure_owner" citext DEFAULT NULL, "@procedure_qualifier" citext DEFAULT NULL, "@column_name" citext DEFAULT NULL, "@ODBCVer" int DEFAULT 2, "@fUsePattern" tsql.bit DEFAULT true)
  RETURNS TABLE ("PROCEDURE_QUALIFIER" citext, "PROCEDURE_OWNER" citext, "PROCEDURE_NAME" citext, "COLUMN_NAME" citext, "COLUMN_TYPE" int2, "DATA_TYPE" int2, "TYPE_NAME" citext, "PRECISION" int, "LENGTH" int, "SCALE" int2, "RADIX" int2,
    "NULLABLE" int2, "REMARKS" citext, "COLUMN_DEF" citext, "SQL_DATA_TYPE" int2, "SQL_DATETIME_SUB" int2, "CHAR_OCTET_LENGTH" int, "ORDINAL_POSITION" int, "IS_NULLABLE" citext, "SS_DATA_TYPE" tsql.tinyint) STABLE LANGUAGE sql AS $$
  SELECT database(), s.name, (o.name::text || CASE o.type::text WHEN 'P' THEN ';1' ELSE ';0' END)::citext, p.name, p.place::int2, t.data_type, p.word, t.digits, t.bytes, t.scale, t.radix, 1::int2, NULL::citext, NULL::citext, t.sql_type, t.sub, t.octets,
    p.number, 'YES'::citext, old_type(p.word, true)
  FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id JOIN LATERAL (
      SELECT m.name, CASE WHEN m.parameter_id = 0 THEN 5 WHEN m.is_output::boolean THEN 2 ELSE 1 END AS place, y.name AS word, type_said(y.name, m.max_length, m.precision, m.scale) AS said, m.parameter_id AS number
        FROM sys.parameters m JOIN tsql.type_list y ON y.user_type_id = m.user_type_id WHERE m.object_id = o.object_id
      UNION ALL SELECT '@RETURN_VALUE', 5, 'int', 'int', 0 WHERE o.type = 'P'::citext) AS p ON true CROSS JOIN LATERAL odbc_type(p.said, "@ODBCVer") AS t
  WHERE here("@procedure_qualifier") AND matches(o.name, split_part("@procedure_name"::text, ';', 1)::citext, "@fUsePattern"::boolean) AND matches(s.name, "@procedure_owner", "@fUsePattern"::boolean) AND matches(p.name, "@column_name", "@fUsePattern"::boolean)
  ORDER BY 1, 2, 3, p.number $$;
CREATE FUNCTION sys.sp_sproc_columns("@procedure_name" citext DEFAULT '%', "@procedure_owner" citext DEFAULT NULL, "@procedure_qualifier" citext DEFAULT NULL, "@column_name" citext DEFAULT NULL, "@ODBCVer" int DEFAULT 2, "@fUsePattern" tsql.bit DEFAULT true)
  RETURNS TABLE ("PROCEDURE_QUALIFIER" citext, "PROCEDURE_OWNER" citext, "PROCEDURE_NAME" citext, "COLUMN_NAME" citext, "COLUMN_TYPE" int2, "DATA_TYPE" int2, "TYPE_NAME" citext, "PRECISION" int, "LENGTH" int, "SCALE" int2, "RADIX" int2,
    "NULLABLE" int2, "REMARKS" citext, "COLUMN_DEF" citext, "SQL_DATA_TYPE" int2, "SQL_DATETIME_SUB" int2, "CHAR_OCTET_LENGTH" int, "ORDINAL_POSITION" int, "IS_NULLABLE" citext, "SS_DATA_TYPE" tsql.tinyint) STABLE LANGUAGE sql AS $$
  SELECT * FROM sys.sp_sproc_columns_100("@procedure_name", "@procedure_owner", "@procedure_qualifier", "@column_name", "@ODBCVer", "@fUsePattern") $$;
CREATE FUNCTION sys.sp_databases() RETURNS TABLE ("DATABASE_NAME" citext, "DATABASE_SIZE" int, "REMARKS" citext) STABLE LANGUAGE sql AS $$ SELECT database(), NULL::int, NULL::citext $$;
CREATE FUNCTION sys.sp_server_info("@attribute_id" int DEFAULT NULL) RETURNS TABLE ("ATTRIBUTE_ID" int, "ATTRIBUTE_NAME" citext, "ATTRIBUTE_VALUE" citext) STABLE LANGUAGE sql AS $$
  SELECT i, n::citext, v::citext FROM (VALUES (1, 'DBMS_NAME', 'Microsoft SQL Server'), (2, 'DBMS_VER', 'Microsoft SQL Server 2022 - 16.0.1000.6'), (10, 'OWNER_TERM', 'owner'), (11, 'TABLE_TERM', 'table'), (12, 'MAX_OWNER_NAME_LENGTH', '128'),
    (13, 'TABLE_LENGTH', '128'), (14, 'MAX_QUAL_LENGTH', '128'), (15, 'COLUMN_LENGTH', '128'), (16, 'IDENTIFIER_CASE', 'MIXED'), (17, 'TX_ISOLATION', '2'), (18, 'COLLATION_SEQ', 'charset=iso_1 sort_order=nocase_iso charset_num=1 sort_order_num=52'),
    (19, 'SAVEPOINT_SUPPORT', 'Y'), (20, 'MULTI_RESULT_SETS', 'Y'), (22, 'ACCESSIBLE_TABLES', 'Y'), (100, 'USERID_LENGTH', '128'), (101, 'QUALIFIER_TERM', 'database'), (102, 'NAMED_TRANSACTIONS', 'Y'), (103, 'SPROC_AS_LANGUAGE', 'Y'),
    (104, 'ACCESSIBLE_SPROC', 'Y'), (105, 'MAX_INDEX_COLS', '16'), (106, 'RENAME_TABLE', 'Y'), (107, 'RENAME_COLUMN', 'Y'), (108, 'DROP_COLUMN', 'Y'), (109, 'INCREASE_COLUMN_LENGTH', 'Y'), (110, 'DDL_IN_TRANSACTION', 'Y'), (111, 'DESCENDING_INDEXES', 'Y'),
    (112, 'SP_RENAME', 'Y'), (113, 'REMOTE_SPROC', 'Y'), (500, 'SYS_SPROC_VERSION', '16.00.1000')) AS a(i, n, v) WHERE "@attribute_id" IS NULL OR i = "@attribute_id" $$;
-- What SQL Server would list for the table's owner: the owner has all, others what PostgreSQL says that they have
CREATE FUNCTION sys.sp_table_privileges("@table_name" citext, "@table_owner" citext DEFAULT NULL, "@table_qualifier" citext DEFAULT NULL, "@fUsePattern" tsql.bit DEFAULT true)
  RETURNS TABLE ("TABLE_QUALIFIER" citext, "TABLE_OWNER" citext, "TABLE_NAME" citext, "GRANTOR" citext, "GRANTEE" citext, "PRIVILEGE" citext, "IS_GRANTABLE" citext) STABLE LANGUAGE sql AS $$
  SELECT database(), s.name, o.name, 'dbo'::citext, 'dbo'::citext, p::citext, 'YES'::citext FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id CROSS JOIN unnest(ARRAY['DELETE', 'INSERT', 'REFERENCES', 'SELECT', 'UPDATE']) AS p
  WHERE here("@table_qualifier") AND o.type IN ('U'::citext, 'V'::citext) AND matches(o.name, "@table_name", "@fUsePattern"::boolean) AND matches(s.name, "@table_owner", "@fUsePattern"::boolean) ORDER BY 1, 2, 3, 6 $$;

-- The number of an object, or the error that there is none
CREATE FUNCTION object_needed(written citext) RETURNS int STABLE PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE found int := tsql.object_id(written); BEGIN
  IF found IS NULL THEN PERFORM tsql.fail(15009, format('The object ''%s'' does not exist in database ''%s'' or is invalid for this operation.', written, tsql.database())); END IF;
  RETURN found; END $$;
CREATE FUNCTION sys.sp_helptext("@objname" citext, "@columnname" citext DEFAULT NULL) RETURNS TABLE ("Text" citext) STABLE LANGUAGE plpgsql AS $$
DECLARE told text; BEGIN
  SELECT m.definition::text INTO told FROM sys.sql_modules m WHERE m.object_id = tsql.object_needed("@objname");
  IF told IS NULL THEN PERFORM tsql.fail(15197, format('There is no text for object ''%s''.', "@objname")); END IF;
  RETURN QUERY SELECT line::citext FROM regexp_split_to_table(told, '(?<=\n)') AS line; END $$;
CREATE FUNCTION index_told(i sys.indexes) RETURNS citext STABLE LANGUAGE sql AS $$
  SELECT (lower(i.type_desc::text) || CASE WHEN i.is_unique::boolean THEN ', unique' ELSE '' END || CASE WHEN i.is_primary_key::boolean THEN ', primary key' WHEN i.is_unique_constraint::boolean THEN ', unique key' ELSE '' END || ' located on PRIMARY')::citext $$;
CREATE FUNCTION index_keys(i sys.indexes) RETURNS citext STABLE LANGUAGE sql AS $$
  SELECT string_agg(col_name(x.object_id, x.column_id)::text || CASE WHEN x.is_descending_key::boolean THEN '(-)' ELSE '' END, ', ' ORDER BY x.key_ordinal)::citext FROM sys.index_columns x WHERE x.object_id = i.object_id AND x.index_id = i.index_id AND x.key_ordinal > 0 $$;
CREATE FUNCTION sys.sp_helpindex("@objname" citext) RETURNS TABLE (index_name citext, index_description citext, index_keys citext) STABLE LANGUAGE sql AS $$
  SELECT i.name, index_told(i), index_keys(i) FROM sys.indexes i WHERE i.object_id = object_needed("@objname") AND i.index_id > 0 ORDER BY i.name $$;
CREATE FUNCTION sys.sp_help("@objname" citext DEFAULT NULL) RETURNS TABLE ("Name" citext, "Owner" citext, "Type" citext, "Created_datetime" tsql.datetime) STABLE LANGUAGE sql AS $$
  SELECT o.name, 'dbo'::citext, replace(lower(o.type_desc::text), '_', ' ')::citext, o.create_date FROM sys.objects o WHERE "@objname" IS NULL OR o.object_id = object_needed("@objname") ORDER BY o.type_desc, o.name $$;
CREATE FUNCTION sys."sp_help;2"("@objname" citext DEFAULT NULL) RETURNS TABLE ("Column_name" citext, "Type" citext, "Computed" citext, "Length" int, "Prec" citext, "Scale" citext, "Nullable" citext, "TrimTrailingBlanks" citext, "FixedLenNullInSource" citext,
    "Collation" citext) STABLE LANGUAGE sql AS $$
  SELECT c.name, type_name(c.user_type_id), (CASE WHEN c.is_computed::boolean THEN 'yes' ELSE 'no' END)::citext, c.max_length::int4, CASE WHEN c.precision > 0 THEN c.precision::text ELSE '' END::citext, CASE WHEN c.precision > 0 THEN c.scale::text ELSE '' END::citext,
    (CASE WHEN c.is_nullable::boolean THEN 'yes' ELSE 'no' END)::citext, (CASE WHEN c.collation_name IS NULL THEN '(n/a)' ELSE 'no' END)::citext, (CASE WHEN c.collation_name IS NULL THEN '(n/a)' WHEN c.is_nullable::boolean THEN 'yes' ELSE 'no' END)::citext, c.collation_name
  FROM sys.columns c WHERE c.object_id = object_id("@objname") ORDER BY c.column_id $$;
CREATE FUNCTION sys."sp_help;3"("@objname" citext DEFAULT NULL) RETURNS TABLE ("Identity" citext, "Seed" numeric(38,0), "Increment" numeric(38,0), "Not For Replication" int) STABLE LANGUAGE sql AS $$
  SELECT name, seed_value::numeric(38,0), increment_value::numeric(38,0), 0 FROM sys.identity_columns WHERE object_id = object_id("@objname") $$;
CREATE FUNCTION sys."sp_help;4"("@objname" citext DEFAULT NULL) RETURNS TABLE (index_name citext, index_description citext, index_keys citext) STABLE LANGUAGE sql AS $$
  SELECT i.name, index_told(i), index_keys(i) FROM sys.indexes i WHERE i.object_id = object_id("@objname") AND i.index_id > 0 ORDER BY i.name $$;

-- The comment on an object, of which one part is changed; define() asks whether who does it may alter the object
CREATE FUNCTION retell(target text, told jsonb) RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM tsql.define(format('COMMENT ON %s IS ''%s''', target, replace(told::text, '''', ''''''))); END $$;
-- Where a property stands: PostgreSQL's words for the object, and what its comment tells
CREATE FUNCTION property_place(level0type citext, level0name citext, level1type citext, level1name citext, level2type citext, level2name citext, OUT target text, OUT told jsonb) STABLE LANGUAGE plpgsql AS $$
DECLARE space name; relation oid; part record; kinds text := CASE lower(level1type::text) WHEN 'table' THEN 'rp' WHEN 'view' THEN 'v' WHEN 'sequence' THEN 'S' END; BEGIN
  IF level0type IS NULL OR lower(level0type::text) NOT IN ('schema', 'user') THEN PERFORM tsql.fail(40510, 'An extended property of anything but a schema, a table, a view, a sequence or a part of them is not supported by this server.'); END IF;
  SELECT n.nspname INTO space FROM pg_namespace n JOIN sys.schemas s ON s.name = level0name AND n.nspname = tsql.fold(s.name::text) AND s.schema_id NOT IN (2, 3, 4);
  IF space IS NULL THEN PERFORM tsql.fail(15135, format('Object is invalid. Extended properties are not permitted on ''%s'', or the object does not exist.', level0name)); END IF;
  IF level1type IS NULL THEN target := format('SCHEMA %I', space); told := tsql.told_of('pg_namespace', space::text::regnamespace); RETURN; END IF;
  IF kinds IS NULL THEN PERFORM tsql.fail(40510, format('An extended property of a %s is not supported by this server.', lower(level1type::text))); END IF;
  relation := to_regclass(format('%I.%I', space, tsql.fold(level1name::text)));
  IF relation IS NULL OR strpos(kinds, (SELECT relkind::text FROM pg_class WHERE oid = relation)) = 0 OR NOT tsql.visible(relation) THEN
    PERFORM tsql.fail(15135, format('Object is invalid. Extended properties are not permitted on ''%s.%s'', or the object does not exist.', level0name, level1name)); END IF;
  IF level2type IS NULL THEN
    target := format('%s %s', CASE kinds WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, relation::regclass); told := tsql.told_of('pg_class', relation); RETURN;
  ELSIF lower(level2type::text) = 'column' THEN
    FOR part IN SELECT attname, attnum FROM pg_attribute WHERE attrelid = relation AND attname = tsql.fold(level2name::text) AND attnum > 0 LOOP
      target := format('COLUMN %s.%I', relation::regclass, part.attname); told := tsql.told_of('pg_class', relation, part.attnum); RETURN; END LOOP;
  ELSIF lower(level2type::text) = 'constraint' THEN
    FOR part IN SELECT oid, conname FROM pg_constraint WHERE conrelid = relation AND conname = tsql.fold(level2name::text) LOOP
      target := format('CONSTRAINT %I ON %s', part.conname, relation::regclass); told := tsql.told_of('pg_constraint', part.oid); RETURN; END LOOP;
  ELSIF lower(level2type::text) = 'index' THEN
    FOR part IN SELECT i.indexrelid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = relation AND c.relname = tsql.fold(level1name || '.' || level2name) LOOP
      target := format('INDEX %s', part.indexrelid::regclass); told := tsql.told_of('pg_class', part.indexrelid); RETURN; END LOOP;
  ELSE PERFORM tsql.fail(40510, format('An extended property of a %s is not supported by this server.', lower(level2type::text)));
  END IF;
  PERFORM tsql.fail(15135, format('Object is invalid. Extended properties are not permitted on ''%s.%s.%s'', or the object does not exist.', level0name, level1name, level2name));
END $$;
-- A property is found without regard to case, and keeps the name that it was given
CREATE FUNCTION property_key(told jsonb, name citext) RETURNS text IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$ SELECT k FROM jsonb_object_keys(coalesce(told->'properties', '{}'::jsonb)) AS k WHERE k::citext = name $$;
CREATE FUNCTION sys.sp_addextendedproperty("@name" citext, "@value" citext DEFAULT NULL, "@level0type" citext DEFAULT NULL, "@level0name" citext DEFAULT NULL, "@level1type" citext DEFAULT NULL, "@level1name" citext DEFAULT NULL, "@level2type" citext DEFAULT NULL,
    "@level2name" citext DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE place record; BEGIN
  SELECT * INTO place FROM tsql.property_place("@level0type", "@level0name", "@level1type", "@level1name", "@level2type", "@level2name");
  IF tsql.property_key(place.told, "@name") IS NOT NULL THEN
    PERFORM tsql.fail(15233, format('Property cannot be added. Property ''%s'' already exists for ''%s''.', "@name", concat_ws('.', "@level0name", "@level1name", "@level2name"))); END IF;
  PERFORM tsql.retell(place.target, jsonb_set(place.told, '{properties}', coalesce(place.told->'properties', '{}'::jsonb) || jsonb_build_object("@name"::text, "@value"::text)));
END $$;
CREATE FUNCTION sys.sp_updateextendedproperty("@name" citext, "@value" citext DEFAULT NULL, "@level0type" citext DEFAULT NULL, "@level0name" citext DEFAULT NULL, "@level1type" citext DEFAULT NULL, "@level1name" citext DEFAULT NULL, "@level2type" citext DEFAULT NULL,
    "@level2name" citext DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE place record; BEGIN
  SELECT * INTO place FROM tsql.property_place("@level0type", "@level0name", "@level1type", "@level1name", "@level2type", "@level2name");
  IF tsql.property_key(place.told, "@name") IS NULL THEN
    PERFORM tsql.fail(15217, format('Property cannot be updated or deleted. Property ''%s'' does not exist for ''%s''.', "@name", concat_ws('.', "@level0name", "@level1name", "@level2name"))); END IF;
  PERFORM tsql.retell(place.target, jsonb_set(place.told, ARRAY['properties', tsql.property_key(place.told, "@name")], coalesce(to_jsonb("@value"::text), 'null'::jsonb)));
END $$;
CREATE FUNCTION sys.sp_dropextendedproperty("@name" citext, "@level0type" citext DEFAULT NULL, "@level0name" citext DEFAULT NULL, "@level1type" citext DEFAULT NULL, "@level1name" citext DEFAULT NULL, "@level2type" citext DEFAULT NULL,
    "@level2name" citext DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE place record; BEGIN
  SELECT * INTO place FROM tsql.property_place("@level0type", "@level0name", "@level1type", "@level1name", "@level2type", "@level2name");
  IF tsql.property_key(place.told, "@name") IS NULL THEN
    PERFORM tsql.fail(15217, format('Property cannot be updated or deleted. Property ''%s'' does not exist for ''%s''.', "@name", concat_ws('.', "@level0name", "@level1name", "@level2name"))); END IF;
  PERFORM tsql.retell(place.target, place.told #- ARRAY['properties', tsql.property_key(place.told, "@name")]);
END $$;

-- Names: a table, view, sequence or constraint, 'table.column' with COLUMN, 'table.index' with INDEX
CREATE FUNCTION sys.sp_rename("@objname" citext, "@newname" citext, "@objtype" citext DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE parts text[] := tsql.name_parts("@objname"::text); n int := cardinality(parts); kind text := lower(coalesce("@objtype"::text, 'object')); owner_parts text[]; relation oid; found record; fresh text := tsql.fold("@newname"::text);
  qualified text; kept text; BEGIN
  IF coalesce(length("@newname"::text), 0) NOT BETWEEN 1 AND 128 THEN PERFORM tsql.fail(15004, 'Name cannot be NULL, empty or longer than 128 characters.'); END IF;
  IF kind IN ('column', 'index') THEN
    owner_parts := parts[:n - 1];
    relation := to_regclass(format('%I.%I', tsql.fold(coalesce(nullif(owner_parts[cardinality(owner_parts) - 1], ''), 'dbo')), tsql.fold(owner_parts[cardinality(owner_parts)])));
    IF n >= 2 AND relation IS NOT NULL AND tsql.visible(relation) THEN
      IF kind = 'column' THEN
        FOR found IN SELECT attname, attnum FROM pg_attribute WHERE attrelid = relation AND attname = tsql.fold(parts[n]) AND attnum > 0 LOOP
          IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = relation AND attname = fresh AND NOT attisdropped) AND fresh <> found.attname THEN PERFORM tsql.fail(15335, format('Error: The new name ''%s'' is already in use as a COLUMN name and would cause a duplicate that is not permitted.', "@newname")); END IF;
          kept := tsql.length_check(relation, found.attnum);
          IF fresh <> found.attname THEN
            PERFORM tsql.define(format('ALTER TABLE %s RENAME COLUMN %I TO %I', relation::regclass, found.attname, fresh));
            IF EXISTS (SELECT FROM pg_constraint WHERE conrelid = relation AND conname = kept) THEN
              PERFORM tsql.define(format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', relation::regclass, kept, tsql.fold('keyless_length_' || "@newname"::text))); END IF;
          END IF;
          PERFORM tsql.retell(format('COLUMN %s.%I', relation::regclass, fresh), tsql.told_of('pg_class', relation, found.attnum) || jsonb_build_object('name', "@newname"::text));
          RETURN; END LOOP;
      ELSE
        FOR found IN SELECT i.indexrelid, c.relname, k.conname, k.oid AS constrained FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u')
            WHERE i.indrelid = relation AND (c.relname = tsql.fold(owner_parts[cardinality(owner_parts)] || '.' || parts[n]) OR k.conname = tsql.fold(parts[n])) LOOP
          IF found.conname IS NOT NULL THEN
            PERFORM tsql.define(format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', relation::regclass, found.conname, fresh));
            PERFORM tsql.retell(format('CONSTRAINT %I ON %s', fresh, relation::regclass), tsql.told_of('pg_constraint', found.constrained) || jsonb_build_object('name', "@newname"::text));
          ELSE
            PERFORM tsql.define(format('ALTER INDEX %s RENAME TO %I', found.indexrelid::regclass, tsql.fold(owner_parts[cardinality(owner_parts)] || '.' || "@newname")));
            PERFORM tsql.retell(format('INDEX %s', found.indexrelid::regclass), tsql.told_of('pg_class', found.indexrelid) || jsonb_build_object('name', "@newname"::text));
          END IF;
          RETURN; END LOOP;
      END IF;
    END IF;
    PERFORM tsql.fail(15248, format('Either the parameter @objname is ambiguous or the claimed @objtype (%s) is wrong.', upper(kind)));
  ELSIF kind <> 'object' THEN PERFORM tsql.fail(15249, format('Error: Explicit @objtype ''%s'' is unrecognized.', "@objtype"));
  END IF;
  qualified := tsql.fold(coalesce(nullif(parts[n - 1], ''), 'dbo'));
  relation := to_regclass(format('%I.%I', qualified, tsql.fold(parts[n])));
  IF relation IS NOT NULL AND tsql.visible(relation) AND (SELECT relkind FROM pg_class WHERE oid = relation) IN ('r', 'p', 'v', 'S') THEN
    SELECT relkind, relname INTO found FROM pg_class WHERE oid = relation;
    IF fresh <> found.relname THEN
      IF to_regclass(format('%I.%I', qualified, fresh)) IS NOT NULL THEN PERFORM tsql.fail(15335, format('Error: The new name ''%s'' is already in use as a object name and would cause a duplicate that is not permitted.', "@newname")); END IF;
      PERFORM tsql.define(format('ALTER TABLE %s RENAME TO %I', relation::regclass, fresh));
      -- an index's name belongs to its table, and begins with the table's
      FOR found IN SELECT i.indexrelid, t.own FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid CROSS JOIN LATERAL (SELECT tsql.told_of('pg_class', c.oid)->>'name') AS t(own)
          WHERE i.indrelid = relation AND c.relname = tsql.fold(parts[n] || '.' || t.own) LOOP
        PERFORM tsql.define(format('ALTER INDEX %s RENAME TO %I', found.indexrelid::regclass, tsql.fold("@newname" || '.' || found.own))); END LOOP;
    END IF;
    PERFORM tsql.retell(format('%s %s', (SELECT CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END FROM pg_class WHERE oid = relation), relation::regclass), tsql.told_of('pg_class', relation) || jsonb_build_object('name', "@newname"::text));
    RETURN;
  END IF;
  FOR found IN SELECT k.oid, k.conname, k.conrelid FROM pg_constraint k JOIN pg_namespace s ON s.oid = k.connamespace WHERE s.nspname = qualified AND k.conname = tsql.fold(parts[n]) AND tsql.visible(k.conrelid) LOOP
    PERFORM tsql.define(format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', found.conrelid::regclass, found.conname, fresh));
    PERFORM tsql.retell(format('CONSTRAINT %I ON %s', fresh, found.conrelid::regclass), tsql.told_of('pg_constraint', found.oid) || jsonb_build_object('name', "@newname"::text));
    RETURN; END LOOP;
  PERFORM tsql.fail(15225, format('No item by the name of ''%s'' could be found in the current database ''%s'', given that @itemtype was input as ''(null)''.', "@objname", tsql.database()));
END $$;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA sys, tsql TO PUBLIC;

-- What the server is; drivers' tests go by the version
CREATE FUNCTION sys.xp_msver(optname citext DEFAULT NULL) RETURNS TABLE ("Index" int2, "Name" citext, "Internal_Value" int, "Character_Value" citext) STABLE LANGUAGE sql AS $$
  SELECT v.* FROM (VALUES (1::int2, 'ProductName'::tsql.citext, NULL::int, 'Microsoft SQL Server'::tsql.citext), (2, 'ProductVersion', 1048576, '16.0.1000.6'), (3, 'Language', 1033, 'English (United States)'))
    AS v(place, name, number, text) WHERE optname IS NULL OR optname = v.name $$;
