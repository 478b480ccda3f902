"""The engine behind the gateway: PostgreSQL, embedded or the operator's own."""
