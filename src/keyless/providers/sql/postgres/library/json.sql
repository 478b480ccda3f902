-- JSON: paths, what is found there, changes, and rows as JSON or XML. Run after functions.sql.
-- Source: Transact-SQL reference, "JSON Path Expressions", "JSON_VALUE", "JSON_QUERY", "JSON_MODIFY", "ISJSON", "OPENJSON", "FOR JSON", "FOR XML".
SET search_path = tsql, pg_catalog;

CREATE FUNCTION json_text(v citext) RETURNS json IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN RETURN v::text::json;
  EXCEPTION WHEN invalid_text_representation OR untranslatable_character THEN PERFORM tsql.fail(13609, 'JSON text is not properly formatted.'); END $$;
-- The steps of a path: 'k' and a key, or 'i' and an index. The first is 'lax' or 'strict'.
CREATE FUNCTION json_steps(p text) RETURNS text[] IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE steps text[]; rest text := btrim(p); m text[];
BEGIN
  m := regexp_match(rest, '^(lax|strict)\s+(.*)$', 'i');
  steps := ARRAY[coalesce(lower(m[1]), 'lax')];
  rest := coalesce(m[2], rest);
  IF left(rest, 1) <> '$' THEN PERFORM tsql.fail(13607, format('JSON path is not properly formatted. Unexpected character ''%s'' is found at position 0.', left(rest, 1))); END IF;
  rest := substr(rest, 2);
  WHILE rest <> '' LOOP
    m := regexp_match(rest, '^\.([[:alpha:]_$][[:alnum:]_$]*)(.*)$');
    IF m IS NOT NULL THEN steps := steps || ('k' || m[1]); rest := m[2]; CONTINUE; END IF;
    m := regexp_match(rest, '^\."((?:[^"\\]|\\.)*)"(.*)$');
    IF m IS NOT NULL THEN steps := steps || ('k' || (('"' || m[1] || '"')::json #>> '{}')); rest := m[2]; CONTINUE; END IF;
    m := regexp_match(rest, '^\[\s*(\d{1,9})\s*\](.*)$');
    IF m IS NOT NULL THEN steps := steps || ('i' || m[1]); rest := m[2]; CONTINUE; END IF;
    PERFORM tsql.fail(13607, format('JSON path is not properly formatted. Unexpected character ''%s'' is found at position %s.', left(rest, 1), length(p) - length(rest)));
  END LOOP;
  RETURN steps;
END $$;
CREATE FUNCTION json_step(j json, step text) RETURNS json IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT CASE WHEN left(step, 1) = 'k' AND json_typeof(j) = 'object' THEN (SELECT e.value FROM json_each(j) WITH ORDINALITY e(key, value, n) WHERE e.key = substr(step, 2) ORDER BY n LIMIT 1)
    WHEN left(step, 1) = 'i' AND json_typeof(j) = 'array' THEN j -> substr(step, 2)::int END $$;
CREATE FUNCTION json_found(v citext, path citext) RETURNS json IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE steps text[] := tsql.json_steps(path::text); j json := tsql.json_text(v); step text;
BEGIN
  FOREACH step IN ARRAY steps[2:] LOOP j := tsql.json_step(j, step); EXIT WHEN j IS NULL; END LOOP;
  IF j IS NULL AND steps[1] = 'strict' THEN PERFORM tsql.fail(13608, 'Property cannot be found on the specified JSON path.'); END IF;
  RETURN j;
END $$;
CREATE FUNCTION "json_value"(v citext, path citext) RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE j json := tsql.json_found(v, path); t text;
BEGIN
  IF json_typeof(j) IN ('object', 'array') THEN
    IF lower(path::text) ~ '^\s*strict' THEN PERFORM tsql.fail(13623, 'Scalar value cannot be found in the specified JSON path.'); END IF;
    RETURN NULL;
  END IF;
  t := j #>> '{}';
  IF length(t) > 4000 THEN
    IF lower(path::text) ~ '^\s*strict' THEN PERFORM tsql.fail(13625, 'String value in the specified JSON path would be truncated.'); END IF;
    RETURN NULL;
  END IF;
  RETURN t::tsql.citext;
END $$;
CREATE FUNCTION "json_query"(v citext, path citext DEFAULT '$') RETURNS citext IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE j json := tsql.json_found(v, path);
BEGIN
  IF json_typeof(j) NOT IN ('object', 'array') THEN
    IF lower(path::text) ~ '^\s*strict' THEN PERFORM tsql.fail(13624, 'Object or array cannot be found in the specified JSON path.'); END IF;
    RETURN NULL;
  END IF;
  RETURN j::text::tsql.citext;
END $$;
CREATE FUNCTION json_path_exists(v citext, path citext) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT CASE WHEN tsql.json_found(v, regexp_replace(path::text, '^\s*strict\s', 'lax ', 'i')::citext) IS NULL THEN 0 ELSE 1 END $$;
CREATE FUNCTION isjson(v citext) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT CASE WHEN v::text IS JSON ARRAY OR v::text IS JSON OBJECT THEN 1 ELSE 0 END $$;
CREATE FUNCTION isjson(v citext, kind citext) RETURNS int IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT CASE WHEN CASE upper(kind::text) WHEN 'VALUE' THEN v::text IS JSON VALUE WHEN 'ARRAY' THEN v::text IS JSON ARRAY WHEN 'OBJECT' THEN v::text IS JSON OBJECT ELSE v::text IS JSON SCALAR END THEN 1 ELSE 0 END $$;

-- A value as JSON. The solidus is escaped, as SQL Server does.
CREATE FUNCTION json_of(citext) RETURNS text IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$ SELECT coalesce(pg_catalog.replace(to_json($1::text)::text, '/', '\/'), 'null') $$;
CREATE FUNCTION json_of(text) RETURNS text IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.json_of($1::tsql.citext) $$;
CREATE FUNCTION json_of(tsql.bit) RETURNS text IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$ SELECT CASE WHEN $1 IS NULL THEN 'null' WHEN $1::boolean THEN 'true' ELSE 'false' END $$;
CREATE FUNCTION json_of(timestamp) RETURNS text IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$ SELECT coalesce('"' || to_char($1, 'YYYY-MM-DD"T"HH24:MI:SS') || CASE WHEN extract(microseconds FROM $1)::int % 1000000 = 0 THEN '' ELSE '.' || rtrim(to_char($1, 'US'), '0') END || '"', 'null') $$;
CREATE FUNCTION json_of(date) RETURNS text IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$ SELECT coalesce('"' || $1::text || '"', 'null') $$;
CREATE FUNCTION json_of(varbinary) RETURNS text IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$ SELECT coalesce('"' || pg_catalog.replace(encode($1::bytea, 'base64'), E'\n', '') || '"', 'null') $$;
CREATE FUNCTION json_of(float8) RETURNS text IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$ SELECT coalesce(regexp_replace(regexp_replace(btrim(to_char($1, '9.999999999999999EEEE')), 'e([+-])(\d\d)$', 'e\10\2'), '^-?\.', '0.'), 'null') $$;
DO $do$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['int2', 'int4', 'int8', 'numeric'] LOOP
    EXECUTE format('CREATE FUNCTION tsql.json_of(%1$s) RETURNS text IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $b$ SELECT coalesce($1::text, ''null'') $b$', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['time', 'uuid'] LOOP
    EXECUTE format('CREATE FUNCTION tsql.json_of(%1$s) RETURNS text IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $b$ SELECT tsql.json_of(tsql.str($1)) $b$', t);
  END LOOP;
END $do$;

CREATE FUNCTION json_modified(j json, steps text[], value text, append boolean, strict_path boolean) RETURNS text IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE step text := steps[1]; name text; below json; found boolean := false; part text; parts text[] := '{}'; e record; n int := 0;
BEGIN
  IF step IS NULL THEN
    IF append THEN
      IF json_typeof(j) = 'array' THEN RETURN CASE WHEN json_array_length(j) = 0 THEN '[' || value || ']' ELSE regexp_replace(j::text, '\]\s*$', '') || ',' || value || ']' END; END IF;
      PERFORM tsql.fail(13612, 'Cannot convert the value to an array to append to.');
    END IF;
    RETURN value;
  END IF;
  name := substr(step, 2);
  IF json_typeof(j) = 'object' AND left(step, 1) = 'k' THEN
    FOR e IN SELECT * FROM json_each(j) LOOP
      part := e.value::text;
      IF e.key = name AND NOT found THEN
        found := true;
        part := tsql.json_modified(e.value, steps[2:], value, append, strict_path);
        IF part IS NULL THEN CONTINUE; END IF;
      END IF;
      parts := parts || (to_json(e.key)::text || ':' || part);
    END LOOP;
    IF NOT found THEN
      IF strict_path THEN PERFORM tsql.fail(13608, 'Property cannot be found on the specified JSON path.'); END IF;
      IF array_length(steps, 1) > 1 OR value IS NULL THEN RETURN j::text; END IF;
      parts := parts || (to_json(name)::text || ':' || CASE WHEN append THEN '[' || value || ']' ELSE value END);
    ELSIF array_length(parts, 1) IS NULL THEN RETURN '{}';
    END IF;
    RETURN '{' || array_to_string(parts, ',') || '}';
  ELSIF json_typeof(j) = 'array' AND left(step, 1) = 'i' THEN
    FOR e IN SELECT * FROM json_array_elements(j) v(value) LOOP
      part := e.value::text;
      IF n = name::int THEN found := true; part := coalesce(tsql.json_modified(e.value, steps[2:], value, append, strict_path), 'null'); END IF;
      parts := parts || part; n := n + 1;
    END LOOP;
    IF NOT found THEN
      IF strict_path THEN PERFORM tsql.fail(13608, 'Property cannot be found on the specified JSON path.'); END IF;
      IF n = name::int AND array_length(steps, 1) = 1 AND value IS NOT NULL THEN parts := parts || value; ELSE RETURN j::text; END IF;
    END IF;
    RETURN '[' || array_to_string(parts, ',') || ']';
  END IF;
  IF strict_path THEN PERFORM tsql.fail(13608, 'Property cannot be found on the specified JSON path.'); END IF;
  RETURN j::text;
END $$;
CREATE FUNCTION json_modify(v citext, path text, value text) RETURNS citext IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE m text[] := regexp_match(path, '^\s*(append\s+)?(.*)$', 'i'); steps text[]; append boolean; is_strict boolean;
BEGIN
  IF v IS NULL OR path IS NULL THEN RETURN NULL; END IF;
  append := m[1] IS NOT NULL; steps := tsql.json_steps(m[2]); is_strict := steps[1] = 'strict';
  IF value = 'null' AND NOT is_strict AND NOT append THEN value := NULL; END IF;
  RETURN tsql.json_modified(tsql.json_text(v), steps[2:], value, append, is_strict)::tsql.citext;
END $$;

CREATE FUNCTION openjson_type(j json) RETURNS int IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$
  SELECT CASE json_typeof(j) WHEN 'string' THEN 1 WHEN 'number' THEN 2 WHEN 'boolean' THEN 3 WHEN 'array' THEN 4 WHEN 'object' THEN 5 ELSE 0 END $$;
CREATE FUNCTION openjson(v citext, path citext) RETURNS TABLE (key citext, value citext, type int) IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE j json := tsql.json_found(v, path);
BEGIN
  IF json_typeof(j) = 'object' THEN RETURN QUERY SELECT e.key::citext, (CASE WHEN json_typeof(e.value) = 'null' THEN NULL ELSE e.value #>> '{}' END)::citext, openjson_type(e.value) FROM json_each(j) e;
  ELSIF json_typeof(j) = 'array' THEN RETURN QUERY SELECT (e.n - 1)::text::citext, (CASE WHEN json_typeof(e.value) = 'null' THEN NULL ELSE e.value #>> '{}' END)::citext, openjson_type(e.value) FROM json_array_elements(j) WITH ORDINALITY e(value, n);
  ELSIF lower(path::text) ~ '^\s*strict' THEN PERFORM tsql.fail(13611, 'Value referenced by JSON path is not an array or object and cannot be opened with OPENJSON.');
  END IF;
END $$;
-- With a list of columns: the elements of an array, or the one object that there is
CREATE FUNCTION openjson_rows(v citext, path citext) RETURNS SETOF citext IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE j json := tsql.json_found(v, path);
BEGIN
  IF json_typeof(j) = 'object' THEN RETURN NEXT j::text::tsql.citext;
  ELSIF json_typeof(j) = 'array' THEN RETURN QUERY SELECT e::text::tsql.citext FROM json_array_elements(j) e;
  ELSIF lower(path::text) ~ '^\s*strict' THEN PERFORM tsql.fail(13611, 'Value referenced by JSON path is not an array or object and cannot be opened with OPENJSON.');
  END IF;
END $$;

-- A value as XML
CREATE FUNCTION xml_of(citext) RETURNS text IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$ SELECT pg_catalog.replace(pg_catalog.replace(pg_catalog.replace($1::text, '&', '&amp;'), '<', '&lt;'), '>', '&gt;') $$;
CREATE FUNCTION xml_of(text) RETURNS text IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.xml_of($1::tsql.citext) $$;
DO $do$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['int2', 'int4', 'int8', 'numeric', 'tsql.bit', 'date', 'time', 'uuid'] LOOP
    EXECUTE format('CREATE FUNCTION tsql.xml_of(%1$s) RETURNS text IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $b$ SELECT tsql.xml_of(tsql.str($1)) $b$', t);
  END LOOP;
END $do$;
CREATE FUNCTION xml_of(float8) RETURNS text IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$ SELECT tsql.json_of($1) $$;
CREATE FUNCTION xml_of(timestamp) RETURNS text IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$ SELECT btrim(nullif(tsql.json_of($1), 'null'), '"') $$;
CREATE FUNCTION xml_text(citext) RETURNS citext IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$
  SELECT pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(regexp_replace($1::text, '<[^>]*>', '', 'g'), '&lt;', '<'), '&gt;', '>'), '&amp;', '&')::citext $$;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA tsql TO PUBLIC;
