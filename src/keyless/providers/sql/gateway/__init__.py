"""The gateway: what stands between SQL drivers and the engine. The only part of `providers/sql` that does I/O."""
