-- Names as PostgreSQL can keep them: the same as tsql/names.py makes of them. The name as it was written stands in a comment.
SET search_path = tsql, pg_catalog;

-- COLLATE: what comes of PostgreSQL's own names would have none of its letters but a to z lowered.
-- A name of more than 63 bytes would be cut off in silence: it keeps its first 42 bytes, and a hash tells it apart.
CREATE FUNCTION fold(name text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
  SELECT CASE WHEN octet_length(folded) <= 63 THEN folded
    ELSE (SELECT left(folded, kept) FROM generate_series(42, 10, -1) AS kept WHERE octet_length(left(folded, kept)) <= 42 ORDER BY kept DESC LIMIT 1)
      || '~' || left(encode(sha256(convert_to(folded, 'UTF8')), 'hex'), 20) END
  FROM (SELECT pg_catalog.lower(name COLLATE "default")) AS s(folded) $$;
