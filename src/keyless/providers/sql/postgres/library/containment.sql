-- What PostgreSQL tells everybody by itself, and T-SQL's users have no business with: other databases and their roles,
-- other sessions, the server and its files, and what would let one session disturb another. Run last.
-- A user's role has no right that is not given here or by permissions.sql; this takes away what PUBLIC has by default.
-- Source: PostgreSQL, "System Catalogs", "System Views", "System Administration Functions", "Large Objects".
SET search_path = tsql, pg_catalog;

DO $do$
DECLARE thing text;
BEGIN
  -- shared catalogs show all databases; statistics, locks and settings show all sessions and the server
  FOR thing IN SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind IN ('r', 'v') AND (c.relisshared
      OR c.relname ~ '^pg_(stat_|statio_|roles|user$|group$|shadow|locks|prepared_xacts|settings|file_settings|hba_|ident_|config$|shmem|aios|replication|publication|subscription|foreign_|user_mapping|largeobject|available_extension|backend_memory|wait_events|cursors$|dsm)') LOOP
    EXECUTE format('REVOKE ALL ON TABLE %s FROM PUBLIC', thing);
  END LOOP;
  FOR thing IN SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND p.proname ~ (
      '^(lo_|loread$|lowrite$|pg_stat_|pg_advisory|pg_try_advisory|pg_lock_|pg_blocking|pg_safe_snapshot|pg_show_|pg_prepared_|pg_cancel|pg_terminate|pg_notify|pg_listening|pg_notification'
      || '|pg_logical|pg_export_snapshot|pg_database_|pg_tablespace_|pg_ls_|pg_read_|pg_control_|pg_config$|pg_log|pg_current_logfile|pg_switch|pg_wal|pg_current_wal|pg_last_|pg_get_wal|pg_hba|pg_ident|pg_get_shmem'
      || '|pg_available|pg_backup|pg_create|pg_drop|pg_promote|pg_reload|pg_rotate|pg_replication|pg_get_replication|pg_relation_filepath|pg_relation_filenode|inet_|pg_conf_|pg_postmaster|pg_get_backend|pg_get_aios|txid_status|pg_xact_status'
      || '|database_to_|query_to_|cursor_to_|schema_to_|table_to_|currtid)') LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', thing);
  END LOOP;
END $do$;
-- a user's own code is T-SQL's functions and views, not blocks of PostgreSQL's languages
REVOKE ALL ON LANGUAGE plpgsql, sql FROM PUBLIC;
