"""T-SQL, read and written anew for PostgreSQL. Pure: text in, a plan out."""
